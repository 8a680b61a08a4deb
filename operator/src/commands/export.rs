//! `portcullis export`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use shared::ban_info::{FlagStyle, View};
use shared::clock::Moment;
use shared::export::{Csv, Format as ExportFormat, Json};
use shared::ids::{ExperienceId, WorkspaceId};
use shared::store::{Filter, Store};
use ureq::http::Response;
use ureq::{Agent, Body};

use super::workspace;
use crate::progress::Progress;

/// How much is held back before it is written, in bytes.
const BUFFER: usize = 1 << 18;

/// The variable that holds the key for the API. A key among the arguments could be read by others.
const KEY: &str = "PORTCULLIS_KEY";

const EXAMPLES: &str = "\
Examples:
  portcullis export bans.json --workspace GUID
  portcullis export - --workspace GUID --format csv | gzip > bans.csv.gz
  PORTCULLIS_KEY=... portcullis export bans.json --from-api https://bans.example.com";

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum FileFormat {
    /// One JSON document.
    #[default]
    Json,
    /// A table for spreadsheets.
    Csv,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// The file; `-` is standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The workspace, by the guid that `workspace list` shows.
    #[arg(long, env = "PORTCULLIS_WORKSPACE", value_name = "GUID")]
    #[arg(required_unless_present = "from_api")]
    workspace: Option<WorkspaceId>,

    /// The format of the file.
    #[arg(long, value_enum, default_value_t)]
    format: FileFormat,

    /// In a CSV file, leave reasons as they are even if a spreadsheet would run them.
    #[arg(long)]
    raw: bool,

    /// Begin a CSV file with a byte order mark, by which Excel recognises UTF-8.
    #[arg(long)]
    bom: bool,

    /// In a CSV file, write long numbers so that spreadsheets keep them whole; implies `--bom`.
    #[arg(long)]
    excel: bool,

    /// Only the bans made from this experience.
    #[arg(long, value_name = "ID")]
    experience: Option<ExperienceId>,

    /// Ask the API at this address instead of the tables, with the key in `PORTCULLIS_KEY`.
    #[arg(long, value_name = "URL")]
    from_api: Option<String>,
}

impl ExportArgs {
    /// Whether the tables are not needed.
    pub const fn is_remote(&self) -> bool {
        self.from_api.is_some()
    }
}

/// Exports through the API.
pub fn run_remote(args: &ExportArgs) -> Result<()> {
    let base = args.from_api.as_deref().unwrap_or_default();
    let base = base.trim_end_matches('/').trim_end_matches("/api/v1");
    let key = std::env::var(KEY)
        .with_context(|| format!("no key: set {KEY} to a secret key with the scope bans:read"))?;
    let format = match args.format {
        FileFormat::Json => "json",
        FileFormat::Csv => "csv",
    };
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let mut request = agent
        .get(format!("{base}/api/v1/export/bans/{format}"))
        .header("authorization", format!("Bearer {key}"));
    if let Some(experience) = args.experience {
        request = request.query("experienceId", experience.to_string());
    }
    for (flag, name) in [(args.raw, "raw"), (args.bom, "bom"), (args.excel, "excel")] {
        if flag {
            request = request.query(name, "true");
        }
    }
    let mut answer = request.call().context("the API cannot be reached")?;
    if answer.status() == 303 {
        let link = answer
            .headers()
            .get("location")
            .and_then(|link| link.to_str().ok());
        let link = link
            .context("the API's link to the file is missing")?
            .to_owned();
        // The link is a secret of its own; the key stays here.
        answer = agent
            .get(&link)
            .call()
            .context("the file cannot be reached")?;
    }
    let mut body = sound(answer)?.into_body().into_reader();
    let mut target = Target::open(&args.file)?;
    let mut progress = Progress::begin("KB received", None);
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = body.read(&mut buffer).context("the export broke off")?;
        let Some(part) = buffer.get(..length).filter(|part| !part.is_empty()) else {
            break;
        };
        target.write(part)?;
        progress.advance(u64::try_from(length / 1024).unwrap_or_default());
    }
    target.complete()?;
    progress.finish();
    Ok(())
}

fn sound(answer: Response<Body>) -> Result<Response<Body>> {
    let status = answer.status();
    if status == 200 {
        return Ok(answer);
    }
    let text = answer.into_body().read_to_string().unwrap_or_default();
    let said: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let said = said
        .get("message")
        .and_then(|said| said.as_str().map(str::to_owned));
    bail!("the API answered {status}: {}", said.unwrap_or_default())
}

/// Exports from the tables.
pub async fn run(args: ExportArgs, store: &Store) -> Result<()> {
    let workspace = args
        .workspace
        .context("which workspace? give --workspace")?;
    let workspace = workspace::find(store, workspace).await?.guid;
    let mut target = Target::open(&args.file)?;
    let wanted = (workspace, args.experience);
    match args.format {
        FileFormat::Json => write(store, wanted, Json::default(), &mut target).await?,
        FileFormat::Csv => {
            let format = Csv::new(args.raw).with_mark(args.bom).for_excel(args.excel);
            write(store, wanted, format, &mut target).await?;
        }
    }
    target.complete()
}

async fn write<F: ExportFormat>(
    store: &Store,
    (workspace, experience): (WorkspaceId, Option<ExperienceId>),
    mut format: F,
    target: &mut Target,
) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the operator sees everything")]
    let view = View::of_workspace(workspace, FlagStyle::Integer, Moment::now().seconds());
    let filter = Filter {
        experience,
        ..Filter::default()
    };
    let mut bans = store.ledger(workspace.tag(), &filter, None, None);
    let mut progress = Progress::begin("bans exported", None);
    let mut out = Vec::new();
    format.begin(&mut out)?;
    while let Some(row) = bans.next().await? {
        format.row(&mut out, &view, &row)?;
        if out.len() >= BUFFER {
            target.write(&out)?;
            out.clear();
        }
        progress.advance(1);
    }
    format.end(&mut out);
    target.write(&out)?;
    progress.finish();
    Ok(())
}

/// Where an export goes. A file appears under its name when it is complete, readable by its owner
/// only, since it holds what is for moderators.
struct Target {
    to: Option<(PathBuf, PathBuf)>,
    file: Option<File>,
}

impl Target {
    fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self {
                to: None,
                file: None,
            });
        }
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".part-{}", std::process::id()));
        let part = PathBuf::from(part);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&part)
            .with_context(|| format!("{} cannot be written", part.display()))?;
        Ok(Self {
            to: Some((part, path.to_owned())),
            file: Some(file),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => io::stdout().lock().write_all(bytes),
        };
        written.context("the export could not be written")
    }

    fn complete(&mut self) -> Result<()> {
        let Some((part, path)) = &self.to else {
            return io::stdout()
                .flush()
                .context("the export could not be written");
        };
        let whole = self.file.take().map_or(Ok(()), |file| file.sync_all());
        whole
            .and_then(|()| std::fs::rename(part, path))
            .with_context(|| format!("{} could not be written", path.display()))?;
        self.to = None;
        Ok(())
    }
}

impl Drop for Target {
    /// What is not complete is no use to anybody.
    fn drop(&mut self) {
        if let Some((part, _)) = &self.to {
            let _ = std::fs::remove_file(part);
        }
    }
}
