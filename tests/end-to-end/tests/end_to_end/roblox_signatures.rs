//! Only notifications signed recently with a workspace's secret are accepted.

use end_to_end::{ApiResponse, Ban, Call, Notification, TestApp, now, sign};
use serde_json::Value;
use shared::store::ErasureMode;

use crate::roblox_webhook::assert_never_banned;
use crate::routes::{EXPERIENCE, USER, every_route};

#[track_caller]
fn assert_unsigned(answer: &ApiResponse) {
    answer.assert_error(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), Some("Roblox-Signature"));
}

#[tokio::test]
async fn every_invalid_signature_gets_the_same_refusal() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let before = workspace.stored().await;

    let erasure = Notification::erasure(USER);
    let with = |signature: &str| erasure.unsigned().header("roblox-signature", signature);
    let time = now().to_string();
    let right = sign(&secret, &time, erasure.text().as_bytes());
    let (_, mac) = right.split_once(",v1=").unwrap();
    let mut refused = vec![
        erasure.unsigned(),
        erasure.unsigned().key(workspace.secret_key()),
        erasure.signed("another secret"),
        erasure.signed(&secret.to_uppercase()),
        erasure.signed(&format!("{secret} ")),
        // Signed, but something else.
        Notification::erasure(2)
            .unsigned()
            .header("roblox-signature", &right),
        erasure
            .unsigned()
            .body("")
            .header("roblox-signature", &right),
        // As a webhook without a secret sends it.
        with(&format!("t={time}")),
        with(&format!("v1={mac}")),
        with(&format!("t={},v1={mac}", now() - 1)),
        with(&format!("t={time},v1={}", &mac[..20])),
        with(&format!("t={time},v1=")),
        with(&format!("t={time},t={time},v1={mac}")),
        with(&format!("t={time},v1={mac},v1={mac}")),
        with(&format!("t={time};v1={mac}")),
        with(&format!("t=x,v1={mac}")),
        with("é"),
        with(""),
    ];
    for time in [now() - 700, now() + 700] {
        refused.push(erasure.clone().at(time).signed(&secret));
    }
    for time in ["", "-1", "99999999999999999999", "1.5", " "] {
        refused.push(erasure.clone().at(time).signed(&secret));
    }
    let mut bodies = Vec::new();
    for call in refused {
        let answer = app.send(&call).await;
        assert_unsigned(&answer);
        bodies.push(answer.text);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
    assert_eq!(workspace.stored().await, before);
    assert!(workspace.is_banned(USER, EXPERIENCE).await);

    app.send(&with(&right)).await.assert_ok();
    assert_never_banned(&workspace, USER).await;
}

#[tokio::test]
async fn signatures_are_valid_for_ten_minutes_either_way() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Queue).await;
    for time in [now() - 590, now() + 590] {
        let call = Notification::erasure(USER).at(time).signed(&secret);
        app.send(&call).await.assert_ok();
    }
    let queue = app.store().erasure_queue(workspace.id().prefix()).await;
    assert_eq!(queue.unwrap().len(), 2);
}

#[tokio::test]
async fn without_a_receiving_workspace_every_notification_is_refused() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    assert_unsigned(&app.send(&Notification::erasure(USER).signed("")).await);
    assert_unsigned(&app.send(&Notification::erasure(USER).signed("x")).await);

    app.replace("roblox-webhook").await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    let sample = Notification::erasure(USER).with("EventType", "SampleNotification");
    app.send(&sample.signed(&secret)).await.assert_ok();
    let prefix = workspace.id().prefix();
    app.store().remove_erasure_intake(prefix).await.unwrap();
    app.store().remove_erasure_intake(prefix).await.unwrap();
    app.replace("roblox-webhook").await;
    assert_unsigned(&app.send(&Notification::erasure(USER).signed(&secret)).await);
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
}

#[tokio::test]
async fn the_secret_identifies_the_workspace() {
    let app = TestApp::start().await;
    let (first, second) = (app.workspace().await, app.workspace().await);
    let _ = first.take_in_erasures(ErasureMode::Erase).await;
    let secret = second.take_in_erasures(ErasureMode::Erase).await;
    for workspace in [&first, &second] {
        workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    }
    app.settle().await;
    let before = first.stored().await;
    let answer = app.send(&Notification::erasure(USER).signed(&secret)).await;
    answer.assert_ok();
    assert_eq!(first.stored().await, before);
    assert!(first.is_banned(USER, EXPERIENCE).await);
    assert_never_banned(&second, USER).await;
    let event = app.log_of("roblox-webhook", &answer).await;
    assert_eq!(event["workspace"], second.guid());
}

#[tokio::test]
async fn a_shared_secret_identifies_both_workspaces() {
    let app = TestApp::start().await;
    let (first, second) = (app.workspace().await, app.workspace().await);
    first
        .take_in_erasures_under("shared", ErasureMode::Erase)
        .await;
    second
        .take_in_erasures_under("shared", ErasureMode::Queue)
        .await;
    for workspace in [&first, &second] {
        workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    }
    app.send(&Notification::erasure(USER).signed("shared"))
        .await
        .assert_ok();
    assert_never_banned(&first, USER).await;
    assert!(second.is_banned(USER, EXPERIENCE).await);
    let queue = app
        .store()
        .erasure_queue(second.id().prefix())
        .await
        .unwrap();
    assert_eq!(queue.len(), 1);
}

#[tokio::test]
async fn the_signature_covers_the_raw_bytes() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Queue).await;
    let time = now().to_string();
    let spaced = |id: &str| {
        let text = Notification::erasure(USER)
            .with("NotificationId", id)
            .text();
        let value: Value = serde_json::from_str(&text).unwrap();
        format!("\n {:#}\r\n", value)
    };
    let calls = [
        // Other whitespace and order than ours, and a type that the gateway sends as base64.
        Call::post("/roblox/webhook").body(spaced("1")),
        Call::post("/roblox/webhook")
            .body(spaced("2"))
            .header("content-type", "application/octet-stream"),
        Call::post("/roblox/webhook")
            .body(spaced("3"))
            .header("content-type", "application/json; charset=utf-8"),
    ];
    for (number, call) in calls.into_iter().enumerate() {
        let body = spaced(&(number + 1).to_string());
        let signature = sign(&secret, &time, body.as_bytes());
        let call = call.header("roblox-signature", signature);
        app.send(&call).await.assert_ok();
    }
    let queue = app.store().erasure_queue(workspace.id().prefix()).await;
    assert_eq!(queue.unwrap().len(), 3);
}

#[tokio::test]
async fn a_signature_grants_no_access_to_other_routes() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    let body = Notification::erasure(USER).text();
    let signature = sign(&secret, &now().to_string(), body.as_bytes());
    for (name, call) in every_route() {
        let call = call.header("roblox-signature", &signature);
        assert_eq!(app.send(&call).await.status, 401, "{name}");
    }
}
