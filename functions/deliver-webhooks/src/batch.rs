//! Deliveries together with their messages.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::history::LoggedEvent;
use shared::domain::ids::{UserId, WorkspaceId};
use shared::domain::webhooks::{Delivery, DeliveryKey, Endpoint, Message};
use shared::store::Store;

/// For this many milliseconds after a delivery is written, the eventually consistent index of the
/// log may not show its event yet. After that, the event has left the log.
const TRAILS: u64 = 60_000;

/// How many events are looked up in parallel.
const AT_A_TIME: usize = 8;

/// The most events read from the log in one query.
const SPAN: u64 = 200;

pub type Parcel = (Delivery, Message);

/// Due deliveries in chains: a chain is sequential, chains run in parallel.
#[derive(Debug, Default)]
pub struct Batch {
    /// One chain per user, in order; one per test.
    pub chains: Vec<Vec<Parcel>>,
    /// Deliveries that have no event any more.
    pub gone: Vec<Delivery>,
    /// Whether a delivery must wait.
    pub is_waiting: bool,
}

impl Batch {
    /// Builds the batch of these deliveries.
    pub async fn of(
        store: &Store,
        endpoint: &Endpoint,
        mut due: Vec<Delivery>,
        now: UnixMillis,
    ) -> Result<Self, ApiError> {
        // Tests first, because the operator is waiting; events by position, the order in which they
        // were logged.
        due.sort_by_key(|delivery| (matches!(delivery.key, DeliveryKey::Event(_)), delivery.key));
        let events = events_of(store, endpoint, &due, now).await?;
        Self::arrange(endpoint.workspace, due, events, now)
    }

    /// Arranges deliveries, in sending order, into chains. `events` are those that the index of the
    /// log shows.
    ///
    /// The index is eventually consistent, with a different delay for each entry. An event that it
    /// does not show yet may be about any user, so everything after it waits. Deliveries that were
    /// attempted before neither wait nor make others wait: their turn has come already.
    fn arrange(
        workspace: WorkspaceId,
        due: Vec<Delivery>,
        mut events: HashMap<u64, LoggedEvent>,
        now: UnixMillis,
    ) -> Result<Self, ApiError> {
        let mut batch = Self::default();
        let mut of_user: HashMap<UserId, usize> = HashMap::new();
        for delivery in due {
            if delivery.is_over(now) {
                batch.gone.push(delivery);
                continue;
            }
            let is_first = delivery.attempts == 0;
            let position = match delivery.key {
                DeliveryKey::Event(position) => position,
                DeliveryKey::Test(_) => {
                    let created = delivery.created.seconds();
                    let message = Message::test(workspace, &delivery.event_id, created)?;
                    batch.chains.push(vec![(delivery, message)]);
                    continue;
                }
            };
            if batch.is_waiting && is_first {
                continue;
            }
            let Some(event) = events.remove(&position) else {
                if now.millis() < delivery.created.millis().saturating_add(TRAILS) {
                    batch.is_waiting |= is_first;
                } else {
                    batch.gone.push(delivery);
                }
                continue;
            };
            let message = Message::of(workspace, &event)?;
            let user = event.decision.ban.user;
            let at = *of_user.entry(user).or_insert(batch.chains.len());
            match batch.chains.get_mut(at) {
                Some(chain) => chain.push((delivery, message)),
                None => batch.chains.push(vec![(delivery, message)]),
            }
        }
        Ok(batch)
    }

    pub fn is_empty(&self) -> bool {
        self.chains.is_empty() && self.gone.is_empty()
    }
}

