//! The groups in which a workspace's keys may change roles.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::clock::{Reading, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{GroupId, UserId, WorkspacePrefix};
use crate::domain::rules::group_roles::RolePolicy;
use crate::store::Store;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::Key;

/// How long a warm function uses a group's settings without reading them again.
const CACHE_TTL: Duration = Duration::from_mins(1);

/// The same for a group without settings, which the operator may be about to allow.
const NONE_TTL: Duration = Duration::from_secs(5);

/// A group and its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedGroup {
    pub group: GroupId,
    pub settings: GroupSettings,
}

/// What the operator allows in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSettings {
    /// The name or ARN of the secret that holds the Open Cloud key.
    pub secret: String,
    /// The user who owns the key, for their rate limit; `None` if the operator could not look it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    #[serde(flatten)]
    pub policy: RolePolicy,
    /// When the group was first allowed.
    pub created: UnixSeconds,
}

impl Store {
    /// The settings of a group, if it is allowed, from the cache or the table. A change takes effect
    /// everywhere within 60 s.
    pub async fn cached_group(
        &self,
        prefix: WorkspacePrefix,
        group: GroupId,
    ) -> Result<Option<Arc<GroupSettings>>, ApiError> {
        let kept = |known: &Option<Arc<GroupSettings>>| match known {
            Some(_) => CACHE_TTL,
            None => NONE_TTL,
        };
        if let Some(known) = self.caches.groups.get(&(prefix, group), kept) {
            return Ok(known);
        }
        let looked_up = Reading::now();
        let found = self.group(prefix, group).await?.map(Arc::new);
        let known = found.clone();
        self.caches.groups.put((prefix, group), known, looked_up);
        Ok(found)
    }

    /// The settings of a group, if it is allowed.
    pub async fn group(
        &self,
        prefix: WorkspacePrefix,
        group: GroupId,
    ) -> Result<Option<GroupSettings>, ApiError> {
        let item = self.database.get(Key::group(prefix, group)).await?;
        Ok(item.map(items::read).transpose()?)
    }
}
