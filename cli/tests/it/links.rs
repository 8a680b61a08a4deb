//! Tests of `portcullis link`.

use end_to_end::{Call, TestApp, Workspace};
use serde_json::{Value, json};

use crate::harness::stderr;
use crate::stack::Operator;

const ROBLOX: u64 = 156;
const DISCORD: &str = "80351110224678912";

/// Links two accounts as their owner does.
async fn prove(workspace: &Workspace<'_>, roblox: u64, discord: &str) {
    let body = json!({ "discordId": discord });
    let made = workspace.send(Call::post("/links/codes").json(&body)).await;
    let body = json!({ "code": made.success()["code"], "userId": roblox });
    let redeem = Call::post("/links/codes/redeem").json(&body);
    workspace.send(redeem).await.assert_ok();
}

/// Runs a command that must fail, and returns its message.
async fn refused(operator: &Operator, arguments: &[&str]) -> String {
    let done = operator.run(arguments).await;
    let said = stderr(&done);
    assert_ne!(done.status.code(), Some(0), "{arguments:?}: {said}");
    said
}

#[tokio::test]
async fn proven_link_is_shown_confirmed_and_removed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    assert_eq!(operator.json(&["link", "list"]).await, json!([]));
    let said = refused(&operator, &["link", "show", "156"]).await;
    assert!(said.contains("not linked"), "{said}");

    prove(&workspace, ROBLOX, DISCORD).await;
    let shown = operator.json(&["link", "show", "156"]).await;
    assert_eq!(
        (&shown["userId"], &shown["discordId"]),
        (&json!(ROBLOX), &json!(DISCORD))
    );
    assert_eq!(
        (&shown["method"], &shown["confirmed"]),
        (&json!("code"), &Value::Null)
    );
    let by_discord = ["link", "show", "--discord", DISCORD];
    assert_eq!(operator.json(&by_discord).await, shown);
    assert_eq!(operator.json(&["link", "list"]).await, json!([shown]));

    let confirmed = operator.json(&["link", "confirm", "156"]).await;
    assert!(confirmed["confirmed"].is_string(), "{confirmed}");
    assert_eq!(operator.json(&["link", "confirm", "156"]).await, confirmed);
    let answer = workspace.send(Call::get("/links/roblox/156")).await;
    assert_eq!(answer.success()["confirmed"], true);

    operator
        .json(&["link", "remove", "--discord", DISCORD])
        .await;
    assert_eq!(operator.json(&["link", "list"]).await, json!([]));
    refused(&operator, &["link", "remove", "156"]).await;
    let history = operator.json(&["history", "156"]).await;
    let events = history.as_array().unwrap().iter();
    let events: Vec<_> = events.map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["LINK_ADDED", "LINK_REMOVED"]);
}

#[tokio::test]
async fn import_continues_where_it_was_stopped() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let discord = |n: u64| (80_351_110_224_680_000 + n).to_string();
    let rows = |users: std::ops::RangeInclusive<u64>| -> String {
        let rows = users.map(|n| format!("{n},{}\n", discord(n)));
        rows.collect::<Vec<_>>().concat()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("links.csv");
    let path = file.to_str().unwrap();
    let table =
        |rows: String| std::fs::write(&file, format!("roblox_id,discord_id\n{rows}")).unwrap();
    table(rows(1..=40));
    let import = ["link", "import", path];
    let rehearsed = operator.json(&[&import[..], &["--dry-run"]].concat()).await;
    assert_eq!(
        (&rehearsed["linked"], &rehearsed["dryRun"]),
        (&json!(40), &json!(true))
    );
    assert_eq!(operator.json(&["link", "list"]).await, json!([]));
    operator.json(&import).await;

    table(rows(1..=120));
    let done = operator.json(&import).await;
    assert_eq!(
        (&done["linked"], &done["unchanged"]),
        (&json!(80), &json!(40))
    );
    let all = operator.json(&["link", "list"]).await;
    assert_eq!(all.as_array().unwrap().len(), 120);
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .all(|it| it["method"] == "import")
    );
    let said = refused(&operator, &["link", "confirm", "1"]).await;
    assert!(said.contains("imported"), "{said}");

    table(format!(
        "{}121,{}\n1,{}\n",
        rows(2..=3),
        discord(1),
        discord(121)
    ));
    let said = refused(&operator, &import).await;
    assert!(said.contains("4, 5"), "{said}");
    table("1,x\n".to_owned());
    let said = refused(&operator, &import).await;
    assert!(said.contains("line 2"), "{said}");
}
