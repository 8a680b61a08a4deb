//! The output of the functions and of `cargo lambda watch`: JSON lines go to a file, errors and all other
//! lines to the terminal.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use local_stack::{Error, Result, process::Guarded};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The file of a run's JSON lines.
const FILE: &str = "target/make-dev.jsonl";

/// The start of a warning that the Lambda runtime writes for each instance under `cargo lambda watch`,
/// which gives an instance one call after the other, as Lambda does.
const NOISE: &str = "AWS_LAMBDA_MAX_CONCURRENCY is set to '1'";

pub(crate) struct Log {
    file: Arc<Mutex<File>>,
    path: PathBuf,
    verbose: bool,
}

impl Log {
    /// Creates an empty log. With `verbose`, every line also goes to the terminal.
    pub(crate) fn create(verbose: bool) -> Result<Self> {
        let path = PathBuf::from(FILE);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let file = File::create(&path).map_err(Error::file(&path))?;
        Ok(Self {
            file: Arc::new(Mutex::new(file)),
            path,
            verbose,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Logs a program's output.
    pub(crate) fn follow(&self, program: &mut Guarded) {
        let (output, errors) = program.output();
        if let Some(output) = output {
            tokio::spawn(copy(output, Arc::clone(&self.file), self.verbose));
        }
        if let Some(errors) = errors {
            tokio::spawn(copy(errors, Arc::clone(&self.file), self.verbose));
        }
    }
}

async fn copy(source: impl AsyncRead + Unpin, file: Arc<Mutex<File>>, verbose: bool) {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    while source
        .read_until(b'\n', &mut line)
        .await
        .is_ok_and(|read| read > 0)
    {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        let json = serde_json::from_str(text).ok().filter(Value::is_object);
        if json.is_some() {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writeln!(file, "{text}");
        }
        match json {
            Some(json) if !verbose => {
                if let Some(failure) = failure(&json) {
                    eprintln!("{failure}");
                }
            }
            None if !verbose && text.starts_with(NOISE) => {}
            _ => eprintln!("{text}"),
        }
        line.clear();
    }
}

/// The route, cause and request id of a failure's log line.
fn failure(line: &Value) -> Option<String> {
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    if !matches!(text("level"), Some("ERROR" | "WARN")) {
        return None;
    }
    let route = text("route")?;
    let cause = text("error")?;
    let id = text("requestId").unwrap_or("-");
    Some(format!("error: {route}: {cause} (request {id})"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_failures_of_the_service_are_shown() {
        let call = json!({"level": "INFO", "requestId": "abc", "route": "bans", "status": 200});
        assert_eq!(failure(&call), None);
        let refused = json!({"level": "INFO", "route": "bans", "error": "unknown key"});
        assert_eq!(failure(&refused), None);
        let failed = json!({
            "level": "ERROR", "requestId": "abc", "route": "bans", "error": "Query: no table",
        });
        assert_eq!(
            failure(&failed).as_deref(),
            Some("error: bans: Query: no table (request abc)")
        );
    }
}
