//! `/verify` and `/unverify`, also by people who are no members.

use std::time::Duration;

use end_to_end::discord::{OnDiscord, Shown};
use end_to_end::{ApiResponse, Call, TestApp, Workspace, eventually, now};
use local_stack::discord::{ADA, GUILD, NOOR, demo_guild};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::domain::members::Member;
use shared::domain::members::MemberPermission::{ManageBans, View};

use crate::{EXPERIENCE, with_ada};

/// The player.
const PLAYER: u64 = 156;

/// A workspace with the guild, and Noor, who is no member.
async fn with_noor(app: &TestApp) -> (Workspace<'_>, OnDiscord<'_>) {
    let workspace = app.workspace().await;
    workspace.link_guild(GUILD).await;
    (workspace, app.on_discord(GUILD, NOOR))
}

/// The code in a message.
fn code(shown: &Shown) -> String {
    let text = shown.text();
    let code = text.split('`').nth(1);
    code.unwrap_or_else(|| panic!("no code: {text}")).to_owned()
}

async fn typed_in_game(workspace: &Workspace<'_>, code: &str, player: u64) -> ApiResponse {
    let body = json!({ "code": code, "userId": player });
    let call = Call::post("/links/codes/redeem").json(&body);
    workspace.send(call.from_roblox()).await
}

/// A code that the game shows.
async fn code_of_game(workspace: &Workspace<'_>, player: u64) -> String {
    let made = Call::post("/links/codes").json(&json!({ "userId": player }));
    let made = workspace.send(made).await.success();
    made["code"].as_str().unwrap().to_owned()
}

async fn stored(workspace: &Workspace<'_>, kind: &str) -> usize {
    let items = workspace.stored().await;
    items.iter().filter(|it| it["kind"]["S"] == kind).count()
}

/// The names and actors of the events about links.
async fn events(workspace: &Workspace<'_>, count: usize) -> Vec<(String, Value)> {
    eventually("the events are logged", async || {
        let answer = workspace.send(Call::get("/events")).await;
        let list = (answer.status == 200).then(|| answer.list())?;
        let of_links = list.iter().filter_map(|it| {
            let name = it["event"].as_str()?;
            name.starts_with("LINK_")
                .then(|| (name.to_owned(), it["actor"].clone()))
        });
        let of_links: Vec<_> = of_links.collect();
        (of_links.len() == count).then_some(of_links)
    })
    .await
}

#[tokio::test]
async fn player_agrees_once_and_links_with_a_code_for_the_game() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, noor) = with_noor(&app).await;
    let asked = noor.command("verify", &[]).await;
    assert_eq!(asked.0["flags"], 64);
    asked.says("What is stored");
    asked.says("Who sees it");
    asked.says("/unverify");
    assert_eq!(asked.labels(), ["Agree and get a code", "Cancel"]);
    noor.press(&asked, "Cancel")
        .await
        .says("Nothing was changed");
    assert_eq!(stored(&workspace, "link-consent").await, 0);

    let body = noor.press_body(&asked, "Agree and get a code");
    let first = app.interact_to_the_end(&body).await;
    first.says("in the game");
    // A repeat shows the same code, and the next command another one without a question.
    assert_eq!(code(&app.interact_to_the_end(&body).await), code(&first));
    let second = noor.command("verify", &[]).await;
    assert_ne!(code(&second), code(&first));
    assert_eq!(second.labels(), [""; 0]);
    let replaced = typed_in_game(&workspace, &code(&first), PLAYER).await;
    replaced.assert_error(404, "not_found");

    // The game shows the Discord name.
    let preview = json!({ "code": code(&second), "userId": PLAYER, "preview": true });
    let call = Call::post("/links/codes/redeem").json(&preview);
    let preview = workspace.send(call).await.success();
    assert_eq!(preview["discordName"], format!("user{NOOR}"));
    typed_in_game(&workspace, &code(&second), PLAYER)
        .await
        .assert_ok();
    let shown = noor.command("verify", &[]).await;
    shown.says("Your accounts are linked");
    shown.says("users/156/");
    shown.says("By a code");
    shown.says("You agreed");
    assert_eq!(shown.labels(), [""; 0]);
    assert_eq!(stored(&workspace, "link-consent").await, 1);
    for function in ["discord-interactions", "discord-worker"] {
        for line in app.runtime().logs(function) {
            assert!(!line.text.contains(&code(&second)), "{}", line.text);
        }
    }
}

