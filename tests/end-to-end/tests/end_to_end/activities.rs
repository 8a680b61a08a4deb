//! Activities in the event log, and where they must not appear.

use end_to_end::{Ban, Call, TestApp, Unban, Workspace, age_log, eventually, now, role_change};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::store::{ErasureSource, Workspace as Settings};

use crate::routes::{EXPERIENCE, USER, ban_history};

/// The whole event log, once it holds this many events.
async fn log(app: &TestApp, workspace: &Workspace<'_>, expected: usize) -> Vec<Value> {
    app.settle().await;
    eventually(&format!("{expected} events"), async || {
        let call = Call::get("/events").query("limit", 1000);
        let events = workspace.send(call).await.list();
        (events.len() == expected).then_some(events)
    })
    .await
}

#[tokio::test]
async fn activity_is_in_the_event_log_once_and_in_no_history() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = workspace
        .ban_shown(Ban::of(USER, EXPERIENCE).permanent())
        .await;
    let (of_user, of_none) = (role_change(Some(USER)), role_change(None));
    for activity in [&of_user, &of_none] {
        assert!(workspace.record(activity).await);
        assert!(!workspace.record(activity).await);
    }
    let events = log(&app, &workspace, 3).await;
    let find = |id: &str| events.iter().find(|event| event["id"] == id).unwrap();
    let shown = find(of_user.id.as_str());
    assert_eq!(shown["event"], "GROUP_ROLE_CHANGED");
    assert_eq!(
        (&shown["robloxId"], &shown["data"]["groupId"]),
        (&USER.into(), &7.into())
    );
    assert_eq!(
        (&shown["reason"], &shown["actor"]["key"]),
        (&"promoted".into(), &"5f2a9c01d7e4".into())
    );
    assert_eq!(find(of_none.id.as_str()).get("robloxId"), None);

    let guid = ban["guid"].as_str().unwrap();
    let history = workspace.send(ban_history(guid)).await;
    assert_eq!(history.json()["events"].as_array().unwrap().len(), 1);
    // No index but that of events lists it: neither undo nor the ban list finds it.
    let items = app.items(&workspace.prefix()).await;
    let stored: Vec<_> = items
        .iter()
        .filter(|item| item["kind"]["S"] == "activity")
        .collect();
    assert_eq!(stored.len(), 2);
    for item in stored {
        for of_index in [
            "decided_by",
            "ledger",
            "experience_ledger",
            "due",
            "ban_owed",
        ] {
            assert_eq!(item.get(of_index), None, "{of_index}");
        }
    }
}

#[tokio::test]
async fn activity_is_erased_with_its_user_and_kept_as_long_as_the_history() {
    let app = TestApp::start().await;
    let days = |settings: &mut Settings| settings.history_days = std::num::NonZeroU32::new(2);
    let workspace = app.workspace_with(days).await;
    workspace.record(&role_change(Some(USER))).await;
    workspace.record(&role_change(None)).await;
    log(&app, &workspace, 2).await;
    for item in app.items(&workspace.prefix()).await {
        if item["kind"]["S"] == "activity" {
            let ttl: u64 = item["ttl"]["N"].as_str().unwrap().parse().unwrap();
            assert!(ttl.abs_diff(now() + 2 * 86_400) < 60, "{item}");
        }
    }
    let (prefix, user) = (workspace.id().prefix(), UserId::new(USER).unwrap());
    let erased = app
        .store()
        .erase_user(prefix, user, ErasureSource::Operator);
    erased.await.unwrap();
    let left = app.store().activities(prefix, user).await.unwrap();
    assert_eq!(left, Vec::new());
    // Readers wait for a missing event only while the index may still show it.
    age_log(&workspace).await;
    let events = log(&app, &workspace, 1).await;
    assert_eq!(events[0].get("robloxId"), None);
}

#[tokio::test]
async fn deleting_a_workspace_removes_activities_of_users_without_bans() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.record(&role_change(Some(USER))).await;
    workspace.record(&role_change(None)).await;
    log(&app, &workspace, 2).await;
    app.store()
        .remove_rest(workspace.id().prefix())
        .await
        .unwrap();
    assert_eq!(app.items(&workspace.prefix()).await, Vec::<Value>::new());
}

