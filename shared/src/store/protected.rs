//! The users of a workspace whom no call may ban: its owner, its staff.

use serde::{Deserialize, Serialize};

use super::Store;
use super::database::{failure, text};
use super::items;
use super::schema::{self, Key};
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::ids::{UserId, WorkspaceTag};

#[derive(Serialize, Deserialize)]
struct ProtectedItem {
    since: Timestamp,
}

impl Store {
    /// Protects a user from now on. Bans in force stay; who is protected already stays so since
    /// then.
    pub async fn protect(
        &self,
        tag: WorkspaceTag,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let update = self
            .database
            .updating(Key::protected(tag, user))
            .update_expression("SET kind = :kind, since = if_not_exists(since, :now)")
            .expression_attribute_values(":kind", text("protected"))
            .expression_attribute_values(":now", items::attribute(now)?);
        self.database.update(update).await?;
        Ok(())
    }

    /// Protects a user no longer.
    pub async fn unprotect(&self, tag: WorkspaceTag, user: UserId) -> Result<(), ApiError> {
        let call = self
            .database
            .client()
            .delete_item()
            .table_name(&self.database.tables().bans)
            .set_key(Some(Key::protected(tag, user).item()));
        self.database.timed(call.send()).await.map_err(failure)?;
        Ok(())
    }

    /// The protected users, and since when they are.
    pub async fn protected_users(
        &self,
        tag: WorkspaceTag,
    ) -> Result<Vec<(UserId, Timestamp)>, ApiError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :protected")
            .expression_attribute_values(":protected", text(schema::protected_partition(tag)));
        let mut users = Vec::new();
        for item in self.database.query_all(query).await? {
            let user = Key::of(&item).and_then(|key| key.sk.parse().ok());
            let since = items::read::<ProtectedItem>(item)?.since;
            users.extend(user.map(|user| (user, since)));
        }
        users.sort_unstable();
        Ok(users)
    }
}
