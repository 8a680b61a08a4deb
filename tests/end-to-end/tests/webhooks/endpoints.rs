//! Endpoints: tests of them, sweeps over them, and their end.

use end_to_end::{Hook, Reply, contract};
use serde_json::json;
use shared::domain::clock::UnixMillis;
use shared::domain::webhooks::DeliveryState;

use crate::stage::{Stage, last_run, still};

#[tokio::test]
async fn a_test_is_delivered_like_an_event_and_tried_once() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::start();
    let stage = Stage::at(&workspace, &hook).await;
    let endpoint = stage.endpoint().await;
    let ask = async || {
        let asked = app.store().request_test(&endpoint, UnixMillis::now()).await;
        let key = asked.unwrap();
        stage.drain().await;
        let delivery = app.store().delivery(stage.prefix(), stage.id, key).await;
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
async fn a_test_does_not_wait_behind_what_fails() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::that(|_, _| Reply::Status(500, ""));
    let stage = Stage::at(&workspace, &hook).await;
    stage.ban(1..=30).await;
    let endpoint = stage.endpoint().await;
    let asked = app.store().request_test(&endpoint, UnixMillis::now()).await;
    asked.unwrap();
    stage.drain().await;
    let events = hook.received();
    let is_test = |one: &end_to_end::Received| one.id().starts_with("test_");
    assert!(events[..8].iter().any(is_test), "among the first");
    assert!(events.len() < 24, "the others wait");
}

#[tokio::test]
async fn a_sweep_wakes_for_what_is_due_and_for_nothing_else() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let (hook, idle, paused) = (Hook::start(), Hook::start(), Hook::start());
    let stage = Stage::at(&workspace, &hook).await;
    let third = Stage::at(&workspace, &paused).await;
    stage.ban([1]).await;
    third.change(|endpoint| endpoint.paused()).await;
    Stage::at(&workspace, &idle).await;
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
    // A delivery whose pause is over is found too.
    hook.now(|_, at| Reply::Status(if at == 1 { 500 } else { 200 }, ""));
    stage.ban([2]).await;
    for _ in 0..2 {
        app.run_schedule("deliver-webhooks", r#"{"sweep":true}"#)
            .await;
        app.background_settled().await;
        stage.bring_due().await;
    }
    assert_eq!(hook.received().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_deliver_nothing_twice() {
    let app = still().instances(3).start().await;
    let workspace = app.workspace().await;
    let slow = std::time::Duration::from_millis(30);
    let hook = Hook::that(move |_, _| Reply::After(slow));
    let stage = Stage::at(&workspace, &hook).await;
    stage.ban(1..=40).await;
    let drains = (0..3).map(|_| stage.drain());
    futures::future::join_all(drains).await;
    app.background_settled().await;
    let ids: std::collections::HashSet<_> = hook.ids().into_iter().collect();
    assert_eq!((ids.len(), hook.received().len()), (40, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_when_the_time_is_up_is_delivered_by_another_call_of_itself() {
    let app = still()
        .variable(shared::testing::DRAIN_LIMIT, "200")
        .start()
        .await;
    let workspace = app.workspace().await;
    let slow = std::time::Duration::from_millis(100);
    let hook = Hook::that(move |_, _| Reply::After(slow));
    let stage = Stage::at(&workspace, &hook).await;
    stage.ban(1..=40).await;
    stage.drain().await;
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
async fn a_delivery_costs_what_the_architecture_says() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::start();
    let stage = Stage::at(&workspace, &hook).await;
    stage.ban(1..=60).await;
    stage.drain().await;
    let [reads, writes] = spent(&app).map(|units| units / 60.0);
    // The record takes it out of the index of what is due.
    assert!((1.0..=1.5).contains(&reads), "{reads} read units");
    assert!((2.0..=2.2).contains(&writes), "{writes} write units");
    let before = spent(&app);
    stage.ban([61]).await;
    stage.drain().await;
    let after = spent(&app);
    let [reads, writes] = [after[0] - before[0], after[1] - before[1]];
    // And the lease, and looking for more.
    assert!((6.0..=9.0).contains(&reads), "{reads} read units");
    assert!((4.0..=5.0).contains(&writes), "{writes} write units");
}

#[tokio::test]
async fn with_a_workspace_go_its_endpoints_and_their_deliveries() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::start();
    let stage = Stage::at(&workspace, &hook).await;
    let other = Stage::at(&workspace, &hook).await;
    stage.ban([1, 2]).await;
    let (prefix, store) = (stage.prefix(), app.store());
    assert_eq!(store.remove_endpoint(prefix, other.id).await.unwrap(), 2);
    assert_eq!(store.endpoints(prefix).await.unwrap().len(), 1);
    stage.drain().await;
    assert_eq!(hook.received().len(), 2);
    store.remove_rest(prefix).await.unwrap();
    assert!(store.endpoints(prefix).await.unwrap().is_empty());
    assert!(app.items(&format!("{prefix}#D#")).await.is_empty());
    // Whoever comes late finds nothing.
    stage.drain().await;
    assert_eq!(hook.received().len(), 2);
}
