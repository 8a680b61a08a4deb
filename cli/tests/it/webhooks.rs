//! Tests of `portcullis webhook`.

use crate::harness::{Operator, assert_refused, command, stderr, stdout};
use end_to_end::{Ban, Reply, TestApp, WebhookReceiver, Workspace};
use serde_json::{Value, json};
use shared::domain::event::EventName;
use shared::domain::webhooks::SigningSecret;
use shared::store::Key;

pub const EXPERIENCE: u64 = 7;

pub async fn still() -> TestApp {
    TestApp::builder().without_mappings().start().await
}

/// Runs the function that sends the due deliveries of an endpoint.
pub async fn deliver(workspace: &Workspace<'_>, id: &str) {
    let event = json!({ "workspace": workspace.prefix(), "endpoint": id }).to_string();
    let runtime = workspace.app().runtime();
    runtime
        .invoke("deliver-webhooks", event.into())
        .await
        .unwrap();
}

/// Publishes the events of the bans of these users, and creates their deliveries.
pub async fn ban(workspace: &Workspace<'_>, users: &[u64]) {
    let (app, prefix) = (workspace.app(), workspace.id().prefix());
    for user in users {
        workspace.ban(Ban::of(*user, EXPERIENCE).permanent()).await;
        let items = app.items(&format!("{prefix}#U#{user}")).await;
        let decision = items.iter().find(|item| item["kind"]["S"] == "decision");
        let text = |name: &str| decision.unwrap()[name]["S"].as_str().unwrap().to_owned();
        let (pk, sk) = (text("pk"), text("sk"));
        let events = app.store().log(prefix, &[Key { pk, sk }]).await.unwrap();
        app.store().fan_out(prefix, &events).await.unwrap();
    }
}

pub fn id(shown: &Value) -> String {
    shown["id"].as_str().unwrap().to_owned()
}

