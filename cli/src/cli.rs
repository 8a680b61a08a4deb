//! The command line: global options, commands, and checks across arguments.

mod defaults;
mod help;

use std::ffi::OsString;

use clap::builder::FalseyValueParser;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::api::ApiClient;
use crate::commands::ban::BanArgs;
use crate::commands::bans::BansCommand;
use crate::commands::check::CheckArgs;
use crate::commands::context::ContextCommand;
use crate::commands::costs::CostsArgs;
use crate::commands::deploy::DeployArgs;
use crate::commands::discord::DiscordCommand;
use crate::commands::doctor::DoctorArgs;
use crate::commands::erase::EraseArgs;
use crate::commands::erasure::ErasureCommand;
use crate::commands::events::EventsArgs;
use crate::commands::evidence::EvidenceCommand;
use crate::commands::experience::ExperienceCommand;
use crate::commands::export::ExportArgs;
use crate::commands::group::GroupCommand;
use crate::commands::history::HistoryArgs;
use crate::commands::import::ImportArgs;
use crate::commands::key::KeyCommand;
use crate::commands::link::LinkCommand;
use crate::commands::member::MemberCommand;
use crate::commands::mirror::MirrorCommand;
use crate::commands::pending::PendingArgs;
use crate::commands::permission::PermissionCommand;
use crate::commands::protected::ProtectedCommand;
use crate::commands::reference::{CompletionsArgs, IamPolicyArgs, ManArgs};
use crate::commands::restore::RestoreArgs;
use crate::commands::unban::UnbanArgs;
use crate::commands::undo::UndoArgs;
use crate::commands::webhook::WebhookCommand;
use crate::commands::workspace::WorkspaceCommand;
use crate::connection::ConnectionArgs;
use crate::contexts;
use crate::names::UserNames;
use crate::output::{ColorChoice, Output, OutputFormat};
use crate::terminal::Verbosity;
use defaults::Origins;

/// Operate a Portcullis installation: workspaces, keys, experiences and bans.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, after_help = help::EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent option"
)]
pub struct Cli {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The context whose values are the defaults [default: the one of `context use`].
    #[arg(long, global = true, env = contexts::VARIABLE, value_name = "NAME")]
    #[arg(help_heading = "Connection")]
    context: Option<String>,

    /// The format of results.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    #[arg(env = "PORTCULLIS_OUTPUT")]
    output: OutputFormat,

    /// The same as --output json.
    #[arg(long, global = true)]
    json: bool,

    /// Do not fit tables to the width of the terminal.
    #[arg(long, global = true)]
    wide: bool,

    /// Print only results, warnings, prompts and errors: no notes and no progress.
    #[arg(long, short, global = true)]
    quiet: bool,

    /// Also print where the program connects and, on failure, the full cause.
    #[arg(long, short, global = true, overrides_with = "quiet")]
    verbose: bool,

    /// When to use colours. `auto` uses them in a terminal, unless the variable `NO_COLOR` is set.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    #[arg(env = "PORTCULLIS_COLOR")]
    color: ColorChoice,

    /// The same as --color never.
    #[arg(long, global = true)]
    no_color: bool,

    /// Look up no user names: names of users are not shown, and users are only accepted by id.
    #[arg(long, global = true, env = "PORTCULLIS_NO_NAMES")]
    #[arg(value_parser = FalseyValueParser::new())]
    no_names: bool,

    #[command(subcommand)]
    pub command: Command,

