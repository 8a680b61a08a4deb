//! `/whois`: for those who may see bans, and for everyone about themselves.

use end_to_end::TestApp;
use local_stack::discord::{ADA, GUILD, KIM, NOOR};
use serde_json::{Value, json};
use shared::domain::account_links::LinkSide;
use shared::domain::ids::UserId;
use shared::domain::members::MemberPermission::View;

use crate::with_ada;

const PLAYER: u64 = 156;

#[tokio::test]
async fn both_accounts_are_found_from_either_side() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[View]).await;
    workspace.link_accounts(PLAYER, NOOR).await;
    let noor = NOOR.to_string();
    for options in [
        ("member", noor.as_str()),
        ("user", "156"),
        ("user", "@builderman"),
        ("user", "https://www.roblox.com/users/156/profile"),
    ] {
        let shown = ada.command("whois", &[options]).await;
        shown.says("The same person");
        shown.says("users/156/");
        shown.says("builderman");
        shown.says(&format!("<@{NOOR}>"));
        shown.says("imported");
        shown.says("Not by an administrator");
    }
    let choices = ada.choices("whois", "user", "15").await;
    assert_eq!(choices, [("15".to_owned(), "15".to_owned())]);

    ada.command("whois", &[("user", "157")])
        .await
        .says("has linked no Discord account");
    let kim = KIM.to_string();
    let unlinked = ada.command("whois", &[("member", &kim)]).await;
    unlinked.says(&format!("<@{KIM}> has linked no Roblox account"));
}

#[tokio::test]
async fn confirmed_link_is_shown_as_such() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[View]).await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let made = end_to_end::Call::post("/links/codes").json(&json!({ "userId": PLAYER }));
    let code: Value = workspace.send(made).await.success()["code"].clone();
    let asked = ada
        .command("verify", &[("code", code.as_str().unwrap())])
        .await;
    ada.press(&asked, "Agree and link").await;
    let account = LinkSide::Roblox(UserId::new(PLAYER).unwrap());
    let confirmed = store.confirm_account_link(prefix, account).await;
    confirmed.unwrap().unwrap();
    let shown = ada.command("whois", &[("user", "156")]).await;
    shown.says("By a code");
    shown.says("By an administrator, <t:");
}

#[tokio::test]
async fn exactly_one_account_is_named() {
    let app = TestApp::start().await;
    let (_workspace, ada) = with_ada(&app, &[View]).await;
    let noor = NOOR.to_string();
    ada.command("whois", &[]).await.says("Say who");
    ada.command("whois", &[("member", &noor), ("user", "156")])
        .await
        .says("not both");
    ada.command("whois", &[("member", "x")])
        .await
        .says("did not say who");
    ada.command("whois", &[("user", "0")])
        .await
        .says("Expected a Roblox user id");
}

#[tokio::test]
async fn others_need_the_permission_and_oneself_does_not() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[]).await;
    let noor = app.on_discord(GUILD, NOOR);
    workspace.link_accounts(PLAYER, NOOR).await;
    workspace.link_accounts(157, ADA).await;
    let [own, adas] = [NOOR, ADA].map(|user| user.to_string());
    noor.command("whois", &[("member", &own)])
        .await
        .says("users/156/");
    noor.command("whois", &[("user", "@builderman")])
        .await
        .says("users/156/");
    for (someone, refusal) in [(noor, "You are not a member"), (ada, "You lack")] {
        let of_another = if someone.user == NOOR { "157" } else { "156" };
        let shown = someone.command("whois", &[("user", of_another)]).await;
        shown.says(refusal);
        shown.does_not_say("users/");
        someone
            .command("whois", &[("user", "200")])
            .await
            .says(refusal);
    }
    noor.command("whois", &[("member", &adas)])
        .await
        .says("You are not a member");
    // Who is not linked learns nothing about names.
    let kim = app.on_discord(GUILD, KIM);
    kim.command("whois", &[("user", "@builderman")])
        .await
        .says("You are not a member");
}

#[tokio::test]
async fn roblox_that_is_down_leaves_the_name_out() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[View]).await;
    workspace.link_accounts(1_234_567, NOOR).await;
    let noor = NOOR.to_string();
    // Roblox does not know this user.
    ada.command("whois", &[("member", &noor)])
        .await
        .says("users/1234567/");
}
