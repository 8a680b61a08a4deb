//! Ranks: a correct history, and violations that the checker must find.

use serde_json::{Value, json};

use super::super::ranks;
use super::scenario::user;
use crate::history::{CallResult, FinalState, History, Operation, RankRequest, RecordedCall};

const GROUP: u64 = 42;
const RANK: u64 = 20;
const NUMBER: u64 = 900;

fn event(id: &str) -> Value {
    json!({
        "id": id, "event": "GROUP_ROLE_CHANGED", "robloxId": user(), "actor": { "moderator": NUMBER },
        "data": {
            "groupId": GROUP, "role": { "rank": RANK },
            "previous": [{ "rank": 1 }], "roles": [{ "rank": 1 }, { "rank": RANK }],
        },
    })
}

/// A member got a rank.
fn course() -> History {
    let request = RankRequest {
        user: user(),
        group: GROUP,
        rank: RANK,
        number: NUMBER,
    };
    let call = RecordedCall {
        workspace: 0,
        client: "client".to_owned(),
        operation: Operation::Rank(request),
        in_bulk: false,
        key: None,
        started: 1_000,
        ended: 1_010,
        result: CallResult::Answered {
            status: 200,
            body: json!({ "status": "ok" }),
            request: None,
        },
        undocumented: Vec::new(),
    };
    let last = FinalState {
        log: vec![event("act_1")],
        ranks: [(user(), vec![1, RANK])].into(),
        assigned: vec![(RANK, user())],
        activities: [(user(), ["act_1".to_owned()].into())].into(),
        ..FinalState::default()
    };
    History {
        calls: vec![call],
        final_states: vec![last],
        ..History::default()
    }
}

/// The findings after a change of what the calls left.
fn sentences(change: impl FnOnce(&mut FinalState)) -> String {
    let mut history = course();
    change(&mut history.final_states[0]);
    let findings = ranks::check(&history).into_iter();
    findings.map(|finding| finding.sentence + "\n").collect()
}

#[track_caller]
fn assert_found(text: &str, change: impl FnOnce(&mut FinalState)) {
    let sentences = sentences(change);
    assert!(
        sentences.contains(text),
        "no finding says \"{text}\": {sentences}"
    );
}

#[test]
fn a_recorded_rank_is_accepted() {
    assert_eq!(sentences(|_| ()), "");
}

#[test]
fn a_rank_that_the_member_does_not_hold_is_found() {
    assert_found("holds {1}", |last| {
        last.ranks.insert(user(), vec![1]);
    });
    assert_found("holds {1, 20, 30}", |last| {
        last.ranks.insert(user(), vec![1, RANK, 30]);
    });
    assert_found("was answered, but never assigned", |last| {
        last.assigned.clear();
    });
}

#[test]
fn changes_and_events_that_do_not_match_are_found() {
    assert_found("has no event", |last| last.log.clear());
    assert_found("has an event without a change", |last| {
        last.log.push(event("act_2"));
    });
    assert_found("does not have one event for each change", |last| {
        last.assigned.push((RANK, user()));
    });
    assert_found("fits no request", |last| {
        last.log[0]["actor"]["moderator"] = json!(NUMBER + 1);
    });
}

#[test]
fn a_change_missing_in_the_history_is_found() {
    assert_found("and the history None", |last| last.activities.clear());
}
