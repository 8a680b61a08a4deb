//! The event log: correct histories, and violations that the checker must find.

use serde_json::{Value, json};
use shared::domain::rules::{BanRequest, Length};

use super::scenario::*;
use crate::history::{CallResult, History, Operation, RecordedCall};

/// The positions of the events.
type Places = Vec<(Option<u64>, String)>;

fn short(moderator: u64) -> BanRequest {
    BanRequest {
        length: Length::For(5),
        ..ban(moderator)
    }
}

/// Two bans that expire, the first unnoticed until the second is made, and a permanent one, with
/// readers throughout.
fn course() -> Scenario {
    let mut scenario = Scenario::new();
    scenario.read(None, 10);
    scenario.ban(short(1));
    scenario.read(Some(0), 10);
    scenario.wait(20_000);
    scenario.ban(short(2));
    scenario.expire(scenario.now_millis() - 12_000);
    scenario.read(Some(1), 1);
    scenario.read(Some(2), 1);
    scenario.wait(20_000);
    scenario.expire(scenario.now_millis());
    scenario.ban(ban(3));
    scenario.read(Some(3), 10);
    scenario.wait(20_000);
    scenario.unban(unban(Some(4)));
    scenario.read(None, 30);
    scenario
}

/// The scenario with another event in the log, and also in the bans' histories if it is a decision.
fn with(change: impl Fn(&mut Vec<Value>)) -> History {
    let mut history = course().history();
    let final_state = &mut history.final_states[0];
    change(&mut final_state.log);
    let ids = final_state
        .log
        .iter()
        .map(|event| event["id"].as_str().unwrap());
    final_state.places = (1..).map(Some).zip(ids.map(str::to_owned)).collect();
    // This scenario ignores what readers got during the run.
    history.calls.retain(|call| !call.operation.is_events());
    history
}

fn told(history: &mut History, change: impl Fn(&mut Vec<Value>)) {
    for ban in history.final_states[0].decisions.values_mut() {
        change(ban["events"].as_array_mut().unwrap());
    }
}

/// What the last reader got.
fn last_read(history: &mut History) -> &mut Value {
    let mut calls = history.calls.iter_mut().rev();
    let call = calls.find(|call| call.operation.is_events()).unwrap();
    let CallResult::Answered { body, .. } = &mut call.result else {
        panic!("no answer");
    };
    body
}

#[test]
fn an_event_log_read_throughout_the_run_is_accepted() {
    let history = course().history();
    assert_eq!(history.final_states[0].log.len(), 6);
    assert_accepted(&history);
    assert_accepted(&with(|_| {}));
}

#[test]
fn a_slow_clock_may_change_a_ban_that_a_fast_clock_saw_expire() {
    let mut scenario = Scenario::new();
    scenario.ban(short(1));
    scenario.expire(scenario.now_millis() + 6_000);
    scenario.ban(BanRequest {
        overwrite: true,
        ..short(2)
    });
    let history = scenario.history();
    assert_eq!(history.final_states[0].log.len(), 4);
    assert_accepted(&history);
}

#[test]
fn missing_duplicate_or_altered_events_are_found() {
    for at in 0..6 {
        let history = with(|log| drop(log.remove(at)));
        assert_found(&history, "is missing");
        let history = with(|log| log.push(log[at].clone()));
        assert_found(&history, "appears twice");
        let history = with(|log| log[at]["data"]["privateReason"] = json!("other"));
        assert_found(&history, "but the history of its ban has");
        let history = with(|log| log[at]["id"] = json!("of-nothing-1"));
        assert_found(&history, "is missing from the history of its ban");
    }
}

#[test]
fn gaps_and_disorder_in_log_positions_are_found() {
    let places = |change: &dyn Fn(&mut Places)| {
        let mut history = with(|_| {});
        change(&mut history.final_states[0].places);
        history
    };
    let history = places(&|places| places[5].0 = Some(7));
    assert_found(&history, "the positions are not 1 to 6");
    let history = places(&|places| places[5].0 = None);
    assert_found(&history, "the positions are not 1 to 6");
    let history = places(&|places| places[5].0 = Some(5));
    assert_found(&history, "the positions are not 1 to 6");
    let history = places(&|places| {
        places[2].0 = Some(2);
        places[1].0 = Some(3);
    });
    assert_found(&history, "not listed in log order");
}

#[test]
fn an_expiry_without_an_event_is_found() {
    let is_expiry = |event: &Value| event["actor"]["key"] == "expiry";
    let mut history = with(|log| log.retain(|event| !is_expiry(event)));
    told(&mut history, |events| {
        events.retain(|event| !is_expiry(event));
    });
    assert_found(&history, "no expiry of the ban");
}

