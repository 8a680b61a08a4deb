//! Cursors: only those we issued are accepted.

use end_to_end::{Ban, Call, TestApp, Workspace, now};
use serde_json::{Value, json};
use shared::api::cursor::{ListName, Position};
use shared::domain::clock::UnixSeconds;
use shared::domain::history::LogPosition;
use shared::domain::ids::{Guid, UserId};
use shared::store::PollPosition;

use crate::routes::{EXPERIENCE, USER, ban_history};

/// A genuine cursor of a list, at any position.
async fn genuine(workspace: &Workspace<'_>, list: ListName, position: impl Position) -> String {
    let store = workspace.app().store();
    let secret = store
        .workspace_secret(workspace.id().prefix())
        .await
        .unwrap();
    list.seal(&secret, &position)
}

/// The lists that take a cursor, of a workspace with a ban in each.
async fn lists(workspace: &Workspace<'_>) -> Vec<Call> {
    let ban = workspace.ban_shown(Ban::of(USER, EXPERIENCE)).await;
    let guid = ban["guid"].as_str().unwrap();
    vec![
        Call::get("/bans"),
        Call::get("/bans").query("userId", USER),
        Call::get("/pending-bans").query("experienceId", EXPERIENCE),
        Call::get("/pending-unbans").query("experienceId", EXPERIENCE),
        Call::get("/events"),
        Call::get("/sync"),
        ban_history(guid),
    ]
}

/// Texts of all kinds, the same in each run.
fn texts() -> Vec<String> {
    let mut rng = 0x9E37_79B9_7F4A_7C15_u64;
    let mut roll = |sides: usize| {
        rng ^= rng << 13;
        rng ^= rng >> 7;
        rng ^= rng << 17;
        usize::try_from(rng % u64::try_from(sides).unwrap()).unwrap()
    };
    let letters: Vec<char> = "ABCDwxyz0189-_=+/.%| \u{0}é🦀".chars().collect();
    let mut texts: Vec<String> = ["", "0", "1", "-1", "7|156", "0.7", "99999999999999999999"]
        .map(str::to_owned)
        .into();
    for length in [1, 2, 22, 23, 24, 40, 60, 90, 300] {
        for _ in 0..2 {
            texts.push((0..length).map(|_| letters[roll(letters.len())]).collect());
        }
    }
    texts
}

#[tokio::test]
async fn invalid_cursors_are_rejected_by_field() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for list in lists(&workspace).await {
        for text in texts() {
            let answer = workspace.send(list.clone().query("cursor", &text)).await;
            answer.assert_wrong_fields(&["cursor"]);
        }
    }
}

#[tokio::test]
async fn a_cursor_from_a_fast_clock_marks_the_end_of_the_list() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    for (route, ahead) in [("pending-unbans", true), ("pending-bans", false)] {
        let list = ListName::new(workspace.id(), route).with("experienceId", Some(EXPERIENCE));
        let position = PollPosition {
            guid: Guid::from(u64::MAX),
            user: UserId::new(USER).unwrap(),
            due: ahead.then(|| UnixSeconds(now() + 3600)),
        };
        let cursor = genuine(&workspace, list, position).await;
        let call = Call::get(&format!("/{route}")).query("experienceId", EXPERIENCE);
        let answer = workspace.send(call.query("cursor", cursor)).await;
        assert_eq!(answer.list(), Vec::<Value>::new(), "{route}");
        assert_eq!(answer.next_cursor(), None);
    }
    let list = ListName::new(workspace.id(), "bans");
    let cursor = genuine(&workspace, list, Guid::from(1)).await;
    let answer = workspace
        .send(Call::get("/bans").query("cursor", cursor))
        .await;
    assert_eq!(answer.list(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_cursor_past_the_end_of_the_log_is_rejected() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let at = async |epoch, position| {
        let list = ListName::new(workspace.id(), "events");
        let cursor = genuine(&workspace, list, LogPosition { epoch, position }).await;
        workspace
            .send(Call::get("/events").query("cursor", cursor))
            .await
    };
    // Before there is an event log.
    assert_eq!(at(0, 0).await.list(), Vec::<Value>::new());
    at(0, 1).await.assert_wrong_fields(&["cursor"]);

    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    assert_eq!(at(0, 1).await.list(), Vec::<Value>::new());
    at(0, 2).await.assert_wrong_fields(&["cursor"]);
    at(1, 0).await.assert_wrong_fields(&["cursor"]);
}

#[tokio::test]
async fn a_workspace_without_a_secret_fails_only_on_cursors() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let key = json!({ "pk": { "S": format!("W#{}", workspace.prefix()) }, "sk": { "S": "W" } });
    let remove = json!({
        "TableName": app.tables().workspaces, "Key": key,
        "UpdateExpression": "REMOVE #secret",
        "ExpressionAttributeNames": { "#secret": "secret" },
    });
    app.database().call("UpdateItem", &remove).await.unwrap();
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    assert_eq!(workspace.bans().await.len(), 1);
    let log = workspace.send(Call::get("/events")).await;
    log.assert_error(503, "unavailable");
    let line = app.log_of("events", &log).await;
    assert!(
        line.to_string().contains("portcullis workspace upgrade"),
        "{line}"
    );

    let prefix = workspace.id().prefix();
    assert!(app.store().upgrade_workspace(prefix).await.unwrap());
    assert_eq!(workspace.send(Call::get("/events")).await.status, 200);
}
