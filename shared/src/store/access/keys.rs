//! Keys: the look-up on each request, and the operator's changes.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::clock::{Reading, UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UserId, WorkspaceId, WorkspacePrefix};
use crate::domain::keys::{
    KeyHash, KeyKind, KeyRecord, KeyScope, PinnedFlagFormat, PlainKey, Replaced,
};
use crate::store::Store;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::dynamo::database::{DatabaseError, failure, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key, attributes, names};

/// How long a key counts as valid without a look-up. A revocation takes effect everywhere within
/// this time.
const CACHE_TTL: Duration = Duration::from_mins(1);

/// How long an unknown key is refused without a look-up: short, because it may be created right
/// after it was tried.
const NONE_REMEMBERED: Duration = Duration::from_secs(5);

/// A key to create.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub key: PlainKey,
    pub workspace: WorkspaceId,
    /// The operator's name for it.
    pub name: String,
    /// Its permissions; a public key has no scopes.
    pub scopes: Vec<KeyScope>,
    /// The format of flags in answers.
    pub flags: PinnedFlagFormat,
    /// The cap on bans made or changed in any hour; absent = unlimited.
    pub bans_per_hour: Option<NonZeroU32>,
    /// The cap on checks per minute; absent = the default of its kind.
    pub checks_per_minute: Option<NonZeroU32>,
    /// Refused from this second on.
    pub expires: Option<UnixSeconds>,
    pub created: UnixSeconds,
}

impl NewKey {
    /// The stored form of the key. Its public id is the beginning of its hash.
    #[must_use]
    pub fn record(&self) -> KeyRecord {
        let scopes = match self.key.kind() {
            KeyKind::Secret => self.scopes.clone(),
            KeyKind::Public => Vec::new(),
        };
        KeyRecord {
            key_id: self.key.hash().as_str().chars().take(12).collect(),
            workspace: self.workspace,
            name: self.name.clone(),
            key_kind: self.key.kind(),
            scopes,
            flags: self.flags,
            bans_per_hour: self.bans_per_hour,
            checks_per_minute: self.checks_per_minute,
            created: self.created,
            expires: self.expires,
            revoked: None,
            last_used: None,
            replaced: None,
        }
    }
}

/// The cached result of a look-up.
#[derive(Clone, Debug)]
pub enum KnownKey {
    Key(Arc<KeyRecord>),
    /// The key does not exist.
    NoSuchKey,
}

impl KnownKey {
    /// The record, if the key exists.
    #[must_use]
    pub fn record(self) -> Option<Arc<KeyRecord>> {
        match self {
            Self::Key(record) => Some(record),
            Self::NoSuchKey => None,
        }
    }
}

impl Store {
    /// The record of a key, from the cache or the table.
    pub async fn key(&self, key: &PlainKey) -> Result<Option<Arc<KeyRecord>>, ApiError> {
        let hash = key.hash();
        if let Some(known) = self.remembered_key(&hash) {
            return Ok(known.record());
        }
        let looked_up = Reading::now();
        let found = self.database.get(Key::api_key(hash.as_str())).await?;
        Ok(self.learn_key(hash, found, looked_up)?)
    }

    /// What is cached about a key.
    #[must_use]
    pub fn known_key(&self, key: &PlainKey) -> Option<KnownKey> {
        self.remembered_key(&key.hash())
    }

    /// An uncached key and the standing of a user of its workspace, in one round trip; `None` if
    /// the key is unknown.
    pub async fn key_and_standing(
        &self,
        key: &PlainKey,
        user: UserId,
        experience: ExperienceId,
    ) -> Result<Option<(Arc<KeyRecord>, Snapshot)>, ApiError> {
        let hash = key.hash();
        let besides = vec![Key::api_key(hash.as_str())];
        let looked_up = Reading::now();
        let (snapshot, found) = self
            .standing_and(key.prefix(), user, experience, besides)
            .await?;
        let Some(record) = self.learn_key(hash, found.into_iter().next(), looked_up)? else {
            return Ok(None);
        };
        let snapshot = self.steadied(snapshot, user, experience).await?;
        Ok(Some((record, snapshot)))
    }

    fn remembered_key(&self, hash: &KeyHash) -> Option<KnownKey> {
        let known = &self.caches;
        let key = known.keys.get(hash, |_| CACHE_TTL).map(KnownKey::Key);
        key.or_else(|| {
            let unknown = known.unknown_keys.get(hash, |()| NONE_REMEMBERED);
            unknown.map(|()| KnownKey::NoSuchKey)
        })
    }

    /// Caches the result of a look-up, and records that the key is used.
    fn learn_key(
        &self,
        hash: KeyHash,
        found: Option<Item>,
        looked_up: Reading,
    ) -> Result<Option<Arc<KeyRecord>>, DatabaseError> {
        let record = found
            .map(items::read::<KeyRecord>)
            .transpose()?
            .map(Arc::new);
        match &record {
            Some(record) => {
                self.note_use(Key::api_key(hash.as_str()), record);
                self.caches.keys.put(hash, Arc::clone(record), looked_up);
            }
            None => self.caches.unknown_keys.put(hash, (), looked_up),
        }
        Ok(record)
    }

