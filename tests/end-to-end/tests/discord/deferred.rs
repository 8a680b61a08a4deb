//! What needs Roblox is finished by the worker, which edits the answer.

use std::time::Duration;

use end_to_end::{TestApp, eventually};
use local_stack::discord::DiscordFault;
use local_stack::discord::caller;
use local_stack::faults::Rule;
use serde_json::{Value, json};
use shared::domain::members::MemberPermission::ManageBans;

use crate::{EXPERIENCE, with_ada};

const BY_NAME: [(&str, &str); 2] = [("user", "@builderman"), ("reason", "Spam")];

fn edits(app: &TestApp) -> Vec<u16> {
    let all = app.discord().exchanges();
    let edits = all.iter().filter(|it| it.method == "PATCH");
    edits.map(|it| it.status).collect()
}

#[tokio::test]
async fn name_is_resolved_by_the_worker() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let options = BY_NAME.map(|(name, value)| (name, json!(value)));
    let body = ada.command_body("ban", &options);
    app.defer(&body).await;
    let shown = app.interact_to_the_end(&body).await;
    shown.says("\"title\":\"Banned\"");
    shown.says("builderman");
    assert_eq!(shown.labels(), ["Undo"]);
    app.background_settled().await;
    assert_eq!(workspace.bans().await.len(), 1);
    assert!(workspace.is_banned(156, EXPERIENCE).await);
    ada.press(&shown, "Undo").await.says("\"title\":\"Undone\"");

    let unknown = ada.command("check", &[("user", "nobody_at_all")]).await;
    unknown.says("Roblox user has the name");

    // The token and the reasons are neither logged nor stored.
    let token = body["token"].as_str().unwrap();
    for function in ["discord-interactions", "discord-worker"] {
        for line in app.runtime().logs(function) {
            assert!(
                !line.text.contains(token) && !line.text.contains("Spam"),
                "{}",
                line.text
            );
        }
    }
    for table in [&app.tables().workspaces, &app.tables().bans] {
        let scan = json!({ "TableName": table });
        let all = app.database().call("Scan", &scan).await.unwrap();
        assert!(!all.to_string().contains(token));
    }
}

#[tokio::test]
async fn edit_waits_until_discord_knows_the_answer_and_lets_it() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let original = || "@original".to_owned();
    app.discord().fail(
        Rule::from(DiscordFault::UnknownWebhook)
            .on(original())
            .times(2),
    );
    app.discord().fail(
        Rule::from(DiscordFault::TooMany(0.3))
            .on(original())
            .times(1),
    );
    app.discord()
        .fail(Rule::from(DiscordFault::Html(502)).on(original()).times(1));
    ada.command("ban", &BY_NAME)
        .await
        .says("\"title\":\"Banned\"");
    assert_eq!(edits(&app), [404, 404, 429, 502, 200]);
    assert_eq!(workspace.bans().await.len(), 1);
}

#[tokio::test]
async fn expired_token_ends_the_answer_and_not_the_decision() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let options = BY_NAME.map(|(name, value)| (name, json!(value)));
    let mut body = ada.command_body("ban", &options);
    let id = caller::new_id(Duration::from_mins(16)).to_string();
    body["id"] = json!(id);
    app.defer(&body).await;
    app.background_settled().await;
    assert!(workspace.is_banned(156, EXPERIENCE).await);
    assert_eq!(edits(&app), [0; 0]);
    let line = eventually("the worker logs it", async || {
        let logs = app.runtime().logs("discord-worker");
        let found = logs.iter().rev().find_map(|line| line.json());
        found.filter(|line| line["route"] == "discord-worker")
    });
    assert_eq!(line.await["discord"], "the interaction's token has expired");
}

#[tokio::test]
async fn token_that_discord_rejects_is_given_up() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let options = BY_NAME.map(|(name, value)| (name, json!(value)));
    let mut body = ada.command_body("ban", &options);
    body["token"] = json!("another-token");
    app.defer(&body).await;
    app.background_settled().await;
    assert!(workspace.is_banned(156, EXPERIENCE).await);
    assert_eq!(edits(&app), [401]);
    assert!(app.background_given_up().is_empty());
}

#[tokio::test]
async fn failing_database_is_waited_for_and_decided_once() {
    use local_stack::fault_proxy::Fault;
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    // Longer than Discord waits, and than the function itself does.
    app.faults().inject(
        Rule::from(Fault::Throttle)
            .on("TransactWriteItems")
            .times(6),
    );
    let options = [("user", json!("156")), ("reason", json!("Spam"))];
    let body = ada.command_body("ban", &options);
    let reply: Value = app.interact(&body).await;
    let token = body["token"].as_str().unwrap();
    if reply["type"] == 5 {
        eventually("the ban is shown", async || {
            let shown = app.discord().original(token)?;
            shown.to_string().contains("\"Banned\"").then_some(())
        })
        .await;
    }
    app.background_settled().await;
    assert_eq!(workspace.bans().await.len(), 1);
    assert!(app.background_given_up().is_empty());
}
