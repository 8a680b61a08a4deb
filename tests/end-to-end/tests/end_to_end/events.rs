//! `GET /events`: all decisions in one order.

use std::time::Duration;

use end_to_end::{Ban, Call, TestApp, Unban, Workspace, age_log, eventually, now};
use serde_json::{Value, json};
use shared::store::Workspace as Settings;

use crate::routes::{EXPERIENCE, USER, ban_history};

/// Another experience of the workspace.
const ELSEWHERE: u64 = 1818;

/// A page of the log.
async fn page(workspace: &Workspace<'_>, call: Call) -> (Vec<Value>, String) {
    let answer = workspace.send(call).await;
    let cursor = answer.json()["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(answer.json()["epoch"], 0, "nothing was restored");
    (answer.list(), cursor)
}

/// The whole event log, once it holds this many events.
async fn log(app: &TestApp, workspace: &Workspace<'_>, expected: usize) -> Vec<Value> {
    app.settle().await;
    eventually(&format!("{expected} events"), async || {
        let (events, _) = page(workspace, Call::get("/events").query("limit", 1000)).await;
        assert!(events.len() <= expected, "{events:#?}");
        (events.len() == expected).then_some(events)
    })
    .await
}

fn ids(events: &[Value]) -> Vec<&str> {
    let ids = events.iter().map(|event| event["id"].as_str().unwrap());
    ids.collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    let names = events.iter().map(|event| event["event"].as_str().unwrap());
    names.collect()
}

/// Runs the every-minute schedule.
async fn expire(app: &TestApp) {
    let event = json!({ "sweep": true });
    app.invoke("expire-bans", &event).await.unwrap();
}

/// A ban that has expired when this returns.
async fn expired_ban(workspace: &Workspace<'_>, ban: Ban) -> Value {
    let shown = workspace.ban_shown(ban.length(now() + 2)).await;
    let expires = shown["expires"].as_u64().unwrap();
    eventually("the ban has run out", async || {
        (now() >= expires).then_some(())
    })
    .await;
    shown
}

#[tokio::test]
async fn every_decision_logs_one_event_and_a_report_none() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(USER, EXPERIENCE).permanent().moderator(7);
    workspace.ban(ban.clone().reasons("first", "first")).await;
    let changed = ban.clone().reasons("second", "second");
    workspace.ban(changed.clone()).await;
    for _ in 0..2 {
        workspace.ban(changed.clone().applied()).await;
    }
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    workspace.report_unban(USER, EXPERIENCE).await;
    workspace.ban(ban.clone().global()).await;
    workspace.ban(ban.global().appeal()).await;

    let events = log(&app, &workspace, 5).await;
    assert_eq!(
        names(&events),
        [
            "GAME_BANNED",
            "GAME_BAN_UPDATED",
            "GAME_UNBANNED",
            "GAME_BANNED",
            "GAME_UNBANNED"
        ]
    );
    let guid = events[0]["data"]["guid"].as_str().unwrap();
    assert_eq!(events[0]["id"], format!("{guid}-1"));
    assert_eq!(events[0]["previous"], Value::Null);
    assert_eq!(events[1]["previous"]["privateReason"], "first");
    assert_eq!(events[2]["previous"]["experienceBanCompleted"], 1);
    assert_eq!(events[4]["data"]["isAppealed"], 1);
    // It is the same event as in the ban's history.
    let history = workspace.send(ban_history(guid)).await.success();
    assert_eq!(history["events"].as_array().unwrap()[..], events[..3]);
}

#[tokio::test]
async fn the_event_log_can_be_followed_by_cursor_without_gaps() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut expected = Vec::new();
    for user in 1..=11 {
        let ban = workspace.ban_shown(Ban::of(user, EXPERIENCE)).await;
        expected.push(format!("{}-1", ban["guid"].as_str().unwrap()));
    }
    log(&app, &workspace, 11).await;
    let (mut read, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut call = Call::get("/events").query("limit", 4);
        if let Some(cursor) = &cursor {
            call = call.query("cursor", cursor);
        }
        let (events, next) = page(&workspace, call).await;
        if events.is_empty() {
            assert_eq!(cursor.as_ref(), Some(&next), "at the end it stays");
            break;
        }
        assert!(events.len() <= 4);
        read.extend(ids(&events).into_iter().map(str::to_owned));
        cursor = Some(next);
    }
    assert_eq!(read, expected);

    // Later decisions follow.
    let later = workspace.ban_shown(Ban::of(99, EXPERIENCE)).await;
    app.settle().await;
    let call = Call::get("/events").query("cursor", cursor.unwrap());
    let events = eventually("the next event", async || {
        let (events, _) = page(&workspace, call.clone()).await;
        (!events.is_empty()).then_some(events)
    })
    .await;
    assert_eq!(events[0]["data"]["guid"], later["guid"]);
}

