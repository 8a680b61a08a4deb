//! The happy path of every command.

use std::collections::BTreeMap;

use end_to_end::discord::assert_described;
use end_to_end::{Ban, Call, TestApp};
use serde_json::json;
use shared::domain::discord::COMMANDS;
use shared::domain::members::MemberPermission::{Administrator, ManageBans, View};

use crate::{EXPERIENCE, with_ada};

#[test]
fn discord_accepts_the_commands_as_they_are_registered() {
    let mut body = serde_json::to_value(COMMANDS).unwrap();
    for command in body.as_array_mut().unwrap() {
        // The description has a number; the documentation, which prevails, a text.
        if let Some(bits) = command["default_member_permissions"].as_str() {
            command["default_member_permissions"] = json!(bits.parse::<u64>().unwrap());
        }
    }
    let path = "/applications/613425648685547001/commands";
    assert_described("PUT", path, &body);
}

#[tokio::test]
async fn player_is_banned_checked_and_unbanned() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let options = [
        ("user", "156"),
        ("length", "7d"),
        ("reason", "Spam @everyone"),
        ("private_reason", "Seen by Kim"),
    ];
    let banned = ada.command("ban", &options).await;
    assert_eq!(banned.0["flags"], 64);
    banned.says("\"title\":\"Banned\"");
    banned.says("<t:");
    banned.says("Seen by Kim");
    assert_eq!(banned.labels(), ["Undo"]);
    let ban = workspace.check(156, EXPERIENCE).await;
    assert_eq!(
        (
            &ban["publicReason"],
            &ban["privateReason"],
            &ban["moderatorId"]
        ),
        (&json!("Spam @everyone"), &json!("Seen by Kim"), &json!(1))
    );
    let length = ban["expires"].as_u64().unwrap() - ban["created"].as_u64().unwrap();
    assert_eq!(length, 7 * 86_400);

    let link = "https://www.roblox.com/users/156/profile";
    let checked = ada.command("check", &[("user", link)]).await;
    checked.says("\"title\":\"Banned\"");
    let again = ada.command("ban", &options).await;
    again.says("already banned");

    let lifted = ada
        .command("unban", &[("user", "156"), ("reason", "Appealed")])
        .await;
    lifted.says("\"title\":\"Lifted\"");
    assert!(!workspace.is_banned(156, EXPERIENCE).await);
    ada.command("check", &[("user", "156")])
        .await
        .says("\"title\":\"Not banned\"");
    let nothing = ada
        .command("unban", &[("user", "157"), ("reason", "x")])
        .await;
    nothing.says("has no ban in force");

    let history = ada.command("history", &[("user", "156")]).await;
    history.says("Lifted the ban in experience 75521396999004, by Ada");
    history.says("Banned in experience 75521396999004 until");
    history.says("Appealed");
    let events = Call::get("/events");
    let events = workspace.send(events).await.success();
    let actors = events["list"].as_array().into_iter().flatten();
    let channels: Vec<_> = actors.map(|it| it["actor"]["channel"].clone()).collect();
    assert!(channels.iter().all(|it| it == "discord"), "{events}");
}

#[tokio::test]
async fn bans_are_listed_as_a_whole_and_by_experience() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[View]).await;
    workspace.link(7).await;
    ada.command("bans", &[]).await.says("No ban is in force");
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    workspace.ban(Ban::of(157, 7).permanent()).await;
    let all = ada.command("bans", &[]).await;
    all.says("users/156/");
    all.says("users/157/");
    let one = ada.command("bans", &[("experience", "7")]).await;
    one.says("users/157/");
    one.does_not_say("users/156/");
    ada.command("bans", &[("experience", "x")])
        .await
        .says("place id");
    // Private reasons need `manage_bans`.
    let secret = Ban::of(158, 7).permanent().reasons("A secret", "Public");
    workspace.ban(secret).await;
    let checked = ada.command("check", &[("user", "158")]).await;
    checked.says("Public");
    checked.does_not_say("A secret");
}

