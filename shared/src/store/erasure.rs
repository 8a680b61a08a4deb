//! Requests of users to be forgotten, as Roblox passes them on: for which workspaces they are taken
//! in, which have been dealt with, and which wait for the operator.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::Store;
use super::database::{DatabaseError, refused, text};
use super::forget::ForgetSource;
use super::items;
use super::schema::{self, Key};
use super::versions;
use crate::auth::SigningSecret;
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::ids::{UserId, WorkspaceId, WorkspaceTag};

/// How long it is kept in mind that a notification was dealt with, in seconds: seven days. Roblox
/// gives up repeating one much sooner.
const MARKED: u64 = 7 * 86_400;

/// How often a mark is written anew because a repeat of the notification arrived at the same time.
const ROUNDS: u32 = 8;

/// That a workspace takes in erasure requests, and what becomes of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureIntake {
    /// The workspace.
    pub guid: WorkspaceId,
    /// The secret of the webhook at Roblox.
    pub secret: SigningSecret,
    /// What becomes of a request.
    pub mode: ErasureMode,
    /// When it was set up.
    pub created: Timestamp,
}

/// What becomes of a request to forget a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErasureMode {
    /// It waits for the operator.
    Queue,
    /// The user is forgotten at once.
    Erase,
}

/// Roblox's own name for a notification: 1 to 100 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotificationId(String);

impl NotificationId {
    /// The most characters it may have.
    pub const LONGEST: usize = 100;

    /// The name, if it is one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&text.len());
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (fits && visible).then(|| Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A request that waits for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedErasure {
    /// Who asks to be forgotten.
    pub user: UserId,
    /// When the request was taken in.
    pub at: Timestamp,
    /// The notification that brought it.
    pub notification: NotificationId,
}

/// Left behind by a notification that was dealt with. It names no user.
#[derive(Serialize)]
struct MarkerItem {
    at: Timestamp,
    ttl: u64,
}

impl Store {
    /// The workspaces that take in erasure requests, from memory or the table. A change is effective
    /// everywhere within 60 s.
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
        self.known.intakes.or(looking).await
    }

    /// Sets up the intake of a workspace, or changes it.
    pub async fn set_erasure_intake(&self, intake: &ErasureIntake) -> Result<(), ApiError> {
        let key = Key::erasure_intake(intake.guid.tag());
        let put = self
            .database
            .putting(items::write(key, "erasure-intake", intake)?)?;
        self.database.put(put).await?;
        self.known.intakes.forget();
        Ok(())
    }

    /// Ends the intake of a workspace; without one, nothing happens.
    pub async fn remove_erasure_intake(&self, tag: WorkspaceTag) -> Result<(), ApiError> {
        self.database.delete(Key::erasure_intake(tag)).await?;
        self.known.intakes.forget();
        Ok(())
    }

    /// Forgets the user of a notification, or queues that, as the intake is set. One that was dealt
    /// with before has no second effect, so that a user who is banned anew is not forgotten by an
    /// old request; one that failed is carried out when it is sent again.
    pub async fn take_in_erasure(
        &self,
        intake: &ErasureIntake,
        notification: &NotificationId,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let tag = intake.guid.tag();
        if self.is_marked(tag, notification).await? {
            return Ok(());
        }
        let leads_to = match intake.mode {
            ErasureMode::Queue => Some(self.queued(tag, notification, user, now)?),
            ErasureMode::Erase => {
                self.forget(tag, user, ForgetSource::Roblox).await?;
                None
            }
        };
        Ok(self.mark(tag, notification, now, leads_to).await?)
    }

    /// The requests that wait for the operator.
    pub async fn erasure_queue(&self, tag: WorkspaceTag) -> Result<Vec<QueuedErasure>, ApiError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :queue")
            .expression_attribute_values(":queue", text(schema::erasure_queue(tag)));
        let found = self.database.query_all(query).await?;
        Ok(found
            .into_iter()
            .map(items::read)
            .collect::<Result<_, DatabaseError>>()?)
    }

    /// Takes a request from the queue, once it is carried out or declined.
    pub async fn take_from_erasure_queue(
        &self,
        tag: WorkspaceTag,
        notification: &NotificationId,
    ) -> Result<(), ApiError> {
        let key = Key::queued_erasure(tag, notification);
        Ok(self.database.delete(key).await?)
    }

    fn queued(
        &self,
        tag: WorkspaceTag,
        notification: &NotificationId,
        user: UserId,
        at: Timestamp,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let erasure = QueuedErasure {
            user,
            at,
            notification: notification.clone(),
        };
        let key = Key::queued_erasure(tag, notification);
        let put = Put::builder()
            .table_name(&self.database.tables().bans)
            .set_item(Some(items::write(key, "queued-erasure", erasure)?))
            .build();
        let put = put.map_err(refused)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    async fn is_marked(
        &self,
        tag: WorkspaceTag,
        notification: &NotificationId,
    ) -> Result<bool, DatabaseError> {
        let key = Key::notification(tag, notification);
        Ok(self.database.get(key).await?.is_some())
    }

    /// Marks a notification as dealt with and writes what it leads to, both or neither. A conflict
    /// is a repeat of the notification that arrived at the same time.
    async fn mark(
        &self,
        tag: WorkspaceTag,
        notification: &NotificationId,
        now: Timestamp,
        leads_to: Option<TransactWriteItem>,
    ) -> Result<(), DatabaseError> {
        let item = MarkerItem {
            at: now,
            ttl: now.plus(MARKED).0,
        };
        let marker = items::write(Key::notification(tag, notification), "notification", item)?;
        let marker = versions::put_new(&self.database.tables().bans, marker)?;
        let writes: Vec<_> = leads_to.into_iter().chain([marker]).collect();
        for round in 0..ROUNDS {
            match self.database.transact(writes.clone()).await {
                Err(DatabaseError::Conflict) => {
                    if self.is_marked(tag, notification).await? {
                        return Ok(());
                    }
                    self.database.pause(round).await;
                }
                outcome => return outcome,
            }
        }
        Err(DatabaseError::Conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_id_is_1_to_100_visible_ascii_characters() {
        for text in ["", " ", "a b", "a\n", "ä", &"a".repeat(101)] {
            assert_eq!(NotificationId::new(text), None, "{text:?}");
        }
        let longest = "~".repeat(100);
        for text in ["1", "a#b", &longest] {
            assert!(NotificationId::new(text).is_some(), "{text:?}");
        }
    }
}
