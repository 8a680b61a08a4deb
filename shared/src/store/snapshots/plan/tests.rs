use super::*;
use crate::domain::banned_users::BannedUsers;
use crate::store::snapshots::object::{Contents, SnapshotObject};

const NOW: u64 = 1_800_000_000;

const HEAD: LogPosition = LogPosition {
    epoch: 1,
    position: 500,
};

fn ago(seconds: u64) -> UnixSeconds {
    UnixSeconds(NOW - seconds)
}

/// A snapshot that was built and read in full this many seconds ago.
fn header(built: u64, full: u64) -> SnapshotHeader {
    let object = SnapshotObject::new(&Contents {
        version: 9,
        reached: HEAD,
        read: ago(built),
        built: ago(built),
        full: ago(full),
        users: BannedUsers::default(),
    });
    object.header().clone()
}

fn state(built: Option<SnapshotHeader>) -> SnapshotState {
    SnapshotState {
        requested: ago(DAY),
        due_at: ago(0),
        doubt: None,
        doubted_since: None,
        built,
        removed: false,
    }
}

fn plan_with(change: impl Fn(&mut SnapshotState, &mut SnapshotHeader, &mut LogPosition)) -> Plan {
    let (mut previous, mut head) = (header(100, 2_000), HEAD);
    let mut state = state(Some(previous.clone()));
    change(&mut state, &mut previous, &mut head);
    let situation = Situation {
        state: &state,
        previous: Some(&previous),
        head,
        is_log_incomplete: false,
        now: UnixSeconds(NOW),
    };
    situation.plan()
}

#[test]
fn sound_snapshot_is_continued() {
    assert_eq!(plan_with(|_, _, _| {}), Plan::Incremental);
    let newer = plan_with(|_, previous, _| previous.version = 10);
    assert_eq!(newer, Plan::Incremental, "its state was not recorded");
    let fresh_doubt = plan_with(|state, _, _| state.doubt = Some(ago(SETTLED - 1)));
    assert_eq!(
        fresh_doubt,
        Plan::Incremental,
        "the index may show the user"
    );
    let behind = plan_with(|_, _, head| head.position += BEHIND);
    assert_eq!(behind, Plan::Incremental);
}

#[test]
fn every_doubt_leads_to_a_full_build() {
    type Change = fn(&mut SnapshotState, &mut SnapshotHeader, &mut LogPosition);
    let doubts: [(&str, Change); 9] = [
        ("no state of it", |state, _, _| state.built = None),
        ("another epoch", |_, _, head| head.epoch = 2),
        ("a log that was lost", |_, _, head| head.position = 499),
        ("an older object", |_, previous, _| previous.version = 8),
        ("an erasure", |state, _, _| state.doubt = Some(ago(SETTLED))),
        ("a day", |_, previous, _| previous.full = ago(DAY)),
        ("a clock that was ahead", |_, previous, _| {
            previous.full = UnixSeconds(NOW + DAY);
        }),
        ("an old snapshot", |_, previous, _| {
            previous.built = ago(OLD);
        }),
        ("a long log", |_, _, head| head.position += BEHIND + 1),
    ];
    for (what, change) in doubts {
        assert_eq!(plan_with(change), Plan::Full, "{what}");
    }
    let missing = Situation {
        state: &state(Some(header(100, 2_000))),
        previous: None,
        head: HEAD,
        is_log_incomplete: false,
        now: UnixSeconds(NOW),
    };
    assert_eq!(missing.plan(), Plan::Full);
}

#[test]
fn failures_lead_to_full_builds_at_a_bounded_pace() {
    for (full, expected) in [(FULL_PACE - 1, Plan::Incremental), (FULL_PACE, Plan::Full)] {
        let previous = header(100, full);
        let situation = Situation {
            state: &state(Some(previous.clone())),
            previous: Some(&previous),
            head: HEAD,
            is_log_incomplete: true,
            now: UnixSeconds(NOW),
        };
        assert_eq!(situation.plan(), expected, "{full}");
    }
}

#[test]
fn mark_of_an_erasure_stays_until_a_full_build_after_it_has_settled() {
    let built = header(0, 0);
    let after = |doubt, full_since| {
        let before = SnapshotState {
            doubt: Some(ago(doubt)),
            ..state(None)
        };
        let next = NextBuild {
            full_since,
            ..NextBuild::default()
        };
        before.after(&built, &next)
    };
    assert_eq!(after(SETTLED, Some(ago(0))).doubt, None);
    let young = after(SETTLED - 1, Some(ago(0)));
    assert_eq!(
        (young.doubt, young.due_at),
        (Some(ago(59)), UnixSeconds(NOW + 1))
    );
    let incremental = after(SETTLED, None);
    assert_eq!(
        (incremental.doubt, incremental.due_at),
        (Some(ago(60)), ago(0))
    );
}

#[test]
fn erasures_one_after_the_other_do_not_postpone_a_full_build() {
    let mut doubted = state(Some(header(10, 10)));
    (doubted.doubt, doubted.doubted_since) = (Some(ago(5)), Some(ago(SETTLED)));
    assert_eq!(doubted.may_build_at(), ago(0));
    let is_full = |since| {
        plan_with(|state, _, _| {
            (state.doubt, state.doubted_since) = (Some(ago(5)), Some(ago(since)));
        }) == Plan::Full
    };
    assert!(is_full(SETTLED) && !is_full(SETTLED - 1));
    // That build may have shown the last user, who is out of the next one, a minute later at the latest.
    let next = NextBuild {
        full_since: Some(ago(10)),
        ..NextBuild::default()
    };
    let after = doubted.after(&header(0, 0), &next);
    assert_eq!(
        (after.doubt, after.doubted_since),
        (Some(ago(5)), Some(ago(10)))
    );
    assert_eq!(after.due_at, UnixSeconds(NOW + SETTLED - 10));
}

#[test]
fn next_build_is_due_in_an_hour_or_sooner() {
    let due = |next: NextBuild| state(None).after(&header(0, 0), &next).due_at.0 - NOW;
    assert_eq!(due(NextBuild::default()), HOURLY);
    let is_log_incomplete = true;
    assert_eq!(
        due(NextBuild {
            is_log_incomplete,
            ..NextBuild::default()
        }),
        FULL_PACE
    );
    let is_unfinished = true;
    assert_eq!(
        due(NextBuild {
            is_unfinished,
            ..NextBuild::default()
        }),
        PACE
    );
}

#[test]
fn builds_are_a_minute_apart_unless_an_erasure_has_settled() {
    let mut state = state(Some(header(10, 10)));
    assert_eq!(state.may_build_at(), UnixSeconds(NOW + 50));
    state.doubt = Some(ago(SETTLED));
    assert_eq!(state.may_build_at(), ago(0));
}

#[test]
fn snapshot_is_wanted_for_a_week() {
    let mut state = state(None);
    state.requested = ago(WANTED - 1);
    assert!(state.is_wanted(UnixSeconds(NOW)));
    state.requested = ago(WANTED);
    assert!(!state.is_wanted(UnixSeconds(NOW)));
    state.requested = ago(0);
    state.removed = true;
    assert!(!state.is_wanted(UnixSeconds(NOW)));
}