#[tokio::test]
async fn the_event_log_can_be_read_from_a_time() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=5 {
        workspace.ban(Ban::of(user, EXPERIENCE)).await;
    }
    log(&app, &workspace, 5).await;
    let since = |time: u64| page(&workspace, Call::get("/events").query("since", time));
    assert_eq!(since(0).await.0.len(), 5);
    assert_eq!(since(now() - 60).await.0.len(), 5);
    let (none, cursor) = since(now() + 60).await;
    assert_eq!(none, Vec::<Value>::new());
    workspace.ban(Ban::of(6, EXPERIENCE)).await;
    log(&app, &workspace, 6).await;
    let (next, _) = page(&workspace, Call::get("/events").query("cursor", cursor)).await;
    assert_eq!(next[0]["data"]["robloxId"], 6);
}

#[tokio::test]
async fn an_expiry_is_logged_without_any_request() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = expired_ban(&workspace, Ban::of(USER, EXPERIENCE)).await;
    workspace.ban(Ban::of(2, EXPERIENCE).length("7d")).await;
    workspace.ban(Ban::of(3, EXPERIENCE).permanent()).await;
    for _ in 0..2 {
        expire(&app).await;
    }
    let events = log(&app, &workspace, 4).await;
    let guid = ban["guid"].as_str().unwrap();
    let event = events
        .iter()
        .find(|event| event["id"] == format!("{guid}-1-expired"))
        .unwrap();
    assert_eq!(event["event"], "GAME_UNBANNED");
    assert_eq!(event["created"], ban["expires"]);
    assert_eq!(event["data"]["isActive"], 0);
    assert_eq!(event["previous"]["isActive"], 1);
    assert_eq!(
        event["actor"],
        json!({ "type": "system", "key": "expiry", "moderator": null })
    );
    let history = workspace.send(ban_history(guid)).await.success();
    assert_eq!(history["events"][1], *event);
    let due = app.items(&workspace.prefix()).await;
    let due = due.iter().filter(|item| item.get("due").is_some());
    assert_eq!(due.count(), 1, "that of the week");
}

#[tokio::test]
async fn a_ban_changed_or_lifted_in_time_logs_no_expiry() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(USER, EXPERIENCE);
    let soon = now() + 3;
    workspace.ban(ban.clone().length(soon)).await;
    workspace.ban(ban.length("7d")).await;
    let second = Ban::of(2, EXPERIENCE).length(soon);
    workspace.ban(second).await;
    workspace.unban(Unban::of(2, EXPERIENCE)).await;
    eventually("the time has come", async || (now() >= soon).then_some(())).await;
    expire(&app).await;
    let events = log(&app, &workspace, 4).await;
    assert!(ids(&events).iter().all(|id| !id.ends_with("-expired")));
}

