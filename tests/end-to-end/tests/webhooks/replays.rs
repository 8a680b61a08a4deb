//! Replayed deliveries.

use end_to_end::{Reply, WebhookReceiver};
use shared::domain::clock::UnixMillis;
use shared::domain::webhooks::DeliveryState;
use shared::store::admin::Replayed;

use crate::test_endpoint::{TestEndpoint, still};

/// Replays the whole event log of an endpoint.
async fn replay(target: &TestEndpoint<'_>, all: bool, dry_run: bool) -> Replayed {
    let endpoint = target.endpoint().await;
    let mut total = Replayed::default();
    let mut after = Some(0);
    while let Some(position) = after {
        let store = target.app().store();
        let page = store.replay(&endpoint, position, all, dry_run).await;
        let page = page.unwrap();
        total.events += page.replayed.events;
        total.due += page.replayed.due;
        after = page.next;
    }
    total
}

#[tokio::test]
async fn replays_resend_failed_and_missed_events_or_all() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::at(&workspace, &hook).await;
    // One arrives, one fails permanently, one is missed because the endpoint is paused.
    target.ban([1]).await;
    target.drain().await;
    hook.now(|_, _| Reply::Status(500, ""));
    target.ban([2]).await;
    let failing = target.deliveries().await[1].clone();
    target.set(failing.key, "attempts", 9).await;
    target.drain().await;
    assert_eq!(target.deliveries().await[1].state, DeliveryState::Failed);
    target.change(|endpoint| endpoint.paused()).await;
    assert_eq!(target.ban([3]).await, 0);
    target.change(|endpoint| endpoint.resumed()).await;
    hook.now(|_, _| Reply::Status(200, ""));

    let (before, expected) = (hook.received().len(), Replayed { events: 3, due: 2 });
    assert_eq!(replay(&target, false, true).await, expected);
    target.drain().await;
    assert_eq!(hook.received().len(), before, "a dry run changes nothing");
    assert_eq!(replay(&target, false, false).await, expected);
    // Due deliveries are not made due again.
    assert_eq!(replay(&target, false, false).await.due, 0);
    target.drain().await;
    let users: Vec<_> = hook.received()[before..]
        .iter()
        .map(|one| one.json()["data"]["robloxId"].as_u64().unwrap())
        .collect();
    assert_eq!(users.len(), 2);
    assert!(users.contains(&2) && users.contains(&3));

    assert_eq!(replay(&target, true, false).await.due, 3);
    target.drain().await;
    assert_eq!(hook.received().len(), before + 5);
    let ids = hook.ids();
    assert!(ids[before + 2..].contains(&ids[0]), "under the same id");
}

#[tokio::test]
async fn a_replay_can_start_at_a_time() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::with(&workspace, &hook.url(), |endpoint| {
        *endpoint = endpoint.clone().paused();
    })
    .await;
    target.ban([1, 2]).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let since = UnixMillis::now();
    target.ban([3]).await;
    target.change(|endpoint| endpoint.resumed()).await;
    let (prefix, store) = (target.prefix(), app.store());
    let after = store.position_since(prefix, since).await.unwrap();
    let endpoint = target.endpoint().await;
    let page = store.replay(&endpoint, after, false, false).await.unwrap();
    assert_eq!(page.replayed, Replayed { events: 1, due: 1 });
    target.drain().await;
    assert_eq!(hook.received()[0].json()["data"]["robloxId"], 3);
}

#[tokio::test]
async fn a_replay_sends_waiting_deliveries_at_once() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::that(|_, _| Reply::Status(500, ""));
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban([1]).await;
    target.drain().await;
    let waiting = target.deliveries().await[0].clone();
    assert_eq!(waiting.state, DeliveryState::Due);
    assert!(waiting.due_at.unwrap() > UnixMillis::now());

    hook.now(|_, _| Reply::Status(200, ""));
    let expected = Replayed { events: 1, due: 1 };
    assert_eq!(replay(&target, false, true).await, expected);
    target.drain().await;
    assert_eq!(hook.received().len(), 1, "it still waits");
    assert_eq!(replay(&target, false, false).await, expected);
    target.drain().await;
    assert_eq!(hook.received().len(), 2);
    assert_eq!(target.deliveries().await[0].state, DeliveryState::Delivered);
}
