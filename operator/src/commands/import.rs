//! `portcullis import`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use shared::ids::{ExperienceId, ModeratorId};
use shared::rules;
use shared::store::{ImportPlan, Store};

use super::workspace;
use crate::arguments::InWorkspace;
use crate::import::{
    Columns, Defaults, Ended, Format, Reading, Report, Source, Summary, look_over, move_in, survey,
};
use crate::output::Output;

/// In how many experiences bans can count as applied at once: all of it is one transaction.
const MOST_APPLIED_IN: usize = 40;

const EXAMPLES: &str = "\
Examples:
  portcullis import bans.json --workspace GUID --dry-run
  portcullis import users.csv --workspace GUID --experience 75521396999004 \\
    --moderator 744482898 --public-reason \"Banned earlier\" --user-column id
  portcullis import banland.json --format hd-admin --workspace GUID --scope global \\
    --experience 75521396999004 --moderator 744482898 --applied-in 75521396999004

It can be stopped at any time and run again: nothing is imported twice.
Exit status: 0 all rows were dealt with, 1 some failed, 2 wrong arguments.";

/// The scopes by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ScopeName {
    /// In the experience the ban is made from.
    Experience,
    /// In all experiences of the workspace.
    Global,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    place: InWorkspace,

    /// Its format [default: as the contents look].
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Print what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,

    /// Where rows that are not imported are written, with the reason [default: FILE.errors.csv].
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,

    /// The experiences that have applied these bans already; in others they are pending.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    applied_in: Vec<ExperienceId>,

    /// Where a row does not say it: the experience its ban was made from.
    #[arg(long, value_name = "ID")]
    experience: Option<ExperienceId>,

    /// Where a row does not say it: where its ban holds [default: experience].
    #[arg(long, value_enum)]
    scope: Option<ScopeName>,

    /// Where a row does not say it: the moderator.
    #[arg(long, value_name = "ID")]
    moderator: Option<ModeratorId>,

    /// Where a row does not say it: the reason for moderators [default: the other reason].
    #[arg(long, value_name = "TEXT")]
    private_reason: Option<String>,

    /// Where a row does not say it: the reason shown to the player.
    #[arg(long, value_name = "TEXT")]
    public_reason: Option<String>,

    /// The file is our CSV export made with raw=true.
    #[arg(long)]
    raw: bool,

    /// The column of user ids in a table of users [default: userId].
    #[arg(long, value_name = "TITLE")]
    user_column: Option<String>,

    /// The column of reasons for players [default: reason].
    #[arg(long, value_name = "TITLE")]
    reason_column: Option<String>,

    /// The column of reasons for moderators [default: privateReason].
    #[arg(long, value_name = "TITLE")]
    private_reason_column: Option<String>,

    /// The column of moderators' ids [default: moderator].
    #[arg(long, value_name = "TITLE")]
    moderator_column: Option<String>,

    /// The column of when bans end [default: expires].
    #[arg(long, value_name = "TITLE")]
    expires_column: Option<String>,
}

impl ImportArgs {
    fn reading(&self, format: Format) -> Reading {
        Reading {
            format,
            raw: self.raw,
            defaults: Defaults {
                experience: self.experience,
                scope: self.scope.map(|scope| match scope {
                    ScopeName::Experience => rules::Scope::Experience,
                    ScopeName::Global => rules::Scope::Global,
                }),
                moderator: self.moderator,
                private_reason: self.private_reason.clone(),
                public_reason: self.public_reason.clone(),
            },
            columns: Columns {
                user: self.user_column.clone(),
                reason: self.reason_column.clone(),
                private_reason: self.private_reason_column.clone(),
                moderator: self.moderator_column.clone(),
                expires: self.expires_column.clone(),
            },
        }
    }
}

pub async fn run(args: ImportArgs, store: &Store, output: Output) -> Result<()> {
    let applied_in: BTreeSet<_> = args.applied_in.iter().copied().collect();
    if applied_in.len() > MOST_APPLIED_IN {
        bail!("--applied-in takes at most {MOST_APPLIED_IN} experiences");
    }
    let workspace = workspace::find(store, args.place.workspace).await?.guid;
    let source = Source::open(&args.file)?;
    let format = match args.format {
        Some(format) => format,
        None => match Format::detect(source.again()?) {
            Ok(format) => format,
            Err(error) => bail!("nothing was imported: {}", error.message),
        },
    };
    if !format.tells_experience() && args.experience.is_none() {
        bail!("this format does not say which experience a ban was made from: give --experience");
    }
    let reading = args.reading(format);
    let rows = |file| {
        reading
            .rows(file)
            .or_else(|error| crate::import::refused(&error))
    };

    let numbering = store.numbering(workspace.tag()).await?;
    let found = survey(rows(source.again()?)?, workspace, numbering)?;
    let plan = ImportPlan {
        workspace,
        reporting: found.reporting.union(&applied_in).copied().collect(),
        applied_in,
        largest_own: found.largest_own,
        foreign: found.foreign.filter(|(_, largest)| *largest > 0),
        dry_run: args.dry_run,
    };
    let import = store.begin_import(&plan).await?;
    let summary = Summary::of(import.key_id(), args.dry_run);
    let errors = args.errors.unwrap_or_else(|| source.errors());
    let mut report = Report::begin(summary, found.rows, errors, output);
    let rows = rows(source.again()?)?;
    let ended = if args.dry_run {
        look_over(rows, &import, &mut report).await
    } else {
        move_in(rows, &import, &mut report).await
    };
    match ended {
        Ok(Ended::Whole) => report.finish(),
        Ok(Ended::Stopped) => {
            let added = report.added();
            bail!("stopped after {added} bans: run the same command again to go on")
        }
        Err(error) => Err(error.context(format!(
            "{} bans were imported: run the same command again to go on",
            report.added()
        ))),
    }
}
