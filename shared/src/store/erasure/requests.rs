//! Erasure requests from Roblox: which workspaces accept them, and which are or were processed.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspaceId, WorkspacePrefix};
use crate::domain::keys::NotificationSecret;
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, number, refused, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key, StoredKind, attributes};
use crate::store::erasure::erase_user::{ErasureSource, UserErasure};

/// How many seconds a mark is valid: seven days. Roblox stops repeating a notification much sooner.
const MARKED: u64 = 7 * 86_400;

/// How often writing a mark is retried after a conflict with a repeat of the notification.
const ROUNDS: u32 = 8;

/// A repeat of a notification still erases what was decided up to this many seconds after the
/// first: more than clocks differ, and less than Roblox waits before it repeats.
const SLACK: u64 = 5;

/// A workspace's settings for erasure requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureIntake {
    pub guid: WorkspaceId,
    /// The secret of the webhook at Roblox.
    pub secret: NotificationSecret,
    pub mode: ErasureMode,
    pub created: UnixSeconds,
}

/// How a request is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErasureMode {
    /// It waits for the operator.
    Queue,
    /// The user is erased immediately.
    Erase,
}

/// Roblox's id of a notification: 1 to 100 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotificationId(String);

impl NotificationId {
    /// The maximum number of characters.
    pub const LONGEST: usize = 100;

    /// The id, if it is valid.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&text.len());
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (fits && visible).then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A request that waits for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedErasure {
    /// The user to erase.
    pub user: UserId,
    /// When the request arrived.
    pub at: UnixSeconds,
    /// The notification that contained it.
    pub notification: NotificationId,
}

/// The stored mark of a notification. It names no user.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Mark {
    /// When it first arrived.
    at: UnixSeconds,
    /// Whether the erasure is still in progress, as far as known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    under_way: bool,
    /// No longer valid from then on. DynamoDB deletes it up to days later.
    ttl: u64,
}

impl Mark {
    const fn new(at: UnixSeconds, under_way: bool) -> Self {
        Self {
            at,
            under_way,
            ttl: at.plus(MARKED).0,
        }
    }
}

/// Whether a mark may be written: there is no valid one, or the work is still in progress.
const MAY_MARK: &str = "attribute_not_exists(pk) OR #ttl <= :now OR attribute_exists(under_way)";

impl Store {
    /// The workspaces that accept erasure requests, from the cache or the table. A change takes
    /// effect everywhere within 60 s.
    pub async fn erasure_intakes(&self) -> Result<Arc<[ErasureIntake]>, ApiError> {
        let looking = async {
            let query = self
                .database
                .querying_workspaces()
                .consistent_read(true)
                .key_condition_expression("pk = :intakes")
                .expression_attribute_values(":intakes", text(schema::ERASURE_INTAKES));
            let found = self.database.query_all(query).await?;
            let intakes = found.into_iter().map(items::read);
            Ok(intakes.collect::<Result<_, DatabaseError>>()?)
        };
        self.caches.intakes.or(looking).await
    }

    /// Erases the user of a notification, or queues the request, depending on the intake. A
    /// processed notification has no second effect; a failed one is processed when it is sent
    /// again.
    ///
    /// The start of the work is recorded first. A repeat then erases only what was decided up to
    /// that time (and `SLACK`), so a ban that was made since stays, even if the first attempt
    /// erased the user and could not record that it did.
    pub async fn take_in_erasure(
        &self,
        intake: &ErasureIntake,
        notification: &NotificationId,
        user: UserId,
        now: UnixSeconds,
    ) -> Result<(), ApiError> {
        let prefix = intake.guid.prefix();
        let key = Key::notification(prefix, notification);
        let begun = match self.mark_of(key.clone(), now).await? {
            Some(mark) if !mark.under_way => return Ok(()),
            begun => begun,
        };
        if intake.mode == ErasureMode::Queue {
            let queued = self.queued(prefix, notification, user, now)?;
            return Ok(self.queue(queued, key, now).await?);
        }
        if begun.is_none() && !self.mark(key.clone(), Mark::new(now, true), now).await? {
            return Ok(());
        }
        let erasure = UserErasure {
            prefix,
            user,
            source: ErasureSource::Roblox,
            until: begun.map(|mark| mark.at.plus(SLACK)),
        };
        self.erase_user_as(&erasure).await?;
        let at = begun.map_or(now, |mark| mark.at);
        self.mark(key, Mark::new(at, false), now).await?;
        Ok(())
    }

    fn queued(
        &self,
        prefix: WorkspacePrefix,
        notification: &NotificationId,
        user: UserId,
        at: UnixSeconds,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let erasure = QueuedErasure {
            user,
            at,
            notification: notification.clone(),
        };
        let key = Key::queued_erasure(prefix, notification);
        let put = Put::builder()
            .table_name(&self.database.tables().bans)
            .set_item(Some(items::write(key, StoredKind::QueuedErasure, erasure)?))
            .build();
        let put = put.map_err(refused)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The mark of a notification, if it is valid.
    async fn mark_of(&self, key: Key, now: UnixSeconds) -> Result<Option<Mark>, DatabaseError> {
        let mark: Option<Mark> = self.database.get(key).await?.map(items::read).transpose()?;
        Ok(mark.filter(|mark| mark.ttl > now.0))
    }

    /// Marks a notification; `false` if a simultaneous repeat has processed it.
    async fn mark(&self, key: Key, mark: Mark, now: UnixSeconds) -> Result<bool, DatabaseError> {
        let item = items::write(key, StoredKind::Notification, mark)?;
        let put = self
            .database
            .putting(item)?
            .condition_expression(MAY_MARK)
            .expression_attribute_names("#ttl", attributes::TTL)
            .expression_attribute_values(":now", number(now.0));
        self.database.put_if(put).await
    }

    /// Queues a request and marks its notification in one transaction. A conflict is a simultaneous
    /// repeat of the notification.
    async fn queue(
        &self,
        request: TransactWriteItem,
        key: Key,
        now: UnixSeconds,
    ) -> Result<(), DatabaseError> {
        let mark = items::write(key.clone(), StoredKind::Notification, Mark::new(now, false))?;
        let put = Put::builder()
            .table_name(&self.database.tables().bans)
            .set_item(Some(mark))
            .condition_expression(MAY_MARK)
            .expression_attribute_names("#ttl", attributes::TTL)
            .expression_attribute_values(":now", number(now.0))
            .build()
            .map_err(refused)?;
        let writes = vec![request, TransactWriteItem::builder().put(put).build()];
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let written = self.database.transact(writes.clone()).await;
            if matches!(written, Err(DatabaseError::Conflict)) {
                let found = self.mark_of(key.clone(), now).await?;
                if found.is_some_and(|mark| !mark.under_way) {
                    return Ok(());
                }
            }
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notification_id_is_1_to_100_visible_ascii_characters() {
        for text in ["", " ", "a b", "a\n", "ä", &"a".repeat(101)] {
            assert_eq!(NotificationId::new(text), None, "{text:?}");
        }
        let longest = "~".repeat(100);
        for text in ["1", "a#b", &longest] {
            assert!(NotificationId::new(text).is_some(), "{text:?}");
        }
    }
}