    /// Where values that are no arguments came from.
    #[arg(skip)]
    pub origins: Origins,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage workspaces. Each holds the bans, keys and experiences of one studio.
    Workspace {
        #[command(subcommand)]
        command: WorkspaceCommand,
    },
    /// Link experiences to a workspace, and list what each has yet to apply.
    Experience {
        #[command(subcommand)]
        command: ExperienceCommand,
    },
    /// Manage the API keys of game servers and tools.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Allow changes of ranks in Roblox groups, through `PATCH /group-role`.
    Group {
        #[command(subcommand)]
        command: GroupCommand,
    },
    /// Manage which Discord and Roblox accounts belong to the same person.
    Link {
        #[command(subcommand)]
        command: LinkCommand,
    },
    /// Manage the members of a workspace, who moderate it in the console.
    Member {
        #[command(subcommand)]
        command: MemberCommand,
    },
    /// Grant and revoke what members may do, manually or by rules.
    Permission {
        #[command(subcommand)]
        command: PermissionCommand,
    },
    /// Set up the commands on Discord, and link guilds (Discord servers) to workspaces.
    Discord {
        #[command(subcommand)]
        command: DiscordCommand,
    },
    /// Manage protected users, such as staff, who cannot be banned.
    Protected {
        #[command(subcommand)]
        command: ProtectedCommand,
    },
    /// List bans.
    Bans {
        #[command(subcommand)]
        command: BansCommand,
    },
    /// Show the event log, and follow it.
    Events(EventsArgs),
    /// Ban a user, change a ban, or accept an appeal.
    Ban(BanArgs),
    /// Lift a user's bans.
    Unban(UnbanArgs),
    /// Show whether a user is banned in an experience, and by which ban.
    Check(CheckArgs),
    /// Show all decisions about a user, oldest first.
    History(HistoryArgs),
    /// Show the bans and unbans that an experience has yet to apply.
    Pending(PendingArgs),
    /// Import bans from a file: an export, a table of users, or the data of an admin script.
    Import(Box<ImportArgs>),
    /// Export all bans of a workspace to a file.
    Export(ExportArgs),
    /// Undo all decisions that a key or a moderator made within a period.
    Undo(UndoArgs),
    /// Erase all data about a user, for example to answer an erasure request.
    #[command(alias = "forget")]
    Erase(EraseArgs),
    /// Handle erasure requests that Roblox forwards.
    Erasure {
        #[command(subcommand)]
        command: ErasureCommand,
    },
    /// Manage evidence for bans: files and texts.
    Evidence {
        #[command(subcommand)]
        command: EvidenceCommand,
    },
    /// Manage webhooks, which send decisions to other systems.
    Webhook {
        #[command(subcommand)]
        command: WebhookCommand,
    },
    /// Mirror bans to Roblox's own ban list, without a game server.
    #[command(alias = "enforcement")]
    Mirror {
        #[command(subcommand)]
        command: MirrorCommand,
    },
    /// Install Portcullis in your AWS account, or update a stack to a release.
    Deploy(DeployArgs),
    /// Restore the bans table to an earlier state, from a copy that DynamoDB has restored.
    Restore(RestoreArgs),
    /// Manage contexts: named defaults for workspace, stack, API and other options.
    Context {
        #[command(subcommand)]
        command: ContextCommand,
    },
    /// Check the installation, and print a remedy for each problem.
    Doctor(DoctorArgs),
    /// Estimate what an installation costs a month, at AWS's list prices.
    Costs(CostsArgs),
    /// Print the IAM policy that an operator or deployer needs, as JSON.
    IamPolicy(IamPolicyArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write one page for each command.
    Man(ManArgs),
}

impl Cli {
    /// Parses the arguments of this process; exits with status 2 if they are wrong.
    pub fn read() -> Self {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let chosen = contexts::chosen(&arguments);
        let context = chosen.as_ref().ok().and_then(Option::as_ref);
        let command = match context {
            Some(context) => defaults::with_context(Self::command(), context),
            None => Self::command(),
        };
        let mut command = help::arranged(command);
        let unreadable = |error: &anyhow::Error| {
            let said = format!("{error:#}");
            Self::command().error(ErrorKind::InvalidValue, said).exit()
        };
        let matches = command.try_get_matches_from_mut(&arguments);
        let matches = matches.unwrap_or_else(|error| match &chosen {
            Err(wrong) if error.use_stderr() => unreadable(wrong),
            _ => defaults::explained(help::shortened(error), &command, context, &arguments).exit(),
        });
        let mut cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        if let Err(wrong) = &chosen
            && !cli.command.is_offline()
        {
            unreadable(wrong);
        }
        cli.origins = Origins::of(&command, &matches, context);
        cli.connection.prefer_arguments(&matches);
        cli.connection.adopt(context);
        if let Command::Export(export) = &mut cli.command {
            cli.connection.use_api(export.from_api.take());
        }
        if let Err((kind, what)) = cli.check() {
            Self::command().error(kind, what).exit();
        }
        cli
    }

    /// The client of the API, if the command works through it.
    pub fn api(&self) -> anyhow::Result<Option<ApiClient>> {
        if self.command.works_through_api() {
            return self.connection.api();
        }
        Ok(None)
    }

    pub fn output(&self) -> Output {
        let format = if self.json {
            OutputFormat::Json
        } else {
            self.output
        };
        let color = if self.no_color {
            ColorChoice::Never
        } else {
            self.color
        };
        Output::new(format, self.wide, color)
    }

    pub fn names(&self) -> UserNames {
        let is_remote = self.connection.uses_api() && self.command.works_through_api();
        let is_local = if is_remote {
            self.connection.has_local_api()
        } else {
            self.connection.is_local()
        };
        UserNames::new(!self.no_names, is_local)
    }

    pub const fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (_, true) => Verbosity::Verbose,
            (true, false) => Verbosity::Quiet,
            (false, false) => Verbosity::Normal,
        }
    }

    /// Checks that involve more than one argument.
    fn check(&self) -> Result<(), (ErrorKind, String)> {
        if self.command.is_offline() {
            return Ok(());
        }
        let missing = |what| (ErrorKind::MissingRequiredArgument, what);
        if self.connection.uses_api() && self.command.works_through_api() {
            return Ok(());
        }
        if self.connection.has_only_api() {
            let what = "this command needs the tables, so it does not work through the API: leave out \
                        --api, and use --stack or PORTCULLIS_STACK";
            return Err((ErrorKind::ArgumentConflict, what.to_owned()));
        }
        if matches!(self.command, Command::Deploy(_)) && self.connection.stack_name().is_none() {
            let what = "no stack given: use --stack or set PORTCULLIS_STACK".to_owned();
            return Err(missing(what));
        }
        self.connection.check().map_err(missing)?;
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

impl Command {
    /// Whether it needs no installation.
    const fn is_offline(&self) -> bool {
        matches!(
            self,
            Self::Context { .. }
                | Self::Costs(_)
                | Self::IamPolicy(_)
                | Self::Completions(_)
                | Self::Man(_)
        )
    }

    /// Whether a key of the API is enough for it.
    const fn works_through_api(&self) -> bool {
        match self {
            Self::Evidence { command } => command.works_through_api(),
            _ => matches!(
                self,
                Self::Bans { .. }
                    | Self::Events(_)
                    | Self::Ban(_)
                    | Self::Unban(_)
                    | Self::Check(_)
                    | Self::History(_)
                    | Self::Pending(_)
                    | Self::Export(_)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
        help::arranged(Cli::command()).debug_assert();
    }
}
