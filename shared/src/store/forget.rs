//! Forgetting a user: everything that names him in a workspace goes, and a receipt stays that does
//! not.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use serde::Serialize;

use super::Store;
use super::database::{Database, DatabaseError, TRANSACTION_ACTIONS, number, refused, text};
use super::items;
use super::schema::{self, BAN_PREFIX, DECISION_PREFIX, Item, Key};
use crate::clock::{Moment, Timestamp};
use crate::error::ApiError;
use crate::ids::{ModeratorId, UserId, WorkspaceTag};

/// How many items a transaction deletes; one more is the receipt.
const BATCH: usize = TRANSACTION_ACTIONS - 1;

/// How often it is begun anew because somebody else wrote meanwhile.
const ROUNDS: u32 = 20;

/// Who asked that a user be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ForgetSource {
    /// The operator by hand.
    Operator,
    /// Roblox, by a notification.
    Roblox,
}

/// What was removed; all that is kept of a forgotten user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Records of bans.
    pub bans: u64,
    /// All items, those records among them.
    pub items: u64,
}

#[derive(Serialize)]
struct ReceiptItem {
    #[serde(flatten)]
    receipt: Receipt,
    at: Timestamp,
    source: ForgetSource,
}

impl Receipt {
    fn of(items: &[Item]) -> Self {
        let keys = items.iter().filter_map(Key::of);
        let bans = keys.filter(|key| key.sk.starts_with(BAN_PREFIX)).count();
        Self {
            bans: bans.try_into().unwrap_or(u64::MAX),
            items: items.len().try_into().unwrap_or(u64::MAX),
        }
    }
}

impl Store {
    /// Removes every item that names a user: his bans, their history, what is pending, and his
    /// place on the list of protected users. What was removed goes into a receipt, which is
    /// written with the last of it; if there was nothing, there is none. What he decided himself
    /// as a moderator is kept with the bans of the others.
    pub async fn forget(
        &self,
        tag: WorkspaceTag,
        user: UserId,
        source: ForgetSource,
    ) -> Result<Receipt, ApiError> {
        let mut removed = Receipt::default();
        for round in 0..ROUNDS {
            let items = self.items_of(tag, user).await?;
            if items.is_empty() {
                return Ok(removed);
            }
            match self
                .remove_with_receipt(tag, &items, source, &mut removed)
                .await
            {
                Ok(()) => {}
                Err(DatabaseError::Conflict) => self.database.pause(round).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(DatabaseError::Conflict.into())
    }

    /// What forgetting the user would remove.
    pub async fn known_of(&self, tag: WorkspaceTag, user: UserId) -> Result<Receipt, ApiError> {
        Ok(Receipt::of(&self.items_of(tag, user).await?))
    }

    /// The keys and versions of all items that name the user, in the order in which they go: the
    /// history, the Global ban, from which nothing can spread then, the experiences, the records.
    async fn items_of(&self, tag: WorkspaceTag, user: UserId) -> Result<Vec<Item>, DatabaseError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :user")
            .projection_expression("pk, sk, version")
            .expression_attribute_values(":user", text(schema::user_partition(tag, user)));
        let mut items = self.database.query_all(query).await?;
        let as_moderator = ModeratorId::new(user.get());
        let others = [Key::global(tag, user), Key::protected(tag, user)];
        let others = others
            .into_iter()
            .chain(as_moderator.map(|id| Key::moderator_pace(tag, id)));
        items.extend(self.database.batch_get(others, true).await?);
        // His own requests to be forgotten name him too.
        let queue = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :queue")
            .filter_expression("#user = :user")
            .projection_expression("pk, sk")
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":queue", text(schema::erasure_queue(tag)))
            .expression_attribute_values(":user", number(user));
        items.extend(self.database.query_all(queue).await?);
        items.sort_by_key(|item| {
            let key = Key::of(item);
            let sk = key.as_ref().map_or("", |key| key.sk.as_str());
            match sk {
                sk if sk.starts_with(DECISION_PREFIX) => 0,
                sk if sk.starts_with(BAN_PREFIX) => 3,
                sk if sk.starts_with("E#") => 2,
                _ => 1,
            }
        });
        Ok(items)
    }

    async fn remove_with_receipt(
        &self,
        tag: WorkspaceTag,
        items: &[Item],
        source: ForgetSource,
        removed: &mut Receipt,
    ) -> Result<(), DatabaseError> {
        let mut left = items;
        while !left.is_empty() {
            let (batch, rest) = left.split_at(left.len().min(BATCH));
            let mut writes = batch
                .iter()
                .map(|item| delete(&self.database, item))
                .collect::<Result<Vec<_>, _>>()?;
            let Receipt { bans, items } = Receipt::of(batch);
            let sum = Receipt {
                bans: removed.bans.saturating_add(bans),
                items: removed.items.saturating_add(items),
            };
            if rest.is_empty() {
                writes.push(receipt(&self.database, tag, sum, source)?);
            }
            self.database.transact(writes).await?;
            *removed = sum;
            left = rest;
        }
        Ok(())
    }
}

/// Deletes an item as it was read: one that was written since is read again.
fn delete(database: &Database, item: &Item) -> Result<TransactWriteItem, DatabaseError> {
    let delete = Delete::builder()
        .table_name(&database.tables().bans)
        .set_key(Key::of(item).map(Key::item));
    let version = item.get("version").and_then(|version| version.as_n().ok());
    let delete = match version {
        Some(version) => delete
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(version)),
        None => delete,
    };
    Ok(TransactWriteItem::builder()
        .delete(delete.build().map_err(refused)?)
        .build())
}

fn receipt(
    database: &Database,
    tag: WorkspaceTag,
    receipt: Receipt,
    source: ForgetSource,
) -> Result<TransactWriteItem, DatabaseError> {
    let now = Moment::now();
    let item = ReceiptItem {
        receipt,
        at: now.seconds(),
        source,
    };
    let name = uuid::Uuid::new_v4().simple().to_string();
    let item = items::write(Key::receipt(tag, now, &name), "receipt", item)?;
    let put = Put::builder()
        .table_name(&database.tables().bans)
        .set_item(Some(item))
        .build()
        .map_err(refused)?;
    Ok(TransactWriteItem::builder().put(put).build())
}
