//! The form, the confirmation, presets, several bans, and Undo.

use end_to_end::{Ban, TestApp};
use local_stack::discord::{GUILD, KIM};
use serde_json::json;
use shared::domain::members::MemberPermission::{ManageBans, ManageGlobalBans};
use shared::domain::members::{ReasonPreset, ReasonPresets};

use crate::{EXPERIENCE, with_ada};

#[tokio::test]
async fn form_opens_as_typed_and_bans() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let options = [("user", json!("@Some Body?")), ("length", json!("2w"))];
    let reply = app.interact(&ada.command_body("ban", &options)).await;
    assert_eq!(reply["type"], 9, "{reply}");
    let modal = &reply["data"];
    let fields = modal["components"].as_array().unwrap();
    let value = |at: usize| fields[at]["component"]["value"].clone();
    assert_eq!((value(0), value(1)), (json!("@Some Body?"), json!("2w")));
    let id = modal["custom_id"].as_str().unwrap();

    let empty = ada.submit(id, &[("user", "156"), ("reason", " ")]).await;
    empty.says("Say why");
    let filled = [("user", "156"), ("length", "2w"), ("reason", "Spam")];
    ada.submit(id, &filled).await.says("\"title\":\"Banned\"");
    assert_eq!(
        workspace.check(156, EXPERIENCE).await["publicReason"],
        "Spam"
    );
    ada.submit("other", &filled).await.says("another version");
}

#[tokio::test]
async fn bad_input_is_named() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.link(7).await;
    for (options, says) in [
        (
            vec![("user", "0"), ("reason", "x"), ("experience", "7")],
            "Expected a Roblox user id",
        ),
        (vec![("user", "156"), ("reason", "x")], "Choose one"),
        (
            vec![("user", "156"), ("reason", "x"), ("experience", "9")],
            "not linked",
        ),
        (
            vec![
                ("user", "156"),
                ("reason", "x"),
                ("length", "7"),
                ("experience", "7"),
            ],
            "The length must be",
        ),
        (
            vec![
                ("user", "156"),
                ("reason", "a\u{202e}b"),
                ("experience", "7"),
            ],
            "The reason must not",
        ),
    ] {
        ada.command("ban", &options).await.says(says);
    }
    assert_eq!(workspace.bans().await, [] as [serde_json::Value; 0]);
}

#[tokio::test]
async fn ban_everywhere_needs_the_permission_and_a_button() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageGlobalBans]).await;
    let options = [
        ("user", "156"),
        ("reason", "**Spam** _and_ more"),
        ("private_reason", "p"),
        ("length", "30d"),
        ("global", "true"),
    ];
    let asked = ada.command("ban", &options).await;
    asked.says("Ban everywhere?");
    assert_eq!(asked.labels(), ["Ban everywhere", "Cancel"]);
    assert!(!workspace.is_banned(156, EXPERIENCE).await);
    ada.press(&asked, "Cancel")
        .await
        .says("Nothing was changed");

    let banned = ada.press(&asked, "Ban everywhere").await;
    banned.says("\"title\":\"Banned\"");
    let ban = workspace.check(156, EXPERIENCE).await;
    assert_eq!(
        (
            &ban["isGlobal"],
            &ban["publicReason"],
            &ban["privateReason"]
        ),
        (&json!(true), &json!("**Spam** _and_ more"), &json!("p"))
    );
    // A second press is the same ban.
    let again = ada.press(&asked, "Ban everywhere").await;
    assert_eq!(again.labels(), ["Undo"]);
    assert_eq!(again.button("Undo"), banned.button("Undo"));
    assert_eq!(workspace.bans().await.len(), 1);

    // Who may not ban everywhere cannot press it either.
    workspace.add_on_discord("Kim", KIM, &[ManageBans]).await;
    let kim = app.on_discord(GUILD, KIM);
    kim.press(&asked, "Ban everywhere")
        .await
        .says("manage_global_bans");
    kim.command("ban", &options)
        .await
        .says("manage_global_bans");
    kim.command("unban", &[("user", "156"), ("reason", "x")])
        .await
        .says("manage_global_bans");
}