    /// Records that a key is used today, beside the request and not before its answer. If the
    /// environment is frozen first, a later look-up does it.
    fn note_use(&self, key: Key, record: &KeyRecord) {
        let now = UnixMillis::now().seconds();
        let today = now.day();
        if !record.is_live(now) || record.last_used.is_some_and(|day| day >= today) {
            return;
        }
        let call = self
            .database
            .updating(key)
            .update_expression("SET last_used = :today")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(last_used) OR last_used < :today)",
            )
            .expression_attribute_values(":today", number(today.0));
        self.database.beside(call);
    }

    /// Creates a key; `false` if it exists.
    pub async fn create_key(&self, new: &NewKey) -> Result<bool, ApiError> {
        let key = Key::api_key(new.key.hash().as_str());
        let mut item = items::write(key, "key", new.record())?;
        item.insert(
            "workspace_tag".to_owned(),
            text(new.workspace.prefix().to_string()),
        );
        Ok(self.database.create(item).await?)
    }

    /// The keys of a workspace, including revoked ones.
    pub async fn keys(&self, prefix: WorkspacePrefix) -> Result<Vec<KeyRecord>, ApiError> {
        let items = self.key_items(prefix).await?;
        Ok(items
            .into_iter()
            .map(items::read)
            .collect::<Result<_, _>>()?)
    }

    /// Revokes the key with this public id; `false` if there is none or it was revoked before.
    pub async fn revoke_key(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        now: UnixSeconds,
    ) -> Result<bool, ApiError> {
        self.change_live_key(prefix, key_id, "SET revoked = :at", "", now, None)
            .await
    }

    /// Sets the end of the key with this public id, because another one replaces it; `false` if it
    /// is revoked, ends earlier, or has been replaced already.
    pub async fn replace_key(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        at: UnixSeconds,
        replaced: &Replaced,
    ) -> Result<bool, ApiError> {
        let unless = " AND attribute_not_exists(replaced) AND (attribute_not_exists(expires) OR \
                      expires > :at)";
        let change = "SET expires = :at, replaced = :replaced";
        let replaced = items::attribute(replaced)?;
        self.change_live_key(prefix, key_id, change, unless, at, Some(replaced))
            .await
    }

    async fn change_live_key(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        change: &str,
        unless: &str,
        at: UnixSeconds,
        replaced: Option<AttributeValue>,
    ) -> Result<bool, ApiError> {
        let is_it = |item: &Item| {
            item.get(attributes::KEY_ID)
                .and_then(|id| id.as_s().ok())
                .is_some_and(|id| id == key_id)
        };
        let found = self.key_items(prefix).await?.into_iter().find(is_it);
        let Some(key) = found.as_ref().and_then(Key::of) else {
            return Ok(false);
        };
        let mut update = self
            .database
            .updating(key)
            .update_expression(change)
            .condition_expression(format!(
                "attribute_exists(pk) AND attribute_not_exists(revoked){unless}"
            ))
            .expression_attribute_values(":at", number(at.0));
        if let Some(replaced) = replaced {
            update = update.expression_attribute_values(":replaced", replaced);
        }
        Ok(self.database.update_if(update).await?)
    }

    pub(in crate::store) async fn key_items(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Vec<Item>, DatabaseError> {
        let mut pages = self
            .database
            .querying_workspaces()
            .index_name(names::KEYS_BY_WORKSPACE)
            .key_condition_expression("workspace_tag = :prefix")
            .expression_attribute_values(":prefix", text(prefix.to_string()))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(item.map_err(failure)?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;
    use crate::cache::MAX_ENTRIES;
    use crate::store::{Database, Tables};

    fn store() -> Store {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let tables = Tables {
            bans: "bans".to_owned(),
            workspaces: "workspaces".to_owned(),
        };
        Store::new(Database::new(&config.build(), tables))
    }

    fn made(key: PlainKey, workspace: WorkspaceId) -> KeyRecord {
        let new = NewKey {
            key,
            workspace,
            name: "key".to_owned(),
            scopes: Vec::new(),
            flags: PinnedFlagFormat::Auto,
            bans_per_hour: None,
            checks_per_minute: None,
            expires: None,
            created: UnixSeconds(1),
        };
        new.record()
    }

    #[test]
    fn flood_of_unknown_keys_evicts_no_real_key() {
        let (store, workspace) = (store(), WorkspaceId::random());
        let key = || PlainKey::random(KeyKind::Secret, workspace);
        let (real, first) = (key(), key());
        let record = Arc::new(made(real.clone(), workspace));
        store.caches.keys.put(real.hash(), record, Reading::now());
        let learn = |key: &PlainKey| store.learn_key(key.hash(), None, Reading::now());
        learn(&first).unwrap();
        assert!(matches!(store.known_key(&first), Some(KnownKey::NoSuchKey)));
        for _ in 0..MAX_ENTRIES {
            learn(&key()).unwrap();
            assert!(store.caches.unknown_keys.len() <= MAX_ENTRIES);
        }
        assert!(store.known_key(&first).is_none(), "it was pushed out");
        assert!(matches!(store.known_key(&real), Some(KnownKey::Key(_))));
    }
}
