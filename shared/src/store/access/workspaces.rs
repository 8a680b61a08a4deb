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
use crate::store::dynamo::database::{failure, text};
use crate::store::dynamo::difference::update_difference;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, attributes};

/// How long a warm function uses a workspace's settings without reading them again. A change takes
/// effect everywhere within this time.
const CACHE_TTL: Duration = Duration::from_mins(1);

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
    pub created: UnixSeconds,
    /// Authenticates cursors and hashes erased bans. Workspaces made by an older version lack it
    /// until [`Store::upgrade_workspace`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<WorkspaceSecret>,
}

impl Workspace {
    /// A workspace with default settings and a new secret.
    #[must_use]
    pub fn new(guid: WorkspaceId, name: String, created: UnixSeconds) -> Self {
        Self {
            guid,
            name,
            linking: Linking::Automatic,
            moderator_bans_per_hour: None,
            history_days: None,
            created,
            secret: Some(WorkspaceSecret::random()),
        }
    }

    /// Whether it was made by this version, or upgraded to it.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        self.secret.is_some()
    }
}

impl Store {
    /// Creates a workspace; `false` if its prefix is taken, so that another id must be tried.
    pub async fn create_workspace(&self, workspace: &Workspace) -> Result<bool, ApiError> {
        let key = Key::workspace(workspace.guid.prefix());
        let item = items::write(key, "workspace", workspace)?;
        Ok(self.database.create(item).await?)
    }

    /// Changes the settings of a workspace from `before` to `after`; only differences are written.
    /// `false` if the workspace is gone.
    pub async fn change_workspace(
        &self,
        before: &Workspace,
        after: &Workspace,
    ) -> Result<bool, ApiError> {
        let key = || Key::workspace(before.guid.prefix());
        let (before, after) = (
            items::write(key(), "workspace", before)?,
            items::write(key(), "workspace", after)?,
        );
        let update = self.database.updating(key());
        let Some(update) = update_difference(update, &before, &after, false) else {
            return Ok(true);
        };
        Ok(self.database.update_if(update).await?)
    }

    pub async fn workspace(&self, prefix: WorkspacePrefix) -> Result<Option<Workspace>, ApiError> {
        let found = self.database.get(Key::workspace(prefix)).await?;
        Ok(found.map(items::read).transpose()?)
    }

    /// Adds what a workspace from an older version lacks; `false` if nothing is missing, or if the
    /// workspace is gone.
    pub async fn upgrade_workspace(&self, prefix: WorkspacePrefix) -> Result<bool, ApiError> {
        let update = self
            .database
            .updating(Key::workspace(prefix))
            .update_expression("SET #secret = :secret")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(#secret)")
            .expression_attribute_names("#secret", attributes::SECRET)
            .expression_attribute_values(":secret", items::attribute(WorkspaceSecret::random())?);
        Ok(self.database.update_if(update).await?)
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

    /// A workspace from the cache or the table.
    pub(in crate::store) async fn known_workspace(
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

    /// All workspaces. For the operator only: it reads the whole (small) table.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, ApiError> {
        let mut pages = self
            .database
            .client()
            .scan()
            .table_name(&self.database.tables().workspaces)
            .filter_expression("sk = :workspace")
            .expression_attribute_values(":workspace", text("W"))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(items::read(item.map_err(failure)?)?);
        }
        Ok(found)
    }
}
