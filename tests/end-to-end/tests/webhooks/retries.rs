//! Which deliveries are retried, and which no longer.

use end_to_end::{Reply, WebhookReceiver};
use std::collections::HashSet;

use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::webhooks::{DeliveryState, EndpointState, PAUSES, PausedFor};

use crate::test_endpoint::{TestEndpoint, last_run, still};

#[tokio::test]
async fn a_failed_delivery_is_retried_with_the_same_id() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::that(|_, at| match at {
        0 => Reply::Status(500, "out of order"),
        1 => Reply::Drop,
        2 => Reply::After(std::time::Duration::from_secs(5)),
        3 => Reply::With(429, "retry-after: 1800\r\n".to_owned()),
        _ => Reply::Status(204, ""),
    });
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban([1]).await;
    let expected = [
        (Some(500), None, "out of order", PAUSES[0]),
        (None, Some("no valid answer"), "", PAUSES[1]),
        (None, Some("timed out"), "", PAUSES[2]),
        (Some(429), None, "", 1800),
    ];
    for (at, (status, failure, answer, pause)) in expected.into_iter().enumerate() {
        let begun = UnixMillis::now().millis();
        target.drain().await;
        // Its back-off is not over.
        target.drain().await;
        assert_eq!(hook.received().len(), at + 1);
        let delivery = target.delivery().await;
        assert_eq!(delivery.state, DeliveryState::Due);
        let last = delivery.last.unwrap();
        assert_eq!((last.status, last.answer.as_str()), (status, answer));
        assert_eq!(last.failure.map(|failure| failure.reason()), failure);
        assert!(last.at >= begun && last.took < 2000);
        let paused = delivery.due_at.unwrap().millis() - begun;
        let (least, most) = (pause * 800, pause * 1200 + 3000);
        assert!((least..most).contains(&paused), "{paused} after {at}");
        assert!(target.endpoint().await.failing_since.is_some());
        target.bring_due().await;
    }
    target.drain().await;
    let delivery = target.delivery().await;
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Delivered, 5)
    );
    let ids: HashSet<_> = hook.ids().into_iter().collect();
    assert_eq!((hook.received().len(), ids.len()), (5, 1));
    let bodies: HashSet<_> = hook.received().into_iter().map(|one| one.body).collect();
    assert_eq!(bodies.len(), 1);
    assert_eq!(target.endpoint().await.failing_since, None);
}

#[tokio::test]
async fn after_the_last_attempt_a_delivery_is_kept_as_failed() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::that(|_, _| Reply::Status(404, "who?"));
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban([1]).await;
    let key = target.delivery().await.key;
    target.set(key, "attempts", 9).await;
    target.drain().await;
    let delivery = target.delivery().await;
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Failed, 10)
    );
    assert_eq!(delivery.due_at, None);
    assert_eq!(last_run(&app)["deliveriesFailed"], 1);
    target.drain().await;
    assert_eq!(hook.received().len(), 1);
}

#[tokio::test]
async fn endpoints_that_fail_for_three_days_or_answer_gone_are_paused() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::that(|_, _| Reply::Status(500, ""));
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban([1]).await;
    let three_days_ago = UnixMillis::now().seconds().minus(3 * 86_400);
    let since = |at: UnixSeconds| {
        move |mut endpoint: shared::domain::webhooks::Endpoint| {
            endpoint.failing_since = Some(at);
            endpoint
        }
    };
    target.change(since(three_days_ago.plus(60))).await;
    target.drain().await;
    assert!(target.endpoint().await.is_active());
    target.change(since(three_days_ago)).await;
    target.bring_due().await;
    target.drain().await;
    let endpoint = target.endpoint().await;
    assert_eq!(endpoint.state, EndpointState::Failing);
    assert_eq!(endpoint.paused_for, Some(PausedFor::Failures));
    assert_eq!(last_run(&app)["endpointsPaused"], 1);
    // Nothing more is sent or written for it.
    target.bring_due().await;
    target.drain().await;
    assert_eq!(target.ban([2]).await, 0);
    assert_eq!(hook.received().len(), 2);
    // After it resumes it has three days again, and due deliveries are made.
    hook.now(|_, _| Reply::Status(200, ""));
    target.change(|endpoint| endpoint.resumed()).await;
    target.drain().await;
    assert_eq!(target.delivery().await.state, DeliveryState::Delivered);
    assert!(target.endpoint().await.is_active());

    hook.now(|_, _| Reply::Status(410, ""));
    target.ban(3..=30).await;
    target.drain().await;
    let endpoint = target.endpoint().await;
    assert_eq!(endpoint.state, EndpointState::Failing);
    assert_eq!(endpoint.paused_for, Some(PausedFor::Gone));
    // Only those already running when it answered that.
    assert!(hook.received().len() <= 3 + 8, "{}", hook.received().len());
}

#[tokio::test]
async fn a_failing_endpoint_is_skipped_until_the_next_sweep() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::that(|_, _| Reply::Status(500, ""));
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban(1..=40).await;
    target.drain().await;
    let tried = hook.received().len();
    assert!((16..24).contains(&tried), "{tried}");
    let deliveries = target.deliveries().await;
    let untried = deliveries.iter().filter(|one| one.attempts == 0).count();
    assert_eq!(untried, 40 - tried);
    hook.now(|_, _| Reply::Status(200, ""));
    target.drain().await;
    assert_eq!(hook.received().len(), 40);
}
