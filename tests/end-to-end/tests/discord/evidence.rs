//! "Use as evidence": the files of a message become evidence for a player's ban.

use end_to_end::discord::{OnDiscord, Shown};
use end_to_end::{Ban, Call, TestApp, Workspace};
use local_stack::discord::{DiscordFault, FakeGuild, KIM};
use local_stack::faults::Rule;
use serde_json::{Value, json};
use shared::domain::members::MemberPermission::{ManageBans, View};

use crate::{EXPERIENCE, with_ada};

const MENU: &str = "Use as evidence";
const OTHER_GUILD: u64 = 613_425_648_685_547_542;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
const TEXT: &[u8] = "Chat: \u{201c}I fly\u{201d}".as_bytes();

fn picture(app: &TestApp) -> Value {
    app.discord().add_file("flying.png", "image/png", PNG)
}

fn log(app: &TestApp) -> Value {
    app.discord()
        .add_file("chat.txt", "text/plain; charset=utf-8", TEXT)
}

async fn opened(ada: &OnDiscord<'_>, files: &[Value]) -> Shown {
    let shown = ada.message_menu(MENU, files).await;
    assert_eq!(shown.0["custom_id"], "evidence", "{}", shown.0);
    shown
}

fn form(ada: &OnDiscord<'_>, user: &str, files: &str, comment: &str) -> Value {
    let fields = [("user", user), ("files", files), ("comment", comment)];
    ada.submit_body("evidence", &fields)
}

/// Adds these files to a user's ban.
async fn used(app: &TestApp, ada: &OnDiscord<'_>, user: &str, files: &[Value]) -> Shown {
    let links = opened(ada, files).await.prefilled("files");
    app.interact_to_the_end(&form(ada, user, &links, "")).await
}

/// The newest evidence of the only ban.
async fn evidence(workspace: &Workspace<'_>) -> Vec<Value> {
    let bans = workspace.bans().await;
    let guid = bans[0]["guid"].as_str().unwrap();
    let call = Call::get(&format!("/bans/{guid}/evidence"));
    let answer = workspace.send(call).await.success();
    answer["list"].as_array().unwrap().clone()
}

#[tokio::test]
async fn files_are_copied_checked_and_recorded_once() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    let files = [picture(&app), log(&app)];
    let links = opened(&ada, &files).await.prefilled("files");
    let urls = files.iter().map(|file| file["url"].as_str().unwrap());
    assert_eq!(links.lines().collect::<Vec<_>>(), urls.collect::<Vec<_>>());

    // By name, which needs Roblox.
    let body = form(&ada, "@builderman", &links, "Flies over the map");
    app.defer(&body).await;
    let shown = app.interact_to_the_end(&body).await;
    shown.says("\"title\":\"Evidence added\"");
    shown.says("2 files");
    let pieces = evidence(&workspace).await;
    assert_eq!(pieces.len(), 2, "{pieces:?}");
    for (piece, (name, kind, bytes)) in pieces.iter().rev().zip([
        ("flying.png", "image/png", PNG),
        ("chat.txt", "text/plain", TEXT),
    ]) {
        assert_eq!(
            (&piece["fileName"], &piece["contentType"]),
            (&json!(name), &json!(kind))
        );
        assert_eq!(piece["state"], "available");
        assert_eq!(piece["metadata"]["comment"], "Flies over the map");
        let guid = piece["evidenceGuid"].as_str().unwrap();
        shown.says(guid);
        let call = Call::get(&format!("/evidence/{guid}/metadata"));
        let link = workspace.send(call).await.success()["streamUri"].clone();
        let file = app.download(link.as_str().unwrap()).await.unwrap();
        assert_eq!(file, bytes);
    }
    app.quiet().await;
    let events = workspace.send(Call::get("/events")).await.success();
    let events = events["list"].as_array().unwrap().clone();
    let added: Vec<_> = events
        .iter()
        .filter(|it| it["event"] == "EVIDENCE_ADDED")
        .collect();
    assert_eq!(added.len(), 2);
    for event in added {
        assert_eq!(event["robloxId"], 156);
        assert_eq!(event["actor"]["type"], "member");
        assert_eq!(event["actor"]["channel"], "discord");
    }

    // The same form again adds nothing, and says the same.
    let again = app.interact_to_the_end(&body).await;
    app.background_settled().await;
    assert_eq!(again, shown);
    assert_eq!(evidence(&workspace).await.len(), 2);
    for function in ["discord-interactions", "discord-worker"] {
        for line in app.runtime().logs(function) {
            let text = &line.text;
            assert!(!text.contains("hm=") && !text.contains("Flies"), "{text}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_evidence_is_named_and_the_rest_is_added() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    let gone = json!({ "url": format!("https://cdn.discordapp.com/attachments/1/2/gone.png?ex=1&is=1&hm=1") });
    let files = [
        app.discord().add_file("page.html", "text/html", b"<html>"),
        app.discord()
            .add_file("fake.png", "image/png", b"no picture"),
        app.discord().add_file("empty.txt", "text/plain", b""),
        gone,
        log(&app),
    ];
    let shown = used(&app, &ada, "156", &files).await;
    shown.says("1 of 5 files");
    shown.says("Not added: it is of another type");
    shown.says("Not added: it is not what its type says");
    shown.says("Not added: it is empty");
    shown.says("Not added: its link has expired");
    let pieces = evidence(&workspace).await;
    let names: Vec<_> = pieces.iter().map(|piece| &piece["fileName"]).collect();
    assert_eq!(names, ["chat.txt"]);
    let none = used(&app, &ada, "156", &files[..2]).await;
    none.says("\"title\":\"No evidence added\"");
}

#[tokio::test]
async fn failures_of_discord_are_waited_for_and_then_named() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    let on = |fault, times| {
        Rule::from(fault)
            .on("/attachments/".to_owned())
            .times(times)
    };
    app.discord().fail(on(DiscordFault::TooMany(0.3), 1));
    app.discord().fail(on(DiscordFault::Html(502), 1));
    used(&app, &ada, "156", &[picture(&app)])
        .await
        .says("1 of 1 file");
    app.discord().fail(on(DiscordFault::Html(503), 3));
    let down = used(&app, &ada, "156", &[log(&app)]).await;
    down.says("Not added: Discord does not return it");
    app.discord().fail(on(DiscordFault::Error(403, 0), 1));
    let refused = used(&app, &ada, "156", &[log(&app)]).await;
    refused.says("Not added: its link has expired");
    assert_eq!(evidence(&workspace).await.len(), 1);
}

#[tokio::test]
async fn newest_ban_in_force_gets_the_evidence() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let none = used(&app, &ada, "156", &[log(&app)]).await;
    none.says("has no ban in force");
    workspace.link(7).await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    workspace.ban(Ban::of(156, 7).permanent()).await;
    let newest = workspace.check(156, 7).await["guid"].clone();
    let shown = used(&app, &ada, "156", &[log(&app)]).await;
    shown.says(newest.as_str().unwrap());
    shown.says("in experience 7");
}

