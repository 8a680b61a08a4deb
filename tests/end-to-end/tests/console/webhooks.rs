//! Webhooks in the settings: added with a secret that is shown once, tested, paused, and removed.

use std::time::Duration;

use end_to_end::{Ban, Browser, Reply, TestApp, WebhookReceiver, Workspace};
use shared::domain::members::MemberPermission::{Administrator, ManageBans, ManageGlobalBans};

const EXPERIENCE: u64 = 75_521_396_999_004;

const LIST: &str = "/console/settings/webhooks";

/// The paths of a workspace's only webhook: its page, and below it.
async fn path(workspace: &Workspace<'_>) -> String {
    let endpoints = workspace.app().store().endpoints(workspace.id().prefix());
    let endpoints = endpoints.await.unwrap();
    assert_eq!(endpoints.len(), 1);
    format!("{LIST}/{}", endpoints[0].id)
}

/// Reloads a page until it contains a text.
async fn shows(browser: &mut Browser, path: &str, text: &str) {
    for _ in 0..100 {
        if browser.get(path).await.text.contains(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no {text} in {}", browser.get(path).await);
}

#[tokio::test]
async fn webhook_is_added_receives_events_and_is_removed() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let refused = ada.submit(LIST, LIST, &[("url", "ftp://<b>")]).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert!(refused.text.contains("ftp://&#60;b&#62;"), "{refused}");
    let url = hook.url();
    let fields = [
        ("url", url.as_str()),
        ("name", "Panel"),
        ("event", "GAME_BANNED"),
    ];
    let added = ada.submit_shown(&refused, LIST, &fields).await;
    assert_eq!(added.status, 200, "{added}");
    assert!(added.text.contains("whsec_"), "{added}");
    let again = ada.submit_shown(&refused, LIST, &fields).await;
    assert_eq!(again.status, 409, "{again}");
    let path = path(&workspace).await;
    let page = ada.get(&path).await;
    assert!(
        !page.text.contains("whsec_") && page.text.contains("No deliveries yet"),
        "{page}"
    );

    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    app.settle().await;
    shows(&mut ada, &path, "state\">Delivered<").await;
    let failed = ada.get(&format!("{path}?state=failed")).await;
    assert!(
        failed.text.contains("No delivery is in this state"),
        "{failed}"
    );

    let remove = format!("{path}/remove");
    let refused = ada.submit(&path, &remove, &[("name", "panel")]).await;
    assert_eq!(refused.status, 422, "{refused}");
    let removed = ada
        .submit_shown(&refused, &remove, &[("name", "Panel")])
        .await;
    let page = ada.follow(&removed).await;
    assert!(page.text.contains("No webhooks yet"), "{page}");
    assert_eq!(ada.get(&path).await.status, 404);
}

#[tokio::test]
async fn channel_of_discord_is_added_shows_bans_of_the_console_and_no_token() {
    const WEBHOOK: u64 = 613_425_648_685_547_702;
    const TOKEN: &str = "token-of-a-channel";
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    // The experience of the form.
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    app.settle().await;
    let url = app.discord().add_webhook(WEBHOOK, TOKEN);
    let permissions = [Administrator, ManageBans];
    let mut ada = workspace.signed_in("Ada", &permissions).await;
    let fields = [("url", url.as_str()), ("event", "GAME_BANNED")];
    let refused = ada.submit(LIST, LIST, &fields).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert!(refused.text.contains("tick the box"), "{refused}");
    let fields = [&fields[..], &[("discord", "1")]].concat();
    let added = ada.submit_shown(&refused, LIST, &fields).await;
    assert_eq!(added.status, 200, "{added}");
    assert!(!added.text.contains("whsec_"), "{added}");
    let path = path(&workspace).await;
    let page = ada.get(&path).await;
    let masked = format!("https://discord.com/api/webhooks/{WEBHOOK}/***");
    for page in [&refused, &added, &page] {
        assert!(!page.text.contains(TOKEN), "{page}");
    }
    assert!(
        added.text.contains(&masked) && page.text.contains(&masked),
        "{page}"
    );

    let experience = EXPERIENCE.to_string();
    let ban = [
        ("experience", experience.as_str()),
        ("scope", "experience"),
        ("length", "7d"),
        ("public_reason", "Spamming"),
        ("private_reason", "seen in the lobby"),
    ];
    let made = ada
        .submit("/console/ban?user=156", "/console/ban", &ban)
        .await;
    assert_eq!(made.status, 303, "{made}");
    app.settle().await;
    shows(&mut ada, &path, "state\">Delivered<").await;
    let messages = app.discord().messages(WEBHOOK);
    let text = format!("{messages:?}");
    assert!(
        text.contains("Spamming") && text.contains("in the console"),
        "{text}"
    );
    assert!(!text.contains("lobby"), "{text}");

    app.discord().delete_webhook(WEBHOOK);
    workspace.ban(Ban::of(2, EXPERIENCE).permanent()).await;
    app.settle().await;
    shows(&mut ada, &path, "Paused: deleted in Discord").await;
}

#[tokio::test]
async fn webhook_is_tested_paused_and_resumed_and_sends_again() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::that(|_, _| Reply::Status(500, "<img src=x> not today"));
    let endpoint = workspace.add_endpoint(&hook.url(), |_| {}).await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let path = format!("{LIST}/{}", endpoint.id);
    let tested = ada.submit(&path, &format!("{path}/test"), &[]).await;
    assert_eq!(tested.status, 303, "{tested}");
    app.run_schedule("deliver-webhooks", r#"{"sweep":true}"#)
        .await;
    app.background_settled().await;
    let page = ada.get(&path).await;
    assert!(page.text.contains("HTTP 500 after"), "{page}");
    assert!(!page.text.contains("<img"), "{page}");

    let paused = ada.submit(&path, &format!("{path}/pause"), &[]).await;
    let page = ada.follow(&paused).await;
    assert!(page.text.contains(">Paused<"), "{page}");
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    app.settle().await;
    hook.now(|_, _| Reply::Status(200, "ok"));
    let resumed = ada
        .submit_shown(&page, &format!("{path}/resume"), &[])
        .await;
    let page = ada.follow(&resumed).await;
    assert!(!page.text.contains("state\">Delivered<"), "{page}");
    let replay = format!("{path}/replay");
    let replayed = ada.submit_shown(&page, &replay, &[("since", "1h")]).await;
    assert_eq!(replayed.status, 303, "{replayed}");
    app.run_schedule("deliver-webhooks", r#"{"sweep":true}"#)
        .await;
    app.background_settled().await;
    shows(&mut ada, &path, "state\">Delivered<").await;
}

#[tokio::test]
async fn webhooks_are_for_administrators_of_their_workspace() {
    let app = TestApp::start().await;
    let first = app.workspace().await;
    let second = app.workspace().await;
    let hook = WebhookReceiver::start();
    let endpoint = first.add_endpoint(&hook.url(), |_| {}).await;
    let path = format!("{LIST}/{}", endpoint.id);
    let mut moderator = first.signed_in("Mo", &[ManageGlobalBans]).await;
    let mut stranger = second.signed_in("Mallory", &[Administrator]).await;
    for page in [LIST, &path] {
        assert_eq!(moderator.get(page).await.status, 403, "{page}");
    }
    assert_eq!(stranger.get(&path).await.status, 404);
    let page = stranger.get(LIST).await;
    let (_, token) = page.text.split_once("name=\"csrf\" value=\"").unwrap();
    let token = token.split('"').next().unwrap().to_owned();
    let name = endpoint.id.to_string();
    for action in ["pause", "resume", "test", "replay", "remove"] {
        let fields = [("csrf", token.as_str()), ("name", &name), ("since", "1h")];
        let refused = stranger.post(&format!("{path}/{action}"), &fields).await;
        assert_eq!(refused.status, 404, "{action}: {refused}");
    }
    let stored = app.store().endpoint(first.id().prefix(), endpoint.id).await;
    assert!(stored.unwrap().unwrap().is_active());
}
