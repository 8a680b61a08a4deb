//! `portcullis key`.

use std::num::NonZeroU32;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::auth::{FlagPin, KeyKind, KeyRecord, PlainKey, Scope};
use shared::clock::{Moment, Timestamp};
use shared::store::{NewKey, Store};

use super::workspace;
use crate::arguments::{InWorkspace, expiry, name, one_of};
use crate::confirm::confirm;
use crate::output::{Output, Record, rfc3339, word};

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

/// A key as it is shown: everything but the key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    key_id: String,
    name: String,
    kind: KeyKind,
    scopes: Vec<Scope>,
    flags: FlagPin,
    status: Status,
    created: String,
    expires: Option<String>,
    revoked: Option<String>,
    workspace_guid: String,
}

/// A key that has just been made: the one time that it is shown.
#[derive(Serialize)]
struct Made {
    key: String,
    #[serde(flatten)]
    shown: Shown,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Live,
    Expired,
    Revoked,
}

impl Shown {
    fn at(now: Timestamp, key: &KeyRecord) -> Self {
        let status = match key.revoked {
            Some(_) => Status::Revoked,
            None if key.is_live(now) => Status::Live,
            None => Status::Expired,
        };
        Self {
            key_id: key.key_id.clone(),
            name: key.name.clone(),
            kind: key.key_kind,
            scopes: match key.key_kind {
                KeyKind::Secret => key.scopes.clone(),
                KeyKind::Public => Vec::new(),
            },
            flags: key.flags,
            status,
            created: rfc3339(key.created),
            expires: key.expires.map(rfc3339),
            revoked: key.revoked.map(rfc3339),
            workspace_guid: key.workspace.to_string(),
        }
    }
}

impl Record for Shown {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let or_dash = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
        let scopes: Vec<_> = self.scopes.iter().copied().map(Scope::name).collect();
        let scopes = if scopes.is_empty() {
            "-".to_owned()
        } else {
            scopes.join(",")
        };
        vec![
            ("key id", self.key_id.clone()),
            ("name", self.name.clone()),
            ("kind", word(self.kind)),
            ("scopes", scopes),
            ("flags", word(self.flags)),
            ("status", word(self.status)),
            ("created", self.created.clone()),
            ("expires", or_dash(&self.expires)),
            ("revoked", or_dash(&self.revoked)),
        ]
    }
}

impl Record for Made {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("key", self.key.clone())];
        fields.extend(self.shown.fields());
        fields
    }
}

pub async fn run(command: KeyCommand, store: &Store, output: Output) -> Result<()> {
    match command {
        KeyCommand::Create(args) => create(&args, store, output).await,
        KeyCommand::List(place) => list(place, store, output).await,
        KeyCommand::Revoke { place, key_id, yes } => {
            revoke(place, &key_id, yes, store, output).await
        }
    }
}

async fn create(args: &NewKeyArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place.workspace).await?;
    let now = Moment::now().seconds();
    let new = NewKey {
        key: PlainKey::random(args.kind, workspace.guid),
        workspace: workspace.guid,
        name: args.name.clone(),
        scopes: args.granted().map_err(anyhow::Error::msg)?,
        flags: args.flags,
        bans_per_hour: args.bans_per_hour,
        expires: args.expires,
        created: now,
    };
    // That a random key exists already only means that the answer to the first try was lost.
    store.create_key(&new).await?;
    let record = new.record();
    output
        .one(&Made {
            key: new.key.reveal().to_owned(),
            shown: Shown::at(now, &record),
        })
        .with_context(|| format!("the key is made but lost: revoke {}", record.key_id))?;
    eprintln!("This key cannot be shown again: keep it where you keep secrets.");
    Ok(())
}

async fn list(place: InWorkspace, store: &Store, output: Output) -> Result<()> {
    let keys = all(store, place).await?;
    let now = Moment::now().seconds();
    let shown: Vec<_> = keys.iter().map(|key| Shown::at(now, key)).collect();
    let none = format!(
        "no keys yet: make one with `portcullis key create --workspace {} --name NAME`",
        place.workspace
    );
    output.list(&shown, &none)
}

async fn revoke(
    place: InWorkspace,
    key_id: &str,
    yes: bool,
    store: &Store,
    output: Output,
) -> Result<()> {
    let keys = all(store, place).await?;
    let Some(mut key) = keys.into_iter().find(|key| key.key_id == key_id) else {
        bail!(
            "the workspace has no key {key_id}: `portcullis key list --workspace {}` shows all",
            place.workspace
        );
    };
    let now = Moment::now().seconds();
    // To revoke a key twice is no mistake: the second time is told when the first was.
    if key.revoked.is_none() {
        let question = format!(
            "Revoke the key {:?} ({key_id})? Whoever uses it is refused, for good.",
            key.name
        );
        confirm(&question, yes)?;
        // It may say no, that somebody else was quicker: revoked it is.
        store.revoke_key(place.workspace.tag(), key_id, now).await?;
        key.revoked = Some(now);
    }
    output.one(&Shown::at(now, &key))
}

/// The keys of a workspace that exists, oldest first.
async fn all(store: &Store, place: InWorkspace) -> Result<Vec<KeyRecord>> {
    let workspace = workspace::find(store, place.workspace).await?;
    let mut keys = store.keys(workspace.guid.tag()).await?;
    keys.sort_by(|a, b| (a.created, &a.key_id).cmp(&(b.created, &b.key_id)));
    Ok(keys)
}
