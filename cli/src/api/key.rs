//! The API key that the command sends, which is never an argument: other users of a machine can read
//! arguments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use shared::domain::keys::PlainKey;

use crate::arguments::UsageError;
use crate::terminal;

/// The variable with the key.
pub const VARIABLE: &str = "PORTCULLIS_KEY";

#[derive(Clone, Debug, PartialEq, Eq)]
enum KeyOrigin {
    Variable(String),
    File(PathBuf),
    StandardInput,
}

#[derive(Debug)]
pub struct ApiKey {
    key: PlainKey,
    origin: KeyOrigin,
}

impl ApiKey {
    /// Finds the key: in `file` if that is an argument, in `PORTCULLIS_KEY`, in `file`, or in the variable
    /// that the context names.
    pub fn find(file: Option<&Path>, prefers_file: bool, context: Option<&str>) -> Result<Self> {
        let own = std::env::var(VARIABLE).ok().filter(|key| !key.is_empty());
        let (text, origin) = match (file, own, context) {
            (Some(file), _, _) if prefers_file => read(file)?,
            (_, Some(key), _) => (key, KeyOrigin::Variable(VARIABLE.to_owned())),
            (Some(file), None, _) => read(file)?,
            (None, None, Some(name)) => {
                let key = std::env::var(name);
                let key = key.with_context(|| {
                    format!("the context says that {name} has the API key, and it is not set")
                })?;
                (key, KeyOrigin::Variable(name.to_owned()))
            }
            (None, None, None) => {
                let said = format!("no API key given: set {VARIABLE}, or use --key-file");
                return Err(UsageError(said).into());
            }
        };
        let key = PlainKey::parse(text.trim());
        let key = key.with_context(|| {
            format!(
                "what {} has is not an API key (sentinelAPI.…)",
                shown(&origin)
            )
        })?;
        Ok(Self { key, origin })
    }

    /// Where it was found, for an error.
    pub fn origin(&self) -> String {
        shown(&self.origin)
    }

    /// The value of the header.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.key.reveal())
    }
}

fn shown(origin: &KeyOrigin) -> String {
    match origin {
        KeyOrigin::Variable(name) => name.clone(),
        KeyOrigin::File(path) => path.display().to_string(),
        KeyOrigin::StandardInput => "standard input".to_owned(),
    }
}

fn read(file: &Path) -> Result<(String, KeyOrigin)> {
    if file == Path::new("-") {
        return Ok((terminal::read_line("API key: ")?, KeyOrigin::StandardInput));
    }
    if PlainKey::parse(file.to_string_lossy().trim()).is_some() {
        let said = "--key-file takes the name of a file that has the key, not the key itself, which other \
                    users of this machine can read in the arguments";
        return Err(UsageError(said.to_owned()).into());
    }
    let unread = || format!("could not read the API key in {}", file.display());
    warn_if_readable_by_others(file);
    let text = std::fs::read_to_string(file).with_context(unread)?;
    if text.lines().filter(|line| !line.trim().is_empty()).count() > 1 {
        bail!(
            "{} has more than the key: expected one line",
            file.display()
        );
    }
    Ok((text, KeyOrigin::File(file.to_owned())))
}

#[cfg(unix)]
fn warn_if_readable_by_others(file: &Path) {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.metadata().map(|about| about.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        warning!(
            "other users can read {0}: run `chmod 600 {0}`",
            file.display()
        );
    }
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_: &Path) {}
