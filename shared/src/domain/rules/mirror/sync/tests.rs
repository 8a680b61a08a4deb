use proptest::prelude::*;

use super::*;
use crate::domain::ids::{ExperienceId, Guid};

const NOW: UnixMillis = UnixMillis::from_millis(1_000_000);
const ARENA: ExperienceId = ExperienceId::new(1).unwrap();
const LIFT: MirrorStep = MirrorStep {
    level: Level::Universe,
    ban: None,
};

fn content(guid: u64) -> RevisionRef {
    RevisionRef {
        guid: Guid::from(guid),
        made_in: ARENA,
        revision: 1,
    }
}

fn request(sync: &mut RestrictionSync, key: &str, now: UnixMillis) -> RequestedChange {
    sync.request(&LIFT, || key.to_owned(), now)
}

#[test]
fn a_retry_reuses_the_idempotency_key_until_it_is_answered_or_too_old() {
    let mut sync = RestrictionSync::default();
    let first = request(&mut sync, "a", NOW);
    assert_eq!(first.idempotency_key, "a");
    assert_eq!(request(&mut sync, "b", NOW.plus(149_999)), first);
    let late = request(&mut sync, "b", NOW.plus(150_000));
    assert_eq!(late.idempotency_key, "b");
    assert_eq!(late.first_sent, NOW.plus(150_000));
    sync.record_success(&LIFT);
    let next = request(&mut sync, "c", NOW.plus(150_001));
    assert_eq!(next.idempotency_key, "c");
    assert_eq!(sync.requested, [next], "one request per level is kept");
}

#[test]
fn a_request_for_something_else_has_a_new_idempotency_key() {
    let mut sync = RestrictionSync::default();
    let earlier = RequestedChange {
        level: Level::Universe,
        content: Some(content(1)),
        idempotency_key: "a".to_owned(),
        first_sent: NOW,
        done: false,
    };
    let other = RequestedChange {
        level: Level::Place(ARENA),
        ..earlier.clone()
    };
    sync.requested = vec![earlier, other.clone()];
    let lift = request(&mut sync, "b", NOW);
    assert_eq!(lift.idempotency_key, "b");
    assert_eq!(sync.requested, [other, lift]);
}

#[test]
fn a_success_is_recorded_at_its_level_only() {
    let set = |level| AppliedRestriction {
        level,
        content: content(1),
    };
    let mut sync = RestrictionSync {
        applied: vec![set(Level::Universe), set(Level::Place(ARENA))],
        ..RestrictionSync::default()
    };
    request(&mut sync, "a", NOW);
    sync.record_success(&LIFT);
    assert!(sync.requested.iter().all(|request| request.done));
    assert_eq!(sync.applied, [set(Level::Place(ARENA))]);
}

#[test]
fn back_off_doubles_up_to_a_quarter_of_an_hour() {
    let mut sync = RestrictionSync::default();
    let mut retry = |failure| {
        let at = sync.record_failure(failure, String::new(), NOW);
        at.millis() - NOW.millis()
    };
    let unavailable = RobloxFailure::Unavailable;
    let seconds = [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900];
    for expected in seconds {
        assert_eq!(retry(unavailable), expected * 1000);
    }
    assert_eq!(retry(RobloxFailure::KeyRefused), 0);
    assert_eq!(retry(RobloxFailure::RateLimited(None)), 2_000);
    assert_eq!(retry(RobloxFailure::Refused(409)), 4_000);
    assert_eq!(retry(RobloxFailure::Refused(400)), 900_000);
    assert_eq!(retry(unavailable), 16_000, "refusals count too");
}

#[test]
fn only_an_unanswered_request_may_count_against_the_limit() {
    for (failure, counts) in [
        (RobloxFailure::Unavailable, true),
        (RobloxFailure::KeyRefused, false),
        (RobloxFailure::RateLimited(None), false),
        (RobloxFailure::Refused(400), false),
    ] {
        assert_eq!(failure.may_count(), counts, "{failure:?}");
    }
}

#[test]
fn without_pending_changes_earlier_work_is_closed() {
    let limits = RobloxLimits::default();
    let work = |sync: &RestrictionSync, recheck| sync.next_work(&[], recheck, limits, NOW);
    let nothing = RestrictionSync::default();
    assert_eq!(work(&nothing, false), UserWork::Nothing);
    assert_eq!(work(&nothing, true), UserWork::Close);
    let mut sync = nothing.clone();
    request(&mut sync, "a", NOW);
    assert_eq!(work(&sync, false), UserWork::Close);
    let sync = RestrictionSync {
        retry_at: Some(NOW),
        ..nothing
    };
    assert_eq!(work(&sync, false), UserWork::Close);
}

#[test]
fn a_closed_sync_keeps_restrictions_and_times_only() {
    let sync = RestrictionSync {
        applied: vec![AppliedRestriction {
            level: Level::Universe,
            content: content(1),
        }],
        updates: vec![NOW],
        ..RestrictionSync::default()
    };
    let mut open = sync.clone();
    request(&mut open, "a", NOW);
    open.record_failure(RobloxFailure::Unavailable, "no answer".to_owned(), NOW);
    open.retry_at = Some(NOW);
    assert_eq!(open.closed(), sync);
}

#[test]
fn a_user_backs_off_until_the_time_that_was_saved() {
    let sync = RestrictionSync {
        retry_at: Some(NOW.plus(1)),
        ..RestrictionSync::default()
    };
    assert_eq!(sync.backs_off_until(NOW), Some(NOW.plus(1)));
    assert_eq!(sync.backs_off_until(NOW.plus(1)), None);
}

fn failures() -> impl Strategy<Value = RobloxFailure> {
    prop_oneof![
        Just(RobloxFailure::KeyRefused),
        Just(RobloxFailure::RateLimited(None)),
        Just(RobloxFailure::Unavailable),
        (400_u16..500).prop_map(RobloxFailure::Refused),
    ]
}

proptest! {
    #[test]
    fn every_failure_is_retried_within_a_quarter_of_an_hour(
        failures in prop::collection::vec(failures(), 1..80),
    ) {
        let mut sync = RestrictionSync::default();
        for failure in failures {
            let at = sync.record_failure(failure, String::new(), NOW);
            prop_assert!(at >= NOW && at <= NOW.plus(15 * 60_000));
        }
    }

    /// A level never has two requests, and an idempotency key is never reused for other content.
    #[test]
    fn a_level_has_one_request(pauses in prop::collection::vec(0_u64..100_000, 1..40)) {
        let (mut sync, mut now) = (RestrictionSync::default(), NOW);
        for (n, pause) in pauses.into_iter().enumerate() {
            now = now.plus(pause);
            let sent = request(&mut sync, &n.to_string(), now);
            prop_assert!(now.millis() - sent.first_sent.millis() < KEY_REUSE);
            prop_assert_eq!(&sync.requested, &[sent]);
        }
    }
}
