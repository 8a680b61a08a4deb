//! Workspaces and keys.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Store;
use super::database::{DatabaseError, failure, number, text};
use super::items;
use super::links::Linking;
use super::schema::{Item, Key, names};
use crate::auth::{FlagPin, KeyKind, KeyRecord, PlainKey, Scope};
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::ids::{WorkspaceId, WorkspaceTag};

/// A workspace to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewWorkspace {
    /// Its id.
    pub guid: WorkspaceId,
    /// What the operator calls it.
    pub name: String,
    /// How experiences become linked.
    #[serde(default)]
    pub linking: Linking,
    /// When it was made.
    pub created: Timestamp,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The key in clear.
    pub key: PlainKey,
    /// Whose.
    pub workspace: WorkspaceId,
    /// What the operator calls it.
    pub name: String,
    /// What it may do; a public key has no scopes.
    pub scopes: Vec<Scope>,
    /// How flags are written to it.
    pub flags: FlagPin,
    /// From when on it is refused.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
}

impl NewKey {
    /// What is stored of the key. Its public id is the beginning of its hash.
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
            created: self.created,
            expires: self.expires,
            revoked: None,
        }
    }
}

impl Store {
    /// The record of a key that was sent, from memory or the table.
    pub async fn key(&self, key: &PlainKey) -> Result<Option<Arc<KeyRecord>>, ApiError> {
        let hash = key.hash();
        if let Some(known) = self.known.keys.get(&hash) {
            return Ok(known);
        }
        let looked_up = Instant::now();
        let workspaces = &self.database.tables().workspaces;
        let found = self
            .database
            .get(workspaces, Key::api_key(hash.as_str()))
            .await?;
        let record = found
            .map(items::read::<KeyRecord>)
            .transpose()?
            .map(Arc::new);
        self.known.keys.put(hash, record.clone(), looked_up);
        Ok(record)
    }

    /// Opens the connection while nobody waits: the first request of a new environment would pay
    /// for the handshake, at a share of a CPU. It asks for a key that cannot exist; a failure is
    /// left to the first request.
    pub async fn warm_up(&self) {
        let workspaces = &self.database.tables().workspaces;
        let _ = self.database.get(workspaces, Key::api_key("")).await;
    }

    /// Makes a workspace; `false` if its tag is taken, so that another id must be tried.
    pub async fn create_workspace(&self, workspace: &NewWorkspace) -> Result<bool, ApiError> {
        let key = Key::workspace(workspace.guid.tag());
        self.create(items::write(key, "workspace", workspace)?)
            .await
    }

    /// Makes a key; `false` if it exists.
    pub async fn create_key(&self, new: &NewKey) -> Result<bool, ApiError> {
        let key = Key::api_key(new.key.hash().as_str());
        let mut item = items::write(key, "key", new.record())?;
        item.insert(
            "workspace_tag".to_owned(),
            text(new.workspace.tag().to_string()),
        );
        self.create(item).await
    }

    /// A workspace by its tag.
    pub async fn workspace(&self, tag: WorkspaceTag) -> Result<Option<NewWorkspace>, ApiError> {
        let workspaces = &self.database.tables().workspaces;
        let found = self.database.get(workspaces, Key::workspace(tag)).await?;
        Ok(found.map(items::read).transpose()?)
    }

    /// All workspaces. For the operator only: it reads the whole of the (small) table.
    pub async fn workspaces(&self) -> Result<Vec<NewWorkspace>, ApiError> {
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

    /// The keys of a workspace, revoked ones included.
    pub async fn keys(&self, tag: WorkspaceTag) -> Result<Vec<KeyRecord>, ApiError> {
        let items = self.key_items(tag).await?;
        Ok(items
            .into_iter()
            .map(items::read)
            .collect::<Result<_, _>>()?)
    }

    /// Revokes the key with this public id; `false` if there is none that was not revoked before.
    pub async fn revoke_key(
        &self,
        tag: WorkspaceTag,
        key_id: &str,
        now: Timestamp,
    ) -> Result<bool, ApiError> {
        let is_it = |item: &Item| {
            item.get("key_id")
                .and_then(|id| id.as_s().ok())
                .is_some_and(|id| id == key_id)
        };
        let found = self.key_items(tag).await?.into_iter().find(is_it);
        let Some(key) = found.as_ref().and_then(Key::of) else {
            return Ok(false);
        };
        let update = self
            .database
            .client()
            .update_item()
            .table_name(&self.database.tables().workspaces)
            .set_key(Some(key.item()))
            .update_expression("SET revoked = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(revoked)")
            .expression_attribute_values(":now", number(now.0));
        match self.database.update(update).await {
            Ok(_) => Ok(true),
            Err(DatabaseError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn key_items(&self, tag: WorkspaceTag) -> Result<Vec<Item>, DatabaseError> {
        let mut pages = self
            .database
            .client()
            .query()
            .table_name(&self.database.tables().workspaces)
            .index_name(names::KEYS_BY_WORKSPACE)
            .key_condition_expression("workspace_tag = :tag")
            .expression_attribute_values(":tag", text(tag.to_string()))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(item.map_err(failure)?);
        }
        Ok(found)
    }

    async fn create(&self, item: Item) -> Result<bool, ApiError> {
        let call = self
            .database
            .client()
            .put_item()
            .table_name(&self.database.tables().workspaces)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)");
        match self.database.timed(call.send()).await.map_err(failure) {
            Ok(_) => Ok(true),
            Err(DatabaseError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
