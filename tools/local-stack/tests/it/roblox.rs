//! The fake Roblox Open Cloud, over its port.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, Response};
use local_stack::http::Client;
use local_stack::roblox::{Fault, FaultRule, Key, Limits, Roblox};
use serde_json::{Value, json};

const UNIVERSE: u64 = 7;
const PLACE: u64 = 70;
const SECRET: &str = "a-key";

struct Bench {
    roblox: Roblox,
    client: Client,
}

impl Bench {
    async fn new() -> Self {
        let roblox = Roblox::start(0).await.unwrap();
        roblox.add_key(SECRET, &[UNIVERSE]);
        roblox.add_place(PLACE, UNIVERSE);
        let client = Client::new();
        Self { roblox, client }
    }

    async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Response<Bytes>, String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.roblox.endpoint()))
            .header("x-api-key", SECRET)
            .body(match body {
                Value::Null => Bytes::new(),
                body => Bytes::from(body.to_string()),
            })
            .unwrap();
        self.client.send(request).await
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.try_send(method, path, &body).await.unwrap();
        let json = serde_json::from_slice(answer.body()).unwrap_or_default();
        (answer.status().as_u16(), json)
    }

    async fn update(&self, user: u64, restriction: Value) -> (u16, Value) {
        let body = json!({ "gameJoinRestriction": restriction });
        self.send("PATCH", &of_user(user), body).await
    }
}

fn of_user(user: u64) -> String {
    format!("/cloud/v2/universes/{UNIVERSE}/user-restrictions/{user}")
}

#[tokio::test]
async fn a_change_replaces_the_whole_restriction() {
    let bench = Bench::new().await;
    let reasons = json!({ "active": true, "duration": "60s", "privateReason": "p",
        "displayReason": "d", "excludeAltAccounts": true, "inherited": true });
    let (status, answer) = bench.update(1, reasons).await;
    let it = &answer["gameJoinRestriction"];
    assert_eq!((status, &it["duration"]), (200, &json!("60s")));
    assert_eq!(it["inherited"], false, "what is read-only is ignored");
    let (_, answer) = bench.update(1, json!({ "active": true })).await;
    let it = &answer["gameJoinRestriction"];
    assert_eq!(it.get("duration"), None, "what is left out is reset");
    assert_eq!(
        (&it["privateReason"], &it["active"]),
        (&json!(""), &json!(true))
    );
    let logs = bench.roblox.logs();
    assert_eq!(logs.len(), 2);
    assert_eq!(logs[0].restriction.seconds, Some(60));
}

#[tokio::test]
async fn a_place_shows_what_it_inherits() {
    let bench = Bench::new().await;
    bench.update(1, json!({ "active": true })).await;
    let place = format!("/cloud/v2/universes/{UNIVERSE}/places/{PLACE}/user-restrictions/1");
    let (_, answer) = bench.send("GET", &place, Value::Null).await;
    assert_eq!(answer["gameJoinRestriction"]["inherited"], true);
    assert!(bench.roblox.keeps_out(UNIVERSE, PLACE, 1));
    let (_, answer) = bench.send("GET", &of_user(2), Value::Null).await;
    assert_eq!(answer["gameJoinRestriction"]["active"], false);
}

