//! Webhooks and Roblox's side: correct histories, and violations that the checker must find.

use serde_json::{Value, json};
use shared::domain::rules::{BanRequest, Length};

use super::scenario::*;
use crate::history::{ActiveRestriction, History, ReceivedEvent};

/// A ban for the beach alone, two for the whole universe with different expiries, and a lifted one,
/// all mirrored at the beach.
fn course() -> History {
    let mut scenario = Scenario::new();
    scenario.ban(BanRequest {
        place: beach().into(),
        universal: Some(false),
        ..ban(1)
    });
    scenario.ban(ban(2));
    scenario.unban(unban(Some(3)));
    scenario.check(beach());
    let mut history = scenario.history();
    mirror(&mut history);
    history
}

/// Mirrors the beach and lets its mirror finish.
fn mirror(history: &mut History) {
    history.workspaces[0].mirrored = [beach()].into();
    let final_state = &mut history.final_states[0];
    final_state.pending_bans.insert(beach(), Vec::new());
    final_state.pending_unbans.insert(beach(), Vec::new());
    for check in final_state.checks.values_mut() {
        if check.get("guid").is_some() {
            check["experienceBanCompleted"] = json!(true);
        }
    }
    let check = &final_state.checks[&(user(), beach())];
    if check["isBanned"] == json!(true) {
        let until = check["expires"].as_u64().filter(|until| *until > 0);
        let place = (check["experienceUniversal"] != json!(true)).then(beach);
        let restrictions = ActiveRestriction {
            until,
            reason: check["privateReason"].as_str().unwrap().to_owned(),
        };
        final_state
            .restrictions
            .insert((place, user()), restrictions);
    }
}

fn received(history: &mut History) -> &mut Vec<ReceivedEvent> {
    &mut history.final_states[0].received
}

#[test]
fn events_delivered_once_or_repeatedly_are_accepted() {
    let mut history = course();
    assert_accepted(&history);
    let again = received(&mut history).clone();
    received(&mut history).extend(again);
    received(&mut history).reverse();
    assert_accepted(&history);
}

#[test]
fn undelivered_or_badly_signed_events_are_found() {
    let mut history = course();
    received(&mut history).remove(1);
    assert_found(&history, "never arrived");
    let mut history = course();
    received(&mut history)[0].problem = Some("no signature".to_owned());
    assert_found(&history, "never arrived");
    assert_found(&history, "with an invalid signature");
    let mut history = course();
    history.final_states[0].undelivered = vec!["failed".to_owned()];
    assert_found(&history, "a delivery is still open");
}

#[test]
fn deliveries_that_differ_from_the_event_log_are_found() {
    let mut history = course();
    received(&mut history)[0].id = "of-nothing-1".to_owned();
    assert_found(&history, "but is not in the log");
    let change = |text: &str| {
        let mut body: Value = serde_json::from_str(text).unwrap();
        body["data"]["expires"] = json!(7);
        body.to_string()
    };
    let mut history = course();
    let first = &mut received(&mut history)[0];
    first.body = change(&first.body);
    assert_found(&history, "but the log has");
    let mut history = course();
    let again = ReceivedEvent {
        body: format!("{} ", received(&mut history)[0].body),
        ..received(&mut history)[0].clone()
    };
    received(&mut history).push(again);
    assert_found(&history, "with different bodies");
}

#[test]
fn the_mirror_may_report_at_any_time() {
    let mut history = course();
    for applied in [false, true] {
        for check in history.final_states[0].checks.values_mut() {
            check["experienceBanCompleted"] = json!(applied);
        }
        assert_accepted(&history);
    }
    // Without a mirror, only calls report.
    history.workspaces[0].mirrored.clear();
    assert_found(&history, "asks about the user");
}

#[test]
fn restrictions_that_match_no_current_ban_are_found() {
    let mut history = course();
    history.final_states[0].restrictions.clear();
    assert_found(&history, "is not restricted");

    let mut history = course();
    let held = history.final_states[0].restrictions.pop_first().unwrap().1;
    history.final_states[0]
        .restrictions
        .insert((None, user()), held);
    assert_found(&history, "everywhere is restricted");
    assert_found(&history, "at 7002 is not restricted");

    let held = |change: fn(&mut ActiveRestriction)| {
        let mut history = course();
        let mut held = history.final_states[0].restrictions.first_entry().unwrap();
        change(held.get_mut());
        history
    };
    let history = held(|held| held.reason = "case 0".to_owned());
    assert_found(&history, "instead of");
    let history = held(|held| held.until = Some(1));
    assert_found(&history, "instead of");
}

#[test]
fn a_restriction_ends_with_its_ban_or_shortly_after() {
    let mut scenario = Scenario::new();
    scenario.ban(BanRequest {
        place: beach().into(),
        length: Length::For(7_200),
        ..ban(1)
    });
    let mut history = scenario.history();
    mirror(&mut history);
    assert_accepted(&history);
    let by = |seconds: i64| {
        let mut history = history.clone();
        let mut held = history.final_states[0].restrictions.first_entry().unwrap();
        let until = held.get().until.unwrap();
        held.get_mut().until = until.checked_add_signed(seconds);
        history
    };
    assert_accepted(&by(150));
    assert_found(&by(200), "instead of");
    assert_found(&by(-10), "instead of");
}

#[test]
fn a_universe_keeps_the_ban_that_ends_last() {
    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    scenario.ban(BanRequest {
        place: beach().into(),
        length: Length::For(7_200),
        ..ban(2)
    });
    let mut history = scenario.history();
    mirror(&mut history);
    history.workspaces[0].mirrored.insert(arena());
    let final_state = &mut history.final_states[0];
    final_state.pending_bans.insert(arena(), Vec::new());
    final_state.pending_unbans.insert(arena(), Vec::new());
    assert_found(&history, "instead of");
    let mut held = history.final_states[0].restrictions.first_entry().unwrap();
    *held.get_mut() = ActiveRestriction {
        until: None,
        reason: "case 1".to_owned(),
    };
    assert_accepted(&history);
}

#[test]
fn pending_mirror_changes_and_exceeded_limits_are_found() {
    let mut history = course();
    let owed = history.final_states[0].bans[0].clone();
    let pending = &mut history.final_states[0].pending_bans;
    pending.insert(beach(), vec![owed]);
    assert_found(&history, "still has pending bans");
    let mut history = course();
    history.final_states[0].pending_unbans.remove(&beach());
    assert_found(&history, "still has pending unbans");
    let mut history = course();
    history.final_states[0].over_limits = vec!["a third change".to_owned()];
    assert_found(&history, "a rate limit was exceeded");
}
