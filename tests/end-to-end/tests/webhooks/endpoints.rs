//! Endpoints: test events, sweeps, and deletion.

use end_to_end::{Reply, WebhookReceiver, contract};
use serde_json::json;
use shared::domain::clock::UnixMillis;
use shared::domain::webhooks::DeliveryState;

use crate::test_endpoint::{TestEndpoint, last_run, still};

#[tokio::test]
async fn a_test_event_is_delivered_and_not_retried() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::at(&workspace, &hook).await;
    let endpoint = target.endpoint().await;
    let ask = async || {
        let asked = app.store().request_test(&endpoint, UnixMillis::now()).await;
        let key = asked.unwrap();
        target.drain().await;
        let delivery = app.store().delivery(target.prefix(), target.id, key).await;
        delivery.unwrap().unwrap()
    };
    let delivery = ask().await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let received = &hook.received()[0];
    assert!(received.is_signed_by(endpoint.secrets().unwrap().current()));
    let body = received.json();
    assert_eq!(
        (&body["event"], &body["id"]),
        (&json!("TEST"), &json!(received.id()))
    );
    assert_eq!(body["workspaceGuid"], workspace.guid());
    let problems = contract().webhook_problems(&received.headers, &body);
    assert_eq!(problems, Vec::<String>::new());
    hook.now(|_, _| Reply::Status(500, "broken"));
    let delivery = ask().await;
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Failed, 1)
    );
}

#[tokio::test]
async fn a_test_event_does_not_wait_for_failing_deliveries() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::that(|_, _| Reply::Status(500, ""));
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban(1..=30).await;
    let endpoint = target.endpoint().await;
    let asked = app.store().request_test(&endpoint, UnixMillis::now()).await;
    asked.unwrap();
    target.drain().await;
    let events = hook.received();
    let is_test = |one: &end_to_end::Received| one.id().starts_with("test_");
    assert!(events[..8].iter().any(is_test), "among the first");
    assert!(events.len() < 24, "the others wait");
}

#[tokio::test]
async fn a_sweep_wakes_only_endpoints_with_due_deliveries() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let (hook, idle, paused) = (
        WebhookReceiver::start(),
        WebhookReceiver::start(),
        WebhookReceiver::start(),
    );
    let target = TestEndpoint::at(&workspace, &hook).await;
    let third = TestEndpoint::at(&workspace, &paused).await;
    target.ban([1]).await;
    third.change(|endpoint| endpoint.paused()).await;
    TestEndpoint::at(&workspace, &idle).await;
    let runs = |app: &end_to_end::TestApp| app.runtime().logs("deliver-webhooks").len();
    app.run_schedule("deliver-webhooks", r#"{"sweep":true}"#)
        .await;
    app.background_settled().await;
    assert_eq!(hook.received().len(), 1);
    assert!(idle.received().is_empty() && paused.received().is_empty());
    assert_eq!(runs(&app), 2, "the sweep and one endpoint");
    let line = last_run(&app);
    assert_eq!(
        (&line["message"], &line["level"]),
        (&json!("run"), &json!("INFO"))
    );
    // A delivery whose back-off is over is found too.
    hook.now(|_, at| Reply::Status(if at == 1 { 500 } else { 200 }, ""));
    target.ban([2]).await;
    for _ in 0..2 {
        app.run_schedule("deliver-webhooks", r#"{"sweep":true}"#)
            .await;
        app.background_settled().await;
        target.bring_due().await;
    }
    assert_eq!(hook.received().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_workers_deliver_nothing_twice() {
    let app = still().instances(3).start().await;
    let workspace = app.workspace().await;
    let slow = std::time::Duration::from_millis(30);
    let hook = WebhookReceiver::that(move |_, _| Reply::After(slow));
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban(1..=40).await;
    let drains = (0..3).map(|_| target.drain());
    futures::future::join_all(drains).await;
    app.background_settled().await;
    let ids: std::collections::HashSet<_> = hook.ids().into_iter().collect();
    assert_eq!((ids.len(), hook.received().len()), (40, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_out_of_time_hands_over_to_another() {
    let app = still()
        .variable(shared::testing::DRAIN_LIMIT, "200")
        .start()
        .await;
    let workspace = app.workspace().await;
    let slow = std::time::Duration::from_millis(100);
    let hook = WebhookReceiver::that(move |_, _| Reply::After(slow));
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban(1..=40).await;
    target.drain().await;
    assert!(hook.received().len() < 40, "{}", hook.received().len());
    app.background_settled().await;
    assert_eq!(hook.received().len(), 40);
}

/// Read and write units of all runs so far.
fn spent(app: &end_to_end::TestApp) -> [f64; 2] {
    let lines = app.runtime().logs("deliver-webhooks");
    let lines: Vec<_> = lines.iter().filter_map(|line| line.json()).collect();
    ["readUnits", "writeUnits"].map(|field| {
        let units = lines.iter().filter_map(|line| line[field].as_f64());
        units.sum()
    })
}

#[tokio::test]
async fn a_delivery_costs_what_the_architecture_documents() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban(1..=60).await;
    target.drain().await;
    let [reads, writes] = spent(&app).map(|units| units / 60.0);
    // The record takes it out of the index of due deliveries.
    assert!((1.0..=1.5).contains(&reads), "{reads} read units");
    assert!((2.0..=2.2).contains(&writes), "{writes} write units");
    let before = spent(&app);
    target.ban([61]).await;
    target.drain().await;
    let after = spent(&app);
    let [reads, writes] = [after[0] - before[0], after[1] - before[1]];
    // Plus the lease, and looking for more.
    assert!((6.0..=9.0).contains(&reads), "{reads} read units");
    assert!((4.0..=5.0).contains(&writes), "{writes} write units");
}

#[tokio::test]
async fn deleting_a_workspace_deletes_its_endpoints_and_deliveries() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::at(&workspace, &hook).await;
    let other = TestEndpoint::at(&workspace, &hook).await;
    target.ban([1, 2]).await;
    let (prefix, store) = (target.prefix(), app.store());
    assert_eq!(store.remove_endpoint(prefix, other.id).await.unwrap(), 2);
    assert_eq!(store.endpoints(prefix).await.unwrap().len(), 1);
    target.drain().await;
    assert_eq!(hook.received().len(), 2);
    store.remove_rest(prefix).await.unwrap();
    assert!(store.endpoints(prefix).await.unwrap().is_empty());
    assert!(app.items(&format!("{prefix}#D#")).await.is_empty());
    // A late worker finds nothing.
    target.drain().await;
    assert_eq!(hook.received().len(), 2);
}