#[tokio::test]
async fn invalid_restrictions_are_rejected() {
    let bench = Bench::new().await;
    let long = |n| "ä".repeat(n);
    for (restriction, fits) in [
        (json!({ "active": true, "duration": "" }), false),
        (json!({ "active": true, "duration": "-1" }), false),
        (json!({ "active": true, "duration": "0s" }), false),
        (json!({ "active": true, "duration": "1.5s" }), false),
        (
            json!({ "active": true, "duration": "315576000001s" }),
            false,
        ),
        (
            json!({ "active": true, "privateReason": long(1001) }),
            false,
        ),
        (json!({ "active": true, "displayReason": long(401) }), false),
        (json!({ "active": true, "displayReason": long(400) }), true),
    ] {
        let (status, answer) = bench.update(1, restriction.clone()).await;
        assert_eq!(status == 200, fits, "{restriction}: {answer}");
        if !fits {
            assert_eq!((status, &answer["code"]), (400, &json!("INVALID_ARGUMENT")));
        }
    }
    let path = format!("{}?updateMask=gameJoinRestriction.active", of_user(1));
    let (status, _) = bench.send("PATCH", &path, json!({})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn keys_are_checked_for_validity_scope_and_universe() {
    let bench = Bench::new().await;
    let elsewhere = "/cloud/v2/universes/8/user-restrictions/1";
    assert_eq!(bench.send("GET", elsewhere, Value::Null).await.0, 403);
    bench.roblox.kill_key(SECRET);
    let (status, answer) = bench.update(1, json!({ "active": true })).await;
    assert_eq!(
        (status, &answer["errors"][0]["message"]),
        (401, &json!("Invalid API Key"))
    );
    bench.roblox.revive_key(SECRET);
    assert_eq!(bench.update(1, json!({ "active": true })).await.0, 200);
    let reading = Key::new(&[UNIVERSE]).without("universe.user-restriction:write");
    bench.roblox.set_key(SECRET, reading);
    let (status, answer) = bench.update(1, json!({})).await;
    assert_eq!(
        (status, &answer["code"]),
        (403, &json!("PERMISSION_DENIED"))
    );
    let (_, answer) = bench
        .send(
            "POST",
            "/api-keys/v1/introspect",
            json!({ "apiKey": SECRET }),
        )
        .await;
    let scopes = answer["scopes"].as_array().unwrap();
    let bans = scopes
        .iter()
        .find(|s| s["name"] == "universe.user-restriction");
    assert_eq!(bans.unwrap()["operations"], json!(["read"]));
}

#[tokio::test]
async fn changes_are_limited_per_user_and_per_universe() {
    let bench = Bench::new().await;
    for (n, expected) in [200, 200, 429].into_iter().enumerate() {
        let (status, answer) = bench.update(1, json!({ "active": n % 2 == 0 })).await;
        assert_eq!(status, expected, "{answer}");
    }
    let mut statuses = Vec::new();
    for user in 2..=11 {
        statuses.push(bench.update(user, json!({ "active": true })).await.0);
    }
    assert_eq!(
        statuses.iter().filter(|s| **s == 200).count(),
        8,
        "{statuses:?}"
    );
    assert_eq!(bench.roblox.violations().len(), 3);
}

#[tokio::test]
async fn windows_can_be_shortened_and_retry_after_left_out() {
    let bench = Bench::new().await;
    let mut limits = Limits {
        user_window: Duration::from_millis(150),
        ..Limits::default()
    };
    bench.roblox.set_limits(limits);
    let body = json!({ "gameJoinRestriction": { "active": true } });
    for _ in 0..2 {
        bench.update(1, json!({ "active": true })).await;
    }
    let refused = bench.try_send("PATCH", &of_user(1), &body).await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    limits.says_when = false;
    bench.roblox.set_limits(limits);
    let refused = bench.try_send("PATCH", &of_user(1), &body).await.unwrap();
    assert_eq!(refused.headers().get("retry-after"), None);
    tokio::time::sleep(Duration::from_millis(160)).await;
    assert_eq!(bench.update(1, json!({ "active": true })).await.0, 200);
}

#[tokio::test]
async fn an_idempotency_key_takes_effect_once() {
    let bench = Bench::new().await;
    let path = format!("{}?idempotencyKey.key=a", of_user(1));
    let body = json!({ "gameJoinRestriction": { "active": true } });
    let (_, first) = bench.send("PATCH", &path, body.clone()).await;
    for _ in 0..3 {
        assert_eq!(
            bench.send("PATCH", &path, body.clone()).await,
            (200, first.clone())
        );
    }
    assert_eq!(bench.roblox.logs().len(), 1);
    let old = format!("{path}b&idempotencyKey.firstSent=2020-01-01T00%3A00%3A00Z");
    assert_eq!(bench.send("PATCH", &old, body).await.0, 400);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let bench = Bench::new().await;
    bench.roblox.set_limits(Limits {
        per_universe: 100,
        ..Limits::default()
    });
    for user in 1..=5 {
        bench.update(user, json!({ "active": user % 2 == 0 })).await;
    }
    let list = format!("/cloud/v2/universes/{UNIVERSE}/user-restrictions?maxPageSize=2");
    let (mut users, mut token) = (0, String::new());
    loop {
        let path = format!("{list}&pageToken={token}");
        let (_, page) = bench.send("GET", &path, Value::Null).await;
        users += page["userRestrictions"].as_array().unwrap().len();
        token = page["nextPageToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
        let otherwise = path_with_other_size(&list, &token);
        assert_eq!(bench.send("GET", &otherwise, Value::Null).await.0, 400);
        assert!(users < 5, "{users}");
    }
    assert_eq!(users, 5, "everyone ever restricted, active or not");
}

fn path_with_other_size(list: &str, token: &str) -> String {
    format!("{list}0&pageToken={token}")
}

#[tokio::test]
async fn messages_are_kept_and_limited_in_length() {
    let bench = Bench::new().await;
    let path = format!("/cloud/v2/universes/{UNIVERSE}:publishMessage");
    let message = |n| json!({ "topic": "t", "message": "x".repeat(n) });
    let sent = bench.try_send("POST", &path, &message(1024)).await.unwrap();
    assert_eq!((sent.status().as_u16(), sent.body().len()), (200, 0));
    assert_eq!(bench.send("POST", &path, message(1025)).await.0, 400);
    let topic = json!({ "topic": "t".repeat(81), "message": "x" });
    assert_eq!(bench.send("POST", &path, topic).await.0, 400);
    assert_eq!(bench.roblox.messages().len(), 1);
}

#[tokio::test]
async fn the_universe_of_a_place_needs_no_key() {
    let bench = Bench::new().await;
    for (place, universe) in [(PLACE, json!(UNIVERSE)), (71, Value::Null)] {
        let path = format!("/universes/v1/places/{place}/universe");
        let (status, answer) = bench.send("GET", &path, Value::Null).await;
        assert_eq!((status, &answer["universeId"]), (200, &universe));
    }
}

#[tokio::test]
async fn faults_hit_as_many_calls_as_asked() {
    let bench = Bench::new().await;
    let body = json!({ "gameJoinRestriction": { "active": true } });
    for (fault, carried_out) in [
        (Fault::Drop, false),
        (Fault::DropAnswer, true),
        (Fault::Html(502), false),
        (Fault::Empty, true),
        (Fault::Truncated, true),
        (Fault::Status(500), false),
        (Fault::TooMany(Some(3)), false),
    ] {
        let before = bench.roblox.logs().len();
        bench.roblox.set_limits(Limits {
            per_user: 100,
            per_universe: 100,
            ..Limits::default()
        });
        bench.roblox.fail(FaultRule::updates(1, fault.clone()));
        let answer = bench.try_send("PATCH", &of_user(1), &body).await;
        let understood = answer.as_ref().is_ok_and(|answer| {
            answer.status() == 200 && serde_json::from_slice::<Value>(answer.body()).is_ok()
        });
        assert!(!understood, "{fault:?}: {answer:?}");
        assert_eq!(
            bench.roblox.logs().len() - before,
            usize::from(carried_out),
            "{fault:?}"
        );
        assert_eq!(
            bench.update(1, json!({ "active": true })).await.0,
            200,
            "{fault:?} again"
        );
    }
}
