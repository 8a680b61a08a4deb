//! The arguments: what they are called, what they mean, and which go together.

mod help;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

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
use crate::output::{Format, Output};
use crate::terminal::Verbosity;

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

Results go to standard output, as a table or with --output json for scripts; questions, progress and \
errors go to standard error.

Exit status: 0 success, 1 failure (or a failed check of `doctor`), 2 wrong arguments.";

/// Run a Portcullis installation: its workspaces, keys, experiences and bans.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
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
    #[arg(env = "PORTCULLIS_OUTPUT")]
    output: Format,

    /// The same as --output json.
    #[arg(long, global = true)]
    json: bool,

    /// Print tables as wide as they are, even if the terminal is narrower.
    #[arg(long, global = true)]
    wide: bool,

    /// Print results, warnings, questions and errors only: no notes and no progress.
    #[arg(long, short, global = true)]
    quiet: bool,

    /// Also print where the program connects and, if it fails, what the service answered.
    #[arg(long, short, global = true, overrides_with = "quiet")]
    verbose: bool,

    /// Print without colours, as with the variable `NO_COLOR`.
    #[arg(long, global = true)]
    no_color: bool,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage workspaces: each holds the bans, keys and experiences of a studio.
    Workspace {
        #[command(subcommand)]
        command: WorkspaceCommand,
    },
    /// Link experiences to a workspace, and see what is pending there.
    Experience {
        #[command(subcommand)]
        command: ExperienceCommand,
    },
    /// Manage keys: game servers and tools call the API with them.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Manage protected users, who cannot be banned, such as owner and staff.
    Protected {
        #[command(subcommand)]
        command: ProtectedCommand,
    },
    /// Ban a user, change a ban, or accept an appeal.
    Ban(BanArgs),
    /// Lift a user's bans.
    Unban(UnbanArgs),
    /// Show whether a user is banned in an experience, and by which ban.
    Check(CheckArgs),
    /// Show every decision on a user, oldest first.
    History(HistoryArgs),
    /// Show the bans and unbans that an experience has yet to apply.
    Pending(PendingArgs),
    /// Import bans from a file: our own exports, tables of users, lists of admin scripts.
    Import(Box<ImportArgs>),
    /// Export all bans of a workspace to a file.
    Export(ExportArgs),
    /// Undo every decision that a key made within a period.
    Undo(UndoArgs),
    /// Remove everything about a user: the answer to an erasure request.
    Forget(ForgetArgs),
    /// Handle erasure requests that Roblox forwards: accept, list, approve or decline them.
    Erasure {
        #[command(subcommand)]
        command: ErasureCommand,
    },
    /// Manage webhooks, which send decisions to other systems.
    Webhook {
        #[command(subcommand)]
        command: WebhookCommand,
    },
    /// Mirror bans to Roblox's own list, without a game server.
    Enforcement {
        #[command(subcommand)]
        command: EnforcementCommand,
    },
    /// Put the table of bans back to an earlier state, from a copy that DynamoDB has restored.
    Restore(RestoreArgs),
    /// Check the whole installation, and print a remedy for each problem.
    Doctor(DoctorArgs),
    /// Print the IAM policy that an operator needs, as JSON.
    #[command(after_help = "Examples:\n  portcullis iam-policy --stack portcullis > operator.json")]
    IamPolicy,
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write the pages of all commands.
    Man(ManArgs),
}

impl Cli {
    /// The arguments of this process; ends it with status 2 if they are wrong.
    pub fn read() -> Self {
        let matches = help::arranged(Self::command()).try_get_matches();
        let matches = matches.unwrap_or_else(|error| help::shortened(error).exit());
        let mut cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        cli.connection.prefer_given(&matches);
        if let Err((kind, what)) = cli.check() {
            Self::command().error(kind, what).exit();
        }
        cli
    }

    /// How results are printed.
    pub fn output(&self) -> Output {
        let format = if self.json { Format::Json } else { self.output };
        Output::new(format, self.wide, !self.no_color)
    }

    /// How much is said beside the results.
    pub const fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (_, true) => Verbosity::Verbose,
            (true, false) => Verbosity::Quiet,
            (false, false) => Verbosity::Normal,
        }
    }

    /// What cannot be said of one argument alone.
    fn check(&self) -> Result<(), (ErrorKind, String)> {
        let is_remote = matches!(&self.command, Command::Export(args) if args.is_remote());
        let is_text = matches!(
            self.command,
            Command::IamPolicy | Command::Completions(_) | Command::Man(_)
        );
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
        help::arranged(Cli::command()).debug_assert();
    }
}