#[tokio::test]
async fn events_of_a_user_are_read_in_order_by_pages() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut expected = Vec::new();
    for length in ["2d", "9d", "400d"] {
        let ban = workspace.ban_shown(Ban::of(USER, EXPERIENCE).length(length));
        expected.push(json!(ban.await["guid"]));
        let activity = role_change(Some(USER));
        assert!(workspace.record(&activity).await);
        expected.push(json!(activity.id.as_str()));
    }
    log(&app, &workspace, expected.len()).await;
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    for _ in &expected {
        let call = Call::get("/events").query("limit", 1);
        let page = workspace.send(match &cursor {
            Some(cursor) => call.query("cursor", cursor),
            None => call,
        });
        let page = page.await;
        let events = page.list();
        assert_eq!(events.len(), 1, "{page}");
        let event = &events[0];
        let guid = &event["data"]["guid"];
        seen.push(if guid.is_null() { &event["id"] } else { guid }.clone());
        cursor = page.next_cursor();
    }
    assert_eq!(seen, expected);
    let end = Call::get("/events").query("cursor", cursor.unwrap());
    assert_eq!(workspace.send(end).await.list(), Vec::<Value>::new());
}

/// The answers of every route about a user who was banned, changed, reported late and unbanned, with
/// activities in between or without.
async fn answers(workspace: &Workspace<'_>, acts: bool) -> Vec<Value> {
    let act = async || {
        for of in [Some(USER), None] {
            if acts {
                assert!(workspace.record(&role_change(of)).await);
            }
        }
    };
    let ban = |reason| {
        Ban::of(USER, EXPERIENCE)
            .permanent()
            .reasons(reason, reason)
    };
    act().await;
    let first = workspace.ban_shown(ban("first")).await;
    act().await;
    workspace.ban(ban("second")).await;
    act().await;
    // Late: it changes nothing, and the second ban stays pending.
    workspace.report(&first, EXPERIENCE).await;
    let pending = workspace.await_pending_bans(EXPERIENCE, &[USER]).await;
    let late = json!(pending[0]["privateReason"]);
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    act().await;
    let unbans = workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
    let guid = first["guid"].as_str().unwrap();
    let history = workspace.send(ban_history(guid)).await.success();
    let history = history["events"].as_array().unwrap().iter();
    let names: Vec<_> = history.map(|event| event["event"].clone()).collect();
    let rows = workspace.send(Call::get("/export/bans/json")).await.list();
    let csv = workspace.send(Call::get("/export/bans/csv")).await;
    let check = workspace.check(USER, EXPERIENCE).await;
    vec![
        late,
        json!(unbans.len()),
        json!(names),
        json!(rows.len()),
        json!(csv.text.lines().count()),
        json!(workspace.bans().await.len()),
        check["isBanned"].clone(),
        check["privateReason"].clone(),
    ]
}

#[tokio::test]
async fn activities_change_no_list_report_history_or_export() {
    let app = TestApp::start().await;
    let (with, without) = (app.workspace().await, app.workspace().await);
    let expected = answers(&without, false).await;
    assert_eq!(expected[0], "second");
    assert_eq!(expected[3..6], [json!(1), json!(2), json!(1)]);
    assert_eq!(answers(&with, true).await, expected);
    end_to_end::audit::audit(&with).await;
}

#[tokio::test]
async fn events_of_a_later_version_are_skipped_after_a_rollback() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let endpoint = workspace.add_webhook("panel").await;
    assert!(workspace.record(&role_change(Some(USER))).await);
    log(&app, &workspace, 1).await;
    let stored = app.items(&workspace.prefix()).await;
    let is_activity = |item: &&Value| item["kind"]["S"] == "activity";
    let mut later = stored.iter().find(is_activity).unwrap().clone();
    for stamp in ["log_shard", "log_position", "logged_at"] {
        later.as_object_mut().unwrap().remove(stamp);
    }
    later["event"] = json!({ "S": "PLANET_COLONIZED" });
    later["details"] = json!({ "M": { "planet": { "S": "Mars" } } });
    later["sk"] = json!({ "S": format!("{}x", later["sk"]["S"].as_str().unwrap()) });
    app.put_item(&later).await;
    assert!(workspace.record(&role_change(Some(USER))).await);

    // It takes a position, and the events after it are read and delivered.
    app.quiet().await;
    age_log(&workspace).await;
    let events = log(&app, &workspace, 2).await;
    assert!(
        events
            .iter()
            .all(|event| event["event"] == "GROUP_ROLE_CHANGED")
    );
    let user = UserId::new(USER).unwrap();
    let known = app.store().activities(workspace.id().prefix(), user).await;
    assert_eq!(known.unwrap().len(), 2);
    assert_eq!(workspace.deliveries(endpoint).await.len(), 2);
    let head = app.store().log_head(workspace.id().prefix(), true).await;
    assert_eq!(head.unwrap().position, 3);
}
