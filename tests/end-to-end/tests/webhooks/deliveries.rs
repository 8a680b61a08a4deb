//! What arrives at an endpoint.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use end_to_end::{Ban, Reply, Unban, WebhookReceiver, contract, now};
use serde_json::{Value, json};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::event::EventName;
use shared::domain::webhooks::{DeliveryState, EventFilter, EventReceiver};
use shared::store::{ErasureSource, Key};

use crate::test_endpoint::{EXPERIENCE, TestEndpoint, drain, publish, still};

#[tokio::test]
async fn a_decision_is_delivered_once_signed_and_complete() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::at(&workspace, &hook).await;
    workspace
        .ban(Ban::of(1, EXPERIENCE).permanent().moderator(9))
        .await;
    workspace
        .ban(Ban::of(1, EXPERIENCE).permanent().reasons("why", "new"))
        .await;
    workspace.unban(Unban::of(1, EXPERIENCE)).await;
    assert_eq!(publish(&workspace).await, 3);
    target.drain().await;

    let received = hook.received();
    let secret = target.secrets().await.current().clone();
    let names = ["GAME_BANNED", "GAME_BAN_UPDATED", "GAME_UNBANNED"];
    assert_eq!(received.len(), 3);
    for (one, name) in received.iter().zip(names) {
        assert!(one.is_signed_by(&secret));
        let event = one.json();
        let problems = contract().webhook_problems(&one.headers, &event);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(
            (&event["event"], &event["id"]),
            (&json!(name), &json!(one.id()))
        );
        assert_eq!(event["workspaceGuid"], workspace.guid());
        assert_eq!(event["data"]["robloxId"], 1);
        assert!(
            event["data"]["isGlobal"].is_u64(),
            "flags are numbers: {event}"
        );
        assert_eq!(one.header("content-type"), "application/json");
        let time: u64 = one.header("webhook-timestamp").parse().unwrap();
        assert!(now().abs_diff(time) < 5);
    }
    assert_eq!(received[0].json()["previous"], json!(null));
    assert_eq!(received[1].json()["previous"]["robloxId"], 1);
    assert_eq!(received[1].json()["data"]["privateReason"], "why");

    // Nothing is repeated, whatever runs again.
    assert_eq!(publish(&workspace).await, 0);
    let log = app
        .store()
        .events_after(target.prefix(), 0, 9, UnixMillis::now());
    let events = log.await.unwrap().events;
    assert_eq!(
        app.store().fan_out(target.prefix(), &events).await.unwrap(),
        0
    );
    target.drain().await;
    assert_eq!(hook.received().len(), 3);
    for delivery in target.deliveries().await {
        assert_eq!(delivery.state, DeliveryState::Delivered);
        assert_eq!((delivery.attempts, delivery.due_at), (1, None));
        let last = delivery.last.unwrap();
        assert_eq!((last.status, last.answer.as_str()), (Some(200), ""));
    }
    // A delivery names its event and no user.
    for item in app.items(&format!("{}#D#", target.prefix())).await {
        let names: HashSet<_> = item
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let known = [
            "pk", "sk", "kind", "event_id", "event", "state", "attempts", "created", "last", "ttl",
        ];
        assert_eq!(names, known.into());
    }
}

