//! The receiver of webhooks, called by a client of its own.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use local_stack::receiver::{Answer, Delivery, Receiver};
use standardwebhooks::Webhook;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A request as the specification wants it, signed with each of these secrets.
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
async fn only_what_is_signed_just_now_with_a_known_secret_is_verified() {
    let receiver = Receiver::start(0, false).await.unwrap();
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
    assert_eq!(receiver.wait_for_deliveries("a", 7).await.unwrap().len(), 7);
    receiver.forget();
    assert!(receiver.deliveries("a").is_empty());
}

#[tokio::test]
async fn an_endpoint_may_have_several_secrets_and_learns_them_over_http() {
    let receiver = Receiver::start(0, false).await.unwrap();
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
    let by: Vec<_> = receiver.deliveries("a").into_iter().collect();
    let by: Vec<_> = by.iter().map(|d| d.verified_by.as_slice()).collect();
    assert_eq!(by, [&[0][..], &[1], &[0, 1]]);
    receiver.unregister("a");
    let request = delivery(&url, "2", now(), "{}", &[SECRET]);
    assert_eq!(status(request).await, 404);
    assert!(receiver.register("a", "whsec_%").is_err());
    assert!(!format!("{receiver:?}").contains("MfKQ"));
}

#[tokio::test]
async fn it_answers_as_it_is_told_and_then_as_usual() {
    let receiver = Receiver::start(0, false).await.unwrap();
    let url = receiver.register("a", SECRET).unwrap();
    let request = || delivery(&url, "1", now(), "{}", &[SECRET]);
    receiver.answer_next("a", 503.into(), 2);
    receiver.answer_next("a", Answer::Redirect("http://127.0.0.1:1/x".to_owned()), 1);
    let late = Answer::Late(Duration::from_millis(60), StatusCode::OK);
    receiver.answer_next("a", late, 1);
    let header = ("retry-after".parse().unwrap(), "7".parse().unwrap());
    let full = Answer::Full(StatusCode::TOO_MANY_REQUESTS, header, Bytes::from("slowly"));
    receiver.answer_next("a", full, 1);
    assert_eq!(status(request()).await, 503);
    assert_eq!(status(request()).await, 503);
    let redirect = send(request()).await.unwrap();
    assert_eq!(redirect.status(), 307);
    assert_eq!(redirect.headers()["location"], "http://127.0.0.1:1/x");
    let started = Instant::now();
    assert_eq!(status(request()).await, 200);
    assert!(started.elapsed() >= Duration::from_millis(60));
    let full = send(request()).await.unwrap();
    assert_eq!(
        (full.status().as_u16(), &full.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    assert_eq!(
        full.into_body().collect().await.unwrap().to_bytes(),
        "slowly"
    );
    assert_eq!(status(request()).await, 204);

    receiver.answer_always("a", 500.into());
    receiver.answer_next("a", 410.into(), 1);
    for expected in [410, 500, 500] {
        assert_eq!(status(request()).await, expected);
    }
    receiver.answer_as_usual("a");
    assert_eq!(status(request()).await, 204);
    assert_eq!(receiver.deliveries("a").len(), 10);
    assert_eq!(receiver.events("a").len(), 1);
}

#[tokio::test]
async fn it_misbehaves_down_to_the_connection() {
    let receiver = Receiver::start(0, false).await.unwrap();
    let url = receiver.register("a", SECRET).unwrap();
    let request = || delivery(&url, "1", now(), "{}", &[SECRET]);
    receiver.answer_next("a", Answer::Hang, 1);
    receiver.answer_next("a", Answer::Drop, 1);
    assert_eq!(send(request()).await.unwrap_err(), "it takes too long");
    assert_ne!(send(request()).await.unwrap_err(), "it takes too long");

    receiver.answer_next("a", Answer::Garbage, 1);
    let mut socket = TcpStream::connect(receiver.address().trim_start_matches("http://"))
        .await
        .unwrap();
    let bytes = b"POST /hooks/a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    assert!(!answer.is_empty() && !answer.starts_with(b"HTTP"));

    receiver.answer_next("a", Answer::Endless, 1);
    let mut body = send(request()).await.unwrap().into_body();
    let mut read = 0;
    while read < 10_000_000 {
        read += body
            .frame()
            .await
            .unwrap()
            .unwrap()
            .data_ref()
            .unwrap()
            .len();
    }
    receiver.answer_next("a", Answer::Trickle(Duration::from_millis(10)), 1);
    let mut body = send(request()).await.unwrap().into_body();
    for _ in 0..3 {
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.data_ref().unwrap().as_ref(), b"x");
    }
    assert_eq!(receiver.connections(), 5);
    // It is as good as new.
    assert_eq!(status(request()).await, 204);
}