#[tokio::test]
async fn code_of_the_game_is_redeemed_after_a_question() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, noor) = with_noor(&app).await;
    let code = code_of_game(&workspace, PLAYER).await;
    let spoken = code.replace('-', " ").to_lowercase();
    let asked = noor.command("verify", &[("code", &spoken)]).await;
    asked.says("Is this your Roblox account?");
    asked.says("builderman");
    asked.says("What is stored");
    assert_eq!(asked.labels(), ["Agree and link", "Cancel"]);
    assert_eq!(stored(&workspace, "account-link").await, 0);
    assert_eq!(stored(&workspace, "link-consent").await, 0);

    let linked = noor.press(&asked, "Agree and link").await;
    linked.says("Your accounts are linked");
    linked.says("builderman");
    // A second press changes nothing.
    noor.press(&asked, "Agree and link")
        .await
        .says("Your accounts are linked");
    let actor = json!({ "type": "discord", "key": NOOR.to_string(), "moderator": null, "channel": "discord" });
    assert_eq!(
        events(&workspace, 1).await,
        [("LINK_ADDED".to_owned(), actor)]
    );
    assert_eq!(stored(&workspace, "link-consent").await, 1);

    let other = code_of_game(&workspace, 157).await;
    let refused = noor.command("verify", &[("code", &other)]).await;
    refused.says("is linked to");
    refused.says("/unverify");
}

#[tokio::test]
async fn code_of_a_player_who_is_linked_elsewhere_is_refused() {
    let app = TestApp::start().await;
    let (workspace, noor) = with_noor(&app).await;
    workspace.link_accounts(PLAYER, ADA).await;
    let code = code_of_game(&workspace, PLAYER).await;
    let asked = noor.command("verify", &[("code", &code)]).await;
    noor.press(&asked, "Agree and link")
        .await
        .says("linked to another one");
    assert_eq!(stored(&workspace, "account-link").await, 2);
}

#[tokio::test]
async fn five_wrong_codes_are_allowed_in_an_hour() {
    let app = TestApp::start().await;
    let (workspace, noor) = with_noor(&app).await;
    noor.command("verify", &[("code", "not a code")])
        .await
        .says("six letters and digits");
    // One that was made on Discord is for the game.
    noor.command("verify", &[]).await;
    for _ in 0..5 {
        noor.command("verify", &[("code", "000-000")])
            .await
            .says("unknown, used or expired");
    }
    let right = code_of_game(&workspace, PLAYER).await;
    for typed in ["000-000", &right] {
        noor.command("verify", &[("code", typed)])
            .await
            .says("five wrong codes within an hour. Try again in");
    }
    // Others are not affected, and nobody's account is in the key of the count.
    let ada = app.on_discord(GUILD, ADA);
    ada.command("verify", &[("code", &right)])
        .await
        .says("Is this your Roblox account?");
    let counts = workspace.stored().await;
    let count = counts
        .iter()
        .find(|it| it["kind"]["S"] == "wrong-codes")
        .unwrap();
    assert!(count["pk"]["S"].as_str().unwrap().contains("#Z#K#discord#"));
}

#[tokio::test]
async fn code_expires_after_ten_minutes() {
    let app = TestApp::builder().moving_clock().start().await;
    let (workspace, noor) = with_noor(&app).await;
    // Discord's signatures are of this time, and valid five minutes before and after it.
    let now = Duration::from_secs(now());
    app.set_clock(now - Duration::from_secs(590));
    let code = code_of_game(&workspace, PLAYER).await;
    app.set_clock(now - Duration::from_secs(200));
    let asked = noor.command("verify", &[("code", &code)]).await;
    asked.says("Is this your Roblox account?");
    app.set_clock(now + Duration::from_secs(20));
    noor.press(&asked, "Agree and link")
        .await
        .says("unknown, used or expired");
    assert_eq!(stored(&workspace, "account-link").await, 0);
}

#[tokio::test]
async fn imported_link_is_shown_and_can_be_proven() {
    let app = TestApp::start().await;
    let (workspace, noor) = with_noor(&app).await;
    workspace.link_accounts(PLAYER, NOOR).await;
    let shown = noor.command("verify", &[]).await;
    shown.says("imported");
    shown.says("Not here");
    let made = noor.press(&shown, "Agree and prove it with a code").await;
    typed_in_game(&workspace, &code(&made), PLAYER)
        .await
        .assert_ok();
    noor.command("verify", &[]).await.says("By a code");
}