#[tokio::test]
async fn endpoints_get_their_subscribed_events_unless_paused() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let (all, unbans, paused) = (
        WebhookReceiver::start(),
        WebhookReceiver::start(),
        WebhookReceiver::start(),
    );
    let first = TestEndpoint::at(&workspace, &all).await;
    let second = TestEndpoint::with(&workspace, &unbans.url(), |endpoint| {
        endpoint.events = EventFilter::of([EventName::Unbanned]).unwrap();
    })
    .await;
    let third = TestEndpoint::with(&workspace, &paused.url(), |endpoint| {
        *endpoint = endpoint.clone().paused();
    })
    .await;
    let other = app.workspace().await;
    let strange = WebhookReceiver::start();
    let elsewhere = TestEndpoint::at(&other, &strange).await;
    workspace.ban(Ban::of(1, EXPERIENCE)).await;
    workspace.unban(Unban::of(1, EXPERIENCE)).await;
    assert_eq!(publish(&workspace).await, 3);
    for target in [&first, &second, &third, &elsewhere] {
        target.drain().await;
    }
    assert_eq!(all.received().len(), 2);
    assert_eq!(unbans.received().len(), 1);
    assert_eq!(unbans.received()[0].json()["event"], "GAME_UNBANNED");
    assert!(paused.received().is_empty() && strange.received().is_empty());

    // What was due when an endpoint was paused waits until it resumes.
    first.ban([2]).await;
    first.change(|endpoint| endpoint.paused()).await;
    first.drain().await;
    assert_eq!(all.received().len(), 2);
    first.change(|endpoint| endpoint.resumed()).await;
    first.drain().await;
    assert_eq!(all.received().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_ordered_per_user_and_concurrent_across_users() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let slow = Duration::from_millis(50);
    let hook = WebhookReceiver::that(move |_, _| Reply::After(slow));
    let target = TestEndpoint::at(&workspace, &hook).await;
    for round in 0..6 {
        for user in 1..=8 {
            let reason = format!("round {round}");
            let ban = Ban::of(user, EXPERIENCE).permanent();
            workspace.ban(ban.reasons(&reason, "rounds")).await;
        }
    }
    assert_eq!(publish(&workspace).await, 48);
    let started = Instant::now();
    target.drain().await;
    let took = started.elapsed();
    let received = hook.received();
    assert_eq!(received.len(), 48);
    for user in 1..=8 {
        let of_user = received.iter().map(|one| one.json());
        let of_user = of_user.filter(|event| event["data"]["robloxId"] == user);
        let rounds: Vec<_> = of_user
            .map(|event| event["data"]["privateReason"].clone())
            .collect();
        let expected: Vec<_> = (0..6)
            .map(|round| json!(format!("round {round}")))
            .collect();
        assert_eq!(rounds, expected, "of {user}");
    }
    // In sequence it would take 48 times as long.
    assert!(took < slow * 48, "{took:?}");
}

#[tokio::test]
async fn no_event_overtakes_one_still_missing_from_the_index() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::at(&workspace, &hook).await;
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    workspace.unban(Unban::of(1, EXPERIENCE)).await;
    assert_eq!(publish(&workspace).await, 2);
    // As while the index lags: the delivery exists, but not yet in the index.
    let first = target.deliveries().await[0].clone();
    let key = Key::delivery(target.prefix(), target.id, first.key);
    let item = json!({ "pk": { "S": key.pk }, "sk": { "S": key.sk } });
    app.update_item(&item, "REMOVE due", &Value::Null).await;
    target.drain().await;
    let events: Vec<_> = hook
        .received()
        .iter()
        .map(|one| one.json()["event"].clone())
        .collect();
    assert_eq!(events, [json!("GAME_BANNED"), json!("GAME_UNBANNED")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_endpoint_delays_no_other() {
    let app = still().instances(2).start().await;
    let workspace = app.workspace().await;
    let hanging = WebhookReceiver::that(|_, _| Reply::After(Duration::from_secs(30)));
    let quick = WebhookReceiver::start();
    let (first, second) = (
        TestEndpoint::at(&workspace, &hanging).await,
        TestEndpoint::at(&workspace, &quick).await,
    );
    first.ban(1..=3).await;
    let started = Instant::now();
    let (hung, took) = tokio::join!(
        async {
            first.drain().await;
            started.elapsed()
        },
        async {
            second.drain().await;
            quick
                .received()
                .iter()
                .map(|one| one.at - started)
                .max()
                .unwrap()
        }
    );
    assert_eq!(quick.received().len(), 3);
    assert!(took < Duration::from_millis(600), "{took:?}");
    assert!(hung > took, "{hung:?}");
    for delivery in first.deliveries().await {
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Due, 1));
        let last = delivery.last.unwrap();
        assert_eq!(last.failure.unwrap().reason(), "timed out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_interrupted_by_a_kill_still_arrive() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::that(|_, at| match at {
        0..4 => Reply::Status(200, ""),
        _ => Reply::After(Duration::from_millis(300)),
    });
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban(1..=20).await;
    let prefix = target.prefix();
    let dying = async {
        let event = json!({ "workspace": prefix.to_string(), "endpoint": target.id });
        assert!(app.invoke("deliver-webhooks", &event).await.is_err());
    };
    let killing = async {
        end_to_end::eventually("some have arrived", async || {
            (hook.received().len() > 4).then_some(())
        })
        .await;
        assert!(app.runtime().kill("deliver-webhooks", 0));
    };
    tokio::join!(dying, killing);
    // The killed worker's lease ends, as with time.
    let lease = app.items(&format!("{prefix}#W#deliver-")).await;
    let [lease] = lease.as_slice() else {
        panic!("{lease:?}")
    };
    drain(&app, prefix, target.id).await;
    let before = hook.received().len();
    assert!(before < 20, "a lease that is held keeps others away");
    let past = json!({ ":past": { "N": "1" } });
    app.update_item(lease, "SET held_until = :past", &past)
        .await;
    hook.now(|_, _| Reply::Status(200, ""));
    drain(&app, prefix, target.id).await;
    let ids: HashSet<_> = hook.ids().into_iter().collect();
    assert_eq!(ids.len(), 20, "each arrived, under its own id");
    let deliveries = target.deliveries().await;
    assert!(
        deliveries
            .iter()
            .all(|one| one.state == DeliveryState::Delivered)
    );
}