#[tokio::test]
async fn experiences_are_listed_linked_and_unlinked() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[Administrator]).await;
    ada.command("places", &[]).await.says("75521396999004");
    let options = [("placeid", "7"), ("placename", "The *lobby*")];
    let added = ada.command("addplace", &options).await;
    added.says("Experience 7 (The ");
    added.says("is linked");
    ada.command("places", &[]).await.says("games/7>");
    ada.command("addplace", &[("placeid", "x")])
        .await
        .says("is a number");
    let global = Ban::of(156, EXPERIENCE).global().permanent();
    workspace.ban(global).await;
    app.quiet().await;
    workspace.await_pending_bans(7, &[156]).await;

    let asked = ada.command("removeplace", &[("placeid", "7")]).await;
    assert_eq!(asked.labels(), ["Unlink", "Cancel"]);
    ada.press(&asked, "Cancel")
        .await
        .says("Nothing was changed");
    ada.command("places", &[]).await.says("games/7>");
    ada.press(&asked, "Unlink").await.says("is unlinked");
    ada.command("places", &[]).await.does_not_say("games/7>");
    ada.command("removeplace", &[("placeid", "7")])
        .await
        .says("not linked");
    workspace.await_pending_bans(7, &[]).await;
}

#[tokio::test]
async fn new_key_is_shown_once_and_works() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[Administrator]).await;
    let shown = ada.command("newapikey", &[("name", "Game servers")]).await;
    assert_eq!(shown.0["flags"], 64);
    let text = shown.text();
    let key = text.split('`').find(|it| it.starts_with("sentinelAPI."));
    let key = key.unwrap_or_else(|| panic!("{text}"));
    workspace
        .with_key(key)
        .ban(Ban::of(156, EXPERIENCE).permanent())
        .await;
    let keys = app.store().keys(workspace.id().prefix()).await.unwrap();
    let names: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
    assert!(names.contains(&"Game servers"), "{names:?}");
    let logs = app.runtime().logs("discord-interactions");
    assert!(logs.iter().all(|line| !line.text.contains(key)));
}

#[tokio::test]
async fn commands_of_the_original_say_what_serves_instead() {
    let app = TestApp::start().await;
    let (_workspace, ada) = with_ada(&app, &[View]).await;
    ada.command("setkey", &[]).await.says("/newapikey");
    ada.command("uninstall", &[]).await.says("Integrations");
    ada.command("frobnicate", &[]).await.says("no such command");
}

#[tokio::test]
async fn every_registered_command_is_known() {
    let app = TestApp::start().await;
    let (_workspace, ada) = with_ada(&app, &[]).await;
    let mut answers = BTreeMap::new();
    for command in COMMANDS {
        let options = command.options.iter().filter(|option| option.required);
        let options: Vec<_> = options.map(|option| (option.name, "156")).collect();
        answers.insert(command.name, ada.command(command.name, &options).await);
    }
    for (command, shown) in answers {
        shown.does_not_say("no such command");
        let is_for_everyone = [
            "verify",
            "unverify",
            "update",
            "whois",
            "setkey",
            "uninstall",
        ];
        if !is_for_everyone.contains(&command) {
            shown.says("You lack the permission");
        }
    }
}

#[tokio::test]
async fn choices_come_from_our_own_tables() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    let values = |choices: Vec<(String, String)>| -> Vec<String> {
        choices.into_iter().map(|(_, value)| value).collect()
    };
    assert_eq!(
        values(ada.choices("check", "user", "15").await),
        ["15", "156"]
    );
    assert_eq!(values(ada.choices("check", "user", "").await), ["156"]);
    let places = ada.choices("bans", "experience", "7552").await;
    assert_eq!(values(places), ["75521396999004"]);
    assert_eq!(values(ada.choices("ban", "length", "7d").await), ["7d"]);
    assert_eq!(ada.choices("ban", "global", "x").await, []);
    // Nobody else learns anything.
    let stranger = app.on_discord(ada.guild, local_stack::discord::NOOR);
    assert_eq!(stranger.choices("check", "user", "15").await, []);
}