#[tokio::test]
async fn unverify_deletes_link_and_consent_permanently() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, noor) = with_noor(&app).await;
    noor.command("unverify", &[])
        .await
        .says("nothing is stored");
    let code = code_of_game(&workspace, PLAYER).await;
    let asked = noor.command("verify", &[("code", &code)]).await;
    noor.press(&asked, "Agree and link").await;

    let asked = noor.command("unverify", &[]).await;
    asked.says("deleted permanently");
    asked.says("users/156/");
    assert_eq!(asked.labels(), ["Delete", "Cancel"]);
    noor.press(&asked, "Cancel")
        .await
        .says("Nothing was changed");
    assert_eq!(stored(&workspace, "account-link").await, 2);
    let body = noor.press_body(&asked, "Delete");
    let deleted = app.interact_to_the_end(&body).await;
    deleted.says("\"title\":\"Deleted\"");
    deleted.says("users/156/");
    let again = app.interact_to_the_end(&body).await;
    assert_eq!(again.0["embeds"], deleted.0["embeds"]);
    noor.press(&asked, "Delete")
        .await
        .says("not linked any more");
    for kind in ["account-link", "link-consent"] {
        assert_eq!(stored(&workspace, kind).await, 0, "{kind}");
    }
    let events = events(&workspace, 2).await;
    assert_eq!(events[1].0, "LINK_REMOVED");
    assert_eq!(events[1].1["key"], NOOR.to_string());
    // Consent is asked for again.
    noor.command("verify", &[])
        .await
        .says("Link your Roblox account?");
}

#[tokio::test]
async fn consent_without_a_link_is_withdrawn_and_a_changed_link_stays() {
    let app = TestApp::start().await;
    let (workspace, noor) = with_noor(&app).await;
    let asked = noor.command("verify", &[]).await;
    noor.press(&asked, "Agree and get a code").await;
    let consent = noor.command("unverify", &[]).await;
    consent.says("You are not linked");
    workspace.link_accounts(PLAYER, NOOR).await;
    noor.press(&consent, "Delete").await.says("has changed");
    assert_eq!(stored(&workspace, "account-link").await, 2);

    let asked = noor.command("unverify", &[]).await;
    noor.press(&asked, "Delete").await.says("Deleted");
    let asked = noor.command("verify", &[]).await;
    noor.press(&asked, "Agree and get a code").await;
    let asked = noor.command("unverify", &[]).await;
    noor.press(&asked, "Delete").await.says("your consent");
    assert_eq!(stored(&workspace, "link-consent").await, 0);
}

#[tokio::test]
async fn member_is_the_actor_of_their_own_link() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[View]).await;
    let code = code_of_game(&workspace, PLAYER).await;
    let asked = ada.command("verify", &[("code", &code)]).await;
    ada.press(&asked, "Agree and link").await;
    let (_, actor) = events(&workspace, 1).await.remove(0);
    assert_eq!(actor["type"], "member");
    let members = app.store().members(workspace.id().prefix()).await.unwrap();
    assert_eq!(actor["key"], members[0].id.to_string());
}

#[tokio::test]
async fn links_of_two_workspaces_are_separate() {
    let app = TestApp::start().await;
    let (first, noor) = with_noor(&app).await;
    let second = app.workspace().await;
    let other = 613_425_648_685_547_777;
    app.discord().set_guild(other, demo_guild());
    second.link_guild(other).await;
    let there = app.on_discord(other, NOOR);
    let code = code_of_game(&first, PLAYER).await;
    there
        .command("verify", &[("code", &code)])
        .await
        .says("unknown, used or expired");
    let asked = noor.command("verify", &[("code", &code)]).await;
    noor.press(&asked, "Agree and link").await;
    there
        .command("verify", &[])
        .await
        .says("Link your Roblox account?");
    there
        .command("unverify", &[])
        .await
        .says("nothing is stored");
    assert_eq!(stored(&second, "account-link").await, 0);

    // A guild of no workspace.
    let nowhere = 613_425_648_685_547_778;
    app.discord().set_guild(nowhere, demo_guild());
    let nowhere = app.on_discord(nowhere, NOOR);
    for command in ["verify", "unverify", "whois"] {
        nowhere
            .command(command, &[])
            .await
            .says("not linked to a workspace");
    }
}

#[tokio::test]
async fn ban_moderator_is_the_linked_player() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let moderator = async |player: u64| {
        let id = player.to_string();
        let options = [("user", id.as_str()), ("reason", "Spam")];
        ada.command("ban", &options)
            .await
            .says("\"title\":\"Banned\"");
        workspace.check(player, EXPERIENCE).await["moderatorId"].clone()
    };
    assert_eq!(moderator(200).await, 1);
    workspace.link_accounts(PLAYER, ADA).await;
    assert_eq!(moderator(201).await, PLAYER);
    // An own Roblox user comes first.
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let ada_id = store.members(prefix).await.unwrap()[0].id;
    let own = |member: &mut Member| member.roblox = UserId::new(77);
    let changed = store.change_member(prefix, ada_id, own).await;
    changed.unwrap().unwrap().unwrap();
    assert_eq!(moderator(202).await, 77);
}
