//! `portcullis experience`.

mod linking;
mod list;

pub use list::{Shown, all};

use anyhow::Result;
use clap::{Args, Subcommand};
use shared::ids::ExperienceId;
use shared::store::Store;

use crate::arguments::{Caution, InWorkspace, experience};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  portcullis experience link 7
  portcullis experience list
  portcullis experience unlink 7 --dry-run";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum ExperienceCommand {
    /// Link an experience and bring all bans that stand to it. Run again, it goes on where it was
    /// interrupted.
    #[command(after_help = EXAMPLES)]
    Link(Named),
    /// Unlink an experience and drop what is pending there. Linked again, what stands by then is
    /// pending again.
    #[command(after_help = EXAMPLES)]
    Unlink {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        caution: Caution,
    },
    /// List the linked experiences, with what is pending there and when each was last seen to poll.
    #[command(after_help = EXAMPLES)]
    List(InWorkspace),
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Named {
    /// The experience, by its place id.
    #[arg(value_name = "ID", value_parser = experience)]
    experience: ExperienceId,
    #[command(flatten)]
    place: InWorkspace,
}

pub async fn run(command: ExperienceCommand, store: &Store, output: Output) -> Result<()> {
    match command {
        ExperienceCommand::Link(named) => linking::link(named, store, output).await,
        ExperienceCommand::Unlink { named, caution } => {
            linking::unlink(named, caution, store, output).await
        }
        ExperienceCommand::List(place) => list::run(place, store, output).await,
    }
}
