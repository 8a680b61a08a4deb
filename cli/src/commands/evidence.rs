//! `portcullis evidence`.

mod add;
mod download;
mod export;
mod files;
mod import;
mod listing;
mod remote;
mod summary;
mod transfer;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use shared::domain::ids::{Guid, WorkspaceId, WorkspacePrefix};
use shared::store::{EvidenceBucket, Store};

use super::workspace;
use crate::arguments::{SafetyArgs, WorkspaceArg};
use crate::confirm::confirm;
use crate::connection::Connection;
use crate::names::UserNames;
use crate::output::Output;
use add::AddArgs;
use download::GetArgs;
use export::EvidenceExportArgs;
use import::EvidenceImportArgs;
use listing::{WorkspaceEvidence, of_ban};
pub use remote::run_remote;
use summary::{EvidenceDetails, EvidenceRow};

/// Who is on record for what this command does; no API key has this id.
const KEY_ID: &str = "operator";

const NO_EVIDENCE: &str = "no evidence: add some with `portcullis evidence add BAN FILE…`";

const EXAMPLES: &str = "\
Examples:
  portcullis evidence add BAN screenshots/ clip.mp4 --comment \"round 3\"
  portcullis evidence list BAN
  portcullis evidence get GUID --to clip.mp4
  portcullis evidence export evidence-of-my-studio
  portcullis evidence import evidence-of-my-studio
  portcullis evidence remove GUID --dry-run

`add`, `get`, `export` and `import` continue after an interruption when you run them again.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum EvidenceCommand {
    /// List the evidence for a ban, or for all bans of the workspace, newest first.
    List {
        /// The GUID of the ban [default: all bans, which takes a query for each].
        #[arg(value_name = "BAN", value_parser = guid)]
        ban: Option<Guid>,
        #[command(flatten)]
        place: WorkspaceArg,
    },
    /// Show a piece of evidence, with its text if it is one.
    Show(PieceArgs),
    /// Add files, directories or a text to a ban. Files that it already has are skipped.
    Add(AddArgs),
    /// Download a piece of evidence.
    Get(GetArgs),
    /// Remove a piece of evidence and its file.
    Remove {
        #[command(flatten)]
        piece: PieceArgs,
        #[command(flatten)]
        safety: SafetyArgs,
    },
    /// Download all evidence of the workspace into a directory, with an index in JSON Lines.
    Export(EvidenceExportArgs),
    /// Add an export to a workspace that has the same bans, such as one that imported them.
    Import(EvidenceImportArgs),
}

#[derive(Clone, Copy, Debug, Args)]
pub struct PieceArgs {
    /// The GUID of the piece, from `evidence list`.
    #[arg(value_name = "GUID", value_parser = guid)]
    guid: Guid,
    #[command(flatten)]
    place: WorkspaceArg,
}

/// What each subcommand works with.
#[derive(Debug)]
struct Session {
    store: Store,
    bucket: EvidenceBucket,
    workspace: WorkspaceId,
    output: Output,
}

impl Session {
    fn prefix(&self) -> WorkspacePrefix {
        self.workspace.prefix()
    }
}

impl EvidenceCommand {
    const fn changes(&self) -> bool {
        matches!(self, Self::Add(_) | Self::Remove { .. } | Self::Import(_))
    }

    /// Whether a key of the API is enough for it.
    pub const fn works_through_api(&self) -> bool {
        match self {
            Self::List { ban, .. } => ban.is_some(),
            Self::Export(_) | Self::Import(_) => false,
            _ => true,
        }
    }

    const fn place(&self) -> WorkspaceArg {
        *match self {
            Self::List { place, .. } => place,
            Self::Show(piece) | Self::Remove { piece, .. } => &piece.place,
            Self::Add(args) => &args.place,
            Self::Get(args) => &args.piece.place,
            Self::Export(args) => &args.place,
            Self::Import(args) => &args.place,
        }
    }
}

pub async fn run(
    command: EvidenceCommand,
    connection: &Connection,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let store = connection.store();
    if command.changes() {
        super::restore::require_no_restore(&store).await?;
    }
    let workspace = workspace::find(&store, command.place()).await?.guid;
    let session = Session {
        bucket: connection.evidence_bucket().await?,
        store,
        workspace,
        output,
    };
    match command {
        EvidenceCommand::List { ban, .. } => list(&session, ban, names).await,
        EvidenceCommand::Show(piece) => show(&session, piece.guid, names).await,
        EvidenceCommand::Add(args) => add::run(args, &session, names).await,
        EvidenceCommand::Get(args) => download::run(&args, &session).await,
        EvidenceCommand::Remove { piece, safety } => remove(&session, piece.guid, safety).await,
        EvidenceCommand::Export(args) => export::run(&args.directory, &session).await,
        EvidenceCommand::Import(args) => import::run(&args, &session).await,
    }
}

async fn list(session: &Session, ban: Option<Guid>, names: &UserNames) -> Result<()> {
    let Session { store, output, .. } = session;
    let mut rows = Vec::new();
    if let Some(ban) = ban {
        let user = store.user_of_ban(session.prefix(), ban).await?;
        let pieces = of_ban(store, session.prefix(), (user, ban)).await?;
        rows.extend(pieces.iter().map(EvidenceRow::of));
    } else {
        let mut pieces = WorkspaceEvidence::of(store, session.prefix());
        while let Some(piece) = pieces.next().await? {
            rows.push(EvidenceRow::of(&piece));
        }
    }
    names
        .complete(
            store,
            session.prefix(),
            rows.iter_mut().filter_map(|row| row.user.as_mut()),
        )
        .await;
    output.list(&rows, NO_EVIDENCE)
}

async fn show(session: &Session, guid: Guid, names: &UserNames) -> Result<()> {
    let Session { store, output, .. } = session;
    let evidence = store.evidence(session.prefix(), guid).await?;
    let text = match evidence.body.file() {
        Some(_) => None,
        None => Some(store.evidence_text(session.prefix(), guid).await?),
    };
    let text = text.map(|text| text.as_str().to_owned());
    let mut user = evidence.user.into();
    names.complete(store, session.prefix(), [&mut user]).await;
    output.one(&EvidenceDetails::of(&evidence, session.workspace, text).named(&user))
}

async fn remove(session: &Session, guid: Guid, safety: SafetyArgs) -> Result<()> {
    let Session { store, bucket, .. } = session;
    let evidence = store.evidence(session.prefix(), guid).await?;
    let summary = EvidenceRow::of(&evidence);
    if !safety.dry_run {
        confirm(&summary.removal(), safety.yes)?;
        store
            .remove_evidence(session.prefix(), guid, KEY_ID.into(), bucket)
            .await?;
    }
    session.output.one(&summary)
}

fn guid(text: &str) -> Result<Guid, String> {
    text.parse()
        .map_err(|_| "expected a GUID, a number such as 274877906944000".to_owned())
}

/// The name of the unfinished file beside a file.
fn part_of(path: &std::path::Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}
