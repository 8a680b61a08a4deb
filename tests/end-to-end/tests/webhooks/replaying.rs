//! Deliveries that are made again.

use end_to_end::{Hook, Reply};
use shared::domain::clock::UnixMillis;
use shared::domain::webhooks::DeliveryState;
use shared::store::Replayed;

use crate::stage::{Stage, still};

/// Replays the whole log of a stage.
async fn replay(stage: &Stage<'_>, all: bool, dry_run: bool) -> Replayed {
    let endpoint = stage.endpoint().await;
    let mut total = Replayed::default();
    let mut after = Some(0);
    while let Some(position) = after {
        let store = stage.app().store();
        let page = store.replay(&endpoint, position, all, dry_run).await;
        let page = page.unwrap();
        total.events += page.replayed.events;
        total.due += page.replayed.due;
        after = page.next;
    }
    total
}

#[tokio::test]
async fn what_failed_or_was_missed_is_replayed_and_with_all_what_arrived_too() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::start();
    let stage = Stage::at(&workspace, &hook).await;
    // One arrives, one fails for good, one is missed since the endpoint is paused.
    stage.ban([1]).await;
    stage.drain().await;
    hook.now(|_, _| Reply::Status(500, ""));
    stage.ban([2]).await;
    let failing = stage.deliveries().await[1].clone();
    stage.set(failing.key, "attempts", 9).await;
    stage.drain().await;
    assert_eq!(stage.deliveries().await[1].state, DeliveryState::Failed);
    stage.change(|endpoint| endpoint.paused()).await;
    assert_eq!(stage.ban([3]).await, 0);
    stage.change(|endpoint| endpoint.resumed()).await;
    hook.now(|_, _| Reply::Status(200, ""));

    let (before, expected) = (hook.received().len(), Replayed { events: 3, due: 2 });
    assert_eq!(replay(&stage, false, true).await, expected);
    stage.drain().await;
    assert_eq!(hook.received().len(), before, "a dry run changes nothing");
    assert_eq!(replay(&stage, false, false).await, expected);
    // What is due is not made due again.
    assert_eq!(replay(&stage, false, false).await.due, 0);
    stage.drain().await;
    let users: Vec<_> = hook.received()[before..]
        .iter()
        .map(|one| one.json()["data"]["robloxId"].as_u64().unwrap())
        .collect();
    assert_eq!(users.len(), 2);
    assert!(users.contains(&2) && users.contains(&3));

    assert_eq!(replay(&stage, true, false).await.due, 3);
    stage.drain().await;
    assert_eq!(hook.received().len(), before + 5);
    let ids = hook.ids();
    assert!(ids[before + 2..].contains(&ids[0]), "under the same id");
}

#[tokio::test]
async fn a_replay_can_begin_at_a_time() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::start();
    let stage = Stage::with(&workspace, &hook.url(), |endpoint| {
        *endpoint = endpoint.clone().paused();
    })
    .await;
    stage.ban([1, 2]).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let since = UnixMillis::now();
    stage.ban([3]).await;
    stage.change(|endpoint| endpoint.resumed()).await;
    let (prefix, store) = (stage.prefix(), app.store());
    let after = store.position_since(prefix, since).await.unwrap();
    let endpoint = stage.endpoint().await;
    let page = store.replay(&endpoint, after, false, false).await.unwrap();
    assert_eq!(page.replayed, Replayed { events: 1, due: 1 });
    stage.drain().await;
    assert_eq!(hook.received()[0].json()["data"]["robloxId"], 3);
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_is_sent_at_once() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = Hook::that(|_, _| Reply::Status(500, ""));
    let stage = Stage::at(&workspace, &hook).await;
    stage.ban([1]).await;
    stage.drain().await;
    let waiting = stage.deliveries().await[0].clone();
    assert_eq!(waiting.state, DeliveryState::Due);
    assert!(waiting.due_at.unwrap() > UnixMillis::now());

    hook.now(|_, _| Reply::Status(200, ""));
    let expected = Replayed { events: 1, due: 1 };
    assert_eq!(replay(&stage, false, true).await, expected);
    stage.drain().await;
    assert_eq!(hook.received().len(), 1, "it still waits");
    assert_eq!(replay(&stage, false, false).await, expected);
    stage.drain().await;
    assert_eq!(hook.received().len(), 2);
    assert_eq!(stage.deliveries().await[0].state, DeliveryState::Delivered);
}
