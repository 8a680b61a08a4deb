//! `portcullis experience`.

mod linking;
mod list;

pub use list::{ExperienceSummary, all};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use shared::domain::ids::ExperienceId;
use shared::store::{Store, Workspace};

use crate::arguments::{SafetyArgs, WorkspaceArg, experience};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  portcullis experience link 7
  portcullis experience list
  portcullis experience unlink 7 --dry-run";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum ExperienceCommand {
    /// Link an experience and make the bans in force pending there. If interrupted, run it again to
    /// continue.
    Link(NamedExperience),
    /// Unlink an experience and drop its pending bans and unbans. If you link it again, the bans in force
    /// at that time become pending.
    Unlink {
        #[command(flatten)]
        named: NamedExperience,
        #[command(flatten)]
        safety: SafetyArgs,
    },
    /// List the linked experiences with the number of pending changes and the time of the last poll.
    List(WorkspaceArg),
}

#[derive(Clone, Copy, Debug, Args)]
pub struct NamedExperience {
    /// The experience's place id.
    #[arg(value_name = "ID", value_parser = experience)]
    experience: ExperienceId,
    #[command(flatten)]
    place: WorkspaceArg,
}

/// Fails unless the experience is linked to the workspace, so that a mistyped id is an error.
pub async fn require_linked(
    store: &Store,
    workspace: &Workspace,
    experience: ExperienceId,
) -> Result<()> {
    if store
        .linked(workspace.guid.prefix(), experience)
        .await?
        .is_none()
    {
        bail!(
            "experience {experience} is not linked to workspace {:?}: check the id with \
             `portcullis experience list -w {guid}`, or link it with `portcullis experience link \
             {experience} -w {guid}`",
            workspace.name,
            guid = workspace.guid
        );
    }
    Ok(())
}

pub async fn run(command: ExperienceCommand, store: &Store, output: Output) -> Result<()> {
    match command {
        ExperienceCommand::Link(named) => linking::link(named, store, output).await,
        ExperienceCommand::Unlink { named, safety } => {
            linking::unlink(named, safety, store, output).await
        }
        ExperienceCommand::List(place) => list::run(place, store, output).await,
    }
}
