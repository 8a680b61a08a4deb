//! What must not be found.

use shared::domain::rules::{BanRequest, Length};

use super::staged::*;
use crate::history::{Call, Outcome, What};

/// A ban, confirmed, changed, lifted, and reported as lifted.
pub fn course() -> Staged {
    let mut staged = Staged::new();
    staged.ban(global(1));
    staged.check(beach());
    staged.ban(confirmed(global(1), beach()));
    staged.ban(ban(2));
    staged.ban(BanRequest {
        overwrite: true,
        ..global(3)
    });
    staged.check(arena());
    staged.ban(confirmed(global(1), beach()));
    staged.unban(unban(Some(4)));
    staged.check(beach());
    staged.unban(unban(None));
    staged.ban(ban(5));
    staged
}

/// As if all these calls had been made at once.
fn at_once(calls: &mut [Call]) {
    let first = calls.iter().map(|call| call.started).min().unwrap();
    let last = calls.iter().map(|call| call.ended).max().unwrap();
    for call in calls {
        (call.started, call.ended) = (first, last);
    }
}

#[test]
fn a_course_of_calls_one_after_the_other_is_sound() {
    assert_sound(&course().history());
}

#[test]
fn calls_at_once_may_have_come_in_any_order() {
    let mut history = course().history();
    for first in 0..history.calls.len() - 3 {
        at_once(&mut history.calls[first..first + 4]);
        assert_sound(&history);
        history = course().history();
    }
    history.calls.reverse();
    at_once(&mut history.calls);
    assert_sound(&history);
}

#[test]
fn a_call_that_would_change_nothing_now_may_have_come_later_and_changed_something() {
    let mut staged = Staged::new();
    staged.ban(ban(1));
    staged.unban(unban(Some(2)));
    staged.ban(ban(3));
    staged.unban(unban(Some(4)));
    staged.check(arena());
    let mut history = staged.history();
    at_once(&mut history.calls[2..5]);
    assert_sound(&history);
    history.calls[2..5].reverse();
    assert_sound(&history);
}

#[test]
fn a_call_whose_answer_was_lost_may_have_been_carried_out_or_not() {
    let what = || What::Ban {
        request: global(1),
        appeal: false,
    };
    for carried_out in [false, true] {
        let mut staged = Staged::new();
        staged.lost(what(), carried_out);
        staged.call(what());
        staged.check(beach());
        staged.lost(What::Unban(unban(Some(2))), carried_out);
        staged.check(beach());
        assert_sound(&staged.history());
    }
}

#[test]
fn a_confirmation_whose_answer_was_lost_may_have_been_recorded_or_not() {
    for carried_out in [false, true] {
        let mut staged = Staged::new();
        staged.ban(ban(1));
        let what = What::Ban {
            request: confirmed(ban(1), arena()),
            appeal: false,
        };
        staged.lost(what, carried_out);
        assert_sound(&staged.history());
    }
}

#[test]
fn a_repeat_under_one_key_is_carried_out_once() {
    let mut staged = Staged::new();
    staged.ban(ban(1));
    let key = || Some("once".to_owned());
    staged.unban(unban(Some(2))).key = key();
    staged.ban(ban(3));
    let repeat = Call {
        key: key(),
        started: staged.calls[2].ended + 1,
        ended: staged.calls[2].ended + 2,
        outcome: Outcome::Answered {
            status: 200,
            body: serde_json::json!({ "status": "ok" }),
            request: None,
        },
        ..staged.calls[1].clone()
    };
    let mut history = staged.history();
    history.calls.push(repeat);
    assert_sound(&history);
    // Without the key it would have lifted the second ban.
    history.calls.last_mut().unwrap().key = None;
    assert_found(&history, "no order of the calls");
}

#[test]
fn whether_a_ban_has_run_out_is_for_the_clock_that_answers() {
    let mut staged = Staged::new();
    staged.ban(BanRequest {
        length: Length::For(5),
        ..ban(1)
    });
    staged.wait(3_000);
    staged.check(arena());
    staged.wait(4_000);
    staged.check(arena());
    let history = staged.history();
    assert_sound(&history);
    // A slow clock says at seven seconds what the right one said at three.
    let mut slow = history.clone();
    slow.calls[2].outcome = slow.calls[1].outcome.clone();
    assert_sound(&slow);
    // None is so slow.
    slow.calls[2].started += 10_000;
    slow.calls[2].ended += 10_000;
    assert_found(&slow, "no order of the calls");
}

#[test]
fn of_two_bans_of_one_moderator_either_may_be_the_first() {
    for by_slow_clock in [false, true] {
        let mut staged = Staged::new();
        staged.ban(ban(1));
        if by_slow_clock {
            staged.name_the_next_before_all_others();
        }
        staged.unban(unban(Some(2)));
        staged.ban(ban(1));
        staged.check(arena());
        assert_sound(&staged.history());
    }
}
