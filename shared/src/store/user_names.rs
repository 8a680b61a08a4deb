//! The cached names of users. A name is in its user's partition, so an erasure removes it.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::user_name::{RobloxName, RobloxUser};
use crate::store::Store;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::lifetime;
use crate::store::dynamo::schema::{Key, StoredKind};
use crate::store::dynamo::versions::EXISTS;

/// How long a name is shown without looking it up again, in seconds.
const KEPT: u64 = 24 * 60 * 60;

/// How many names are written at once.
const AT_ONCE: usize = 16;

#[derive(Serialize, Deserialize)]
struct NameItem {
    name: String,
    display_name: String,
    /// When it was looked up.
    at: UnixSeconds,
    ttl: u64,
}

/// What the cache has about some users.
#[derive(Debug, Default)]
pub struct CachedNames {
    pub names: HashMap<UserId, RobloxName>,
    /// The users whose names have expired and are still stored.
    pub expired: HashSet<UserId>,
}

impl Store {
    /// The cached names of some users, eventually consistent: 100 per call.
    pub async fn cached_names(
        &self,
        prefix: WorkspacePrefix,
        users: &BTreeSet<UserId>,
        now: UnixSeconds,
    ) -> Result<CachedNames, ApiError> {
        let keys = users.iter().map(|user| Key::name(prefix, *user));
        let mut cached = CachedNames::default();
        for item in self.database.batch_get_stored(keys, false).await? {
            let Some(user) = Key::of(&item).and_then(|key| key.user()) else {
                continue;
            };
            let item: NameItem = items::read(item)?;
            match RobloxName::new(&item.name, &item.display_name) {
                Some(name) if item.ttl > now.0 => {
                    cached.names.insert(user, name);
                }
                _ => {
                    cached.expired.insert(user);
                }
            }
        }
        Ok(cached)
    }

    /// Caches names that were looked up at `now`; one that cannot be written is lost. A name that had
    /// expired is written only while the expired one exists, so that an erasure in between stands.
    pub async fn cache_names(
        &self,
        prefix: WorkspacePrefix,
        users: &[RobloxUser],
        expired: &HashSet<UserId>,
        now: UnixSeconds,
    ) {
        let write = async |user: &RobloxUser| {
            let item = NameItem {
                name: user.name.name().to_owned(),
                display_name: user.name.display_name().to_owned(),
                at: now,
                ttl: now.0.saturating_add(KEPT),
            };
            let item = items::write(Key::name(prefix, user.id), StoredKind::Name, item)?;
            let put = self.database.putting(item)?;
            let put = if expired.contains(&user.id) {
                put.condition_expression(EXISTS)
            } else {
                lifetime::put_if_absent(put)
            };
            self.database.in_time(put.send()).await.map(drop)
        };
        let writes = users.iter().map(write);
        let written: Vec<Result<(), DatabaseError>> = stream::iter(writes)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        // The names are looked up again.
        drop(written);
    }
}
