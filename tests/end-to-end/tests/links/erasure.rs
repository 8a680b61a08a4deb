//! What is left of the links of an erased user, and of a deleted workspace.

use end_to_end::{Notification, TestApp, Workspace, age_log};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::store::{ErasureMode, ErasureSource};

use super::{
    DISCORD, OTHER_DISCORD, OTHER_ROBLOX, ROBLOX, WRONG, agree, code_of, events, expected, link,
    linked, make, redeem, stored, typed,
};

/// A link, with open codes and wrong codes of both accounts.
async fn fill(workspace: &Workspace<'_>) {
    link(workspace, ROBLOX, DISCORD).await;
    link(workspace, OTHER_ROBLOX, OTHER_DISCORD).await;
    for discord in [DISCORD, OTHER_DISCORD] {
        agree(workspace, discord).await;
    }
    for account in [json!({ "userId": ROBLOX }), json!({ "discordId": DISCORD })] {
        workspace.send(make(&account)).await.success();
        let mut wrong = account;
        wrong["code"] = WRONG.into();
        let refused = workspace.send(redeem(&wrong)).await;
        refused.assert_error(404, "not_found");
    }
    events(workspace, 2).await;
}

/// Nothing names the user or their Discord account, and the other link is untouched.
async fn assert_erased(workspace: &Workspace<'_>) {
    let left = Value::from(workspace.stored().await).to_string();
    for id in [&ROBLOX.to_string(), DISCORD] {
        assert!(!left.contains(id), "{id} in {left}");
    }
    let other = expected(OTHER_ROBLOX, OTHER_DISCORD, "code");
    assert_eq!(linked(workspace, OTHER_ROBLOX).await, other);
    assert_eq!(stored(workspace, "link-consent").await.len(), 1);
    // Readers stop before a fresh gap.
    age_log(workspace).await;
    assert_eq!(events(workspace, 1).await[0].1, OTHER_ROBLOX);
}

#[tokio::test]
async fn erasure_removes_link_codes_and_events_of_both_accounts() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    fill(&workspace).await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let user = UserId::new(ROBLOX).unwrap();
    let preview = store.preview_erasure(prefix, user).await.unwrap();
    let erasing = store.erase_user(prefix, user, ErasureSource::Operator);
    assert_eq!(erasing.await.unwrap(), preview);
    assert_erased(&workspace).await;
    // Both can be linked again.
    link(&workspace, ROBLOX, DISCORD).await;
}

#[tokio::test]
async fn notification_of_roblox_removes_them_too() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    fill(&workspace).await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    let answer = app
        .send(&Notification::erasure(ROBLOX).signed(&secret))
        .await;
    answer.success();
    assert_erased(&workspace).await;
}

#[tokio::test]
async fn open_code_of_an_erased_user_links_nobody() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let code = code_of(&workspace, DISCORD).await;
    let in_game = workspace.send(make(&json!({ "userId": ROBLOX }))).await;
    let in_game = in_game.success()["code"].clone();
    let user = UserId::new(ROBLOX).unwrap();
    let prefix = workspace.id().prefix();
    let erasing = app
        .store()
        .erase_user(prefix, user, ErasureSource::Operator);
    assert_eq!(erasing.await.unwrap().items, 2);
    let body = json!({ "code": in_game, "discordId": OTHER_DISCORD });
    let refused = workspace.send(redeem(&body)).await;
    refused.assert_error(404, "not_found");
    // The user may come back.
    typed(&workspace, &code, ROBLOX).await.assert_ok();
}
