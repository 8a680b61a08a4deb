//! Deliveries of events to endpoints: which are due, and their results.
//!
//! Each is an item that names its event by position and id and contains nothing of what is sent:
//! every attempt reads the event from the log. Events of erased users are not delivered.

mod due;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::ReturnValue;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::history::LoggedEvent;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::webhooks::{
    Attempt, DELIVERY_KEPT, Delivery, DeliveryKey, DeliveryState, EndpointId,
};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number};
use crate::store::dynamo::expression::expression;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind, attributes};

/// How many seconds a failed delivery is kept with the receiver's answer: 7 days. A replay treats a
/// deleted one like a failed one.
const KEPT_FAILED: u64 = 7 * 86_400;

/// How many deliveries are written in parallel.
const AT_A_TIME: usize = 16;

/// A delivery that may be missing.
type Missing = (Key, DeliveryItem);

/// A stored delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct DeliveryItem {
    event_id: String,
    event: String,
    state: DeliveryState,
    attempts: u32,
    /// Unix milliseconds.
    created: u64,
    /// Its place in the index of due work; absent if it will not be attempted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    /// Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Attempt>,
    /// Unix seconds.
    ttl: u64,
}

impl DeliveryItem {
    /// A delivery that is due at `due_at`.
    pub(in crate::store) fn due(
        prefix: WorkspacePrefix,
        endpoint: EndpointId,
        (event_id, event): (String, &str),
        due_at: UnixMillis,
        now: UnixMillis,
    ) -> Self {
        Self {
            event_id,
            event: event.to_owned(),
            state: DeliveryState::Due,
            attempts: 0,
            created: now.millis(),
            due: Some(schema::delivery_partition(prefix, endpoint)),
            due_at: Some(due_at.millis()),
            last: None,
            ttl: now.seconds().plus(DELIVERY_KEPT).0,
        }
    }

    fn delivery(self, key: DeliveryKey) -> Delivery {
        Delivery {
            key,
            event_id: self.event_id,
            event: self.event,
            state: self.state,
            attempts: self.attempts,
            due_at: self.due_at.map(UnixMillis::from_millis),
            created: UnixMillis::from_millis(self.created),
            last: self.last,
        }
    }
}

pub(in crate::store) fn read(item: Item) -> Result<Option<Delivery>, DatabaseError> {
    let key = Key::of(&item).and_then(|key| DeliveryKey::read(&key.sk));
    let item = items::read::<DeliveryItem>(item)?;
    Ok(key.map(|key| item.delivery(key)))
}

/// The name of an event in its delivery.
pub(in crate::store) fn named(event: &LoggedEvent) -> (String, &'static str) {
    (event.entry.id(), event.entry.name().as_str())
}

/// Due times for deliveries that are written together, in order: the index sorts by them, and `now`
/// is the last.
pub(in crate::store) fn in_order(
    count: usize,
    now: UnixMillis,
) -> impl Iterator<Item = UnixMillis> {
    let count = u64::try_from(count).unwrap_or_default();
    let first = now.millis().saturating_sub(count.saturating_sub(1));
    (0..count).map(move |at| UnixMillis::from_millis(first.saturating_add(at)))
}

impl Store {
    /// Writes the deliveries of these events to each active endpoint of the workspace that wants
    /// them, due immediately, and returns how many were missing. Existing ones stay unchanged, so
    /// this can be repeated.
    pub async fn fan_out(
        &self,
        prefix: WorkspacePrefix,
        events: &[LoggedEvent],
    ) -> Result<u32, ApiError> {
        if events.is_empty() {
            return Ok(0);
        }
        let endpoints = self.endpoints(prefix).await?;
        let now = UnixMillis::now();
        let active: Vec<_> = endpoints.iter().filter(|one| one.is_active()).collect();
        let mut chains: HashMap<(EndpointId, Option<UserId>), Vec<Missing>> = HashMap::new();
        for (event, due_at) in events.iter().zip(in_order(events.len(), now)) {
            for endpoint in active.iter().filter(|one| one.wants(&event.entry)) {
                let item = DeliveryItem::due(prefix, endpoint.id, named(event), due_at, now);
                let key = Key::delivery(prefix, endpoint.id, DeliveryKey::Event(event.position));
                let chain = chains.entry((endpoint.id, event.entry.user()));
                chain.or_default().push((key, item));
            }
        }
        let writing = chains.into_values().map(|chain| self.create_chain(chain));
        let written = stream::iter(writing).buffer_unordered(AT_A_TIME);
        let sum = written.try_fold(
            0_u32,
            |sum, count| async move { Ok(sum.saturating_add(count)) },
        );
        Ok(sum.await?)
    }

    /// Writes the missing ones of these deliveries in order, and returns how many these were. A
    /// worker that delivers meanwhile never sees one of a user's without those before it.
    pub(in crate::store) async fn create_chain(
        &self,
        chain: Vec<Missing>,
    ) -> Result<u32, DatabaseError> {
        let mut created = 0_u32;
        for (key, item) in chain {
            let item = items::write(key, StoredKind::Delivery, item)?;
            let is_new = self.database.create(item).await?;
            created = created.saturating_add(u32::from(is_new));
        }
        Ok(created)
    }

    /// Records the result of an attempt: state, attempts, and when to retry. `before` is what was
    /// read; if it has changed meanwhile (replayed, recorded by another worker, or removed),
    /// nothing is written, and the result is `false`.
    pub async fn record_delivery(
        &self,
        prefix: WorkspacePrefix,
        endpoint: EndpointId,
        before: &Delivery,
        after: &Delivery,
    ) -> Result<bool, ApiError> {
        let key = Key::delivery(prefix, endpoint, before.key);
        let update = self
            .database
            .updating(key)
            .expression_attribute_names("#state", attributes::STATE)
            .expression_attribute_values(":state", items::attribute(after.state)?)
            .expression_attribute_values(":attempts", number(after.attempts))
            .expression_attribute_values(":due", items::attribute(DeliveryState::Due)?)
            .expression_attribute_values(":before", number(before.attempts))
            .return_values(ReturnValue::None);
        let mut sets = vec!["#state = :state", "attempts = :attempts"];
        let mut update = match &after.last {
            Some(last) => {
                sets.push("#last = :last");
                update
                    .expression_attribute_names("#last", attributes::LAST)
                    .expression_attribute_values(":last", items::attribute(last)?)
            }
            None => update,
        };
        if after.state == DeliveryState::Failed {
            sets.push("#ttl = :ttl");
            let ttl = UnixMillis::now().seconds().plus(KEPT_FAILED);
            update = update
                .expression_attribute_names("#ttl", attributes::TTL)
                .expression_attribute_values(":ttl", number(ttl.0));
        }
        let mut removes = Vec::new();
        match after.due_at {
            Some(at) => {
                sets.push("due_at = :at");
                update = update.expression_attribute_values(":at", number(at.millis()));
            }
            None => removes.push("due, due_at"),
        }
        let mut condition = "attempts = :before AND #state = :due".to_owned();
        if let Some(at) = before.due_at {
            condition.push_str(" AND due_at = :seen");
            update = update.expression_attribute_values(":seen", number(at.millis()));
        }
        let update = update
            .update_expression(expression(&sets, &removes))
            .condition_expression(condition);
        Ok(self.database.update_if(update).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_written_together_are_due_in_order() {
        let now = UnixMillis::from_millis(1000);
        let times: Vec<_> = in_order(3, now).map(UnixMillis::millis).collect();
        assert_eq!(times, [998, 999, 1000]);
        assert_eq!(in_order(0, now).count(), 0);
    }
}
