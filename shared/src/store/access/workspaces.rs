//! Workspaces and their settings.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::links::Linking;
use crate::domain::clock::{Reading, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{WorkspaceId, WorkspacePrefix};
use crate::domain::keys::WorkspaceSecret;
use crate::store::Store;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::Key;

/// How long a warm function uses a workspace's settings without reading them again. A change takes
/// effect everywhere within this time.
const CACHE_TTL: Duration = Duration::from_mins(1);

/// How many GiB of evidence a workspace may store, unless it has another limit.
pub const EVIDENCE_GIB: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// A workspace and its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    pub guid: WorkspaceId,
    /// The operator's name for it.
    pub name: String,
    #[serde(default)]
    pub linking: Linking,
    /// The cap on each moderator's bans made or changed in any hour; absent = unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moderator_bans_per_hour: Option<NonZeroU32>,
    /// How many days a decision is kept in the history; absent = permanently. It applies to later
    /// decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_days: Option<NonZeroU32>,
    /// How many days a piece of evidence is kept; absent = permanently. It applies to later evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_days: Option<NonZeroU32>,
    /// How many GiB of evidence the workspace may store; absent = [`EVIDENCE_GIB`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_gib: Option<NonZeroU32>,
    pub created: UnixSeconds,
    /// Authenticates cursors and hashes erased bans. Workspaces made by an older version lack it
    /// until the operator upgrades them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) secret: Option<WorkspaceSecret>,
}

impl Store {
    pub async fn workspace(&self, prefix: WorkspacePrefix) -> Result<Option<Workspace>, ApiError> {
        let found = self.database.get(Key::workspace(prefix)).await?;
        Ok(found.map(items::read).transpose()?)
    }

    /// The secret of a workspace, from the cache (60 s) or the table.
    ///
    /// Unavailable while a workspace from an older version is not upgraded.
    pub async fn workspace_secret(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<WorkspaceSecret, ApiError> {
        self.workspace_secret_if_any(prefix).await?.ok_or_else(|| {
            let lacks = "the workspace has no secret: run `portcullis workspace upgrade`";
            ApiError::Unavailable(lacks.to_owned())
        })
    }

    /// The same, if there is one.
    pub(in crate::store) async fn workspace_secret_if_any(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Option<WorkspaceSecret>, ApiError> {
        let secret = |workspace: Option<Arc<Workspace>>| workspace?.secret.clone();
        if let Some(known) = secret(self.known_workspace(prefix).await?) {
            return Ok(Some(known));
        }
        // It may have been upgraded since.
        Ok(secret(self.look_up_workspace(prefix).await?))
    }

    /// A workspace from the cache (60 s) or the table.
    pub async fn known_workspace(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Option<Arc<Workspace>>, ApiError> {
        if let Some(known) = self.caches.workspaces.get(&prefix, |_| CACHE_TTL) {
            return Ok(known);
        }
        self.look_up_workspace(prefix).await
    }

    /// A workspace from the table, which then is cached.
    pub(in crate::store) async fn look_up_workspace(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Option<Arc<Workspace>>, ApiError> {
        let looked_up = Reading::now();
        let found = self.workspace(prefix).await?.map(Arc::new);
        self.caches.workspaces.put(prefix, found.clone(), looked_up);
        Ok(found)
    }
}
