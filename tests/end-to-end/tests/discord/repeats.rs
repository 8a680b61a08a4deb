//! Interactions that arrive twice or late decide once.

use end_to_end::{Ban, TestApp};
use serde_json::{Value, json};
use shared::domain::members::MemberPermission::{Administrator, ManageBans};

use crate::{EXPERIENCE, with_ada};

/// The reply without times, which are relative to the reader anyway.
async fn twice(app: &TestApp, body: &Value) -> [Value; 2] {
    let first = app.interact_to_the_end(body).await.0;
    [first, app.interact_to_the_end(body).await.0]
}

#[tokio::test]
async fn repeated_ban_and_unban_are_one_and_say_the_same() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let options = [
        ("user", json!("156")),
        ("reason", json!("Spam")),
        ("length", json!("7d")),
    ];
    let ban = ada.command_body("ban", &options);
    let [first, second] = twice(&app, &ban).await;
    assert_eq!(first, second);
    assert_eq!(workspace.bans().await.len(), 1);

    let options = [("user", json!("156")), ("reason", json!("Wrong one"))];
    let unban = ada.command_body("unban", &options);
    let [first, second] = twice(&app, &unban).await;
    assert!(first.to_string().contains("\"Lifted\""), "{first}");
    assert_eq!(first, second);
    let history = ada.command("history", &[("user", "156")]).await.text();
    assert_eq!(history.matches("Lifted the ban").count(), 1);

    // The ban arrives once more, after it was lifted: it is not made again.
    let late = app.interact_to_the_end(&ban).await;
    late.says("\"title\":\"Banned\"");
    assert!(!workspace.is_banned(156, EXPERIENCE).await);
    assert_eq!(workspace.bans().await.len(), 1);
}

#[tokio::test]
async fn simultaneous_deliveries_are_one_ban() {
    let app = TestApp::builder().instances(4).start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let options = [("user", json!("156")), ("reason", json!("Spam"))];
    let body = ada.command_body("ban", &options);
    let all = (0..6).map(|_| app.interact_to_the_end(&body));
    for shown in futures::future::join_all(all).await {
        shown.says("\"title\":\"Banned\"");
    }
    assert_eq!(workspace.bans().await.len(), 1);
}

#[tokio::test]
async fn repeated_key_is_the_same_key() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[Administrator]).await;
    let body = ada.command_body("newapikey", &[]);
    let [first, second] = twice(&app, &body).await;
    assert_eq!(first, second);
    let keys = app.store().keys(workspace.id().prefix()).await.unwrap();
    assert_eq!(keys.len(), 3);
    // Another command makes another key.
    assert_ne!(ada.command("newapikey", &[]).await.0, first);
}

#[tokio::test]
async fn unban_of_another_ban_is_no_repeat() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    let options = [("user", "156"), ("reason", "x")];
    ada.command("unban", &options).await.says("\"Lifted\"");
    ada.command("unban", &options).await.says("has no ban");
}
