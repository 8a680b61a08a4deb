//! Calls that are refused as a whole: nothing is written.

use end_to_end::{Bulk, Call, KeySpec, TestApp};
use serde_json::json;
use shared::domain::keys::KeyScope;

use crate::routes::EXPERIENCE;

#[tokio::test]
async fn invalid_call_names_every_field_and_changes_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let users = json!([
        1,
        { "userId": 2, "banLength": "soon" },
        0,
        { "userId": "1" },
        { "userId": 5, "banModerator": -1, "banType": "Local", "experienceId": 9 },
    ]);
    let bulk = Bulk::bans(EXPERIENCE, users.as_array().unwrap().clone())
        .default("banPublicReason", "")
        .query("experienceBanCompleted", "maybe");
    workspace.send(bulk.call()).await.assert_wrong_fields(&[
        "experienceBanCompleted",
        "defaults.banPublicReason",
        "users[1].banLength",
        "users[2]",
        "users[3].userId",
        "users[4].experienceId",
        "users[4].banModerator",
        "users[4].banType",
    ]);
    let unbans = Bulk::unbans(EXPERIENCE, [1, 1]).default("moderatorId", 0);
    workspace
        .send(unbans.call())
        .await
        .assert_wrong_fields(&["defaults.moderatorId", "users[1]"]);
    for path in ["/bans/bulk", "/unbans/bulk"] {
        let call = Call::post(path).json(&json!({}));
        let answer = workspace.send(call).await;
        answer.assert_wrong_fields(&["experienceId", "users"]);
    }
    let many = workspace
        .send(
            Bulk::bans(EXPERIENCE, 1..=100)
                .with("defaults", json!([]))
                .call(),
        )
        .await;
    assert_eq!(many.wrong_fields().len(), 600);
    let message = many.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.ends_with(" and 580 more") && message.len() < 600,
        "{message}"
    );
    assert!(workspace.bans().await.is_empty());
    app.settle().await;
    let stored = workspace.stored().await;
    assert!(
        stored.iter().all(|item| item["kind"]["S"] != "link"),
        "{stored:?}"
    );
}

#[tokio::test]
async fn a_key_needs_the_scopes_of_the_whole_call() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let with = async |scopes: &[KeyScope]| {
        workspace.with_key(&workspace.make_key(KeySpec::scopes(scopes)).await)
    };
    let (bans, unbans) = (Bulk::bans(EXPERIENCE, [1]), Bulk::unbans(EXPERIENCE, [1]));
    for scopes in [
        &[KeyScope::WriteBans][..],
        &[KeyScope::BulkBans],
        &[KeyScope::ReadBans],
    ] {
        let key = with(scopes).await;
        for bulk in [&bans, &unbans] {
            key.send(bulk.call()).await.assert_error(403, "forbidden");
        }
    }
    let both = with(&[KeyScope::WriteBans, KeyScope::BulkBans]).await;
    let users = json!([1, 2, { "userId": 3, "banType": "Global" }]);
    let global = Bulk::bans(EXPERIENCE, users.as_array().unwrap().clone());
    for bulk in [global.clone(), global.clone().dry_run()] {
        both.send(bulk.call()).await.assert_error(403, "forbidden");
    }
    assert!(workspace.bans().await.is_empty());
    workspace.send(global.call()).await.success();
    both.send(Bulk::bans(EXPERIENCE, [4]).call())
        .await
        .success();
    let public = workspace.with_key(workspace.public_key());
    public
        .send(bans.call())
        .await
        .assert_error(403, "forbidden");
}

#[tokio::test]
async fn strict_linking_refuses_the_whole_call() {
    let app = TestApp::start().await;
    let workspace = app.strict_workspace().await;
    for bulk in [Bulk::bans(EXPERIENCE, [1]), Bulk::unbans(EXPERIENCE, [1])] {
        workspace
            .send(bulk.call())
            .await
            .assert_error(403, "forbidden");
    }
    assert!(workspace.bans().await.is_empty());
}

#[tokio::test]
async fn a_body_may_have_256_kib() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let padded = |bytes: usize| {
        let bulk = Bulk::bans(EXPERIENCE, [1]).with("ignored", "");
        let rest = bytes - bulk.body().to_string().len();
        bulk.with("ignored", "x".repeat(rest)).call()
    };
    workspace.send(padded(256 * 1024)).await.success();
    workspace.send(padded(256 * 1024).gzip()).await.success();
    for call in [padded(256 * 1024 + 1), padded(256 * 1024 + 1).gzip()] {
        let answer = workspace.send(call).await;
        answer.assert_error(413, "payload_too_large");
    }
}
