//! `portcullis key`.

mod rotation;
mod summary;

pub use rotation::KeyRotateArgs;

use std::num::NonZeroU32;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::keys::{
    InvalidScopes, KeyKind, KeyRecord, KeyScope, PinnedFlagFormat, PlainKey,
};
use shared::store::Store;
use shared::store::admin::NewKey;

use super::workspace;
use crate::arguments::{SafetyArgs, WorkspaceArg, expiry, name, one_of, require_key_id};
use crate::confirm::confirm;
use crate::output::Output;
use summary::{KeySummary, NewKeySummary};

const EXAMPLES: &str = "\
Examples:
  portcullis key create --name \"game servers\"
  portcullis key create --name bot --scope bans:write,bans:write-global --bans-per-hour 60
  portcullis key create --name \"our partners\" --kind public --checks-per-minute 600
  portcullis key list
  portcullis key show KEY_ID
  portcullis key rotate KEY_ID --overlap 2d
  portcullis key revoke KEY_ID";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum KeyCommand {
    /// Create a key. It is shown once.
    Create(NewKeyArgs),
    /// List a workspace's keys, oldest first, including revoked and expired ones.
    List(WorkspaceArg),
    /// Show a key's settings, but not the key itself.
    Show(NamedKey),
    /// Replace a key with a new one, shown once. The old key keeps working for a while.
    Rotate(KeyRotateArgs),
    /// Revoke a key. Within 60 seconds it stops working everywhere. This cannot be undone.
    Revoke {
        #[command(flatten)]
        named: NamedKey,
        #[command(flatten)]
        safety: SafetyArgs,
    },
}

#[derive(Debug, Args)]
pub struct NamedKey {
    #[command(flatten)]
    pub place: WorkspaceArg,
    /// The key's id, from `key list`.
    #[arg(value_name = "KEY_ID")]
    pub key_id: String,
}

#[derive(Debug, Args)]
pub struct NewKeyArgs {
    #[command(flatten)]
    pub place: WorkspaceArg,

    /// The display name, for example where the key is used.
    #[arg(long, value_parser = name, allow_hyphen_values = true)]
    pub name: String,

    /// `public` keys can only check single users; you can give them to other communities.
    #[arg(long, default_value = "secret")]
    #[arg(value_parser = one_of::<KeyKind>(["secret", "public"]))]
    pub kind: KeyKind,

    /// The scopes of a secret key, separated by commas [default: bans:read,bans:write].
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    #[arg(value_parser = one_of::<KeyScope>(KeyScope::ALL.map(KeyScope::name)))]
    pub scopes: Vec<KeyScope>,

    /// The format of flags in lists. `auto`: booleans for game servers, 0 and 1 for others.
    #[arg(long, default_value = "auto", value_name = "HOW")]
    #[arg(value_parser = one_of::<PinnedFlagFormat>(["auto", "integer", "boolean"]))]
    pub flags: PinnedFlagFormat,

    /// How many bans the key may make or change per hour [default: no limit].
    #[arg(long, value_name = "N")]
    pub bans_per_hour: Option<NonZeroU32>,

    /// How many checks the key may make per minute, approximately [default: 6000 for a public key, no
    /// limit for a secret key].
    #[arg(long, value_name = "N")]
    pub checks_per_minute: Option<NonZeroU32>,

    /// When the key expires: a length (12h, 90d, 1y), a date (2027-01-31, which means 00:00 UTC) or a time
    /// (RFC 3339) [default: never].
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    pub expires: Option<UnixSeconds>,
}

impl NewKeyArgs {
    /// The scopes of the new key, without duplicates and in canonical order.
    pub fn granted(&self) -> Result<Vec<KeyScope>, String> {
        KeyScope::granted(self.kind, &self.scopes).map_err(|invalid| match invalid {
            InvalidScopes::PublicKey => format!("{invalid}: leave out --scope"),
            InvalidScopes::RequiresWrite(scope) => {
                format!("{invalid}: use --scope bans:write,{}", scope.name())
            }
        })
    }
}

