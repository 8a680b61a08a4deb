//! Creates, lists, changes and upgrades workspaces.

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{WorkspaceId, WorkspacePrefix};
use crate::domain::keys::WorkspaceSecret;
use crate::store::dynamo::database::{failure, text};
use crate::store::dynamo::difference::update_difference;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind, attributes};
use crate::store::{Linking, Store, Workspace};

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
            evidence_days: None,
            evidence_gib: None,
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
        let item = items::write(key, StoredKind::Workspace, workspace)?;
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
            items::write(key(), StoredKind::Workspace, before)?,
            items::write(key(), StoredKind::Workspace, after)?,
        );
        let update = self.database.updating(key());
        let Some(update) = update_difference(update, &before, &after, false) else {
            return Ok(true);
        };
        Ok(self.database.update_if(update).await?)
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
