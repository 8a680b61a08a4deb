//! Deliveries with what they deliver.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::clock::Moment;
use shared::error::ApiError;
use shared::ids::UserId;
use shared::store::{LoggedEvent, Store};
use shared::webhooks::{Delivery, DeliveryKey, Endpoint, Message};

/// For how many milliseconds after a delivery was written its event may be missing since the index
/// of the log trails. After that it has left the log.
const TRAILS: u64 = 60_000;

/// How many events are looked up at a time.
const AT_A_TIME: usize = 8;

/// The most events that are read from the log in one go.
const SPAN: u64 = 200;

/// A delivery and its message.
pub type Parcel = (Delivery, Message);

/// What is due, in chains: one after the other within a chain, and the chains beside each other.
#[derive(Debug, Default)]
pub struct Batch {
    /// Of each user, what is to be delivered in its order; each test for itself.
    pub chains: Vec<Vec<Parcel>>,
    /// What cannot be delivered any more.
    pub gone: Vec<Delivery>,
    /// What cannot be delivered yet.
    pub waiting: Vec<DeliveryKey>,
}

impl Batch {
    /// The batch of these deliveries.
    pub async fn of(
        store: &Store,
        endpoint: &Endpoint,
        mut due: Vec<Delivery>,
        now: Moment,
    ) -> Result<Self, ApiError> {
        // Tests first, since somebody waits; events by their positions, the order in which they came
        // about.
        due.sort_by_key(|delivery| (matches!(delivery.key, DeliveryKey::Event(_)), delivery.key));
        let mut events = events_of(store, endpoint, &due, now).await?;
        let mut batch = Self::default();
        let mut of_user: HashMap<UserId, usize> = HashMap::new();
        for delivery in due {
            let position = match delivery.key {
                DeliveryKey::Event(position) => position,
                DeliveryKey::Test(_) => {
                    let created = delivery.created.seconds();
                    let id = &delivery.event_id;
                    let message = Message::test(endpoint.workspace, id, created)?;
                    batch.chains.push(vec![(delivery, message)]);
                    continue;
                }
            };
            let Some(event) = events.remove(&position) else {
                if now.millis() < delivery.created.millis().saturating_add(TRAILS) {
                    batch.waiting.push(delivery.key);
                } else {
                    batch.gone.push(delivery);
                }
                continue;
            };
            let message = Message::of(endpoint.workspace, &event.decision)?;
            let user = event.decision.ban.user;
            let at = *of_user.entry(user).or_insert(batch.chains.len());
            match batch.chains.get_mut(at) {
                Some(chain) => chain.push((delivery, message)),
                None => batch.chains.push(vec![(delivery, message)]),
            }
        }
        Ok(batch)
    }
}

/// The events of these deliveries that the log has, by their positions. They mostly follow each
/// other, so they are read as a part of the log; the others are looked up one by one.
async fn events_of(
    store: &Store,
    endpoint: &Endpoint,
    due: &[Delivery],
    now: Moment,
) -> Result<HashMap<u64, LoggedEvent>, ApiError> {
    let tag = endpoint.workspace.tag();
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
            .events_after(tag, first.saturating_sub(1), limit, now)
            .await?;
        found.extend(page.events.into_iter().map(|event| (event.position, event)));
    }
    let missing: Vec<_> = wanted
        .into_iter()
        .filter(|position| !found.contains_key(position))
        .map(|position| store.event_at(tag, position))
        .collect();
    let looked_up: Vec<_> = stream::iter(missing)
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await?;
    let looked_up = looked_up.into_iter().flatten();
    found.extend(looked_up.map(|event| (event.position, event)));
    Ok(found)
}
