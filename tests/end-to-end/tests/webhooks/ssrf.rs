//! Malicious endpoints, including SSRF attempts.

use end_to_end::{Reply, WebhookReceiver};
use shared::domain::webhooks::DeliveryState;

use crate::test_endpoint::{TestEndpoint, still};

/// The result of an attempt at this endpoint: the status or the reason, and how many requests
/// arrived.
async fn attempted(target: &TestEndpoint<'_>) -> String {
    target.drain().await;
    let delivery = target.delivery().await;
    let last = delivery.last.expect("an attempt");
    let status = last.status.map(|status| status.to_string());
    let reason = last.failure.map(|failure| failure.reason().to_owned());
    status.or(reason).unwrap()
}

#[tokio::test]
async fn hostile_responses_are_contained() {
    let app = still().start().await;
    let target = WebhookReceiver::start();
    let location = format!("location: {}\r\n", target.url());
    let cases = [
        (Reply::With(301, location.clone()), "301"),
        (Reply::With(307, location.clone()), "307"),
        (Reply::With(308, location), "308"),
        (Reply::Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "no valid answer"),
        (
            Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"),
            "no valid answer",
        ),
        (Reply::Drop, "no valid answer"),
        (
            Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nshort"),
            "200",
        ),
        (Reply::Endless, "200"),
    ];
    for (reply, expected) in cases {
        let workspace = app.workspace().await;
        let told = reply.clone();
        let hook = WebhookReceiver::that(move |_, _| told.clone());
        let target = TestEndpoint::at(&workspace, &hook).await;
        target.ban([1]).await;
        assert_eq!(attempted(&target).await, expected, "{reply:?}");
        assert_eq!(hook.received().len(), 1);
        let delivery = target.delivery().await;
        assert!(delivery.last.unwrap().answer.len() <= 200);
        let is_delivered = delivery.state == DeliveryState::Delivered;
        assert_eq!(is_delivered, expected == "200", "{reply:?}");
    }
    assert!(target.received().is_empty(), "no redirect was followed");
}

#[tokio::test]
async fn only_public_addresses_are_connected_to() {
    let app = still().variable("ALLOW_LOOPBACK", "false").start().await;
    let hook = WebhookReceiver::start();
    let port = hook.port();
    for (url, expected) in [
        (format!("http://127.0.0.1:{port}/hook"), "refused url"),
        (format!("http://localhost:{port}/hook"), "refused url"),
        (format!("https://127.0.0.1:{port}/hook"), "refused address"),
        (format!("https://localhost:{port}/hook"), "refused address"),
        (format!("https://0x7f000001:{port}/hook"), "refused address"),
        (
            format!("https://[::ffff:127.0.0.1]:{port}/hook"),
            "refused address",
        ),
        (
            "https://169.254.169.254/latest/meta-data/".to_owned(),
            "refused address",
        ),
        ("https://[::ffff:10.0.0.1]/".to_owned(), "refused address"),
        ("https://[fd00:ec2::254]/".to_owned(), "refused address"),
        ("https://hook.invalid/".to_owned(), "name not found"),
    ] {
        let workspace = app.workspace().await;
        let target = TestEndpoint::with(&workspace, &url, |_| {}).await;
        target.ban([1]).await;
        assert_eq!(attempted(&target).await, expected, "{url}");
        assert_eq!(target.delivery().await.state, DeliveryState::Due);
    }
    assert!(hook.received().is_empty());
}
