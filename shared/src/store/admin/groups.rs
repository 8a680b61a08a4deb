//! Allows groups, lists them and removes them.

use crate::domain::error::ApiError;
use crate::domain::ids::{GroupId, WorkspacePrefix};
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind};
use crate::store::{AllowedGroup, Store};

impl Store {
    /// Allows a group, or changes its settings.
    pub async fn allow_group(
        &self,
        prefix: WorkspacePrefix,
        allowed: &AllowedGroup,
    ) -> Result<(), ApiError> {
        let key = Key::group(prefix, allowed.group);
        let item = items::write(key, StoredKind::Group, &allowed.settings)?;
        let put = self.database.putting(item)?;
        self.database.put(put).await?;
        self.caches.groups.remove(&(prefix, allowed.group));
        Ok(())
    }

    /// No longer allows a group; `false` if it was not allowed.
    pub async fn remove_group(
        &self,
        prefix: WorkspacePrefix,
        group: GroupId,
    ) -> Result<bool, ApiError> {
        let was = self
            .database
            .delete_existing(Key::group(prefix, group))
            .await?;
        self.caches.groups.remove(&(prefix, group));
        Ok(was)
    }

    /// The allowed groups of a workspace, by id.
    pub async fn groups(&self, prefix: WorkspacePrefix) -> Result<Vec<AllowedGroup>, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :all AND begins_with(sk, :prefix)")
            .expression_attribute_values(":all", text(schema::GROUPS))
            .expression_attribute_values(":prefix", text(format!("{prefix}#")));
        let found = self.database.query_all(query).await?;
        let groups = found.into_iter().map(read);
        Ok(groups.collect::<Result<_, DatabaseError>>()?)
    }
}

fn read(item: Item) -> Result<AllowedGroup, DatabaseError> {
    let key = Key::of(&item);
    let group = key.and_then(|key| key.sk.split_once('#')?.1.parse().ok());
    let group = group.ok_or_else(|| DatabaseError::Refused("a group without an id".to_owned()))?;
    let settings = items::read(item)?;
    Ok(AllowedGroup { group, settings })
}
