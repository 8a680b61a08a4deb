//! The arguments: what they are called, what they mean, and which go together.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::key::KeyCommand;
use crate::commands::workspace::WorkspaceCommand;
use crate::connection::ConnectionArgs;
use crate::output::Format;

const EXAMPLES: &str = "\
Examples, with `make dev` running:
  portcullis --endpoint http://127.0.0.1:8000 workspace list

and with a deployed stack:
  export BANS_TABLE=... WORKSPACES_TABLE=...   # outputs BansTableName and WorkspacesTableName
  portcullis workspace create \"My studio\"
  portcullis key create --workspace GUID --name \"game servers\"

Exit status: 0 done, 1 failed, 2 wrong arguments.";

/// Workspaces and keys of a Portcullis installation.
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
    /// Keys: what game servers and tools call the API with.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
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
        self.connection
            .tables()
            .map_err(|what| (ErrorKind::MissingRequiredArgument, what))?;
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