#[test]
fn an_expiry_event_without_an_expiry_is_found() {
    // After its end by a decision, before its expiry, or at another time.
    let event = |of: &Value, created: u64| {
        let mut event = of.clone();
        event["id"] = json!(format!("{}-expired", of["id"].as_str().unwrap()));
        event["event"] = json!("GAME_UNBANNED");
        event["created"] = json!(created);
        event
    };
    let mut lifted = Scenario::new();
    lifted.ban(short(1));
    lifted.unban(unban(Some(2)));
    let mut long = Scenario::new();
    long.ban(BanRequest {
        length: Length::For(7_200),
        ..ban(1)
    });
    for scenario in [lifted, long] {
        let mut history = scenario.history();
        let final_state = &mut history.final_states[0];
        let last = final_state.log.last().unwrap();
        let expired = event(last, last["data"]["expires"].as_u64().unwrap());
        let places = final_state.places.len() as u64;
        let id = expired["id"].as_str().unwrap().to_owned();
        final_state.places.push((Some(places + 1), id));
        final_state.log.push(expired.clone());
        told(&mut history, |events| events.push(expired.clone()));
        assert_found(&history, "but it did not expire");
    }
    let mut history = with(|log| log[2]["created"] = json!(1));
    told(&mut history, |events| {
        if let Some(event) = events
            .get_mut(1)
            .filter(|event| event["actor"]["key"] == "expiry")
        {
            event["created"] = json!(1);
        }
    });
    assert_found(&history, "but it did not expire");
}

#[test]
fn events_of_a_ban_or_user_out_of_order_are_found() {
    let history = with(|log| log.swap(4, 5));
    assert_found(&history, "are out of order");
    // Two bans of one user.
    let history = with(|log| log.swap(0, 4));
    assert_found(&history, "although it was decided later");
}

/// A follower of `/sync` gets these users.
fn follow<'a>(scenario: &'a mut Scenario, users: &[u64]) -> &'a mut RecordedCall {
    let body = json!({ "cursor": "c", "userIds": users, "more": 0, "reset": 0 });
    let result = CallResult::Answered {
        status: 200,
        body,
        request: None,
    };
    let (cursor, limit) = (Some("b".to_owned()), 30);
    scenario.record(Operation::Sync { cursor, limit }, result)
}

#[test]
fn a_user_whom_a_follower_does_not_learn_of_is_found() {
    let mut scenario = course();
    follow(&mut scenario, &[user().get()]);
    assert_accepted(&scenario.history());
    let mut scenario = course();
    follow(&mut scenario, &[]);
    assert_found(&scenario.history(), "never learned of");
    let mut scenario = course();
    let call = follow(&mut scenario, &[user().get()]);
    let CallResult::Answered { body, .. } = &mut call.result else {
        panic!("no answer");
    };
    body["reset"] = json!(true);
    assert_found(&scenario.history(), "has to start over");
}

#[test]
fn a_reader_shown_other_events_than_logged_is_found() {
    let mut history = course().history();
    last_read(&mut history)["list"]
        .as_array_mut()
        .unwrap()
        .remove(2);
    assert_found(&history, "a reader got");

    let mut history = course().history();
    let list = last_read(&mut history)["list"].as_array_mut().unwrap();
    list.insert(2, list[1].clone());
    assert_found(&history, "a reader got");

    let mut history = course().history();
    last_read(&mut history)["list"]
        .as_array_mut()
        .unwrap()
        .swap(1, 2);
    assert_found(&history, "a reader got");

    let mut history = course().history();
    last_read(&mut history)["list"][0]["data"]["expires"] = json!(1);
    assert_found(&history, "a reader got");
}

#[test]
fn a_reader_given_wrong_pages_or_cursors_is_found() {
    let mut history = course().history();
    let body = last_read(&mut history);
    *body = json!({ "list": [], "nextCursor": "0" });
    assert_found(&history, "0 events where 30 were asked for");

    let mut history = course().history();
    last_read(&mut history)["nextCursor"] = json!("1");
    assert_found(&history, "one cursor leads to two positions");

    let mut scenario = course();
    scenario.read(None, 30);
    let mut history = scenario.history();
    let call = history.calls.last_mut().unwrap();
    call.operation = Operation::Events {
        cursor: None,
        limit: 2,
    };
    assert_found(&history, "events where 2 were asked for");
}
