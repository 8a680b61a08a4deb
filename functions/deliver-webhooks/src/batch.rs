//! Pairs due deliveries with their messages, in the order in which they may be sent.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::history::LoggedEvent;
use shared::domain::ids::{UserId, WorkspaceId};
use shared::domain::webhooks::{Delivery, DeliveryKey, Endpoint, Message};
use shared::store::Store;

/// How long after its delivery was written an event may be missing, in milliseconds: the event log's index
/// is eventually consistent. An event that is missing for longer has left the log.
const INDEX_DELAY: u64 = 60_000;

/// How many events are looked up at the same time.
const CONCURRENT_LOOKUPS: usize = 8;

/// The most events that are read from the log at once.
const SPAN: u64 = 200;

/// A delivery and what it sends.
#[derive(Clone, Debug)]
pub struct PendingDelivery {
    pub delivery: Delivery,
    /// None of a test.
    pub event: Option<LoggedEvent>,
}

impl PendingDelivery {
    /// The signed message.
    pub fn message(&self, workspace: WorkspaceId) -> Result<Message, ApiError> {
        if let Some(event) = &self.event {
            return Message::of(workspace, event);
        }
        let created = self.delivery.created.seconds();
        Message::test(workspace, &self.delivery.event_id, created)
    }

    pub const fn is_test(&self) -> bool {
        matches!(self.delivery.key, DeliveryKey::Test(_))
    }
}

/// What is due, in queues. Deliveries of one queue are sent in order; queues are sent concurrently.
#[derive(Debug, Default)]
pub struct DeliveryBatch {
    /// One queue per user, in the order of the events, and one per test.
    pub queues_by_user: Vec<Vec<PendingDelivery>>,
    /// Deliveries whose events are no longer in the log.
    pub gone: Vec<Delivery>,
    /// Whether a delivery waits for the index to show its event.
    pub is_waiting: bool,
}

impl DeliveryBatch {
    /// Reads the events of these deliveries and arranges them.
    pub async fn load(
        store: &Store,
        endpoint: &Endpoint,
        mut due: Vec<Delivery>,
        now: UnixMillis,
    ) -> Result<Self, ApiError> {
        due.sort_by_key(turn);
        let events = read_events(store, endpoint, &due, now).await?;
        Ok(Self::arrange(due, events, now))
    }

    /// Arranges sorted deliveries in queues. `events` are those that the index shows.
    ///
    /// The index may show a later event before an earlier one. Until it shows an event, the event's user is
    /// unknown, so everything after it waits: it may be about the same user. Retries neither wait nor hold
    /// up others, because their turn has already come.
    fn arrange(due: Vec<Delivery>, mut events: HashMap<u64, LoggedEvent>, now: UnixMillis) -> Self {
        let mut batch = Self::default();
        let mut queue_of: HashMap<Option<UserId>, usize> = HashMap::new();
        for delivery in due {
            if delivery.is_over(now) {
                batch.gone.push(delivery);
                continue;
            }
            let is_first = delivery.attempts == 0;
            let position = match delivery.key {
                DeliveryKey::Event(position) => position,
                DeliveryKey::Test(_) => {
                    let event = None;
                    batch
                        .queues_by_user
                        .push(vec![PendingDelivery { delivery, event }]);
                    continue;
                }
            };
            if batch.is_waiting && is_first {
                continue;
            }
            let Some(event) = events.remove(&position) else {
                if now.millis() < delivery.created.millis().saturating_add(INDEX_DELAY) {
                    batch.is_waiting |= is_first;
                } else {
                    batch.gone.push(delivery);
                }
                continue;
            };
            let user = event.entry.user();
            let event = Some(event);
            let pending = PendingDelivery { delivery, event };
            let at = *queue_of.entry(user).or_insert(batch.queues_by_user.len());
            match batch.queues_by_user.get_mut(at) {
                Some(queue) => queue.push(pending),
                None => batch.queues_by_user.push(vec![pending]),
            }
        }
        batch
    }

    /// All deliveries in one queue: tests first, then in the order of the log.
    pub fn in_one_queue(&self) -> Vec<PendingDelivery> {
        let mut queue: Vec<_> = self.queues_by_user.iter().flatten().cloned().collect();
        queue.sort_by_key(|one| turn(&one.delivery));
        queue
    }

    /// Whether there is nothing to do now.
    pub fn is_empty(&self) -> bool {
        self.queues_by_user.is_empty() && self.gone.is_empty()
    }
}

/// Tests come first, because the operator waits for them; events come in the order of the log.
const fn turn(delivery: &Delivery) -> (bool, DeliveryKey) {
    (matches!(delivery.key, DeliveryKey::Event(_)), delivery.key)
}

/// The events of these deliveries that the index shows, by position. Positions mostly follow each other, so
/// they are read as one page; the rest are looked up one by one.
async fn read_events(
    store: &Store,
    endpoint: &Endpoint,
    due: &[Delivery],
    now: UnixMillis,
) -> Result<HashMap<u64, LoggedEvent>, ApiError> {
    let prefix = endpoint.workspace.prefix();
    let position = |delivery: &Delivery| match delivery.key {
        DeliveryKey::Event(position) => Some(position),
        DeliveryKey::Test(_) => None,
    };
    let wanted: Vec<u64> = due.iter().filter_map(position).collect();
    let (Some(first), Some(last)) = (wanted.iter().min(), wanted.iter().max()) else {
        return Ok(HashMap::new());
    };
    let mut found = HashMap::new();
    let span = last.saturating_sub(*first).saturating_add(1);
    if wanted.len() > 1 && span <= SPAN {
        let limit = usize::try_from(span).unwrap_or(usize::MAX);
        let page = store
            .events_after(prefix, first.saturating_sub(1), limit, now)
            .await?;
        found.extend(page.events.into_iter().map(|event| (event.position, event)));
    }
    let missing: Vec<_> = wanted
        .into_iter()
        .filter(|position| !found.contains_key(position))
        .map(|position| store.event_at(prefix, position))
        .collect();
    let looked_up: Vec<_> = stream::iter(missing)
        .buffer_unordered(CONCURRENT_LOOKUPS)
        .try_collect()
        .await?;
    let looked_up = looked_up.into_iter().flatten();
    found.extend(looked_up.map(|event| (event.position, event)));
    Ok(found)
}

#[cfg(test)]
mod tests;