#[tokio::test]
async fn form_for_everywhere_leads_to_the_button() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ManageGlobalBans]).await;
    let options = [("user", json!("156")), ("global", json!(true))];
    let reply = app.interact(&ada.command_body("ban", &options)).await;
    let id = reply["data"]["custom_id"].as_str().unwrap();
    let asked = ada.submit(id, &[("user", "156"), ("reason", "Spam")]).await;
    ada.press(&asked, "Ban everywhere").await;
    assert_eq!(workspace.check(156, EXPERIENCE).await["isGlobal"], true);
}

#[tokio::test]
async fn presets_bring_reasons_and_length_and_may_be_compulsory() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let preset = ReasonPreset {
        name: "Cheating".to_owned(),
        public_reason: "You used an exploit.".to_owned(),
        private_reason: String::new(),
        length: Some("30d".to_owned()),
    };
    let presets = ReasonPresets {
        compulsory: true,
        presets: vec![preset],
    };
    workspace.offer_reasons(&presets).await;
    let choices = ada.choices("ban", "reason", "chea").await;
    assert_eq!(choices, [("Cheating".to_owned(), "Cheating".to_owned())]);
    ada.command("ban", &[("user", "156"), ("reason", "Mine")])
        .await
        .says("Choose one of: Cheating");
    ada.command("ban", &[("user", "156"), ("reason", "Cheating")])
        .await;
    let ban = workspace.check(156, EXPERIENCE).await;
    assert_eq!(ban["publicReason"], "You used an exploit.");
    let length = ban["expires"].as_u64().unwrap() - ban["created"].as_u64().unwrap();
    assert_eq!(length, 30 * 86_400);
}

#[tokio::test]
async fn one_of_several_bans_is_chosen() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageGlobalBans]).await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    let global = Ban::of(156, EXPERIENCE).global().permanent();
    workspace.ban(global).await;
    let options = [("user", "156"), ("reason", "A *mistake*")];
    let asked = ada.command("unban", &options).await;
    let labels = ["Lift everywhere", "Lift in 75521396999004", "Cancel"];
    assert_eq!(asked.labels(), labels);
    let lifted = ada.press(&asked, "Lift everywhere").await;
    lifted.says("\"title\":\"Lifted\"");
    assert_eq!(workspace.check(156, EXPERIENCE).await["isGlobal"], false);
    assert!(workspace.is_banned(156, EXPERIENCE).await);
    let history = ada.command("history", &[("user", "156")]).await;
    history.says("A \\\\*mistake");

    // Someone changes the other one first.
    workspace.ban(Ban::of(156, EXPERIENCE).length("7d")).await;
    let late = ada.press(&asked, "Lift in 75521396999004").await;
    late.says("someone decided");
    assert!(workspace.is_banned(156, EXPERIENCE).await);
}

#[tokio::test]
async fn own_decision_is_undone_once_and_nobody_elses() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.add_on_discord("Kim", KIM, &[ManageBans]).await;
    let kim = app.on_discord(GUILD, KIM);
    let banned = ada
        .command("ban", &[("user", "156"), ("reason", "Spam")])
        .await;
    kim.press(&banned, "Undo").await.says("Someone else");
    assert!(workspace.is_banned(156, EXPERIENCE).await);
    let undone = ada.press(&banned, "Undo").await;
    undone.says("\"title\":\"Undone\"");
    assert_eq!(undone.labels(), [""; 0]);
    assert!(!workspace.is_banned(156, EXPERIENCE).await);
    ada.press(&banned, "Undo")
        .await
        .says("\"title\":\"Undone\"");
    let history = ada.command("history", &[("user", "156")]).await.text();
    assert_eq!(history.matches("Lifted the ban").count(), 1);

    // A lift is undone too, unless something was decided since.
    ada.command("ban", &[("user", "157"), ("reason", "Spam")])
        .await;
    let lifted = ada
        .command("unban", &[("user", "157"), ("reason", "x")])
        .await;
    ada.press(&lifted, "Undo").await.says("in force again");
    assert!(workspace.is_banned(157, EXPERIENCE).await);
    let second = ada
        .command("unban", &[("user", "157"), ("reason", "x")])
        .await;
    kim.command("ban", &[("user", "157"), ("reason", "Again")])
        .await;
    ada.press(&second, "Undo").await.says("Not undone");
    assert!(workspace.is_banned(157, EXPERIENCE).await);
}
