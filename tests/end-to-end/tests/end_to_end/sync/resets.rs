//! Which cursors continue, and which start over.

use std::num::NonZeroU32;

use end_to_end::{Ban, Call, TestApp, Workspace, now};
use serde_json::{Value, json};
use shared::api::cursor::ListName;
use shared::domain::clock::UnixSeconds;
use shared::domain::history::LogPosition;
use shared::domain::sync::SyncPosition;
use shared::store::Workspace as Settings;

use super::{sync, users};
use crate::routes::{EXPERIENCE, USER};

const DAY: u64 = 86_400;

/// A genuine cursor of any place and age.
async fn cursor(workspace: &Workspace<'_>, epoch: u64, position: u64, age: u64) -> String {
    let prefix = workspace.id().prefix();
    let secret = workspace.app().store().workspace_secret(prefix);
    let position = SyncPosition {
        log: LogPosition { epoch, position },
        at: UnixSeconds(now() - age),
    };
    ListName::new(workspace.id(), "sync").seal(&secret.await.unwrap(), &position)
}

/// Whether the reader must start over; the answer then names nobody and continues at the end.
async fn resets(workspace: &Workspace<'_>, cursor: &str) -> bool {
    let answer = sync(workspace, Some(cursor), 500).await;
    if answer["reset"] == 0 {
        return false;
    }
    assert_eq!(answer["reset"], 1);
    assert_eq!((users(&answer), &answer["more"]), (vec![], &json!(0)));
    let next = sync(workspace, answer["cursor"].as_str(), 500).await;
    assert_eq!(
        (users(&next), &next["reset"]),
        (vec![], &json!(0)),
        "{next}"
    );
    true
}

#[tokio::test]
async fn old_cursors_start_over_before_their_history_is_gone() {
    let app = TestApp::start().await;
    let days = |days| move |settings: &mut Settings| settings.history_days = NonZeroU32::new(days);
    for (workspace, longest) in [
        (app.workspace().await, 7 * DAY),
        (app.workspace_with(days(3)).await, 2 * DAY),
        (app.workspace_with(days(30)).await, 7 * DAY),
    ] {
        workspace.ban(Ban::of(USER, EXPERIENCE)).await;
        app.settle().await;
        let at = async |age| resets(&workspace, &cursor(&workspace, 0, 0, age).await).await;
        assert!(!at(0).await);
        assert!(!at(longest - 60).await);
        assert!(at(longest + 60).await);
    }
}

#[tokio::test]
async fn cursors_of_another_epoch_and_of_a_lost_log_start_over() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let at = async |epoch, position| {
        let cursor = cursor(&workspace, epoch, position, 0).await;
        resets(&workspace, &cursor).await
    };
    assert!(!at(0, 0).await);
    assert!(!at(0, 1).await);
    assert!(at(0, 2).await, "the log is shorter: it was lost");
    assert!(at(1, 0).await, "the log was lost with its epoch");
    // As a restore does.
    let items = app.items(&workspace.prefix()).await;
    let head = items
        .iter()
        .find(|item| item["kind"]["S"] == "log")
        .unwrap();
    let epoch = json!({ ":epoch": { "N": "1" } });
    app.update_item(head, "SET epoch = :epoch", &epoch).await;
    assert!(at(0, 0).await);
    assert!(at(0, 1).await);
    assert!(!at(1, 0).await);
}

#[tokio::test]
async fn being_far_behind_without_a_snapshot_never_resets() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let items = app.items(&workspace.prefix()).await;
    let head = items
        .iter()
        .find(|item| item["kind"]["S"] == "log")
        .unwrap();
    let far = json!({ ":far": { "N": "900000" } });
    app.update_item(head, "SET log_position = :far", &far).await;
    let cursor = cursor(&workspace, 0, 0, 60).await;
    let answer = sync(&workspace, Some(&cursor), 500).await;
    assert_eq!((users(&answer), &answer["reset"]), (vec![USER], &json!(0)));
}

#[tokio::test]
async fn cursors_of_other_lists_and_workspaces_are_refused() {
    let app = TestApp::start().await;
    let (workspace, other) = (app.workspace().await, app.workspace().await);
    let events = workspace.send(Call::get("/events")).await.next_cursor();
    let foreign = sync(&other, None, 500).await["cursor"].clone();
    let own = sync(&workspace, None, 500).await["cursor"].clone();
    for wrong in [events.unwrap(), foreign.as_str().unwrap().to_owned()] {
        let call = Call::get("/sync").query("cursor", &wrong);
        workspace.send(call).await.assert_wrong_fields(&["cursor"]);
    }
    let call = Call::get("/events").query("cursor", own.as_str().unwrap());
    workspace.send(call).await.assert_wrong_fields(&["cursor"]);
}

#[tokio::test]
async fn other_workspaces_decisions_are_not_named() {
    let app = TestApp::start().await;
    let (workspace, other) = (app.workspace().await, app.workspace().await);
    let start: Value = sync(&workspace, None, 500).await["cursor"].clone();
    other.ban(Ban::of(USER, EXPERIENCE)).await;
    workspace.ban(Ban::of(2, EXPERIENCE)).await;
    app.settle().await;
    let answer = sync(&workspace, start.as_str(), 500).await;
    assert_eq!(users(&answer), [2]);
}

#[tokio::test]
async fn being_far_behind_a_snapshot_resets() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let order = workspace.send(Call::get("/snapshot")).await;
    order.assert_error(503, "unavailable");
    let event = json!({ "workspace": workspace.prefix() });
    app.invoke("build-snapshots", &event).await.unwrap();
    app.quiet().await;
    let items = app.items(&workspace.prefix()).await;
    let of_kind = |kind: &str| {
        let item = items.iter().find(|item| item["kind"]["S"] == kind);
        item.unwrap().clone()
    };
    let (mut state, mut head) = (of_kind("snapshot"), of_kind("log"));
    head["log_position"] = json!({ "N": "900000" });
    app.put_item(&head).await;
    let cursor = cursor(&workspace, 0, 0, 60).await;
    for (position, is_reset) in [(5_000, false), (5_001, true)] {
        state["built"]["M"]["position"] = json!({ "N": position.to_string() });
        app.put_item(&state).await;
        app.replace("sync").await;
        let answer = sync(&workspace, Some(&cursor), 500).await;
        assert_eq!(answer["reset"], u8::from(is_reset), "{position}: {answer}");
    }
}
