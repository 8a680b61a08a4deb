//! Correct histories that the checker must accept.

use shared::domain::rules::{BanRequest, Length};

use super::scenario::*;
use crate::history::{CallResult, Operation, RecordedCall};

/// A ban that is reported, changed, lifted, and reported as lifted.
pub fn course() -> Scenario {
    let mut scenario = Scenario::new();
    scenario.ban(global(1));
    scenario.check(beach());
    scenario.ban(reported(global(1), beach()));
    scenario.ban(ban(2));
    scenario.ban(BanRequest {
        overwrite: true,
        ..global(3)
    });
    scenario.check(arena());
    scenario.ban(reported(global(1), beach()));
    scenario.unban(unban(Some(4)));
    scenario.check(beach());
    scenario.unban(unban(None));
    scenario.ban(ban(5));
    scenario
}

/// Makes all calls concurrent.
fn at_once(calls: &mut [RecordedCall]) {
    let first = calls.iter().map(|call| call.started).min().unwrap();
    let last = calls.iter().map(|call| call.ended).max().unwrap();
    for call in calls {
        (call.started, call.ended) = (first, last);
    }
}

#[test]
fn sequential_calls_are_accepted() {
    assert_accepted(&course().history());
}

#[test]
fn concurrent_calls_may_take_effect_in_any_order() {
    let mut history = course().history();
    for first in 0..history.calls.len() - 3 {
        at_once(&mut history.calls[first..first + 4]);
        assert_accepted(&history);
        history = course().history();
    }
    history.calls.reverse();
    at_once(&mut history.calls);
    assert_accepted(&history);
}

#[test]
fn a_call_that_changes_nothing_now_may_have_changed_something_later() {
    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    scenario.unban(unban(Some(2)));
    scenario.ban(ban(3));
    scenario.unban(unban(Some(4)));
    scenario.check(arena());
    let mut history = scenario.history();
    at_once(&mut history.calls[2..5]);
    assert_accepted(&history);
    history.calls[2..5].reverse();
    assert_accepted(&history);
}

#[test]
fn a_call_without_an_answer_may_have_taken_effect_or_not() {
    let what = || Operation::Ban {
        request: global(1),
        appeal: false,
    };
    for took_effect in [false, true] {
        let mut scenario = Scenario::new();
        scenario.unanswered_call(what(), took_effect);
        scenario.call(what());
        scenario.check(beach());
        scenario.unanswered_call(Operation::Unban(unban(Some(2))), took_effect);
        scenario.check(beach());
        assert_accepted(&scenario.history());
    }
}

#[test]
fn a_report_without_an_answer_may_have_been_recorded_or_not() {
    for took_effect in [false, true] {
        let mut scenario = Scenario::new();
        scenario.ban(ban(1));
        let what = Operation::Ban {
            request: reported(ban(1), arena()),
            appeal: false,
        };
        scenario.unanswered_call(what, took_effect);
        assert_accepted(&scenario.history());
    }
}

#[test]
fn a_repeat_with_the_same_idempotency_key_takes_effect_once() {
    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    let key = || Some("once".to_owned());
    scenario.unban(unban(Some(2))).key = key();
    scenario.ban(ban(3));
    let repeat = RecordedCall {
        key: key(),
        started: scenario.calls[2].ended + 1,
        ended: scenario.calls[2].ended + 2,
        result: CallResult::Answered {
            status: 200,
            body: serde_json::json!({ "status": "ok" }),
            request: None,
        },
        ..scenario.calls[1].clone()
    };
    let mut history = scenario.history();
    history.calls.push(repeat);
    assert_accepted(&history);
    // Without the idempotency key it would have lifted the second ban.
    history.calls.last_mut().unwrap().key = None;
    assert_found(&history, "no order of the calls");
}

#[test]
fn the_answering_clock_decides_whether_a_ban_has_expired() {
    let mut scenario = Scenario::new();
    scenario.ban(BanRequest {
        length: Length::For(5),
        ..ban(1)
    });
    scenario.wait(3_000);
    scenario.check(arena());
    scenario.wait(4_000);
    scenario.check(arena());
    let history = scenario.history();
    assert_accepted(&history);
    // A slow clock shows at seven seconds what the correct one showed at three.
    let mut slow = history.clone();
    slow.calls[2].result = slow.calls[1].result.clone();
    assert_accepted(&slow);
    // No clock is that slow.
    slow.calls[2].started += 10_000;
    slow.calls[2].ended += 10_000;
    assert_found(&slow, "no order of the calls");
}

#[test]
fn two_bans_by_one_moderator_may_come_in_either_order() {
    for by_slow_clock in [false, true] {
        let mut scenario = Scenario::new();
        scenario.ban(ban(1));
        if by_slow_clock {
            scenario.name_the_next_ban_first();
        }
        scenario.unban(unban(Some(2)));
        scenario.ban(ban(1));
        scenario.check(arena());
        assert_accepted(&scenario.history());
    }
}
