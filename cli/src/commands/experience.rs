//! `portcullis experience`.

mod joining;
mod linking;
mod list;
mod places;

pub use list::{ExperienceSummary, all};
pub use places::{by_universe, places};

use anyhow::Result;
use clap::{Args, Subcommand};
use shared::domain::ids::{ExperienceId, PlaceId};
use shared::domain::places::Resolved;
use shared::store::{Store, Workspace};

use super::restore::require_no_restore;
use crate::arguments::{SafetyArgs, WorkspaceArg, WrongValue, experience};
use crate::connection::{self, ConnectionArgs};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  portcullis experience link 7
  portcullis experience list
  portcullis experience places
  portcullis experience join 8 --root 7
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
    /// Make a place part of another one, its root: bans of either then hold in both. This takes about
    /// three and a half minutes. If interrupted, run it again to continue.
    Join(joining::JoinArgs),
    /// Take a place out of its root. It takes no bans with it.
    Leave {
        #[command(flatten)]
        named: NamedExperience,
        #[command(flatten)]
        safety: SafetyArgs,
    },
    /// Propose which linked places to join: those that Roblox knows to be of one universe.
    Places(WorkspaceArg),
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

/// Where a command that names this place acts. Fails unless the place is linked to the workspace,
/// so that a mistyped id is an error.
pub async fn require_linked(
    store: &Store,
    workspace: &Workspace,
    place: PlaceId,
) -> Result<Resolved> {
    let prefix = workspace.guid.prefix();
    let itself = ExperienceId::of_root(place);
    if store.linked(prefix, itself).await?.is_none() {
        let message = format!(
            "experience {place} is not linked to workspace {:?}: check the id with \
             `portcullis experience list -w {guid}`, or link it with `portcullis experience link \
             {place} -w {guid}`",
            workspace.name,
            guid = workspace.guid
        );
        let option = "named";
        return Err(WrongValue { option, message }.into());
    }
    Ok(store.resolve(prefix, place).await?)
}

pub async fn run(
    command: ExperienceCommand,
    connection: &ConnectionArgs,
    output: Output,
) -> Result<()> {
    let session = async || {
        let session = connection::open_session(connection).await?;
        require_no_restore(&session.store).await?;
        anyhow::Ok(session)
    };
    match command {
        ExperienceCommand::Join(args) => joining::join(args, &session().await?, output).await,
        ExperienceCommand::Leave { named, safety } => {
            joining::leave(named, safety, &session().await?.store, output).await
        }
        ExperienceCommand::Places(place) => {
            places(place, &connection::connect(connection).await?, output).await
        }
        ExperienceCommand::Link(named) => {
            linking::link(named, &session().await?.store, output).await
        }
        ExperienceCommand::Unlink { named, safety } => {
            linking::unlink(named, safety, &session().await?.store, output).await
        }
        ExperienceCommand::List(place) => list::run(place, &session().await?.store, output).await,
    }
}
