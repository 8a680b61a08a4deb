//! What is tried again, and what no more.

use end_to_end::{Hook, Reply};
use std::collections::HashSet;

use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::webhooks::{DeliveryState, EndpointState, PAUSES, PausedFor};

use crate::stage::{Stage, last_run, still};

#[tokio::test]
async fn a_delivery_that_fails_is_tried_again_under_the_same_id_until_it_arrives() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::that(|_, at| match at {
        0 => Reply::Status(500, "out of order"),
        1 => Reply::Drop,
        2 => Reply::After(std::time::Duration::from_secs(5)),
        3 => Reply::With(429, "retry-after: 1800\r\n".to_owned()),
        _ => Reply::Status(204, ""),
    });
    let stage = Stage::at(&workspace, &hook).await;
    stage.ban([1]).await;
    let expected = [
        (Some(500), None, "out of order", PAUSES[0]),
        (None, Some("no valid answer"), "", PAUSES[1]),
        (None, Some("timed out"), "", PAUSES[2]),
        (Some(429), None, "", 1800),
    ];
    for (at, (status, failure, answer, pause)) in expected.into_iter().enumerate() {
        let begun = UnixMillis::now().millis();
        stage.drain().await;
        // Its pause is not over.
        stage.drain().await;
        assert_eq!(hook.received().len(), at + 1);
        let delivery = stage.delivery().await;
        assert_eq!(delivery.state, DeliveryState::Due);
        let last = delivery.last.unwrap();
        assert_eq!((last.status, last.answer.as_str()), (status, answer));
        assert_eq!(last.failure.map(|failure| failure.reason()), failure);
        assert!(last.at >= begun && last.took < 2000);
        let paused = delivery.due_at.unwrap().millis() - begun;
        let (least, most) = (pause * 800, pause * 1200 + 3000);
        assert!((least..most).contains(&paused), "{paused} after {at}");
        assert!(stage.endpoint().await.failing_since.is_some());
        stage.bring_due().await;
    }
    stage.drain().await;
    let delivery = stage.delivery().await;
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Delivered, 5)
    );
    let ids: HashSet<_> = hook.ids().into_iter().collect();
    assert_eq!((hook.received().len(), ids.len()), (5, 1));
    let bodies: HashSet<_> = hook.received().into_iter().map(|one| one.body).collect();
    assert_eq!(bodies.len(), 1);
    assert_eq!(stage.endpoint().await.failing_since, None);
}

#[tokio::test]
async fn after_the_last_attempt_a_delivery_is_kept_as_failed() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::that(|_, _| Reply::Status(404, "who?"));
    let stage = Stage::at(&workspace, &hook).await;
    stage.ban([1]).await;
    let key = stage.delivery().await.key;
    stage.set(key, "attempts", 9).await;
    stage.drain().await;
    let delivery = stage.delivery().await;
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Failed, 10)
    );
    assert_eq!(delivery.due_at, None);
    assert_eq!(last_run(&app)["deliveriesFailed"], 1);
    stage.drain().await;
    assert_eq!(hook.received().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_has_failed_for_three_days_is_paused_and_so_is_one_that_is_gone() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::that(|_, _| Reply::Status(500, ""));
    let stage = Stage::at(&workspace, &hook).await;
    stage.ban([1]).await;
    let three_days_ago = UnixMillis::now().seconds().minus(3 * 86_400);
    let since = |at: UnixSeconds| {
        move |mut endpoint: shared::domain::webhooks::Endpoint| {
            endpoint.failing_since = Some(at);
            endpoint
        }
    };
    stage.change(since(three_days_ago.plus(60))).await;
    stage.drain().await;
    assert!(stage.endpoint().await.is_active());
    stage.change(since(three_days_ago)).await;
    stage.bring_due().await;
    stage.drain().await;
    let endpoint = stage.endpoint().await;
    assert_eq!(endpoint.state, EndpointState::Failing);
    assert_eq!(endpoint.paused_for, Some(PausedFor::Failures));
    assert_eq!(last_run(&app)["endpointsPaused"], 1);
    // Nothing more is sent, and nothing more is written for it.
    stage.bring_due().await;
    stage.drain().await;
    assert_eq!(stage.ban([2]).await, 0);
    assert_eq!(hook.received().len(), 2);
    // Set going again, it has three days anew, and what was due is delivered.
    hook.now(|_, _| Reply::Status(200, ""));
    stage.change(|endpoint| endpoint.resumed()).await;
    stage.drain().await;
    assert_eq!(stage.delivery().await.state, DeliveryState::Delivered);
    assert!(stage.endpoint().await.is_active());

    hook.now(|_, _| Reply::Status(410, ""));
    stage.ban(3..=30).await;
    stage.drain().await;
    let endpoint = stage.endpoint().await;
    assert_eq!(endpoint.state, EndpointState::Failing);
    assert_eq!(endpoint.paused_for, Some(PausedFor::Gone));
    // Those under way when it said so, and no more.
    assert!(hook.received().len() <= 3 + 8, "{}", hook.received().len());
}

#[tokio::test]
async fn one_that_only_fails_is_left_alone_until_the_next_sweep() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::that(|_, _| Reply::Status(500, ""));
    let stage = Stage::at(&workspace, &hook).await;
    stage.ban(1..=40).await;
    stage.drain().await;
    let tried = hook.received().len();
    assert!((16..24).contains(&tried), "{tried}");
    let deliveries = stage.deliveries().await;
    let untried = deliveries.iter().filter(|one| one.attempts == 0).count();
    assert_eq!(untried, 40 - tried);
    hook.now(|_, _| Reply::Status(200, ""));
    stage.drain().await;
    assert_eq!(hook.received().len(), 40);
}