/// The events of these deliveries that are in the log, by position. Most are adjacent, so they are
/// read as a range of the log; the others are looked up individually.
async fn events_of(
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
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await?;
    let looked_up = looked_up.into_iter().flatten();
    found.extend(looked_up.map(|event| (event.position, event)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use shared::domain::history::PastDecision;
    use shared::domain::ids::{ExperienceId, Guid, ModeratorId, Uid};
    use shared::domain::rules::{Ban, DecisionKind, Expiry, Scope, Terms};
    use shared::domain::webhooks::{DELIVERY_KEPT, DeliveryState};

    use super::*;

    const WRITTEN: UnixMillis = UnixMillis::from_millis(1_800_000_000_000);

    fn delivery(key: DeliveryKey) -> Delivery {
        Delivery {
            key,
            event_id: "1-1".to_owned(),
            event: "GAME_BANNED".to_owned(),
            state: DeliveryState::Due,
            attempts: 0,
            due_at: Some(WRITTEN),
            created: WRITTEN,
            last: None,
        }
    }

    fn event(position: u64, user: u64) -> (u64, LoggedEvent) {
        let at = WRITTEN.seconds();
        let ban = Ban {
            guid: Guid::from(position),
            uid: Uid(position),
            user: UserId::new(user).unwrap(),
            scope: Scope::Global,
            made_in: ExperienceId::new(7).unwrap(),
            terms: Terms {
                moderator: ModeratorId::new(1).unwrap(),
                private_reason: "p".to_owned(),
                public_reason: "p".to_owned(),
                expires: Expiry::Never,
                universal: true,
            },
            revision: 1,
            decisions: 1,
            created: at,
            updated: at,
            ending: None,
        };
        let decision = PastDecision {
            kind: DecisionKind::Made,
            at,
            moment: WRITTEN,
            ban,
            previous: None,
            applied: false,
            previous_applied: false,
            reason: None,
            key_id: "k".to_owned(),
            principal: None,
            moderator: None,
        };
        let logged = WRITTEN;
        let logged = LoggedEvent {
            position,
            logged,
            repeated: false,
            decision,
        };
        (position, logged)
    }

    /// Which positions go into which chains, which are gone, and whether any must wait.
    fn arranged(
        due: &[u64],
        shown: &[(u64, u64)],
        seconds_later: u64,
    ) -> (Vec<Vec<u64>>, Vec<u64>, bool) {
        arranged_after(&[], due, shown, seconds_later)
    }

    /// The same after some attempts.
    fn arranged_after(
        attempted: &[u64],
        due: &[u64],
        shown: &[(u64, u64)],
        seconds_later: u64,
    ) -> (Vec<Vec<u64>>, Vec<u64>, bool) {
        let due = due.iter().map(|at| Delivery {
            attempts: u32::from(attempted.contains(at)),
            ..delivery(DeliveryKey::Event(*at))
        });
        let shown = shown.iter().map(|(position, user)| event(*position, *user));
        let now = UnixMillis::from_millis(WRITTEN.millis() + 1_000 * seconds_later);
        let workspace = WorkspaceId::random();
        let batch = Batch::arrange(workspace, due.collect(), shown.collect(), now).unwrap();
        let position = |delivery: &Delivery| match delivery.key {
            DeliveryKey::Event(position) => position,
            DeliveryKey::Test(_) => 0,
        };
        let of_chain = |chain: &Vec<Parcel>| chain.iter().map(|(one, _)| position(one)).collect();
        (
            batch.chains.iter().map(of_chain).collect(),
            batch.gone.iter().map(position).collect(),
            batch.is_waiting,
        )
    }

    #[test]
    fn events_of_a_user_follow_each_other_in_one_chain() {
        let shown = [(1, 156), (2, 2), (3, 156)];
        let chains = vec![vec![1, 3], vec![2]];
        assert_eq!(arranged(&[1, 2, 3], &shown, 1), (chains, vec![], false));
    }

    #[test]
    fn nothing_overtakes_an_event_that_the_index_does_not_show_yet() {
        // Position 2 is of user 156, like position 3, but the index does not show it.
        let shown = [(1, 156), (3, 156), (4, 2)];
        let chains = vec![vec![1]];
        assert_eq!(arranged(&[1, 2, 3, 4], &shown, 1), (chains, vec![], true));
        // A minute later, it counts as deleted and blocks nothing.
        let chains = vec![vec![1, 3], vec![4]];
        let late = arranged(&[1, 2, 3, 4], &shown, 60);
        assert_eq!(late, (chains, vec![2], false));
    }

    #[test]
    fn what_was_attempted_before_waits_for_nothing_and_holds_up_nothing() {
        // Position 1 was attempted, then its user was erased.
        let shown = [(2, 2), (3, 156)];
        let chains = vec![vec![2], vec![3]];
        let after_it = arranged_after(&[1], &[1, 2, 3], &shown, 1);
        assert_eq!(after_it, (chains, vec![], false));
        // Position 1 was never attempted: 2 may be of the same user, but 3 has had its turn.
        let before_it = arranged_after(&[3], &[1, 2, 3], &shown, 1);
        assert_eq!(before_it, (vec![vec![3]], vec![], true));
    }

    #[test]
    fn what_was_kept_long_enough_is_not_delivered_and_holds_up_nothing() {
        let shown = [(1, 156), (2, 156)];
        let over = arranged(&[1, 2], &shown, DELIVERY_KEPT);
        assert_eq!(over, (vec![], vec![1, 2], false));
        let chains = vec![vec![1, 2]];
        let almost = arranged(&[1, 2], &shown, DELIVERY_KEPT - 1);
        assert_eq!(almost, (chains, vec![], false));
    }

    #[test]
    fn test_delivery_waits_for_no_event() {
        let due = [DeliveryKey::Test(1), DeliveryKey::Event(2)].map(delivery);
        let batch = Batch::arrange(
            WorkspaceId::random(),
            due.into(),
            HashMap::new(),
            UnixMillis::from_millis(WRITTEN.millis() + 1_000),
        );
        let batch = batch.unwrap();
        assert_eq!((batch.chains.len(), batch.is_waiting), (1, true));
    }
}
