//! `portcullis import`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use shared::domain::ids::{ExperienceId, ModeratorId, WorkspaceId};
use shared::domain::rules;
use shared::store::Store;
use shared::store::admin::ImportPlan;

use super::experience::require_linked;
use super::workspace;
use crate::arguments::{UsageError, WorkspaceArg, experience};
use crate::connection::OperatorSession;
use crate::import::{
    ColumnOptions, DetectedFormat, ErrorsFile, ImportDefaults, ImportEnd, ImportFormat,
    ImportReport, ImportSummary, InputFile, ReadOptions, import_rows, judge_rows, refused, survey,
    word_of,
};
use crate::output::Output;

/// The maximum number of experiences in --applied-in: they share one transaction.
const MAX_APPLIED_IN: usize = 40;

const EXAMPLES: &str = "\
Examples:
  portcullis import bans.json --workspace GUID --dry-run
  portcullis import users.csv --workspace GUID --experience 75521396999004 \\
    --moderator 744482898 --public-reason \"Banned earlier\" --user-column id
  portcullis import ids.txt --workspace GUID --experience 75521396999004 \\
    --moderator 744482898 --public-reason \"Banned earlier\"
  portcullis import banland.json --format hd-admin --workspace GUID --scope global \\
    --experience 75521396999004 --moderator 744482898 --applied-in 75521396999004

You can stop an import at any time and run it again: nothing is imported twice.
Exit status: 0 success, 1 some rows failed, 2 wrong arguments.";

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ScopeName {
    /// In the experience that the ban is made from.
    Experience,
    /// In every experience of the workspace.
    Global,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// The file to read; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    place: WorkspaceArg,

    /// The format of the file [default: detected from its contents].
    #[arg(long, value_enum)]
    format: Option<ImportFormat>,

    /// Print what would change, without changing anything.
    #[arg(long)]
    dry_run: bool,

    /// Also import bans that an earlier import made and that were lifted since, for example by `undo`.
    #[arg(long)]
    again: bool,

    /// The file for rows that are not imported; you can correct and import it [default: FILE.errors.csv,
    /// or FILE.errors.json for JSON and Lua].
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,

    /// The experiences that have already applied these bans; in others the bans become pending.
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = experience)]
    applied_in: Vec<ExperienceId>,

    /// The experience that bans were made from, for rows without one.
    #[arg(long, value_name = "ID", value_parser = experience)]
    experience: Option<ExperienceId>,

    /// The scope, for rows without one [default: experience].
    #[arg(long, value_enum)]
    scope: Option<ScopeName>,

    /// The moderator's Roblox user id, for rows without one.
    #[arg(long, value_name = "ID")]
    moderator: Option<ModeratorId>,

    /// The reason shown to moderators, for rows without one [default: the public reason].
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    private_reason: Option<String>,

    /// The reason shown to the player, for rows without one.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    public_reason: Option<String>,

    /// The file is a CSV export made with --raw (or raw=true).
    #[arg(long)]
    raw: bool,

    /// A column or field to ignore, although its title suggests that it matters.
    #[arg(long, value_name = "TITLE")]
    ignore_column: Vec<String>,

    /// The column with user ids [default: userId or a common synonym].
    #[arg(long, value_name = "TITLE")]
    user_column: Option<String>,

    /// The column with reasons shown to players [default: reason or a common synonym].
    #[arg(long, value_name = "TITLE")]
    reason_column: Option<String>,

    /// The column with reasons shown to moderators [default: privateReason or a common synonym].
    #[arg(long, value_name = "TITLE")]
    private_reason_column: Option<String>,

    /// The column with moderators' ids [default: moderator or a common synonym].
    #[arg(long, value_name = "TITLE")]
    moderator_column: Option<String>,

    /// The column with the ends of bans [default: expires or a common synonym].
    #[arg(long, value_name = "TITLE")]
    expires_column: Option<String>,
}

impl ImportArgs {
    fn reading(
        &self,
        detected: DetectedFormat,
        roots: BTreeMap<ExperienceId, ExperienceId>,
    ) -> ReadOptions {
        ReadOptions {
            detected,
            raw: self.raw,
            defaults: ImportDefaults {
                experience: self.experience,
                roots,
                scope: self.scope.map(|scope| match scope {
                    ScopeName::Experience => rules::Scope::Experience,
                    ScopeName::Global => rules::Scope::Global,
                }),
                moderator: self.moderator,
                private_reason: self.private_reason.clone(),
                public_reason: self.public_reason.clone(),
            },
            columns: ColumnOptions {
                user: self.user_column.clone(),
                reason: self.reason_column.clone(),
                private_reason: self.private_reason_column.clone(),
                moderator: self.moderator_column.clone(),
                expires: self.expires_column.clone(),
                ignored: self.ignore_column.clone(),
            },
        }
    }
}

