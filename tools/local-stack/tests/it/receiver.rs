//! The webhook receiver and the fake server below it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use local_stack::{
    fake_server::Reply,
    receiver::{Delivery, Receiver},
};
use standardwebhooks::Webhook;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A delivery as the specification defines it, signed with each of these secrets.
fn delivery(url: &str, id: &str, time: i64, body: &str, secrets: &[&str]) -> Request<Full<Bytes>> {
    let sign = |secret: &&str| {
        let webhook = Webhook::new(secret).unwrap();
        webhook.sign(id, time, body.as_bytes()).unwrap()
    };
    let signatures: Vec<_> = secrets.iter().map(sign).collect();
    Request::post(url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", time.to_string())
        .header("webhook-signature", signatures.join(" "))
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

async fn send(request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let sent = client.request(request);
    match tokio::time::timeout(Duration::from_millis(300), sent).await {
        Ok(answer) => answer.map_err(|e| e.to_string()),
        Err(_) => Err("it takes too long".to_owned()),
    }
}

async fn status(request: Request<Full<Bytes>>) -> u16 {
    send(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn only_fresh_signatures_by_a_known_secret_are_verified() {
    let receiver = Receiver::start(0, false).unwrap();
    let url = receiver.register("a", SECRET).unwrap();
    assert_eq!(url, receiver.url("a"));
    let body = r#"{"event":"GAME_BANNED","data":{"robloxId":156}}"#;
    let signed = |id: &str, secrets: &[&str]| delivery(&url, id, now(), body, secrets);
    assert_eq!(status(signed("7-1", &[SECRET])).await, 204);
    assert_eq!(status(signed("7-1", &[SECRET])).await, 204);
    assert_eq!(status(signed("7-2", &[OTHER])).await, 401);
    assert_eq!(status(signed("7-3", &[OTHER, SECRET])).await, 204);
    let stale = delivery(&url, "7-4", now() - 3600, body, &[SECRET]);
    assert_eq!(status(stale).await, 401);
    let mut forged = signed("7-5", &[SECRET]);
    *forged.body_mut() = Full::new(Bytes::from("{}"));
    assert_eq!(status(forged).await, 401);
    let bare = Request::post(&url).body(Full::default()).unwrap();
    assert_eq!(status(bare).await, 401);
    let elsewhere = delivery(&receiver.url("b"), "7-6", now(), body, &[SECRET]);
    assert_eq!(status(elsewhere).await, 404);

    let events = receiver.wait_for_events("a", 2).await.unwrap();
    let ids: Vec<_> = events.iter().map(Delivery::id).collect();
    assert_eq!(ids, ["7-1", "7-3"]);
    assert_eq!(events[0].json()["event"], "GAME_BANNED");
    assert_eq!(
        events[0].line(),
        "webhook: GAME_BANNED 7-1 user 156 (signature verified)"
    );
    let all = receiver.deliveries("a");
    let problems: Vec<_> = all.iter().filter_map(|d| d.problem.as_deref()).collect();
    assert_eq!(
        problems,
        [
            "signature invalid",
            "signature timestamp too old",
            "signature invalid",
            "missing header id",
        ]
    );
    assert_eq!(receiver.deliveries("b")[0].header("webhook-id"), "7-6");
}

#[tokio::test]
async fn an_endpoint_takes_further_secrets_over_http() {
    let receiver = Receiver::start(0, false).unwrap();
    let url = receiver.register("a", SECRET).unwrap();
    let put = |secret: &'static str| {
        let request = Request::put(&url).body(Full::new(Bytes::from(secret)));
        status(request.unwrap())
    };
    assert_eq!(put("whsec_%").await, 400);
    assert_eq!(put(OTHER).await, 204);
    for secrets in [&[SECRET][..], &[OTHER], &[OTHER, SECRET]] {
        let request = delivery(&url, "1", now(), "{}", secrets);
        assert_eq!(status(request).await, 204);
    }
    assert!(receiver.register("a", "whsec_%").is_err());
    assert!(!format!("{receiver:?}").contains("MfKQ"));
}

#[tokio::test]
async fn set_replies_come_first_and_then_the_usual_ones() {
    let receiver = Receiver::start(0, false).unwrap();
    let url = receiver.register("a", SECRET).unwrap();
    let request = || delivery(&url, "1", now(), "{}", &[SECRET]);
    receiver.answer_next("a", Reply::Status(503, "busy"), 2);
    let redirect = "location: http://127.0.0.1:1/x\r\n".to_owned();
    receiver.answer_next("a", Reply::With(307, redirect), 1);
    receiver.answer_next("a", Reply::After(Duration::from_millis(60)), 1);
    assert_eq!(status(request()).await, 503);
    let busy = send(request()).await.unwrap();
    assert_eq!(busy.status(), 503);
    assert_eq!(busy.into_body().collect().await.unwrap().to_bytes(), "busy");
    let redirect = send(request()).await.unwrap();
    assert_eq!(redirect.status(), 307);
    assert_eq!(redirect.headers()["location"], "http://127.0.0.1:1/x");
    let started = Instant::now();
    assert_eq!(status(request()).await, 200);
    assert!(started.elapsed() >= Duration::from_millis(60));
    assert_eq!(status(request()).await, 204);

    receiver.answer_always("a", Reply::Status(500, ""));
    receiver.answer_next("a", Reply::Status(410, ""), 1);
    for expected in [410, 500, 500] {
        assert_eq!(status(request()).await, expected);
    }
    receiver.answer_as_usual("a");
    assert_eq!(status(request()).await, 204);
    assert_eq!(receiver.deliveries("a").len(), 9);
    assert_eq!(receiver.events("a").len(), 1);
}

#[tokio::test]
async fn connections_hang_drop_and_carry_garbage_on_request() {
    let receiver = Receiver::start(0, false).unwrap();
    let url = receiver.register("a", SECRET).unwrap();
    let request = || delivery(&url, "1", now(), "{}", &[SECRET]);
    for reply in [Reply::Hang, Reply::Drop, Reply::Raw(b"SSH-2.0\r\n")] {
        let hangs = matches!(reply, Reply::Hang);
        receiver.answer_next("a", reply, 1);
        let failure = send(request()).await.unwrap_err();
        assert_eq!(failure == "it takes too long", hangs, "{failure}");
    }
    receiver.answer_next("a", Reply::Endless, 1);
    let mut body = send(request()).await.unwrap().into_body();
    let mut read = 0;
    while read < 10_000_000 {
        let frame = body.frame().await.unwrap().unwrap();
        read += frame.data_ref().unwrap().len();
    }
    assert_eq!(status(request()).await, 204);
}
