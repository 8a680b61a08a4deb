//! The arguments: what they are called, what they mean, and which go together.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::ban::BanArgs;
use crate::commands::check::CheckArgs;
use crate::commands::doctor::DoctorArgs;
use crate::commands::documents::{CompletionsArgs, ManArgs};
use crate::commands::enforcement::EnforcementCommand;
use crate::commands::erasure::ErasureCommand;
use crate::commands::experience::ExperienceCommand;
use crate::commands::export::ExportArgs;
use crate::commands::forget::ForgetArgs;
use crate::commands::history::HistoryArgs;
use crate::commands::import::ImportArgs;
use crate::commands::key::KeyCommand;
use crate::commands::pending::PendingArgs;
use crate::commands::protected::ProtectedCommand;
use crate::commands::restore::RestoreArgs;
use crate::commands::unban::UnbanArgs;
use crate::commands::undo::UndoArgs;
use crate::commands::webhook::WebhookCommand;
use crate::commands::workspace::WorkspaceCommand;
use crate::connection::ConnectionArgs;
use crate::output::Format;

const EXAMPLES: &str = "\
Examples, with `make dev` running:
  portcullis --endpoint http://127.0.0.1:8000 workspace list

and with a deployed stack:
  export PORTCULLIS_STACK=portcullis
  portcullis doctor
  portcullis workspace create \"My studio\"
  export PORTCULLIS_WORKSPACE=GUID
  portcullis key create --name \"game servers\"
  portcullis experience list

Results go to standard output, as a table or with --output json for scripts; questions, progress and
errors go to standard error.

Exit status: 0 done, 1 failed (or a check of `doctor` did), 2 wrong arguments.";

/// Runs a Portcullis installation: its workspaces, keys and experiences, and its bans by hand.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// How results are printed.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub output: Format,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Workspaces: one holds the bans, keys and experiences of a studio.
    Workspace {
        #[command(subcommand)]
        command: WorkspaceCommand,
    },
    /// Experiences: which belong to a workspace, and what is pending there.
    Experience {
        #[command(subcommand)]
        command: ExperienceCommand,
    },
    /// Keys: what game servers and tools call the API with.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Protected users: those whom nobody bans, such as the owner and the staff.
    Protected {
        #[command(subcommand)]
        command: ProtectedCommand,
    },
    /// Ban a user by hand, change a ban, or accept an appeal, by the rules of the API.
    Ban(BanArgs),
    /// Lift a user's bans by hand, by the rules of the API.
    Unban(UnbanArgs),
    /// Show whether a user is banned in an experience, and by which ban.
    Check(CheckArgs),
    /// Show every decision on a user, oldest first.
    History(HistoryArgs),
    /// Show the bans and unbans that an experience has yet to apply.
    Pending(PendingArgs),
    /// Bring in bans from a file: our own exports, tables of users, lists of admin scripts.
    Import(Box<ImportArgs>),
    /// Write all bans of a workspace to a file.
    Export(ExportArgs),
    /// Take back every decision that a key made within a time.
    Undo(UndoArgs),
    /// Remove everything about a user: the answer to an erasure request.
    Forget(ForgetArgs),
    /// Erasure requests that Roblox passes on: take them in, list, approve or decline them.
    Erasure {
        #[command(subcommand)]
        command: ErasureCommand,
    },
    /// Webhooks: where other systems hear of what is decided.
    Webhook {
        #[command(subcommand)]
        command: WebhookCommand,
    },
    /// Enforcement: bans on Roblox's own list, without a game server.
    Enforcement {
        #[command(subcommand)]
        command: EnforcementCommand,
    },
    /// Put the table of bans back to an earlier state, from a copy that DynamoDB has restored.
    Restore(RestoreArgs),
    /// Check the whole installation, and say what to do about what is wrong.
    Doctor(DoctorArgs),
    /// Print a script that completes this program's arguments in a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands.
    Man(ManArgs),
}

impl Cli {
    /// The arguments of this process; ends it with status 2 if they are wrong.
    pub fn read() -> Self {
        let cli = Self::parse();
        if let Err((kind, what)) = cli.check() {
            Self::command().error(kind, what).exit();
        }
        cli
    }

    /// What cannot be said of one argument alone.
    fn check(&self) -> Result<(), (ErrorKind, String)> {
        let is_remote = matches!(&self.command, Command::Export(args) if args.is_remote());
        let is_text = matches!(self.command, Command::Completions(_) | Command::Man(_));
        if !is_remote && !is_text {
            self.connection
                .check()
                .map_err(|what| (ErrorKind::MissingRequiredArgument, what))?;
        }
        match &self.command {
            Command::Key {
                command: KeyCommand::Create(key),
            } => key
                .granted()
                .map(|_| ())
                .map_err(|what| (ErrorKind::ArgumentConflict, what)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
