//! Activities: entries of the event log that are no decisions. Only the log and the operator's list
//! of a user's history read them.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use crate::domain::activity::{Activity, ActivityDetails, ActivityId};
use crate::domain::actor::Channel;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::event::EventName;
use crate::domain::ids::{ModeratorId, UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind};
use crate::store::dynamo::versions;

/// The minimum time for another attempt to record an activity, all tries of the SDK included.
const ATTEMPT: Duration = Duration::from_secs(3);

/// A stored activity.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct ActivityItem {
    id: ActivityId,
    at: UnixSeconds,
    at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    key_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moderator: Option<ModeratorId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten)]
    details: ActivityDetails,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
}

impl ActivityItem {
    fn of(activity: &Activity, ttl: Option<u64>) -> Self {
        let Activity {
            id,
            moment,
            user,
            key_id,
            channel,
            moderator,
            principal,
            reason,
            details,
        } = activity.clone();
        Self {
            id,
            at: moment.seconds(),
            at_ms: moment.millis(),
            user,
            key_id,
            channel,
            moderator,
            principal,
            reason,
            details,
            ttl,
        }
    }
}

impl From<ActivityItem> for Activity {
    fn from(item: ActivityItem) -> Self {
        Self {
            id: item.id,
            moment: UnixMillis::from_millis(item.at_ms),
            user: item.user,
            key_id: item.key_id,
            channel: item.channel,
            moderator: item.moderator,
            principal: item.principal,
            reason: item.reason,
            details: item.details,
        }
    }
}

/// Whether this version knows the event of a stored activity. After a rollback there may be others,
/// which nothing shows.
pub(in crate::store) fn is_known(item: &Item) -> bool {
    let event = item.get("event").and_then(|event| event.as_s().ok());
    event.is_none_or(|event| EventName::named(event).is_some())
}

impl Store {
    /// Records an activity; `false` if one with this time and id is recorded already.
    pub async fn record_activity(
        &self,
        prefix: WorkspacePrefix,
        activity: &Activity,
    ) -> Result<bool, ApiError> {
        let item = self.activity_item(prefix, activity).await?;
        Ok(self.database.create(item).await?)
    }

    /// Records an activity that has happened at another service, in as many attempts as there is time
    /// for.
    pub async fn record_activity_with_retry(
        &self,
        prefix: WorkspacePrefix,
        activity: &Activity,
    ) -> Result<(), ApiError> {
        // Only time limits the rounds.
        let mut rounds = Rounds::at_most(u32::MAX);
        loop {
            match self.record_activity(prefix, activity).await {
                Ok(_) => return Ok(()),
                Err(ApiError::Unavailable(why)) if self.database.has_time(ATTEMPT) => {
                    let failed = DatabaseError::Unavailable(why);
                    self.database.retry_after_pause(&mut rounds, failed).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Records an activity in the transaction of its change, which fails if it is recorded already.
    pub(in crate::store) async fn activity_write(
        &self,
        prefix: WorkspacePrefix,
        activity: &Activity,
    ) -> Result<TransactWriteItem, ApiError> {
        let item = self.activity_item(prefix, activity).await?;
        Ok(versions::put_new(&self.database.tables().bans, item)?)
    }

    /// A user's activities, oldest first; strongly consistent.
    pub async fn activities(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<Vec<Activity>, ApiError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :user AND begins_with(sk, :activities)")
            .expression_attribute_values(":user", text(schema::user_partition(prefix, user)))
            .expression_attribute_values(":activities", text(schema::ACTIVITY_PREFIX));
        let items = self.database.query_all(query).await?;
        let known = items.into_iter().filter(is_known);
        let read = |item| items::read::<ActivityItem>(item).map(Activity::from);
        let read: Result<_, DatabaseError> = known.map(read).collect();
        Ok(read?)
    }

    async fn activity_item(
        &self,
        prefix: WorkspacePrefix,
        activity: &Activity,
    ) -> Result<Item, ApiError> {
        let policy = self.record_policy(prefix).await?;
        let item = ActivityItem::of(activity, policy.leaves(activity.moment.seconds()));
        let (moment, id) = (activity.moment, activity.id.as_str());
        let key = Key::activity(prefix, activity.user, moment, id);
        Ok(items::write(key, StoredKind::Activity, item)?)
    }
}
