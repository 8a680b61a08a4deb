//! Replays deliveries.

use std::collections::HashMap;

use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::webhooks::{Delivery, DeliveryKey, DeliveryState, Endpoint};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind, attributes};
use crate::store::events::deliveries::{DeliveryItem, in_order, named, read};

/// How many events one step reads: for each, a delivery is read.
const PAGE: usize = 100;

/// The counts of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Events of the log that were read.
    pub events: u64,
    /// Those that are now due and were not before.
    pub due: u64,
}

/// A step of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayPage {
    pub replayed: Replayed,
    /// The position up to which the log has been read; `None` at its end.
    pub next: Option<u64>,
}

impl Store {
    /// Makes deliveries of the next events after a position due now: those that the endpoint wants
    /// and that were not delivered, or with `all` every one. One that waits for a retry becomes
    /// due; one that is due now stays unchanged. With `dry_run` they are only counted.
    pub async fn replay(
        &self,
        endpoint: &Endpoint,
        after: u64,
        all: bool,
        dry_run: bool,
    ) -> Result<ReplayPage, ApiError> {
        let (prefix, id) = (endpoint.workspace.prefix(), endpoint.id);
        let now = UnixMillis::now();
        let page = self.events_after(prefix, after, PAGE, now).await?;
        let wanted: Vec<_> = page
            .events
            .iter()
            .filter(|event| endpoint.wants(&event.entry))
            .collect();
        let keys = wanted
            .iter()
            .map(|event| Key::delivery(prefix, id, DeliveryKey::Event(event.position)));
        let mut found = HashMap::new();
        for item in self.database.batch_get(keys, true).await? {
            found.extend(read(item)?.map(|delivery| (delivery.key, delivery)));
        }
        let mut replayed = Replayed {
            events: u64::try_from(page.events.len()).unwrap_or_default(),
            due: 0,
        };
        for (event, due_at) in wanted.iter().zip(in_order(wanted.len(), now)) {
            let key = DeliveryKey::Event(event.position);
            let before = found.get(&key);
            let again = match before.map(|delivery| delivery.state) {
                None | Some(DeliveryState::Failed | DeliveryState::Gone) => true,
                Some(DeliveryState::Delivered) => all,
                Some(DeliveryState::Due) => before
                    .and_then(|delivery| delivery.due_at)
                    .is_some_and(|at| at > now),
            };
            if again {
                let item = DeliveryItem::due(prefix, id, named(event), due_at, now);
                let is_made = dry_run || self.make_due(endpoint, key, before, item).await?;
                replayed.due = replayed.due.saturating_add(u64::from(is_made));
            }
        }
        let next = (page.reached > after).then_some(page.reached);
        Ok(ReplayPage { replayed, next })
    }

    /// Writes a delivery over what was read, or where there was none.
    async fn make_due(
        &self,
        endpoint: &Endpoint,
        key: DeliveryKey,
        before: Option<&Delivery>,
        item: DeliveryItem,
    ) -> Result<bool, DatabaseError> {
        let key = Key::delivery(endpoint.workspace.prefix(), endpoint.id, key);
        let item = items::write(key, StoredKind::Delivery, item)?;
        let Some(before) = before else {
            return self.database.create(item).await;
        };
        // The item that was read, whenever it was due: a delivery recorded meanwhile wins.
        let (due, due_at) = match before.due_at {
            Some(at) => ("due_at = :due_at", Some(number(at.millis()))),
            None => ("attribute_not_exists(due_at)", None),
        };
        let put = self
            .database
            .putting(item)?
            .condition_expression(format!(
                "#state = :state AND attempts = :attempts AND {due}"
            ))
            .set_expression_attribute_values(
                due_at.map(|at| HashMap::from([(":due_at".to_owned(), at)])),
            )
            .expression_attribute_names("#state", attributes::STATE)
            .expression_attribute_values(":state", items::attribute(before.state)?)
            .expression_attribute_values(":attempts", number(before.attempts));
        self.database.put_if(put).await
    }
}
