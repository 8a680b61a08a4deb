//! `portcullis key`.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use shared::auth::{FlagPin, KeyKind, KeyRecord, PlainKey, Scope};
use shared::clock::{Moment, Timestamp};
use shared::store::{NewKey, Store};

use super::workspace;
use crate::cli::{InWorkspace, KeyCommand, NewKeyArgs};
use crate::confirm::confirm;
use crate::output::{Output, Record, rfc3339, word};

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