#[tokio::test]
async fn only_who_may_ban_uses_messages_and_only_with_files_of_discord() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    ada.message_menu(MENU, &[])
        .await
        .says("This message has no file");
    let elsewhere = json!({ "url": "https://example.com/a.png" });
    ada.message_menu(MENU, &[elsewhere]).await.says("no file");
    let calls = app.discord().exchanges().len();
    for files in [
        "https://example.com/a.png",
        "http://127.0.0.1/attachments/1/2/a.png",
        "x",
    ] {
        let sent = app.interact_to_the_end(&form(&ada, "156", files, "")).await;
        sent.says("must be the link to a file on Discord");
    }
    assert_eq!(app.discord().exchanges().len(), calls);

    workspace.add_on_discord("Kim", KIM, &[View]).await;
    let kim = app.on_discord(ada.guild, KIM);
    kim.message_menu(MENU, &[log(&app)])
        .await
        .says("You lack the permission");
    let links = log(&app)["url"].as_str().unwrap().to_owned();
    let sent = app
        .interact_to_the_end(&form(&kim, "156", &links, ""))
        .await;
    sent.says("You lack the permission");
    assert_eq!(evidence(&workspace).await, [] as [Value; 0]);
}

#[tokio::test]
async fn ban_of_another_workspace_is_none() {
    let app = TestApp::builder().with_faults().start().await;
    let (first, _) = with_ada(&app, &[ManageBans]).await;
    first.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    app.discord()
        .set_guild(OTHER_GUILD, FakeGuild::new(KIM).member(KIM, &[]));
    let second = app.workspace().await;
    second.link_guild(OTHER_GUILD).await;
    second.add_on_discord("Kim", KIM, &[ManageBans]).await;
    let kim = app.on_discord(OTHER_GUILD, KIM);
    let shown = used(&app, &kim, "156", &[log(&app)]).await;
    shown.says("has no ban in force");
    assert_eq!(evidence(&first).await, [] as [Value; 0]);
}

#[tokio::test]
async fn interrupted_copy_is_finished_by_a_repeat() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    let links = log(&app)["url"].as_str().unwrap().to_owned();
    let body = form(&ada, "156", &links, "");
    app.interact_to_the_end(&body).await.says("1 of 1 file");
    // As if the first attempt had ended after the upload and before the check.
    let mut item = workspace.stored_of("evidence").await.remove(0);
    assert_eq!(item["state"], json!({ "S": "available" }));
    item["state"] = json!({ "S": "pending" });
    app.put_item(&item).await;
    app.interact_to_the_end(&body).await.says("1 of 1 file");
    app.background_settled().await;
    let pieces = evidence(&workspace).await;
    assert_eq!(
        (pieces.len(), &pieces[0]["state"]),
        (1, &json!("available"))
    );
}