#[tokio::test]
async fn events_of_erased_users_are_dropped() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::that(|_, _| Reply::Status(500, ""));
    let target = TestEndpoint::at(&workspace, &hook).await;
    target.ban([1, 2]).await;
    target.drain().await;
    assert_eq!(hook.received().len(), 2);
    let user = shared::domain::ids::UserId::new(1).unwrap();
    let erase = app
        .store()
        .erase_user(target.prefix(), user, ErasureSource::Operator);
    erase.await.unwrap();
    target.bring_due().await;
    // Just after it was written the log may only lag, so it stays due. It was attempted before, so
    // nothing waits for it.
    target.drain().await;
    assert_eq!(hook.received().len(), 3);
    let [erased, known] = target.deliveries().await.try_into().unwrap();
    for (delivery, attempts) in [(&erased, 1), (&known, 2)] {
        let so_far = (delivery.state, delivery.attempts);
        assert_eq!(so_far, (DeliveryState::Due, attempts));
    }
    // Later it is known to be gone.
    let long_ago = UnixMillis::now().millis() - 61_000;
    target.set(erased.key, "created", long_ago).await;
    hook.now(|_, _| Reply::Status(200, ""));
    target.bring_due().await;
    target.drain().await;
    assert_eq!(hook.received().len(), 4);
    let [erased, known] = target.deliveries().await.try_into().unwrap();
    assert_eq!((erased.state, erased.due_at), (DeliveryState::Gone, None));
    assert_eq!(known.state, DeliveryState::Delivered);
    let users: HashSet<_> = hook.received()[2..]
        .iter()
        .map(|one| one.json()["data"]["robloxId"].as_u64())
        .collect();
    assert_eq!(users, [Some(2)].into());
}

#[tokio::test]
async fn both_secrets_sign_during_rotation() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::at(&workspace, &hook).await;
    let old = target.secrets().await;
    let rotate = |at: UnixSeconds| {
        let target = &target;
        async move {
            target
                .change(|mut endpoint| {
                    if let EventReceiver::Signed { secrets, .. } = &mut endpoint.receiver {
                        *secrets = secrets.rotated(at, 60);
                    }
                    endpoint
                })
                .await;
        }
    };
    rotate(UnixSeconds(now())).await;
    let new = target.secrets().await;
    target.ban([1]).await;
    target.drain().await;
    let received = hook.received();
    assert!(received[0].is_signed_by(old.current()) && received[0].is_signed_by(new.current()));
    // Replaced long enough ago, it signs no more.
    rotate(UnixSeconds(now() - 60)).await;
    let newest = target.secrets().await;
    target.ban([2]).await;
    target.drain().await;
    let received = hook.received();
    assert!(received[1].is_signed_by(newest.current()));
    assert!(!received[1].is_signed_by(new.current()));
}
