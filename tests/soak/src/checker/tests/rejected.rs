//! Violations that the checker must find.

use serde_json::{Value, json};
use shared::domain::ids::Guid;

use super::accepted::course;
use super::scenario::*;
use crate::history::{CallResult, FaultPeriod, GAVE_UP, History, Kill, LoggedRequest, Operation};

fn guid(history: &History, nth: usize) -> String {
    let bans = &history.final_states[0].bans;
    bans[bans.len() - 1 - nth]["guid"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Removes a ban from the final state.
fn lose(history: &mut History, guid: &str) {
    let final_state = &mut history.final_states[0];
    let others = |ban: &Value| ban["guid"] != *guid;
    final_state.bans.retain(others);
    final_state.json.retain(others);
    final_state.csv.retain(|row| row["guid"] != *guid);
    final_state.decisions.remove(guid);
    for list in final_state.pending_bans.values_mut() {
        list.retain(others);
    }
    for check in final_state.checks.values_mut() {
        *check = json!({ "isBanned": false });
    }
}

fn answer(history: &mut History, call: usize, status: u16, body: Value) {
    history.calls[call].result = CallResult::Answered {
        status,
        body,
        request: Some("r".to_owned()),
    };
}

#[test]
fn a_lost_ban_is_found() {
    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    let mut history = scenario.history();
    let guid = guid(&history, 0);
    lose(&mut history, &guid);
    assert_found(&history, "no order of the calls");
    // The same if a response named it.
    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    scenario.check(arena());
    let mut history = scenario.history();
    lose(&mut history, &guid);
    assert_found(&history, "was answered but is lost");
}

#[test]
fn a_refused_ban_that_exists_is_found() {
    let mut history = course().history();
    answer(&mut history, 0, 404, json!({ "code": "not_found" }));
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_call_that_took_effect_twice_is_found() {
    // The second ban of a client that made one, as a second ban and as a second change.
    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    scenario.unban(unban(Some(2)));
    scenario.ban(ban(1));
    let mut history = scenario.history();
    history.calls.remove(2);
    assert_found(&history, "no order of the calls");

    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    let mut history = scenario.history();
    let single = history.final_states[0]
        .decisions
        .values_mut()
        .next()
        .unwrap();
    let mut again = single["events"][0].clone();
    again["event"] = json!("GAME_BAN_UPDATED");
    again["id"] = json!(format!("{}-2", single["guid"].as_str().unwrap()));
    single["events"].as_array_mut().unwrap().push(again);
    assert_found(&history, "no order of the calls");
}

#[test]
fn an_unanswered_call_that_took_effect_twice_is_found() {
    let mut scenario = Scenario::new();
    let what = || Operation::Ban {
        request: ban(1),
        appeal: false,
    };
    scenario.unanswered_call(what(), true);
    scenario.unban(unban(Some(2)));
    scenario.unanswered_call(what(), true);
    let mut history = scenario.history();
    assert_accepted(&history);
    history.calls.remove(2);
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_ban_not_visible_after_its_answer_is_found() {
    let mut history = course().history();
    answer(&mut history, 1, 200, json!({ "isBanned": false }));
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_lifted_ban_that_came_back_is_found() {
    let mut history = course().history();
    let held = history.calls[5].result.clone();
    history.calls[8].result = held;
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_missing_pending_entry_is_found() {
    let mut scenario = Scenario::new();
    scenario.ban(global(1));
    let mut history = scenario.history();
    history.final_states[0]
        .pending_bans
        .insert(beach(), Vec::new());
    assert_found(&history, "7002 should have the bans");

    let mut scenario = Scenario::new();
    scenario.ban(reported(global(1), arena()));
    scenario.unban(unban(Some(2)));
    let mut history = scenario.history();
    history.final_states[0]
        .pending_unbans
        .insert(arena(), Vec::new());
    assert_found(&history, "7001 should have the unbans of");
}

#[test]
fn a_superfluous_pending_entry_is_found() {
    let mut scenario = Scenario::new();
    scenario.ban(global(1));
    let before = scenario.history();
    scenario.unban(unban(Some(2)));
    let mut history = scenario.history();
    assert_accepted(&history);
    history.final_states[0].pending_bans = before.final_states[0].pending_bans.clone();
    assert_found(&history, "should have the bans [] pending");
}

#[test]
fn a_final_state_that_contradicts_the_last_decision_is_found() {
    let mut history = course().history();
    let ban = history.final_states[0].checks.values_mut().next().unwrap();
    ban["moderatorId"] = json!(99);
    assert_found(&history, "asks about the user");
}

#[test]
fn an_answer_before_its_cause_is_found() {
    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    scenario.check(arena());
    let mut history = scenario.history();
    history.calls[1].started -= 1_000;
    history.calls[1].ended = history.calls[0].started - 500;
    assert_found(&history, "no order of the calls");
}

#[test]
fn a_late_answer_is_found() {
    let mut history = course().history();
    answer(&mut history, 1, 200, json!({ "isBanned": false }));
    history.logged = vec![LoggedRequest {
        function: "is-banned".to_owned(),
        request: "r".to_owned(),
        took: 7_000,
    }];
    assert_found(&history, "is-banned took 7000 ms");
}

#[test]
fn a_missing_answer_is_found() {
    let mut history = course().history();
    history.calls[1].result = CallResult::Lost("connection reset".to_owned());
    assert_found(&history, "a connection to the gateway broke");
    history.calls[1].result = CallResult::Lost(GAVE_UP.to_owned());
    assert_accepted(&history);
    history.calls[1].ended += 31_000;
    assert_found(&history, "no answer at all");
}

#[test]
fn an_unjustified_answer_is_found() {
    let table = [
        (500, json!({ "code": "internal" }), "was answered 500"),
        (403, json!({ "code": "forbidden" }), "was answered 403"),
        (
            503,
            json!({ "code": "unavailable" }),
            "without a database fault",
        ),
        (
            500,
            json!({ "message": "Internal Server Error" }),
            "was not killed",
        ),
    ];
    for (status, body, sentence) in table {
        let mut history = course().history();
        answer(&mut history, 1, status, body);
        assert_found(&history, sentence);
        let at = history.calls[1].started;
        history.faults = vec![FaultPeriod { from: at, to: at }];
        history.kills = vec![Kill {
            function: "is-banned",
            at,
        }];
        let excused = matches!(sentence, "without a database fault" | "was not killed");
        assert_eq!(findings(&history).is_empty(), excused, "{sentence}");
    }
}

#[test]
fn a_ban_of_another_workspace_or_user_is_found() {
    let table = [
        ("workspaceGuid", json!(STRANGER), "a ban of another"),
        ("robloxId", json!(157), "with a ban of another"),
    ];
    for (field, value, sentence) in table {
        let mut history = course().history();
        let CallResult::Answered { body, .. } = &mut history.calls[1].result else {
            panic!("no answer");
        };
        body[field] = value;
        assert_found(&history, sentence);
    }
}

#[test]
fn exports_that_differ_from_the_decisions_are_found() {
    let whole = course().history();
    let last = guid(&whole, 1);
    let mut history = whole.clone();
    history.final_states[0]
        .json
        .retain(|ban| ban["guid"] != last);
    assert_found(&history, "the JSON export differs");

    let mut history = whole.clone();
    history.final_states[0]
        .csv
        .retain(|row| row["guid"] != last);
    assert_found(&history, "the CSV export differs");

    let mut history = whole.clone();
    let row = history.final_states[0].csv[0].clone();
    history.final_states[0].csv.push(row);
    assert_found(&history, "the CSV export has a ban twice");

    let mut history = whole.clone();
    history.final_states[0].decisions.get_mut(&last).unwrap()["isActive"] = json!("?");
    assert_found(&history, "the single ban differs");

    let mut history = whole;
    let ban = history.final_states[0].bans[0].clone();
    history.calls[1].operation = Operation::Bans;
    answer(&mut history, 1, 200, json!({ "list": [ban, ban] }));
    assert_found(&history, "shows 1 bans twice");
}

#[test]
fn a_list_that_omits_an_old_ban_is_found() {
    let mut history = course().history();
    let ban = history.final_states[0].bans[1].clone();
    answer(&mut history, 0, 200, json!({ "status": "ok", "ban": ban }));
    let mut list = history.calls[0].clone();
    list.operation = Operation::Bans;
    list.started += 60_000;
    list.ended += 60_000;
    list.result = CallResult::Answered {
        status: 200,
        body: json!({ "list": [] }),
        request: None,
    };
    history.calls.push(list);
    assert_found(&history, "omits the ban");
}

#[test]
fn a_history_out_of_order_is_found() {
    let mut history = course().history();
    let guid = guid(&history, 0);
    let single = history.final_states[0].decisions.get_mut(&guid).unwrap();
    single["events"].as_array_mut().unwrap().reverse();
    assert_found(&history, "not in order");
}

#[test]
fn stream_and_table_inconsistencies_are_found() {
    let mut history = course().history();
    history.stream = Some("records were given up".to_owned());
    assert_found(&history, "given up");
    let mut history = course().history();
    history.final_states[0].stored = vec!["half a ban".to_owned()];
    assert_found(&history, "half a ban");
}

#[test]
fn a_finding_lists_the_calls_that_prove_it() {
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
