//! Creates, lists, replaces and revokes keys.

use std::num::NonZeroU32;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{WorkspaceId, WorkspacePrefix};
use crate::domain::keys::{KeyKind, KeyRecord, KeyScope, PinnedFlagFormat, PlainKey, Replaced};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, failure, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key, StoredKind, attributes, names};

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

impl Store {
    /// Creates a key; `false` if it exists.
    pub async fn create_key(&self, new: &NewKey) -> Result<bool, ApiError> {
        let key = Key::api_key(new.key.hash().as_str());
        let mut item = items::write(key, StoredKind::Key, new.record())?;
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
