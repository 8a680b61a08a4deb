//! Tests of `portcullis erase`.

use crate::stack::Operator;
use end_to_end::{Ban, TestApp, Unban};
use serde_json::json;

const ARENA: u64 = 11;
const BEACH: u64 = 12;
const USER: u64 = 987_654_321_123;
const OTHER: u64 = 42;

#[tokio::test]
async fn erasure_leaves_only_a_receipt_and_anonymous_markers() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for experience in [ARENA, BEACH] {
        workspace.pending_bans(experience).await;
    }
    workspace.ban(Ban::of(OTHER, ARENA).global()).await;
    app.settle().await;
    let without = workspace.stored().await;
    workspace.ban(Ban::of(USER, ARENA).applied()).await;
    workspace.unban(Unban::of(USER, ARENA)).await;
    workspace.ban(Ban::of(USER, BEACH).permanent()).await;
    workspace
        .ban(Ban::of(USER, ARENA).global().permanent())
        .await;
    app.settle().await;

    let operator = Operator::of(&workspace);
    let user = USER.to_string();
    let stored = workspace.stored().await;
    let would = operator.json(&["erase", &user, "--dry-run"]).await;
    assert_eq!(would["bans"], 3);
    let refused = operator.run(&["erase", &user]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(workspace.stored().await, stored);

    let done = operator.json(&["erase", &user, "--yes"]).await;
    assert_eq!(done["bans"], 3);
    assert_eq!(done["items"], would["items"]);
    app.settle().await;
    let left = workspace.stored().await;
    let text = json!(left).to_string();
    assert!(!text.contains(&user), "{text}");
    let receipts: Vec<_> = left
        .iter()
        .filter(|item| item["kind"]["S"] == "receipt")
        .collect();
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0]["bans"]["N"], "3");
    assert_eq!(receipts[0]["source"]["S"], "operator");
    let is_counter = |item: &&serde_json::Value| {
        ["counter", "log"].contains(&item["kind"]["S"].as_str().unwrap())
    };
    let others = |items: &[serde_json::Value]| {
        let kept = items.iter().filter(|item| !is_counter(item));
        kept.filter(|item| item["kind"]["S"] != "receipt" && item["kind"]["S"] != "erased")
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        others(&left),
        others(&without),
        "all others are as they were"
    );

    for experience in [ARENA, BEACH] {
        assert_eq!(
            workspace.check(USER, experience).await,
            json!({ "isBanned": false, "isAppealed": false, "isActive": false, "expires": 0 })
        );
        workspace.await_pending_unbans(experience, &[]).await;
        workspace.await_pending_bans(experience, &[OTHER]).await;
    }
    // Erasing again changes nothing.
    let again = operator.json(&["erase", &user, "--yes"]).await;
    assert_eq!(again["items"], 0);
    assert_eq!(workspace.stored().await, left);
}

#[tokio::test]
async fn late_report_does_not_ban_an_erased_user() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    // A workspace from an older version has no secret yet.
    let tables = app.tables();
    let update = json!({
        "TableName": tables.workspaces,
        "Key": { "pk": { "S": format!("W#{}", workspace.prefix()) }, "sk": { "S": "W" } },
        "UpdateExpression": "REMOVE #secret",
        "ExpressionAttributeNames": { "#secret": "secret" },
    });
    app.database().call("UpdateItem", &update).await.unwrap();
    workspace.pending_bans(ARENA).await;
    workspace.ban(Ban::of(USER, ARENA).permanent()).await;
    let fetched = workspace.await_pending_bans(ARENA, &[USER]).await.remove(0);

    let operator = Operator::of(&workspace);
    operator.json(&["erase", &USER.to_string(), "--yes"]).await;
    workspace.report(&fetched, ARENA).await;
    assert!(!workspace.is_banned(USER, ARENA).await);
    let left = json!(workspace.stored().await).to_string();
    assert!(!left.contains(&USER.to_string()), "{left}");
}

#[tokio::test]
async fn user_with_hundreds_of_decisions_is_erased_completely() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for round in 0..70 {
        workspace
            .ban(Ban::of(USER, ARENA).length(format!("{}d", round + 1)))
            .await;
        workspace.unban(Unban::of(USER, ARENA)).await;
    }
    let operator = Operator::of(&workspace);
    let done = operator.json(&["erase", &USER.to_string(), "--yes"]).await;
    assert_eq!(done["bans"], 70);
    let left = json!(workspace.stored().await).to_string();
    assert!(!left.contains(&USER.to_string()), "{left}");
}

#[tokio::test]
async fn user_banned_during_erasure_is_either_erased_or_banned() {
    let app = TestApp::builder().instances(4).start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    for round in 0..5_u64 {
        let user = 1000 + round;
        workspace.ban(Ban::of(user, ARENA)).await;
        let text = user.to_string();
        let arguments = ["erase", &text, "--yes"];
        let erase = operator.json(&arguments);
        let banning = async {
            for days in 1..20 {
                workspace
                    .ban(Ban::of(user, ARENA).length(format!("{days}d")))
                    .await;
            }
        };
        tokio::join!(erase, banning);
        let stored = workspace.stored().await;
        let of_user: Vec<_> = stored
            .iter()
            .filter(|item| {
                item["pk"]["S"]
                    .as_str()
                    .unwrap()
                    .ends_with(&format!("#U#{user}"))
            })
            .map(|item| item["kind"]["S"].as_str().unwrap().to_owned())
            .collect();
        let count = |kind: &str| of_user.iter().filter(|found| *found == kind).count();
        let banned = workspace.is_banned(user, ARENA).await;
        assert_eq!(count("experience"), usize::from(banned), "{of_user:?}");
        assert_eq!(count("ban"), usize::from(banned), "{of_user:?}");
        assert_eq!(count("decision") > 0, banned, "{of_user:?}");
    }
}
