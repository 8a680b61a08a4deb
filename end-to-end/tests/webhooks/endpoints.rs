//! Endpoints: tests of them, sweeps over them, and their end.

use end_to_end::{Hook, Reply};
use serde_json::json;
use shared::clock::Moment;
use shared::webhooks::DeliveryState;

use crate::stage::{Stage, last_run, still};

#[tokio::test]
async fn a_test_is_delivered_like_an_event_and_tried_once() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::start();
    let stage = Stage::at(&workspace, &hook).await;
    let endpoint = stage.endpoint().await;
    let ask = async || {
        let asked = app.store().request_test(&endpoint, Moment::now()).await;
        let key = asked.unwrap();
        stage.drain().await;
        let delivery = app.store().delivery(stage.tag(), stage.id, key).await;
        delivery.unwrap().unwrap()
    };
    let delivery = ask().await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let received = &hook.received()[0];
    assert!(received.is_signed_by(endpoint.secrets.current()));
    let body = received.json();
    assert_eq!(
        (&body["event"], &body["id"]),
        (&json!("TEST"), &json!(received.id()))
    );
    assert_eq!(body["workspaceGuid"], workspace.guid());
    assert!(received.id().starts_with("test_"));
    hook.now(|_, _| Reply::Status(500, "broken"));
    let delivery = ask().await;
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Failed, 1)
    );
}

#[tokio::test]
async fn a_sweep_finds_the_endpoints_that_have_something_due() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::start();
    Stage::at(&workspace, &hook).await;
    let event = json!({ "sweep": true }).to_string();
    let swept = app.runtime().invoke("deliver-webhooks", event.into()).await;
    assert_eq!(swept.unwrap(), "null");
    let line = last_run(&app);
    assert_eq!(
        (&line["message"], &line["level"]),
        (&json!("run"), &json!("INFO"))
    );
}

#[tokio::test]
async fn with_a_workspace_go_its_endpoints_and_their_deliveries() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::start();
    let stage = Stage::at(&workspace, &hook).await;
    let other = Stage::at(&workspace, &hook).await;
    stage.ban([1, 2]).await;
    let (tag, store) = (stage.tag(), app.store());
    assert_eq!(store.remove_endpoint(tag, other.id).await.unwrap(), 2);
    assert_eq!(store.endpoints(tag).await.unwrap().len(), 1);
    stage.drain().await;
    assert_eq!(hook.received().len(), 2);
    store.remove_rest(tag).await.unwrap();
    assert!(store.endpoints(tag).await.unwrap().is_empty());
    assert!(app.items(&format!("{tag}#D#")).await.is_empty());
    // Whoever comes late finds nothing.
    stage.drain().await;
    assert_eq!(hook.received().len(), 2);
}
