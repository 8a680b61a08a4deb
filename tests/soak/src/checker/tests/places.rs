//! Joins of places: correct ones, and each kind of violation.

use serde_json::{Value, json};

use super::scenario::*;
use crate::history::{CallResult, History};

/// A user is banned in the beach, which joins the arena; asked about in every phase.
fn joined(leaves: bool) -> Scenario {
    let mut scenario = Scenario::new();
    scenario.ban(in_beach(1));
    scenario.announce();
    scenario.check(beach());
    scenario.settle();
    scenario.check(beach());
    scenario.check(arena());
    scenario.carry_over();
    scenario.check(beach());
    scenario.check(arena());
    scenario.complete();
    scenario.check(beach());
    scenario.check(arena());
    if leaves {
        scenario.leave();
        scenario.check(beach());
        scenario.check(arena());
    }
    scenario
}

fn in_beach(moderator: u64) -> shared::domain::rules::BanRequest {
    shared::domain::rules::BanRequest {
        place: beach().into(),
        ..ban(moderator)
    }
}

fn let_in(history: &mut History, call: usize) {
    history.calls[call].result = CallResult::Answered {
        status: 200,
        body: json!({ "isBanned": false }),
        request: None,
    };
}

fn events_of_join(history: &mut History, change: impl Fn(&mut Value)) {
    let end = &mut history.final_states[0];
    let of_bans = end.decisions.values_mut();
    let of_bans = of_bans.flat_map(|ban| ban["events"].as_array_mut().unwrap());
    for event in end.log.iter_mut().chain(of_bans) {
        if event["actor"]["key"] != "k" {
            change(event);
        }
    }
    end.received.clear();
}

#[test]
fn a_correct_join_is_accepted() {
    assert_accepted(&joined(false).history());
    assert_accepted(&joined(true).history());
}

#[test]
fn a_place_that_leaves_before_it_settles_is_accepted() {
    let mut scenario = Scenario::new();
    scenario.ban(in_beach(1));
    scenario.announce();
    scenario.leave();
    scenario.check(beach());
    scenario.check(arena());
    let mut history = scenario.history();
    assert_accepted(&history);
    // It left at once.
    let join = history.joins.last_mut().unwrap();
    join.left = Some(join.written);
    assert_accepted(&history);
}

#[test]
fn decisions_go_to_the_root_once_the_place_settles() {
    let mut scenario = Scenario::new();
    scenario.announce();
    scenario.ban(in_beach(1));
    scenario.check(arena());
    scenario.settle();
    scenario.carry_over();
    scenario.ban(in_beach(2));
    scenario.check(arena());
    assert_accepted(&scenario.history());
    // The same, if the place still decided for itself.
    let mut wrong = Scenario::new();
    wrong.announce();
    wrong.wait(60_000);
    wrong.ban(in_beach(1));
    wrong.check(arena());
    assert_found(&wrong.history(), "no order of the calls");
}

#[test]
fn a_banned_user_who_is_let_in_while_the_place_joins_is_found() {
    let correct = joined(false);
    // Announced, settling, carried over, joined.
    for call in [1, 2, 4, 6] {
        let mut history = correct.history();
        let_in(&mut history, call);
        assert_found(&history, "no order of the calls");
    }
}

#[test]
fn a_ban_of_the_root_that_does_not_hold_in_an_announced_place_is_found() {
    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    scenario.announce();
    scenario.check(beach());
    scenario.leave();
    let mut history = scenario.history();
    assert_accepted(&history);
    let_in(&mut history, 1);
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_ban_that_stays_behind_is_found() {
    let mut scenario = Scenario::new();
    scenario.ban(in_beach(1));
    scenario.announce();
    scenario.settle();
    scenario.complete();
    assert_found(&scenario.history(), "was not carried over");
    // Also if a later one hides that.
    scenario.check(beach());
    scenario.leave();
    assert_found(&scenario.history(), "no order of the calls");
}

#[test]
fn a_carry_over_that_no_join_names_is_found() {
    let mut history = joined(true).history();
    events_of_join(&mut history, |event| {
        event["actor"]["key"] = json!("join-7002-1");
    });
    assert_found(&history, "no join has the name of");

    let mut history = joined(true).history();
    events_of_join(&mut history, |event| event["actor"]["key"] = json!("k"));
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_carry_over_before_the_place_settles_is_found() {
    let mut history = joined(true).history();
    events_of_join(&mut history, |event| {
        let created = event["created"].as_u64().unwrap();
        event["created"] = json!(created - 40);
    });
    assert_found(&history, "outside of join-7002-");
}

#[test]
fn a_carry_over_to_another_place_is_found() {
    let mut history = joined(true).history();
    events_of_join(&mut history, |event| {
        event["data"]["experienceId"] = json!(7_003);
    });
    assert_found(&history, "decided in another place");
}
