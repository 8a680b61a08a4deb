//! Protected users, for example the owner of a studio and its staff, whom no call may ban.

use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind};

#[derive(Serialize, Deserialize)]
struct ProtectedItem {
    since: UnixSeconds,
}

impl Store {
    /// Protects a user from bans from now on; a ban in force stays. Changes nothing for a protected
    /// user.
    pub async fn protect(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        now: UnixSeconds,
    ) -> Result<(), ApiError> {
        let item = ProtectedItem { since: now };
        let item = items::write(Key::protected(prefix, user), StoredKind::Protected, item)?;
        self.database.create(item).await?;
        Ok(())
    }

    /// Ends the protection of a user, if any.
    pub async fn unprotect(&self, prefix: WorkspacePrefix, user: UserId) -> Result<(), ApiError> {
        Ok(self.database.delete(Key::protected(prefix, user)).await?)
    }

    /// The protected users of a workspace and since when they are protected, by id.
    pub async fn protected_users(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Vec<(UserId, UnixSeconds)>, ApiError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :protected")
            .expression_attribute_values(":protected", text(schema::protected_partition(prefix)));
        let found = self.database.query_all(query).await?;
        let mut users = found
            .into_iter()
            .map(read)
            .collect::<Result<Vec<_>, DatabaseError>>()?;
        // The table sorts ids as text.
        users.sort_unstable();
        Ok(users)
    }
}

fn read(item: Item) -> Result<(UserId, UnixSeconds), DatabaseError> {
    let user = Key::of(&item)
        .and_then(|key| key.sk.parse().ok())
        .ok_or_else(|| DatabaseError::Refused("a protected user without an id".to_owned()))?;
    Ok((user, items::read::<ProtectedItem>(item)?.since))
}
