//! The arguments: what they are called, what they mean, and which go together.

use std::num::NonZeroU32;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use serde::de::value::Error as UnknownName;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use shared::auth::{FlagPin, KeyKind, Scope};
use shared::clock::{Moment, Timestamp};
use shared::ids::WorkspaceId;
use shared::length;
use shared::rules::Length;
use shared::store::Linking;

use crate::commands::export::ExportArgs;
use crate::commands::import::ImportArgs;
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

const LONGEST_NAME: usize = 100;

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
    /// Bring in bans from a file: our own exports, tables of users, lists of admin scripts.
    Import(Box<ImportArgs>),
    /// Write all bans of a workspace to a file.
    Export(ExportArgs),
}

#[derive(Debug, Subcommand)]
pub enum WorkspaceCommand {
    /// Make a workspace.
    Create {
        /// What you call it.
        #[arg(value_parser = name)]
        name: String,
        /// How experiences join it: by their first call with a secret key, or by you only.
        #[arg(long, default_value = "automatic", value_name = "HOW")]
        #[arg(value_parser = one_of::<Linking>(["automatic", "strict"]))]
        linking: Linking,
    },
    /// List all workspaces, oldest first.
    List,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key. It is shown once.
    Create(NewKeyArgs),
    /// List a workspace's keys, oldest first, revoked and expired ones too.
    List(InWorkspace),
    /// Revoke a key: within 60 seconds it is refused everywhere, for good.
    Revoke {
        #[command(flatten)]
        place: InWorkspace,
        /// The key's id, as `key list` shows it.
        #[arg(value_name = "KEY_ID")]
        key_id: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub struct InWorkspace {
    /// The workspace, by the guid that `workspace list` shows.
    #[arg(long, env = "PORTCULLIS_WORKSPACE", value_name = "GUID", value_parser = workspace)]
    pub workspace: WorkspaceId,
}

/// What a command that destroys takes besides.
#[derive(Clone, Copy, Debug, Args)]
pub struct Caution {
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Print exactly what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct NewKeyArgs {
    #[command(flatten)]
    pub place: InWorkspace,

    /// What you call it, such as where it is used.
    #[arg(long, value_parser = name)]
    pub name: String,

    /// `public` may check one ban at a time and can be handed to other communities.
    #[arg(long, default_value = "secret")]
    #[arg(value_parser = one_of::<KeyKind>(["secret", "public"]))]
    pub kind: KeyKind,

    /// What a secret key may do; repeat for several [default: bans:read and bans:write].
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    #[arg(value_parser = one_of::<Scope>(Scope::ALL.map(Scope::name)))]
    pub scopes: Vec<Scope>,

    /// How lists write flags to it; `auto`: booleans to game servers, 0 and 1 to others.
    #[arg(long, default_value = "auto", value_name = "HOW")]
    #[arg(value_parser = one_of::<FlagPin>(["auto", "integer", "boolean"]))]
    pub flags: FlagPin,

    /// How many bans it may make or change within any hour [default: any number].
    #[arg(long, value_name = "N")]
    pub bans_per_hour: Option<NonZeroU32>,

    /// When it ends: after 90d, 12h, P1Y …, or on a date (2027-01-31) or instant (RFC 3339).
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    pub expires: Option<Timestamp>,
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
        if matches!(&self.command, Command::Export(args) if args.is_remote()) {
            return Ok(());
        }
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

impl NewKeyArgs {
    /// The scopes that the key gets, each once and in the usual order.
    pub fn granted(&self) -> Result<Vec<Scope>, String> {
        let asked = |scope| self.scopes.contains(&scope);
        match self.kind {
            KeyKind::Public if self.scopes.is_empty() => Ok(Vec::new()),
            KeyKind::Public => Err("a public key has no scopes: leave out --scope".to_owned()),
            KeyKind::Secret if self.scopes.is_empty() => Ok(Scope::DEFAULT.to_vec()),
            KeyKind::Secret if asked(Scope::WriteGlobalBans) && !asked(Scope::WriteBans) => Err(
                "bans:write-global is no use alone: give --scope bans:write beside it".to_owned(),
            ),
            KeyKind::Secret => Ok(Scope::ALL
                .into_iter()
                .filter(|scope| asked(*scope))
                .collect()),
        }
    }
}

/// A parser of one of `names`, which are those under which `T` is stored.
fn one_of<T>(names: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name: String| -> Result<T, UnknownName> {
        T::deserialize(name.into_deserializer())
    })
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if (1..=LONGEST_NAME).contains(&length) && !text.contains(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected 1 to {LONGEST_NAME} printable characters"))
    }
}

fn workspace(text: &str) -> Result<WorkspaceId, String> {
    text.parse()
        .map_err(|_| "expected a guid, as `portcullis workspace list` shows it".to_owned())
}

fn expiry(text: &str) -> Result<Timestamp, String> {
    let now = Moment::now().seconds();
    let instant = match length::parse(&Value::String(text.to_owned()), now) {
        Some(Length::For(seconds)) => Some(now.plus(seconds)),
        Some(Length::Until(instant)) => Some(instant),
        Some(Length::Permanent) | None => midnight(text),
    };
    match instant {
        Some(instant) if instant > now => Ok(instant),
        Some(_) => Err("it lies in the past".to_owned()),
        None => Err(
            "expected a length (90d, 12h, P1Y), a date (2027-01-31, from 00:00 UTC) or an instant \
             (RFC 3339), at most 100 years away"
                .to_owned(),
        ),
    }
}

/// The beginning of a day in UTC, written `2027-01-31`.
fn midnight(text: &str) -> Option<Timestamp> {
    let midnight = format!("{text}T00:00:00Z");
    let instant: jiff::Timestamp = midnight.parse().ok()?;
    u64::try_from(instant.as_second()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_expiry_is_a_length_a_date_or_an_instant() {
        let soon = Moment::now().seconds().plus(90 * 86_400);
        let read = expiry("90d").unwrap();
        assert!(read >= soon && read <= soon.plus(5), "{read}");
        assert_eq!(expiry("2100-01-31"), Ok(Timestamp(4_105_036_800)));
        assert_eq!(expiry("2100-01-31T00:00:00Z"), Ok(Timestamp(4_105_036_800)));
        assert_eq!(
            expiry("2100-01-31T01:00:00+01:00"),
            Ok(Timestamp(4_105_036_800))
        );
        for wrong in [
            "",
            "soon",
            "0",
            "-1d",
            "2020-01-31",
            "2020-01-31T00:00:00Z",
            "2100-02-30",
            "200y",
        ] {
            assert!(expiry(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_is_short_and_printable() {
        assert_eq!(name(" My studio "), Ok("My studio".to_owned()));
        for wrong in [
            String::new(),
            "  ".to_owned(),
            "a\nb".to_owned(),
            "x".repeat(101),
        ] {
            assert!(name(&wrong).is_err(), "{wrong:?}");
        }
    }
}