#[tokio::test]
async fn kills_and_duplicate_records_leave_each_event_logged_once_in_order() {
    let mut app = TestApp::builder().without_mappings().start().await;
    let users = 1..=12_u64;
    let (key, prefix) = {
        let workspace = app.workspace().await;
        for round in 0..4 {
            for user in users.clone() {
                let ban = Ban::of(user, [EXPERIENCE, ELSEWHERE][usize::from(user % 2 == 0)]);
                workspace.ban(ban.reasons(&format!("{round}"), "x")).await;
            }
        }
        (workspace.secret_key().to_owned(), workspace.prefix())
    };
    for _ in 0..3 {
        app.start_mappings();
        for _ in 0..3 {
            let _ = app.runtime().kill("publish-events", 0);
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        // Restarted at the beginning of the stream: every record comes again.
        app.stop_mappings();
    }
    app.start_mappings();
    app.settle().await;
    let call = Call::get("/events").query("limit", 1000).key(&key);
    let events = app.send(&call).await.list();
    assert_eq!(events.len(), 48);
    for user in users {
        let of_user = events
            .iter()
            .filter(|event| event["data"]["robloxId"] == user);
        let reasons: Vec<_> = of_user
            .map(|event| event["data"]["privateReason"].as_str().unwrap())
            .collect();
        assert_eq!(reasons, ["0", "1", "2", "3"], "user {user}");
    }
    let stored = app.items(&prefix).await;
    let mut positions: Vec<u64> = stored
        .iter()
        .filter(|item| item["kind"]["S"] == "decision")
        .map(|item| item["log_position"]["N"].as_str().unwrap().parse().unwrap())
        .collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=48).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_erased_user_leaves_the_log_and_readers_continue() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in [USER, 2, 3] {
        workspace.ban(Ban::of(user, EXPERIENCE)).await;
    }
    log(&app, &workspace, 3).await;
    let prefix = workspace
        .guid()
        .parse::<shared::domain::ids::WorkspaceId>()
        .unwrap();
    let user = shared::domain::ids::UserId::new(USER).unwrap();
    let operator = shared::store::ErasureSource::Operator;
    let erased = app
        .store()
        .erase_user(prefix.prefix(), user, operator)
        .await;
    assert!(erased.unwrap().items > 0);
    // Readers stop before a fresh gap, so as not to miss a late event.
    let (events, _) = page(&workspace, Call::get("/events")).await;
    assert_eq!(events, Vec::<Value>::new());
    age_log(&workspace).await;
    let (events, _) = page(&workspace, Call::get("/events")).await;
    let users: Vec<_> = events
        .iter()
        .map(|event| &event["data"]["robloxId"])
        .collect();
    assert_eq!(users, [2, 3]);
}

#[tokio::test]
async fn small_pages_skip_nothing_after_most_events_were_erased() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=60 {
        workspace.ban(Ban::of(user, EXPERIENCE)).await;
    }
    log(&app, &workspace, 60).await;
    // Of the first 48, those of one partition are left.
    for item in app.items(&workspace.prefix()).await {
        let position = item["log_position"]["N"].as_str();
        let position = position.map(|position| position.parse::<u64>().unwrap());
        if item["kind"]["S"] != "decision" || position.is_none_or(|at| at > 48 || at % 4 == 0) {
            continue;
        }
        app.delete_item(&item).await;
    }
    age_log(&workspace).await;
    let (whole, _) = page(&workspace, Call::get("/events").query("limit", 1000)).await;
    assert_eq!(whole.len(), 24);
    for limit in [1, 2, 3, 5, 7] {
        let (mut read, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut call = Call::get("/events").query("limit", limit);
            if let Some(cursor) = &cursor {
                call = call.query("cursor", cursor);
            }
            let (events, next) = page(&workspace, call).await;
            if events.is_empty() {
                break;
            }
            read.extend(events);
            cursor = Some(next);
        }
        assert_eq!(ids(&read), ids(&whole), "by {limit}");
    }
}

#[tokio::test]
async fn the_event_log_is_per_workspace_and_kept_as_long_as_its_history() {
    let app = TestApp::start().await;
    let other = app.workspace().await;
    let days = |settings: &mut Settings| settings.history_days = std::num::NonZeroU32::new(2);
    let workspace = app.workspace_with(days).await;
    expired_ban(&workspace, Ban::of(USER, EXPERIENCE)).await;
    expire(&app).await;
    log(&app, &workspace, 2).await;
    assert_eq!(log(&app, &other, 0).await, Vec::<Value>::new());
    let entries = app.items(&workspace.prefix()).await;
    let entries: Vec<_> = entries
        .iter()
        .filter(|item| item.get("log_position").is_some() && item["kind"]["S"] != "log")
        .collect();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        let ttl: u64 = entry["ttl"]["N"].as_str().unwrap().parse().unwrap();
        assert!(ttl.abs_diff(now() + 2 * 86_400) < 60, "{entry}");
    }
    let (_, cursor) = page(&workspace, Call::get("/events")).await;
    let call = Call::get("/events").query("cursor", cursor);
    assert_eq!(other.send(call).await.status, 400);
}

#[tokio::test]
async fn impossible_log_positions_are_rejected_by_field() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (parameter, wrong) in [
        ("since", "-1"),
        ("since", "yesterday"),
        ("since", "9007199254740992"),
        ("limit", "0"),
        ("limit", "1001"),
        ("cursor", "AAAA"),
    ] {
        let call = Call::get("/events").query(parameter, wrong);
        let answer = workspace.send(call).await;
        answer.assert_error(400, "invalid_request");
        assert_eq!(answer.json()["errors"][0]["field"], parameter, "{wrong}");
    }
}
