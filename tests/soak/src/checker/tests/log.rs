//! The log of events: what must not be found in it, and what must.

use serde_json::{Value, json};
use shared::domain::rules::{BanRequest, Length};

use super::staged::*;
use crate::history::{History, Outcome};

/// Where the events stand.
type Places = Vec<(Option<u64>, String)>;

fn short(moderator: u64) -> BanRequest {
    BanRequest {
        length: Length::For(5),
        ..ban(moderator)
    }
}

/// Two bans that run out, the first of them unseen until the second is made, and one for good; read
/// all the while.
fn course() -> Staged {
    let mut staged = Staged::new();
    staged.read(None, 10);
    staged.ban(short(1));
    staged.read(Some(0), 10);
    staged.wait(20_000);
    staged.ban(short(2));
    staged.expire(staged.now_millis() - 12_000);
    staged.read(Some(1), 1);
    staged.read(Some(2), 1);
    staged.wait(20_000);
    staged.expire(staged.now_millis());
    staged.ban(ban(3));
    staged.read(Some(3), 10);
    staged.wait(20_000);
    staged.unban(unban(Some(4)));
    staged.read(None, 30);
    staged
}

/// The course with something else in the log, and in the bans' histories too if it was decided so.
fn with(change: impl Fn(&mut Vec<Value>)) -> History {
    let mut history = course().history();
    let ending = &mut history.endings[0];
    change(&mut ending.log);
    let ids = ending.log.iter().map(|event| event["id"].as_str().unwrap());
    ending.places = (1..).map(Some).zip(ids.map(str::to_owned)).collect();
    // What was read during the day is not looked at here.
    history.calls.retain(|call| !call.what.is_events());
    history
}

fn told(history: &mut History, change: impl Fn(&mut Vec<Value>)) {
    for ban in history.endings[0].decisions.values_mut() {
        change(ban["events"].as_array_mut().unwrap());
    }
}

/// What the last reader was given.
fn last_read(history: &mut History) -> &mut Value {
    let mut calls = history.calls.iter_mut().rev();
    let call = calls.find(|call| call.what.is_events()).unwrap();
    let Outcome::Answered { body, .. } = &mut call.outcome else {
        panic!("no answer");
    };
    body
}

#[test]
fn a_log_of_decisions_and_ends_that_is_read_all_day_is_sound() {
    let history = course().history();
    assert_eq!(history.endings[0].log.len(), 6);
    assert_sound(&history);
    assert_sound(&with(|_| {}));
}

#[test]
fn a_ban_that_a_fast_clock_saw_run_out_may_be_changed_by_a_slow_one() {
    let mut staged = Staged::new();
    staged.ban(short(1));
    staged.expire(staged.now_millis() + 6_000);
    staged.ban(BanRequest {
        overwrite: true,
        ..short(2)
    });
    let history = staged.history();
    assert_eq!(history.endings[0].log.len(), 4);
    assert_sound(&history);
}

#[test]
fn an_event_that_is_missing_or_stands_twice_or_is_told_otherwise() {
    for at in 0..6 {
        let history = with(|log| drop(log.remove(at)));
        assert_found(&history, "is missing");
        let history = with(|log| log.push(log[at].clone()));
        assert_found(&history, "stands twice");
        let history = with(|log| log[at]["data"]["privateReason"] = json!("other"));
        assert_found(&history, "which the history of its ban tells as");
        let history = with(|log| log[at]["id"] = json!("of-nothing-1"));
        assert_found(&history, "which the history of its ban lacks");
    }
}

#[test]
fn a_gap_between_the_places_or_none_or_another_order() {
    let places = |change: &dyn Fn(&mut Places)| {
        let mut history = with(|_| {});
        change(&mut history.endings[0].places);
        history
    };
    let history = places(&|places| places[5].0 = Some(7));
    assert_found(&history, "the places are not those from 1 to 6");
    let history = places(&|places| places[5].0 = None);
    assert_found(&history, "the places are not those from 1 to 6");
    let history = places(&|places| places[5].0 = Some(5));
    assert_found(&history, "the places are not those from 1 to 6");
    let history = places(&|places| {
        places[2].0 = Some(2);
        places[1].0 = Some(3);
    });
    assert_found(&history, "in another order than they stand");
}

#[test]
fn a_ban_that_ran_out_and_nothing_says_so() {
    let is_expiry = |event: &Value| event["actor"]["key"] == "expiry";
    let mut history = with(|log| log.retain(|event| !is_expiry(event)));
    told(&mut history, |events| {
        events.retain(|event| !is_expiry(event));
    });
    assert_found(&history, "nothing says that the ban");
}

#[test]
fn a_ban_that_is_said_to_run_out_and_did_not() {
    // After its end by a decision, before its time, or at another one.
    let event = |of: &Value, created: u64| {
        let mut event = of.clone();
        event["id"] = json!(format!("{}-expired", of["id"].as_str().unwrap()));
        event["event"] = json!("GAME_UNBANNED");
        event["created"] = json!(created);
        event
    };
    let mut lifted = Staged::new();
    lifted.ban(short(1));
    lifted.unban(unban(Some(2)));
    let mut long = Staged::new();
    long.ban(BanRequest {
        length: Length::For(7_200),
        ..ban(1)
    });
    for staged in [lifted, long] {
        let mut history = staged.history();
        let ending = &mut history.endings[0];
        let last = ending.log.last().unwrap();
        let expired = event(last, last["data"]["expires"].as_u64().unwrap());
        let places = ending.places.len() as u64;
        let id = expired["id"].as_str().unwrap().to_owned();
        ending.places.push((Some(places + 1), id));
        ending.log.push(expired.clone());
        told(&mut history, |events| events.push(expired.clone()));
        assert_found(&history, "ran out, which it did not");
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
    assert_found(&history, "ran out, which it did not");
}

#[test]
fn events_of_a_ban_or_of_a_user_in_another_order() {
    let history = with(|log| log.swap(4, 5));
    assert_found(&history, "are out of order");
    // Two bans of one user.
    let history = with(|log| log.swap(0, 4));
    assert_found(&history, "though it was decided later");
}

#[test]
fn a_reader_who_is_not_given_what_stands_there() {
    let mut history = course().history();
    last_read(&mut history)["list"]
        .as_array_mut()
        .unwrap()
        .remove(2);
    assert_found(&history, "somebody read");

    let mut history = course().history();
    let list = last_read(&mut history)["list"].as_array_mut().unwrap();
    list.insert(2, list[1].clone());
    assert_found(&history, "somebody read");

    let mut history = course().history();
    last_read(&mut history)["list"]
        .as_array_mut()
        .unwrap()
        .swap(1, 2);
    assert_found(&history, "somebody read");

    let mut history = course().history();
    last_read(&mut history)["list"][0]["data"]["expires"] = json!(1);
    assert_found(&history, "somebody read");
}

#[test]
fn a_reader_who_is_given_too_little_or_too_much_or_led_astray() {
    let mut history = course().history();
    let body = last_read(&mut history);
    *body = json!({ "list": [], "nextCursor": "0" });
    assert_found(&history, "0 events were read where 30 were asked for");

    let mut history = course().history();
    last_read(&mut history)["nextCursor"] = json!("1");
    assert_found(&history, "one cursor leads to two places");

    let mut staged = course();
    staged.read(None, 30);
    let mut history = staged.history();
    let call = history.calls.last_mut().unwrap();
    call.what = crate::history::What::Events {
        cursor: None,
        limit: 2,
    };
    assert_found(&history, "events were read where 2 were asked for");
}