pub async fn run(command: KeyCommand, store: &Store, output: Output) -> Result<()> {
    match command {
        KeyCommand::Create(args) => create(&args, store, output).await,
        KeyCommand::List(place) => list(place, store, output).await,
        KeyCommand::Show(named) => {
            let key = find(store, &named).await?;
            output.one(&KeySummary::at(UnixMillis::now().seconds(), &key))
        }
        KeyCommand::Rotate(args) => rotation::rotate(&args, store, output).await,
        KeyCommand::Revoke { named, safety } => revoke(&named, safety, store, output).await,
    }
}

async fn create(args: &NewKeyArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place).await?;
    let new = NewKey {
        key: PlainKey::random(args.kind, workspace.guid),
        workspace: workspace.guid,
        name: args.name.clone(),
        scopes: args.granted().map_err(anyhow::Error::msg)?,
        flags: args.flags,
        bans_per_hour: args.bans_per_hour,
        checks_per_minute: args.checks_per_minute,
        expires: args.expires,
        created: UnixMillis::now().seconds(),
    };
    make(&new, store, output).await
}

/// Creates a key and shows it once.
async fn make(new: &NewKey, store: &Store, output: Output) -> Result<()> {
    // If the random key exists, the answer to the first attempt was lost.
    store.create_key(new).await?;
    let record = new.record();
    output
        .one(&NewKeySummary {
            key: new.key.reveal().to_owned(),
            shown: KeySummary::at(new.created, &record),
        })
        .with_context(|| {
            format!(
                "key created but could not be printed; revoke {}",
                record.key_id
            )
        })?;
    note!("This key cannot be shown again. Store it in a secret manager now.");
    Ok(())
}

async fn list(place: WorkspaceArg, store: &Store, output: Output) -> Result<()> {
    let keys = all(store, place).await?;
    let now = UnixMillis::now().seconds();
    let shown: Vec<_> = keys.iter().map(|key| KeySummary::at(now, key)).collect();
    let none =
        format!("no keys yet: create one with `portcullis key create -w {place} --name NAME`");
    output.list(&shown, &none)
}

async fn revoke(named: &NamedKey, safety: SafetyArgs, store: &Store, output: Output) -> Result<()> {
    let mut key = find(store, named).await?;
    let now = UnixMillis::now().seconds();
    // Revoking a key again is not an error: it shows when the key was revoked.
    if key.revoked.is_none() && safety.dry_run {
        note!("Dry run: this key would be revoked.");
    } else if key.revoked.is_none() {
        let question = format!(
            "Revoke the key {:?} ({})? Clients using it will get 401. This cannot be undone.",
            key.name, key.key_id
        );
        confirm(&question, safety.yes)?;
        let prefix = key.workspace.prefix();
        // `false` means that another call has already revoked it.
        store.revoke_key(prefix, &key.key_id, now).await?;
        key.revoked = Some(now);
    }
    output.one(&KeySummary::at(now, &key))
}

/// Finds a key by its id. The error says how to list keys.
async fn find(store: &Store, named: &NamedKey) -> Result<KeyRecord> {
    let NamedKey { place, key_id } = named;
    require_key_id(key_id)?;
    let keys = all(store, *place).await?;
    let found = keys.into_iter().find(|key| key.key_id == *key_id);
    found.with_context(|| {
        format!("the workspace has no key {key_id}; `portcullis key list -w {place}` shows all")
    })
}

/// The keys of a workspace, oldest first. Fails if the workspace does not exist.
async fn all(store: &Store, place: WorkspaceArg) -> Result<Vec<KeyRecord>> {
    let workspace = workspace::find(store, place).await?;
    let mut keys = store.keys(workspace.guid.prefix()).await?;
    keys.sort_by(|a, b| (a.created, &a.key_id).cmp(&(b.created, &b.key_id)));
    Ok(keys)
}
