//! The menu of a user.

use end_to_end::{Ban, TestApp};
use local_stack::discord::{ADA, GUILD, KIM, NOOR, demo_guild};
use serde_json::json;
use shared::domain::members::MemberPermission::{ManageBans, View};

use crate::{EXPERIENCE, with_ada};

const PLAYER: u64 = 156;

#[tokio::test]
async fn linked_player_is_banned_with_the_form() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.link_accounts(PLAYER, NOOR).await;
    let reply = app.interact(&ada.user_menu_body("Ban in game", NOOR)).await;
    assert_eq!(reply["type"], 9, "{reply}");
    let fields = reply["data"]["components"].as_array().unwrap();
    assert_eq!(fields[0]["component"]["value"], json!("156"));
    assert_eq!(fields[2]["component"].get("value"), None);
    let id = reply["data"]["custom_id"].as_str().unwrap();
    ada.submit(id, &[("user", "156"), ("reason", "Spam")])
        .await
        .says("\"title\":\"Banned\"");
    assert!(workspace.is_banned(PLAYER, EXPERIENCE).await);

    let history = ada.user_menu("History", NOOR).await;
    history.says("Banned in experience");
    history.says("users/156/");
}

#[tokio::test]
async fn person_without_a_link_is_explained() {
    let app = TestApp::start().await;
    let (_workspace, ada) = with_ada(&app, &[ManageBans]).await;
    for (menu, command) in [("Ban in game", "`/ban`"), ("History", "`/history`")] {
        let shown = ada.user_menu(menu, NOOR).await;
        shown.says("has linked no Roblox account");
        shown.says("`/verify`");
        shown.says(command);
    }
    let mut body = ada.user_menu_body("History", NOOR);
    body["data"]["target_id"] = json!(null);
    app.interact_to_the_end(&body)
        .await
        .says("did not say about whom");
}

#[tokio::test]
async fn menus_need_the_permission_of_their_command() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[View]).await;
    workspace.link_accounts(PLAYER, NOOR).await;
    workspace.ban(Ban::of(PLAYER, EXPERIENCE).permanent()).await;
    ada.user_menu("Ban in game", NOOR)
        .await
        .says("You lack the permission `manage_bans`");
    ada.user_menu("History", NOOR).await.says("Banned in");
    workspace.add_on_discord("Kim", KIM, &[]).await;
    let kim = app.on_discord(GUILD, KIM);
    kim.user_menu("History", NOOR)
        .await
        .says("You lack the permission `view`");
    let noor = app.on_discord(GUILD, NOOR);
    noor.user_menu("History", ADA)
        .await
        .says("You are not a member");
}

#[tokio::test]
async fn link_of_another_workspace_does_not_count() {
    let app = TestApp::start().await;
    let (first, _ada) = with_ada(&app, &[View]).await;
    let second = app.workspace().await;
    let other = 613_425_648_685_547_777;
    app.discord().set_guild(other, demo_guild());
    second.link_guild(other).await;
    second.add_on_discord("Ada", ADA, &[View]).await;
    first.link_accounts(PLAYER, NOOR).await;
    app.on_discord(other, ADA)
        .user_menu("History", NOOR)
        .await
        .says("has linked no Roblox account");
}