/// The root of each place that is part of another. Fails while a place is joining: its bans are not
/// all in one place then.
async fn roots(
    store: &Store,
    workspace: WorkspaceId,
) -> Result<BTreeMap<ExperienceId, ExperienceId>> {
    let mut roots = BTreeMap::new();
    for link in store.links(workspace.prefix()).await? {
        let Some(join) = link.join else { continue };
        if !join.is_complete {
            bail!(
                "place {place} is joining {root}: complete that with `portcullis experience join {place} \
                 --root {root}`, or end it with `portcullis experience leave {place}`",
                place = link.experience,
                root = join.root
            );
        }
        roots.insert(link.experience, join.root);
    }
    Ok(roots)
}

pub async fn run(args: ImportArgs, session: &OperatorSession, output: Output) -> Result<()> {
    let store = &session.store;
    let applied_in: BTreeSet<_> = args.applied_in.iter().copied().collect();
    if applied_in.len() > MAX_APPLIED_IN {
        bail!(UsageError(format!(
            "--applied-in accepts at most {MAX_APPLIED_IN} experiences"
        )));
    }
    let workspace = workspace::find(store, args.place).await?;
    // A mistyped id would assign the bans to another place.
    for experience in applied_in.iter().chain(&args.experience) {
        require_linked(store, &workspace, (*experience).into()).await?;
    }
    let workspace = workspace.guid;
    let roots = roots(store, workspace).await?;
    let root = |place| roots.get(&place).copied().unwrap_or(place);
    let applied_in: BTreeSet<_> = applied_in.into_iter().map(root).collect();
    let source = InputFile::open(&args.file)?;
    let found = DetectedFormat::find(args.format, || source.again());
    let detected = found.or_else(|broken| refused(&broken))?;
    let format = detected.format;
    if !format.tells_experience() && args.experience.is_none() {
        let what = format!(
            "--experience is missing: the format {} does not contain the experience of a ban\n",
            word_of(format)
        );
        clap::Error::raw(ErrorKind::MissingRequiredArgument, what).exit();
    }
    let reading = args.reading(detected, roots);
    if reading
        .needs_moderator(source.again()?)
        .or_else(|broken| refused(&broken))?
    {
        let what = "--moderator is missing: the table has no column with moderators\n";
        clap::Error::raw(ErrorKind::MissingRequiredArgument, what).exit();
    }
    let rows = || {
        let file = source.again().context("could not read the file again")?;
        reading.rows(file).or_else(|broken| refused(&broken))
    };
    let shape = reading
        .shape(source.again()?)
        .or_else(|broken| refused(&broken))?;
    let path = args.errors.clone();
    let path = path.unwrap_or_else(|| source.errors(shape.extension()));
    if source.is_at(&path) {
        bail!("--errors must not be the imported file");
    }

    let numbering = store.numbering(workspace.prefix()).await?;
    let found = survey(rows, workspace, numbering, format == ImportFormat::Csv)?;
    let not_read: Vec<_> = found.unread.iter().cloned().collect();
    if !not_read.is_empty() {
        note!("columns or fields not read: {}", not_read.join(", "));
    }
    let plan = ImportPlan {
        workspace,
        reporting: found.reporting.union(&applied_in).copied().collect(),
        applied_in,
        largest_own: found.largest_own,
        foreign: found.foreign.filter(|(_, largest)| *largest > 0),
        repeated: found.repeats.users.clone(),
        again: args.again,
        dry_run: args.dry_run,
    };
    let import = store.begin_import(&plan).await?;
    let import = import.run_by(session.principal.clone());
    let summary = ImportSummary::of(import.key_id(), args.dry_run, word_of(format), not_read);
    let errors = ErrorsFile::new(path, shape);
    let mut report = ImportReport::begin(summary, found.rows, errors, output);
    let rows = rows()?;
    let ended = if args.dry_run {
        judge_rows(rows, &found.repeats, &import, &mut report).await
    } else {
        import_rows(rows, &found.repeats, &import, &mut report).await
    };
    match ended {
        Ok(ImportEnd::Complete) => report.finish(),
        Ok(ImportEnd::Interrupted) => {
            let added = report.abandon();
            bail!("stopped after {added} bans: run the same command again to continue")
        }
        Err(error) => Err(error.context(format!(
            "{} bans were imported: run the same command again to continue",
            report.abandon()
        ))),
    }
}
