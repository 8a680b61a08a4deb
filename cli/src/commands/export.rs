//! `portcullis export`.

mod file;

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use shared::api::export::{Csv, Format as ExportFormat, Json};
use shared::domain::ban_info::{BanPresenter, FlagFormat};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ExperienceId, PlaceId, WorkspaceId};
use shared::store::{Filter, Store};
use ureq::http::Response;
use ureq::{Agent, Body};

use super::workspace;
use crate::arguments::{SafetyArgs, named_place};
use crate::connection::require_secure_url;
use crate::progress::Progress;
use file::ExportFile;

pub use file::confirm_overwriting;

/// The size of the write buffer, in bytes.
const BUFFER: usize = 1 << 18;

/// The variable with the API key. Other users of the machine could read an argument.
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
    /// The file to write; `-` is standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The workspace's GUID, from `workspace list`.
    #[arg(long, short, env = "PORTCULLIS_WORKSPACE", value_name = "GUID")]
    #[arg(required_unless_present = "from_api")]
    workspace: Option<WorkspaceId>,

    /// The format of the file.
    #[arg(long, value_enum, default_value_t)]
    format: FileFormat,

    /// CSV only: do not escape reasons that a spreadsheet would run as formulas.
    #[arg(long)]
    raw: bool,

    /// CSV only: begin with a byte order mark, so that Excel recognises UTF-8.
    #[arg(long)]
    bom: bool,

    /// CSV only: write long numbers so that spreadsheets do not round them; implies `--bom`.
    #[arg(long)]
    excel: bool,

    /// Only bans made from this experience (a place id).
    #[arg(long, short, value_name = "ID", value_parser = named_place)]
    experience: Option<PlaceId>,

    /// Export from the API at this address instead of the tables, with the key in `PORTCULLIS_KEY`.
    #[arg(long, value_name = "URL")]
    from_api: Option<String>,

    #[command(flatten)]
    safety: SafetyArgs,
}

impl ExportArgs {
    /// Whether the export needs no access to the tables.
    pub const fn is_remote(&self) -> bool {
        self.from_api.is_some()
    }
}

/// Exports through the API.
pub fn run_remote(args: &ExportArgs) -> Result<()> {
    let base = args.from_api.as_deref().unwrap_or_default();
    require_secure_url(base)?;
    let base = base.trim_end_matches('/').trim_end_matches("/api/v1");
    let key = std::env::var(KEY).with_context(|| {
        format!("no key given: set {KEY} to a secret key with the scope bans:read")
    })?;
    let format = match args.format {
        FileFormat::Json => "json",
        FileFormat::Csv => "csv",
    };
    if args.safety.dry_run {
        bail!(
            "--dry-run does not work with --from-api: the API cannot count bans without exporting them"
        );
    }
    confirm_overwriting(&args.file, args.safety.yes)?;
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
    let mut answer = request.call().context("could not reach the API")?;
    if answer.status() == 303 {
        let link = answer
            .headers()
            .get("location")
            .and_then(|link| link.to_str().ok());
        let link = link
            .context("the API's answer contains no link to the file")?
            .to_owned();
        // The link is presigned, so the key must not be sent along.
        answer = agent
            .get(&link)
            .call()
            .context("could not download the file")?;
    }
    let mut body = sound(answer)?.into_body().into_reader();
    let mut target = ExportFile::open(&args.file)?;
    let mut progress = Progress::begin("KB received", None);
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = body
            .read(&mut buffer)
            .context("the download was interrupted")?;
        let Some(part) = buffer.get(..length).filter(|part| !part.is_empty()) else {
            break;
        };
        target.write(part)?;
        progress.advance(u64::try_from(length / 1024).unwrap_or_default());
    }
    target.complete()?;
    progress.finish();
    note!("Exported to {}.", args.file.display());
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
        .context("no workspace given: use --workspace")?;
    let workspace = workspace::find(store, workspace).await?.guid;
    let experience = match args.experience {
        Some(place) => {
            let place = store.resolve(workspace.prefix(), place).await?;
            Some(place.experience)
        }
        None => None,
    };
    let wanted = (workspace, experience);
    require_known(store, wanted).await?;
    if args.safety.dry_run {
        let count = count(store, wanted).await?;
        note!("Would export {count} bans to {}.", args.file.display());
        return Ok(());
    }
    confirm_overwriting(&args.file, args.safety.yes)?;
    let mut target = ExportFile::open(&args.file)?;
    let count = match args.format {
        FileFormat::Json => write(store, wanted, Json::default(), &mut target).await?,
        FileFormat::Csv => {
            let format = Csv::new(args.raw).with_mark(args.bom).for_excel(args.excel);
            write(store, wanted, format, &mut target).await?
        }
    };
    target.complete()?;
    note!("Exported {count} bans to {}.", args.file.display());
    Ok(())
}

/// All bans of a workspace, or those made from one experience.
type Selection = (WorkspaceId, Option<ExperienceId>);

fn filter((_, experience): Selection) -> Filter {
    Filter {
        experience,
        ..Filter::default()
    }
}

/// Fails for an experience that is neither linked nor has bans, since its id is probably mistyped.
async fn require_known(store: &Store, wanted: Selection) -> Result<()> {
    let (workspace, Some(experience)) = wanted else {
        return Ok(());
    };
    let prefix = workspace.prefix();
    if store.linked(prefix, experience).await?.is_some() {
        return Ok(());
    }
    let filter = filter(wanted);
    if store
        .ban_list(prefix, &filter, None, None)
        .next()
        .await?
        .is_none()
    {
        bail!(
            "experience {experience} is not linked to the workspace and has no bans; `portcullis \
             experience list -w {workspace}` shows the linked ones"
        );
    }
    Ok(())
}

async fn count(store: &Store, wanted: Selection) -> Result<u64> {
    let filter = filter(wanted);
    let mut bans = store.ban_list(wanted.0.prefix(), &filter, None, None);
    let mut progress = Progress::begin("bans counted", None);
    let mut count = 0_u64;
    while bans.next().await?.is_some() {
        count = count.saturating_add(1);
        progress.advance(1);
    }
    progress.finish();
    Ok(count)
}

async fn write<F: ExportFormat>(
    store: &Store,
    wanted: Selection,
    mut format: F,
    target: &mut ExportFile,
) -> Result<u64> {
    let (workspace, _) = wanted;
    #[expect(clippy::disallowed_methods, reason = "the operator sees everything")]
    let presenter =
        BanPresenter::of_workspace(workspace, FlagFormat::Integer, UnixMillis::now().seconds());
    let filter = filter(wanted);
    let mut count = 0_u64;
    let mut bans = store.ban_list(workspace.prefix(), &filter, None, None);
    let mut progress = Progress::begin("bans exported", None);
    let mut out = Vec::new();
    format.begin(&mut out)?;
    while let Some(row) = bans.next().await? {
        format.row(&mut out, &presenter, &row)?;
        if out.len() >= BUFFER {
            target.write(&out)?;
            out.clear();
        }
        progress.advance(1);
        count = count.saturating_add(1);
    }
    format.end(&mut out);
    target.write(&out)?;
    progress.finish();
    Ok(count)
}