fn secret(shown: &Value) -> SigningSecret {
    let text = shown["secret"].as_str().unwrap().to_owned();
    SigningSecret::try_from(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_webhook_shows_its_secret_once() {
    let app = still().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let hook = WebhookReceiver::start();
    let url = format!("{}?token=hunter2", hook.url());
    let added = operator.json(&["webhook", "add", &url, "--name", "staff panel"]);
    let id = id(&added);
    let secret = secret(&added);
    assert!(id.starts_with("we_"), "{added}");
    assert_eq!(
        added["events"],
        json!(EventName::ALL.map(EventName::as_str)),
        "all events"
    );
    let some = [
        "webhook",
        "add",
        "https://example.com/x",
        "--events",
        "GAME_UNBANNED,game_banned",
    ];
    let some = operator.json(&some);
    assert_eq!(some["events"], json!(["GAME_BANNED", "GAME_UNBANNED"]));

    let listed = operator.run(&["webhook", "list"]);
    let text = stdout(&listed);
    assert!(text.contains("staff panel") && text.contains(&id), "{text}");
    let shown = operator.run(&["webhook", "show", &id]);
    for (said, tells) in [(&text, false), (&stdout(&shown), true)] {
        assert!(!said.contains("whsec_"), "{said}");
        assert_eq!(said.contains("hunter2"), tells, "{said}");
    }
    let stored = operator.json(&["webhook", "list"]);
    assert_eq!(stored.as_array().unwrap().len(), 2);

    hook.now(|_, _| Reply::Status(200, "ok"));
    ban(&workspace, &[1]).await;
    // The endpoint is called with the query of its URL.
    deliver(&workspace, &id).await;
    let received = hook.received();
    assert_eq!(received.len(), 1);
    assert!(received[0].is_signed_by(&secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_urls_are_refused() {
    let app = still().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    for (url, why) in [
        ("http://example.com/hook", "https://"),
        (
            "https://user:secret@example.com/",
            "user name or a password",
        ),
        ("https://example.com:22/", "port"),
        ("example.com", "not a valid URL"),
        ("https://example.com/#part", "fragment"),
    ] {
        assert_refused(&operator.run(&["webhook", "add", url]), 2, why);
    }
    for url in [
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "https://[::ffff:10.0.0.1]/",
    ] {
        let refused = operator.run(&["webhook", "add", url]);
        assert_refused(&refused, 1, "not a public address");
    }
    assert_refused(
        &operator.run(&[
            "webhook",
            "add",
            "https://example.com/",
            "--events",
            "GAME_OVER",
        ]),
        2,
        "GAME_BANNED",
    );
    assert_refused(
        &operator.run(&["webhook", "show", "we_0123456789ab"]),
        1,
        "webhook list",
    );
    assert_eq!(operator.json(&["webhook", "list"]), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_listed_and_failed_ones_replayed() {
    let app = still().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let hook = WebhookReceiver::that(|one, _| match one.json()["data"]["robloxId"].as_u64() {
        Some(2) => Reply::Status(410, "gone fishing"),
        _ => Reply::Status(200, "thanks"),
    });
    let id = id(&operator.json(&["webhook", "add", &hook.url()]));
    ban(&workspace, &[1]).await;
    deliver(&workspace, &id).await;
    ban(&workspace, &[2]).await;
    deliver(&workspace, &id).await;

    let all = operator.json(&["webhook", "deliveries", &id]);
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 2);
    let (failed, delivered) = (&all[0], &all[1]);
    assert_eq!(
        (&failed["state"], &failed["status"]),
        (&json!("failed"), &json!(410))
    );
    assert_eq!(failed["answer"], "gone fishing");
    assert_eq!(
        (&failed["userId"], &delivered["userId"]),
        (&json!(2), &json!(1))
    );
    let sent = hook.received();
    assert_eq!(failed["body"], sent[1].json(), "what was sent");
    let listed = |more: &[&str]| {
        let all = ["webhook", "deliveries", &id, "--wide"];
        stdout(&operator.run(&[&all[..], more].concat()))
    };
    assert!(listed(&[]).contains("USER"), "{}", listed(&[]));
    assert!(!listed(&[]).contains("robloxId"), "{}", listed(&[]));
    assert!(listed(&["--body"]).contains("robloxId"), "{}", listed(&[]));
    assert_eq!(
        (&delivered["state"], &delivered["position"]),
        (&json!("delivered"), &json!(1))
    );
    assert!(delivered["milliseconds"].is_u64() && delivered["tried"].is_string());
    let some = operator.json(&["webhook", "deliveries", &id, "--state", "failed"]);
    assert_eq!(some, json!([failed]));
    let one = operator.json(&["webhook", "deliveries", &id, "--limit", "1"]);
    assert_eq!(one, json!([failed]));

    // After a 410, `doctor` reports it, and nothing is sent until it is resumed.
    let doctor = operator.run(&["doctor", "--output", "json"]);
    let findings: Value = serde_json::from_str(&stdout(&doctor)).unwrap();
    let of_endpoint = |one: &&Value| one["check"] == format!("webhook {id}");
    let finding = findings
        .as_array()
        .unwrap()
        .iter()
        .find(of_endpoint)
        .unwrap();
    assert_eq!(finding["result"], "failed");
    let replay = ["webhook", "replay", &id, "--since", "1h"];
    assert_refused(&operator.run(&replay), 1, "webhook resume");
    let test = ["webhook", "test", &id];
    assert_refused(&operator.run(&test), 1, "webhook resume");
    let resumed = operator.json(&["webhook", "resume", &id]);
    assert_eq!(
        (&resumed["state"], &resumed["pausedFor"]),
        (&json!("active"), &json!(null))
    );

    hook.now(|_, _| Reply::Status(200, "back"));
    let counted = operator.json(&[&replay[..], &["--dry-run"]].concat());
    let expected = |replayed: u64, dry: bool| json!({ "endpoint": id, "events": 2, "replayed": replayed, "dryRun": dry });
    assert_eq!(counted, expected(1, true));
    assert_eq!(operator.json(&replay), expected(1, false));
    deliver(&workspace, &id).await;
    assert_eq!(hook.received().len(), 3);
    assert_eq!(
        operator.json(&[&replay[..], &["--all"]].concat()),
        expected(2, false)
    );
    deliver(&workspace, &id).await;
    assert_eq!(hook.received().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_settings_keeps_secret_and_deliveries() {
    let app = still().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let (old, new) = (WebhookReceiver::start(), WebhookReceiver::start());
    let added = operator.json(&["webhook", "add", &old.url(), "--events", "GAME_UNBANNED"]);
    let (id, secret) = (id(&added), secret(&added));
    let set = |more: &[&str]| operator.json(&[&["webhook", "set", &id], more].concat());
    assert_eq!(set(&["--name", "-1 panel"])["name"], "-1 panel");
    assert_eq!(
        set(&["--events", "GAME_BANNED"])["events"],
        json!(["GAME_BANNED"])
    );
    ban(&workspace, &[1]).await;
    deliver(&workspace, &id).await;
    let moved = set(&["--url", &new.url()]);
    assert_eq!(moved["name"], "-1 panel");
    assert_eq!(
        set(&["--all-events"])["events"].as_array().unwrap().len(),
        EventName::ALL.len()
    );
    ban(&workspace, &[2]).await;
    deliver(&workspace, &id).await;
    assert_eq!((old.received().len(), new.received().len()), (1, 1));
    assert!(new.received()[0].is_signed_by(&secret));
    let all = operator.json(&["webhook", "deliveries", &id]);
    assert_eq!(all.as_array().unwrap().len(), 2);
    for (wrong, code, what) in [
        (vec!["webhook", "set", &id], 2, "--url"),
        (
            vec!["webhook", "set", &id, "--url", "https://10.0.0.1/"],
            1,
            "not a public",
        ),
        (
            vec!["webhook", "set", "we_0123456789ab", "--name", "x"],
            1,
            "webhook list",
        ),
    ] {
        assert_refused(&operator.run(&wrong), code, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn test_shows_the_response() {
    let app = still().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let hook = WebhookReceiver::that(|_, at| match at {
        0 => Reply::Status(200, "here I am"),
        _ => Reply::Status(500, "not now"),
    });
    let id = id(&operator.json(&["webhook", "add", &hook.url()]));
    for (status, answer, code) in [(200, "here I am", 0), (500, "not now", 1)] {
        let mut program = command();
        program
            .args(["--endpoint", app.database().endpoint()])
            .args(["webhook", "test", &id, "--wait", "20", "--output", "json"])
            .env("PORTCULLIS_WORKSPACE", workspace.guid());
        let testing = tokio::task::spawn_blocking(move || program.output().unwrap());
        while !testing.is_finished() {
            deliver(&workspace, &id).await;
        }
        let done = testing.await.unwrap();
        assert_eq!(done.status.code(), Some(code), "{}", stderr(&done));
        let shown: Value = serde_json::from_str(&stdout(&done)).unwrap();
        assert_eq!(
            (&shown["status"], &shown["answer"]),
            (&json!(status), &json!(answer))
        );
        assert_eq!(shown["event"], "TEST");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_is_paused_rotated_and_removed() {
    let app = still().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let hook = WebhookReceiver::start();
    let added = operator.json(&["webhook", "add", &hook.url()]);
    let (id, old) = (id(&added), secret(&added));
    assert_eq!(operator.json(&["webhook", "pause", &id])["state"], "paused");
    ban(&workspace, &[1]).await;
    deliver(&workspace, &id).await;
    assert!(hook.received().is_empty());
    operator.json(&["webhook", "resume", &id]);

    let rotated = operator.json(&["webhook", "rotate", &id]);
    assert!(rotated["overlapUntil"].is_string(), "{rotated}");
    let new = secret(&rotated);
    ban(&workspace, &[2]).await;
    deliver(&workspace, &id).await;
    let received = hook.received();
    assert!(received[0].is_signed_by(&old) && received[0].is_signed_by(&new));
    let newest = operator.json(&["webhook", "rotate", &id, "--overlap", "0"]);
    ban(&workspace, &[3]).await;
    deliver(&workspace, &id).await;
    let received = hook.received();
    assert!(received[1].is_signed_by(&secret(&newest)));
    assert!(!received[1].is_signed_by(&new) && !received[1].is_signed_by(&old));

    let remove = ["webhook", "remove", &id];
    assert_refused(&operator.run(&remove), 1, "Cancelled");
    operator.json(&[&remove[..], &["--dry-run"]].concat());
    assert_eq!(
        operator
            .json(&["webhook", "list"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
    operator.json(&[&remove[..], &["--yes"]].concat());
    assert_eq!(operator.json(&["webhook", "list"]), json!([]));
    assert!(
        app.items(&format!("{}#D#", workspace.prefix()))
            .await
            .is_empty()
    );
}
