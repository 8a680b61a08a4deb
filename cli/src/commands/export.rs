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

use super::workspace;
use crate::api::{ApiAddress, ApiClient, Query, api_address};
use crate::arguments::{SafetyArgs, WorkspaceArg, named_place};
use crate::progress::Progress;
pub use file::{ExportFile, confirm_overwriting};

/// The size of the write buffer, in bytes.
const BUFFER: usize = 1 << 18;

const EXAMPLES: &str = "\
Examples:
  portcullis export bans.json --workspace GUID
  portcullis export - --workspace GUID --format csv | gzip > bans.csv.gz
  PORTCULLIS_KEY=... portcullis --api https://bans.example.com export bans.json";

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

    #[command(flatten)]
    place: WorkspaceArg,

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

    /// The same as --api.
    #[arg(long, value_name = "URL", value_parser = api_address)]
    pub from_api: Option<ApiAddress>,

    #[command(flatten)]
    safety: SafetyArgs,
}

/// Exports through the API.
pub fn run_remote(args: &ExportArgs, api: &ApiClient) -> Result<()> {
    let format = match args.format {
        FileFormat::Json => "json",
        FileFormat::Csv => "csv",
    };
    if args.safety.dry_run {
        bail!(
            "--dry-run does not work through the API, which cannot count bans without exporting them"
        );
    }
    confirm_overwriting(&args.file, args.safety.yes)?;
    let experience = args
        .experience
        .map(|place| ("experienceId", place.to_string()));
    let mut query: Query<'_> = experience.into_iter().collect();
    for (flag, name) in [(args.raw, "raw"), (args.bom, "bom"), (args.excel, "excel")] {
        query.extend(flag.then(|| (name, "true".to_owned())));
    }
    let body = api.download(&format!("export/bans/{format}"), &query)?;
    let mut body = body.into_reader();
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

/// Exports from the tables.
pub async fn run(args: ExportArgs, store: &Store) -> Result<()> {
    let workspace = workspace::find(store, args.place).await?.guid;
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
