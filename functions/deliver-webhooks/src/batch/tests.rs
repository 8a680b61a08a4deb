use shared::domain::history::{LogEvent, LoggedEvent, PastDecision};
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
        channel: None,
        principal: None,
        moderator: None,
    };
    let logged = WRITTEN;
    let logged = LoggedEvent {
        position,
        logged,
        repeated: false,
        entry: LogEvent::Decision(Box::new(decision)),
    };
    (position, logged)
}

/// The positions in each queue, those that are gone, and whether a delivery waits.
fn arranged(
    due: &[u64],
    shown: &[(u64, u64)],
    seconds_later: u64,
) -> (Vec<Vec<u64>>, Vec<u64>, bool) {
    arranged_after(&[], due, shown, seconds_later)
}

/// The same with deliveries that were attempted before.
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
    let batch = DeliveryBatch::arrange(due.collect(), shown.collect(), now);
    let position = |delivery: &Delivery| match delivery.key {
        DeliveryKey::Event(position) => position,
        DeliveryKey::Test(_) => 0,
    };
    let of_queue =
        |queue: &Vec<PendingDelivery>| queue.iter().map(|one| position(&one.delivery)).collect();
    (
        batch.queues_by_user.iter().map(of_queue).collect(),
        batch.gone.iter().map(position).collect(),
        batch.is_waiting,
    )
}

#[test]
fn events_of_a_user_follow_each_other_in_one_chain() {
    let shown = [(1, 156), (2, 2), (3, 156)];
    let queues = vec![vec![1, 3], vec![2]];
    assert_eq!(arranged(&[1, 2, 3], &shown, 1), (queues, vec![], false));
}

#[test]
fn events_wait_behind_one_that_the_index_does_not_show_yet() {
    // Position 2 may be about user 156, as position 3 is.
    let shown = [(1, 156), (3, 156), (4, 2)];
    let queues = vec![vec![1]];
    assert_eq!(arranged(&[1, 2, 3, 4], &shown, 1), (queues, vec![], true));
    // After a minute it counts as deleted and holds up nothing.
    let queues = vec![vec![1, 3], vec![4]];
    let late = arranged(&[1, 2, 3, 4], &shown, 60);
    assert_eq!(late, (queues, vec![2], false));
}

#[test]
fn retries_neither_wait_nor_hold_up_others() {
    // Position 1 was attempted, and then its user was erased.
    let shown = [(2, 2), (3, 156)];
    let queues = vec![vec![2], vec![3]];
    let after_it = arranged_after(&[1], &[1, 2, 3], &shown, 1);
    assert_eq!(after_it, (queues, vec![], false));
    // Position 1 was never attempted: 2 may be about the same user, but 3 is a retry.
    let before_it = arranged_after(&[3], &[1, 2, 3], &shown, 1);
    assert_eq!(before_it, (vec![vec![3]], vec![], true));
}

#[test]
fn outdated_deliveries_are_dropped_and_hold_up_nothing() {
    let shown = [(1, 156), (2, 156)];
    let over = arranged(&[1, 2], &shown, DELIVERY_KEPT);
    assert_eq!(over, (vec![], vec![1, 2], false));
    let queues = vec![vec![1, 2]];
    let almost = arranged(&[1, 2], &shown, DELIVERY_KEPT - 1);
    assert_eq!(almost, (queues, vec![], false));
}

#[test]
fn a_test_delivery_waits_for_no_event() {
    let due = [DeliveryKey::Test(1), DeliveryKey::Event(2)].map(delivery);
    let batch = DeliveryBatch::arrange(
        due.into(),
        HashMap::new(),
        UnixMillis::from_millis(WRITTEN.millis() + 1_000),
    );
    assert_eq!((batch.queues_by_user.len(), batch.is_waiting), (1, true));
}

#[test]
fn one_queue_has_tests_first_and_then_the_order_of_the_log() {
    let keys = [
        DeliveryKey::Event(1),
        DeliveryKey::Event(2),
        DeliveryKey::Event(3),
        DeliveryKey::Test(4),
    ];
    let shown = [(1, 156), (2, 2), (3, 156)].map(|(position, user)| event(position, user));
    let now = UnixMillis::from_millis(WRITTEN.millis() + 1_000);
    let batch = DeliveryBatch::arrange(keys.map(delivery).into(), shown.into(), now);
    let queue = batch.in_one_queue();
    let order: Vec<_> = queue.iter().map(|one| one.delivery.key).collect();
    assert_eq!(order, [keys[3], keys[0], keys[1], keys[2]]);
}
