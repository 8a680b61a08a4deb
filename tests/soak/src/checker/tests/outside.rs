//! Webhooks and Roblox's side: what must not be found there, and what must.

use serde_json::{Value, json};
use shared::domain::rules::{BanRequest, Length};

use super::staged::*;
use crate::history::{Arrived, History, KeptOut};

/// A ban for the beach alone, one for the whole universe and longer than another, and one that was
/// lifted, all mirrored at the beach.
fn course() -> History {
    let mut staged = Staged::new();
    staged.ban(BanRequest {
        experience: beach(),
        universal: Some(false),
        ..ban(1)
    });
    staged.ban(ban(2));
    staged.unban(unban(Some(3)));
    staged.check(beach());
    let mut history = staged.history();
    mirror(&mut history);
    history
}

/// Lets the beach be mirrored, and its mirror be done with everything.
fn mirror(history: &mut History) {
    history.workspaces[0].mirrored = [beach()].into();
    let ending = &mut history.endings[0];
    ending.pending_bans.insert(beach(), Vec::new());
    ending.pending_unbans.insert(beach(), Vec::new());
    for check in ending.checks.values_mut() {
        if check.get("guid").is_some() {
            check["experienceBanCompleted"] = json!(true);
        }
    }
    let check = &ending.checks[&(user(), beach())];
    if check["isBanned"] == json!(true) {
        let until = check["expires"].as_u64().filter(|until| *until > 0);
        let place = (check["experienceUniversal"] != json!(true)).then(beach);
        let kept_out = KeptOut {
            until,
            reason: check["privateReason"].as_str().unwrap().to_owned(),
        };
        ending.kept_out.insert((place, user()), kept_out);
    }
}

fn arrived(history: &mut History) -> &mut Vec<Arrived> {
    &mut history.endings[0].arrived
}

#[test]
fn what_arrived_as_it_stands_in_the_log_once_or_more_often_is_sound() {
    let mut history = course();
    assert_sound(&history);
    let again = arrived(&mut history).clone();
    arrived(&mut history).extend(again);
    arrived(&mut history).reverse();
    assert_sound(&history);
}

#[test]
fn an_event_that_never_arrived_or_that_nobody_can_trust() {
    let mut history = course();
    arrived(&mut history).remove(1);
    assert_found(&history, "never arrived");
    let mut history = course();
    arrived(&mut history)[0].problem = Some("no signature".to_owned());
    assert_found(&history, "never arrived");
    assert_found(&history, "with a wrong signature");
    let mut history = course();
    history.endings[0].undelivered = vec!["failed".to_owned()];
    assert_found(&history, "is not delivered in the end");
}

#[test]
fn something_that_arrived_and_is_not_in_the_log_or_not_like_that() {
    let mut history = course();
    arrived(&mut history)[0].id = "of-nothing-1".to_owned();
    assert_found(&history, "which the log lacks");
    let change = |text: &str| {
        let mut body: Value = serde_json::from_str(text).unwrap();
        body["data"]["expires"] = json!(7);
        body.to_string()
    };
    let mut history = course();
    let first = &mut arrived(&mut history)[0];
    first.body = change(&first.body);
    assert_found(&history, "where the log has");
    let mut history = course();
    let again = Arrived {
        body: format!("{} ", arrived(&mut history)[0].body),
        ..arrived(&mut history)[0].clone()
    };
    arrived(&mut history).push(again);
    assert_found(&history, "in different words");
}

#[test]
fn a_mirror_may_have_reported_at_any_time() {
    let mut history = course();
    for completed in [false, true] {
        for check in history.endings[0].checks.values_mut() {
            check["experienceBanCompleted"] = json!(completed);
        }
        assert_sound(&history);
    }
    // Where none is, nothing is reported but by calls.
    history.workspaces[0].mirrored.clear();
    assert_found(&history, "asks about the user");
}

#[test]
fn a_user_who_is_let_in_or_kept_out_by_no_ban_or_by_an_old_one() {
    let mut history = course();
    history.endings[0].kept_out.clear();
    assert_found(&history, "is let in");

    let mut history = course();
    let held = history.endings[0].kept_out.pop_first().unwrap().1;
    history.endings[0].kept_out.insert((None, user()), held);
    assert_found(&history, "everywhere is kept out");
    assert_found(&history, "at 7002 is let in");

    let held = |change: fn(&mut KeptOut)| {
        let mut history = course();
        let mut held = history.endings[0].kept_out.first_entry().unwrap();
        change(held.get_mut());
        history
    };
    let history = held(|held| held.reason = "case 0".to_owned());
    assert_found(&history, "instead of");
    let history = held(|held| held.until = Some(1));
    assert_found(&history, "instead of");
}

#[test]
fn a_restriction_ends_with_its_ban_or_a_little_later() {
    let mut staged = Staged::new();
    staged.ban(BanRequest {
        experience: beach(),
        length: Length::For(7_200),
        ..ban(1)
    });
    let mut history = staged.history();
    mirror(&mut history);
    assert_sound(&history);
    let by = |seconds: i64| {
        let mut history = history.clone();
        let mut held = history.endings[0].kept_out.first_entry().unwrap();
        let until = held.get().until.unwrap();
        held.get_mut().until = until.checked_add_signed(seconds);
        history
    };
    assert_sound(&by(150));
    assert_found(&by(200), "instead of");
    assert_found(&by(-10), "instead of");
}

#[test]
fn of_two_bans_for_a_universe_the_one_that_ends_last_is_held() {
    let mut staged = Staged::new();
    staged.ban(ban(1));
    staged.ban(BanRequest {
        experience: beach(),
        length: Length::For(7_200),
        ..ban(2)
    });
    let mut history = staged.history();
    mirror(&mut history);
    history.workspaces[0].mirrored.insert(arena());
    let ending = &mut history.endings[0];
    ending.pending_bans.insert(arena(), Vec::new());
    ending.pending_unbans.insert(arena(), Vec::new());
    assert_found(&history, "instead of");
    let mut held = history.endings[0].kept_out.first_entry().unwrap();
    *held.get_mut() = KeptOut {
        until: None,
        reason: "case 1".to_owned(),
    };
    assert_sound(&history);
}

#[test]
fn something_that_a_mirror_owes_in_the_end_and_a_limit_that_was_not_kept() {
    let mut history = course();
    let owed = history.endings[0].bans[0].clone();
    let pending = &mut history.endings[0].pending_bans;
    pending.insert(beach(), vec![owed]);
    assert_found(&history, "still owes bans");
    let mut history = course();
    history.endings[0].pending_unbans.remove(&beach());
    assert_found(&history, "still owes unbans");
    let mut history = course();
    history.endings[0].over_limits = vec!["a third change".to_owned()];
    assert_found(&history, "a limit was not kept");
}
