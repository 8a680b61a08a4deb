//! Activities in the event log, and where they must not appear.

use end_to_end::{Ban, Call, TestApp, Workspace, eventually, now, role_change};
use serde_json::Value;
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
