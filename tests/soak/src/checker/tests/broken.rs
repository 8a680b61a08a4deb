//! What must be found.

use serde_json::{Value, json};
use shared::domain::ids::Guid;

use super::sound::course;
use super::staged::*;
use crate::history::{History, Kill, Logged, Outcome, Period, TURNED_AWAY, What};

fn guid(history: &History, nth: usize) -> String {
    let bans = &history.endings[0].bans;
    bans[bans.len() - 1 - nth]["guid"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Takes a ban out of everything that is said in the end.
fn lose(history: &mut History, guid: &str) {
    let ending = &mut history.endings[0];
    let others = |ban: &Value| ban["guid"] != *guid;
    ending.bans.retain(others);
    ending.json.retain(others);
    ending.csv.retain(|row| row["guid"] != *guid);
    ending.decisions.remove(guid);
    for list in ending.pending_bans.values_mut() {
        list.retain(others);
    }
    for check in ending.checks.values_mut() {
        *check = json!({ "isBanned": false });
    }
}

fn answer(history: &mut History, call: usize, status: u16, body: Value) {
    history.calls[call].outcome = Outcome::Answered {
        status,
        body,
        request: Some("r".to_owned()),
    };
}

#[test]
fn a_ban_that_was_answered_and_is_lost() {
    let mut staged = Staged::new();
    staged.ban(ban(1));
    let mut history = staged.history();
    let guid = guid(&history, 0);
    lose(&mut history, &guid);
    assert_found(&history, "no order of the calls");
    // The same if an answer had named it.
    let mut staged = Staged::new();
    staged.ban(ban(1));
    staged.check(arena());
    let mut history = staged.history();
    lose(&mut history, &guid);
    assert_found(&history, "was answered and is lost");
}

#[test]
fn a_ban_that_was_refused_and_is_there() {
    let mut history = course().history();
    answer(&mut history, 0, 404, json!({ "code": "not_found" }));
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_call_that_was_carried_out_twice() {
    // The second ban of a caller who made one, as a second ban and as a second change.
    let mut staged = Staged::new();
    staged.ban(ban(1));
    staged.unban(unban(Some(2)));
    staged.ban(ban(1));
    let mut history = staged.history();
    history.calls.remove(2);
    assert_found(&history, "no order of the calls");

    let mut staged = Staged::new();
    staged.ban(ban(1));
    let mut history = staged.history();
    let single = history.endings[0].decisions.values_mut().next().unwrap();
    let mut again = single["events"][0].clone();
    again["event"] = json!("GAME_BAN_UPDATED");
    again["id"] = json!(format!("{}-2", single["guid"].as_str().unwrap()));
    single["events"].as_array_mut().unwrap().push(again);
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_call_without_an_answer_that_was_carried_out_twice() {
    let mut staged = Staged::new();
    let what = || What::Ban {
        request: ban(1),
        appeal: false,
    };
    staged.lost(what(), true);
    staged.unban(unban(Some(2)));
    staged.lost(what(), true);
    let mut history = staged.history();
    assert_sound(&history);
    history.calls.remove(2);
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_ban_that_is_not_seen_after_its_answer() {
    let mut history = course().history();
    answer(&mut history, 1, 200, json!({ "isBanned": false }));
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_lifted_ban_that_came_back() {
    let mut history = course().history();
    let held = history.calls[5].outcome.clone();
    history.calls[8].outcome = held;
    assert_found(&history, "no order of the calls");
}

#[test]
fn something_owed_that_is_missing() {
    let mut staged = Staged::new();
    staged.ban(global(1));
    let mut history = staged.history();
    history.endings[0].pending_bans.insert(beach(), Vec::new());
    assert_found(&history, "7002 should have the bans");

    let mut staged = Staged::new();
    staged.ban(confirmed(global(1), arena()));
    staged.unban(unban(Some(2)));
    let mut history = staged.history();
    history.endings[0]
        .pending_unbans
        .insert(arena(), Vec::new());
    assert_found(&history, "7001 should have the unbans of");
}

#[test]
fn something_owed_that_should_not_be() {
    let mut staged = Staged::new();
    staged.ban(global(1));
    let before = staged.history();
    staged.unban(unban(Some(2)));
    let mut history = staged.history();
    assert_sound(&history);
    history.endings[0].pending_bans = before.endings[0].pending_bans.clone();
    assert_found(&history, "should have the bans [] pending");
}

#[test]
fn an_end_that_is_not_the_last_decision() {
    let mut history = course().history();
    let ban = history.endings[0].checks.values_mut().next().unwrap();
    ban["moderatorId"] = json!(99);
    assert_found(&history, "asks about the user");
}

#[test]
fn an_answer_that_came_before_its_cause() {
    let mut staged = Staged::new();
    staged.ban(ban(1));
    staged.check(arena());
    let mut history = staged.history();
    history.calls[1].started -= 1_000;
    history.calls[1].ended = history.calls[0].started - 500;
    assert_found(&history, "no order of the calls");
}

#[test]
fn an_answer_that_came_late() {
    let mut history = course().history();
    answer(&mut history, 1, 200, json!({ "isBanned": false }));
    history.logged = vec![Logged {
        function: "is-banned".to_owned(),
        request: "r".to_owned(),
        took: 7_000,
    }];
    assert_found(&history, "is-banned took 7000 ms");
}

#[test]
fn an_answer_that_never_came() {
    let mut history = course().history();
    history.calls[1].outcome = Outcome::Lost("connection reset".to_owned());
    assert_found(&history, "a connection to the gateway broke");
    history.calls[1].outcome = Outcome::Lost(TURNED_AWAY.to_owned());
    assert_sound(&history);
    history.calls[1].ended += 31_000;
    assert_found(&history, "no answer at all");
}

#[test]
fn an_answer_that_nothing_called_for() {
    let table = [
        (500, json!({ "code": "internal" }), "was answered 500"),
        (403, json!({ "code": "forbidden" }), "was answered 403"),
        (503, json!({ "code": "unavailable" }), "did not misbehave"),
        (
            500,
            json!({ "message": "Internal Server Error" }),
            "nobody had killed",
        ),
    ];
    for (status, body, sentence) in table {
        let mut history = course().history();
        answer(&mut history, 1, status, body);
        assert_found(&history, sentence);
        let at = history.calls[1].started;
        history.faults = vec![Period { from: at, to: at }];
        history.kills = vec![Kill {
            function: "is-banned",
            at,
        }];
        let excused = matches!(sentence, "did not misbehave" | "nobody had killed");
        assert_eq!(findings(&history).is_empty(), excused, "{sentence}");
    }
}

#[test]
fn a_ban_of_another_workspace_or_user() {
    let table = [
        ("workspaceGuid", json!(STRANGER), "a ban of another"),
        ("robloxId", json!(157), "with a ban of another"),
    ];
    for (field, value, sentence) in table {
        let mut history = course().history();
        let Outcome::Answered { body, .. } = &mut history.calls[1].outcome else {
            panic!("no answer");
        };
        body[field] = value;
        assert_found(&history, sentence);
    }
}

#[test]
fn exports_that_are_not_the_sum_of_the_decisions() {
    let whole = course().history();
    let last = guid(&whole, 1);
    let mut history = whole.clone();
    history.endings[0].json.retain(|ban| ban["guid"] != last);
    assert_found(&history, "the JSON export differs");

    let mut history = whole.clone();
    history.endings[0].csv.retain(|row| row["guid"] != last);
    assert_found(&history, "the CSV export differs");

    let mut history = whole.clone();
    let row = history.endings[0].csv[0].clone();
    history.endings[0].csv.push(row);
    assert_found(&history, "the CSV export has a ban twice");

    let mut history = whole.clone();
    history.endings[0].decisions.get_mut(&last).unwrap()["isActive"] = json!("?");
    assert_found(&history, "the ban by itself differs");

    let mut history = whole;
    let ban = history.endings[0].bans[0].clone();
    history.calls[1].what = What::Bans;
    answer(&mut history, 1, 200, json!({ "list": [ban, ban] }));
    assert_found(&history, "shows 1 bans twice");
}

#[test]
fn a_list_that_misses_what_was_made_long_before() {
    let mut history = course().history();
    let ban = history.endings[0].bans[1].clone();
    answer(&mut history, 0, 200, json!({ "status": "ok", "ban": ban }));
    let mut list = history.calls[0].clone();
    list.what = What::Bans;
    list.started += 60_000;
    list.ended += 60_000;
    list.outcome = Outcome::Answered {
        status: 200,
        body: json!({ "list": [] }),
        request: None,
    };
    history.calls.push(list);
    assert_found(&history, "lacks the ban");
}

#[test]
fn decisions_that_are_told_in_another_order() {
    let mut history = course().history();
    let guid = guid(&history, 0);
    let single = history.endings[0].decisions.get_mut(&guid).unwrap();
    single["events"].as_array_mut().unwrap().reverse();
    assert_found(&history, "not in order");
}

#[test]
fn a_stream_or_a_table_that_does_not_fit() {
    let mut history = course().history();
    history.stream = Some("records were given up".to_owned());
    assert_found(&history, "given up");
    let mut history = course().history();
    history.endings[0].stored = vec!["half a ban".to_owned()];
    assert_found(&history, "half a ban");
}

#[test]
fn a_finding_names_the_calls_that_prove_it() {
    let mut history = course().history();
    answer(&mut history, 1, 200, json!({ "isBanned": false }));
    let found = findings(&history);
    let proof = found[0].proof.join("\n");
    assert!(
        proof.contains("NOT ") && proof.contains("is 156 banned in 7002"),
        "{proof}"
    );
    let _: Guid = guid(&history, 0).parse().unwrap();
}
