//! Forgetting a user: everything about them in a workspace goes.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::Store;
use super::database::{DatabaseError, pause, refused, text};
use super::schema::{self, BAN_PREFIX, Key};
use crate::error::ApiError;
use crate::ids::{UserId, WorkspaceTag};

/// How many items DynamoDB deletes in one transaction.
const MOST: usize = 100;

/// How often other writers may come in between.
const ROUNDS: u32 = 16;

/// Who asks that a user be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgetSource {
    /// The operator.
    Operator,
    /// Roblox, by a notification.
    Roblox,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Bans on record.
    pub bans: u64,
    /// Items of all kinds, the bans among them.
    pub items: u64,
}

impl Store {
    /// Removes everything about a user. The records of the bans go last, so that a removal that
    /// was interrupted can still be seen to be one and be made again.
    pub async fn forget(
        &self,
        tag: WorkspaceTag,
        user: UserId,
        _source: ForgetSource,
    ) -> Result<Receipt, ApiError> {
        let mut receipt = Receipt::default();
        let mut round = 0;
        loop {
            let keys = self.keys_of_user(tag, user).await?;
            if keys.is_empty() {
                return Ok(receipt);
            }
            for keys in keys.chunks(MOST) {
                match self.delete_together(keys).await {
                    Ok(()) => {
                        let bans = keys.iter().filter(|key| key.sk.starts_with(BAN_PREFIX));
                        receipt.bans = receipt.bans.saturating_add(bans.count() as u64);
                        receipt.items = receipt.items.saturating_add(keys.len() as u64);
                    }
                    Err(DatabaseError::Conflict) if round < ROUNDS => {
                        pause(round).await;
                        round = round.saturating_add(1);
                        break;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    /// The keys of all that is stored about a user, the records of the bans last.
    async fn keys_of_user(
        &self,
        tag: WorkspaceTag,
        user: UserId,
    ) -> Result<Vec<Key>, DatabaseError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :user")
            .projection_expression("pk, sk")
            .expression_attribute_values(":user", text(schema::user_partition(tag, user)));
        let mut found = self.database.query_all(query).await?;
        let table = &self.database.tables().bans;
        let global = Key::global(tag, user);
        found.extend(self.database.get(table, global).await?);
        let mut keys: Vec<Key> = found.iter().filter_map(Key::of).collect();
        keys.sort_by_key(|key| key.sk.starts_with(BAN_PREFIX));
        Ok(keys)
    }

    async fn delete_together(&self, keys: &[Key]) -> Result<(), DatabaseError> {
        let table = &self.database.tables().bans;
        let deletes = keys.iter().map(|key| {
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(key.clone().item()))
                .build();
            let delete = delete.map_err(refused)?;
            Ok(TransactWriteItem::builder().delete(delete).build())
        });
        let deletes = deletes.collect::<Result<_, DatabaseError>>()?;
        self.database.transact(deletes).await
    }
}
