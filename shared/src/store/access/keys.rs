//! Keys: the look-up on each request.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::clock::{Reading, UnixMillis};
use crate::domain::error::ApiError;
use crate::domain::ids::{PlaceId, UserId};
use crate::domain::keys::{KeyHash, KeyRecord, PlainKey};
use crate::domain::rules::Standing;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key};

/// How long a key counts as valid without a look-up. A revocation takes effect everywhere within
/// this time.
const CACHE_TTL: Duration = Duration::from_mins(1);

/// How long an unknown key is refused without a look-up: short, because it may be created right
/// after it was tried.
const NONE_REMEMBERED: Duration = Duration::from_secs(5);

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

    /// An uncached key and the standing of a user of its workspace for a ban check; `None` if the
    /// key is unknown. This takes one round trip, or two if the place turns out to be a part.
    pub async fn key_and_standing(
        &self,
        key: &PlainKey,
        user: UserId,
        place: PlaceId,
    ) -> Result<Option<(Arc<KeyRecord>, Standing)>, ApiError> {
        let (hash, prefix) = (key.hash(), key.prefix());
        let key_item = Key::api_key(hash.as_str());
        let looked_up = Reading::now();
        let mut first = self
            .first_look(prefix, user, place, Some(&key_item))
            .await?;
        let found = first.take(&key_item);
        let Some(record) = self.learn_key(hash, found, looked_up)? else {
            return Ok(None);
        };
        Ok(Some((record, self.looked(first).await?)))
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
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;
    use crate::cache::MAX_ENTRIES;
    use crate::domain::clock::UnixSeconds;
    use crate::domain::ids::WorkspaceId;
    use crate::domain::keys::{KeyKind, PinnedFlagFormat};
    use crate::store::{Database, Tables};

    fn store() -> Store {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let tables = Tables {
            bans: "bans".to_owned(),
            workspaces: "workspaces".to_owned(),
        };
        Store::new(Database::new(&config.build(), tables))
    }

    fn made(key: &PlainKey, workspace: WorkspaceId) -> KeyRecord {
        KeyRecord {
            key_id: key.hash().as_str().chars().take(12).collect(),
            workspace,
            name: "key".to_owned(),
            key_kind: key.kind(),
            scopes: Vec::new(),
            flags: PinnedFlagFormat::Auto,
            bans_per_hour: None,
            checks_per_minute: None,
            created: UnixSeconds(1),
            expires: None,
            revoked: None,
            last_used: None,
            replaced: None,
        }
    }

    #[test]
    fn flood_of_unknown_keys_evicts_no_real_key() {
        let (store, workspace) = (store(), WorkspaceId::random());
        let key = || PlainKey::random(KeyKind::Secret, workspace);
        let (real, first) = (key(), key());
        let record = Arc::new(made(&real, workspace));
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
