//! Links on the word of another registry, and unlinking.

use end_to_end::TestApp;
use serde_json::json;

use super::{
    DISCORD, OTHER_DISCORD, OTHER_ROBLOX, ROBLOX, events, expected, import, linked, of_discord,
    of_roblox, stored,
};

#[tokio::test]
async fn link_is_imported_once_and_removed_for_both() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let call = import(ROBLOX, DISCORD).prefer_representation();
    let first = workspace.send(call.clone()).await.success();
    assert_eq!(first["link"]["method"], "import");
    assert_eq!(workspace.send(call).await.success(), first);
    assert_eq!(
        linked(&workspace, ROBLOX).await,
        expected(ROBLOX, DISCORD, "import")
    );
    for taken in [import(ROBLOX, OTHER_DISCORD), import(OTHER_ROBLOX, DISCORD)] {
        let refused = workspace.send(taken).await;
        refused.assert_error(409, "already_linked");
    }
    workspace
        .send(import(OTHER_ROBLOX, OTHER_DISCORD))
        .await
        .assert_ok();

    let delete = of_roblox("DELETE", ROBLOX).header("content-type", "application/json");
    let named = delete.clone().header("idempotency-key", "a");
    workspace.send(named.clone()).await.assert_ok();
    workspace.send(named).await.assert_ok();
    let refused = workspace.send(delete).await;
    refused.assert_error(404, "not_found");
    let gone = workspace.send(of_discord(DISCORD)).await;
    gone.assert_error(404, "not_found");
    assert_eq!(stored(&workspace, "account-link").await.len(), 2);
    let data = json!({ "discordId": DISCORD, "method": "import" });
    let other = json!({ "discordId": OTHER_DISCORD, "method": "import" });
    let mut logged = events(&workspace, 3).await;
    logged.sort_by_key(|(name, user, _)| (*user, name.clone()));
    assert_eq!(
        logged,
        [
            ("LINK_ADDED".to_owned(), ROBLOX, data.clone()),
            ("LINK_REMOVED".to_owned(), ROBLOX, data),
            ("LINK_ADDED".to_owned(), OTHER_ROBLOX, other),
        ]
    );
}

#[tokio::test]
async fn idempotency_key_keeps_a_removed_link_removed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let once = || import(ROBLOX, DISCORD).header("idempotency-key", "a");
    workspace.send(once()).await.assert_ok();
    workspace
        .send(of_roblox("DELETE", ROBLOX))
        .await
        .assert_ok();
    workspace.send(once()).await.assert_ok();
    assert_eq!(linked(&workspace, ROBLOX).await, None);
    let other = import(ROBLOX, OTHER_DISCORD).header("idempotency-key", "a");
    let refused = workspace.send(other).await;
    refused.assert_wrong_fields(&["idempotency-key"]);
}

#[tokio::test]
async fn ids_are_validated() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (call, fields) in [
        (of_roblox("GET", 0), &["id"][..]),
        (of_discord("156"), &["id"]),
        (of_roblox("DELETE", 0), &["id"]),
        (import(0, "x"), &["discordId", "id"]),
        (of_roblox("PUT", ROBLOX).json(&json!({})), &["discordId"]),
        // A number would be rounded.
        (
            of_roblox("PUT", ROBLOX).json(&json!({ "discordId": 80_351_110_224_678_912_u64 })),
            &["discordId"],
        ),
    ] {
        workspace.send(call).await.assert_wrong_fields(fields);
    }
    let wrong_method = of_roblox("PATCH", ROBLOX).unchecked();
    let refused = workspace.send(wrong_method).await;
    assert_eq!(refused.status, 405, "{refused}");
    assert_eq!(refused.header("allow"), Some("GET, PUT, DELETE"));
}
