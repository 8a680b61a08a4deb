//! Only what Discord has just signed is answered.

use bytes::Bytes;
use end_to_end::{ApiResponse, TestApp, now};
use http::Request;
use local_stack::discord::caller::{self, Act};
use local_stack::discord::{ADA, GUILD};
use serde_json::{Value, json};

/// A request with any headers.
async fn send(app: &TestApp, headers: &[(&str, &str)], body: &str) -> ApiResponse {
    let mut request = Request::post(format!("{}/discord/interactions", app.address()))
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::from(body.to_owned())).unwrap();
    app.send_interaction(request).await
}

async fn signed(app: &TestApp, time: &str, body: &str) -> ApiResponse {
    let signature = caller::signature(time, body.as_bytes()).unwrap();
    let headers = [
        ("x-signature-ed25519", signature.as_str()),
        ("x-signature-timestamp", time),
    ];
    send(app, &headers, body).await
}

fn assert_refused(answer: &ApiResponse) {
    assert_eq!(answer.status, 401, "{answer}");
    assert_eq!(answer.json()["code"], "unauthorized");
}

#[tokio::test]
async fn ping_is_answered_and_every_wrong_signature_refused() {
    let app = TestApp::start().await;
    let (body, time) = (r#"{"type":1}"#, now().to_string());
    let answer = signed(&app, &time, body).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "type": 1 })));
    assert_eq!(answer.header("content-type"), Some("application/json"));

    let good = caller::signature(&time, body.as_bytes()).unwrap();
    let other = caller::signature(&time, b"{}").unwrap();
    let later = (now() + 1).to_string();
    let short = &good[..126];
    let long = format!("{good}00");
    let letters = good.replace('0', "g");
    for (signature, time) in [
        (other.as_str(), time.as_str()),
        (&good, &later),
        (short, &time),
        (&long, &time),
        (&letters, &time),
        ("", &time),
        (&good, ""),
        (&good, "soon"),
    ] {
        let headers = [
            ("x-signature-ed25519", signature),
            ("x-signature-timestamp", time),
        ];
        assert_refused(&send(&app, &headers, body).await);
    }
    let one = [("x-signature-ed25519", good.as_str())];
    assert_refused(&send(&app, &one, body).await);
    assert_refused(&send(&app, &[("x-signature-timestamp", &time)], body).await);
    assert_refused(&send(&app, &[], body).await);
    let headers = [
        ("x-signature-ed25519", good.as_str()),
        ("x-signature-timestamp", &time),
    ];
    // The same JSON, and not the same bytes.
    assert_refused(&send(&app, &headers, r#"{ "type": 1 }"#).await);
    assert_refused(&send(&app, &headers, r#"{"type":1}x"#).await);
    // Before any JSON.
    assert_refused(&send(&app, &headers, "{").await);
    assert_eq!(signed(&app, &time, "{").await.status, 400);
}

#[tokio::test]
async fn old_and_future_signatures_are_refused() {
    let app = TestApp::start().await;
    let body = r#"{"type":1}"#;
    for (time, is_fresh) in [
        (now() - 290, true),
        (now() + 290, true),
        (now() - 310, false),
        (now() + 310, false),
        (0, false),
    ] {
        let answer = signed(&app, &time.to_string(), body).await;
        if is_fresh {
            assert_eq!(answer.status, 200, "{time}");
        } else {
            assert_refused(&answer);
        }
    }
}

#[tokio::test]
async fn what_discord_may_add_does_not_fail() {
    let app = TestApp::start().await;
    let ada = app.on_discord(GUILD, ADA);
    let with = |field: &str, value: Value| {
        let mut body = ada.command_body("check", &[("user", json!("156"))]);
        body[field] = value;
        body
    };
    for (body, says) in [
        (with("type", json!(99)), "does not know what you did"),
        (with("context", json!(2)), "in the server first"),
        (with("guild_id", Value::Null), "not in direct messages"),
        (
            with("member", json!({ "user": 7 })),
            "not in direct messages",
        ),
        (with("data", json!([])), "not linked to a workspace"),
        (
            with("message", json!({ "embeds": 7 })),
            "not linked to a workspace",
        ),
    ] {
        let reply = app.interact(&body).await;
        assert_eq!(
            (&reply["type"], &reply["data"]["flags"]),
            (&json!(4), &json!(64))
        );
        assert!(reply.to_string().contains(says), "{says}: {reply}");
    }
    let press = ada.body(
        Act::Press,
        &json!({ "custom_id": "x", "component_type": 999 }),
    );
    assert_eq!(app.interact(&press).await["type"], 7);

    // Signed for another application.
    let other = with("application_id", json!("613425648685547002"));
    let request = caller::request(app.address(), &other).unwrap();
    assert_eq!(app.send_interaction(request).await.status, 403);
}
