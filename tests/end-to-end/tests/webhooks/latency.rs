//! The whole path from an API call to a studio's server, without help from the test.

use std::time::{Duration, Instant};

use end_to_end::{Ban, TestApp, Unban, eventually, now};
use serde_json::{Value, json};
use shared::domain::webhooks::DeliveryState;

use crate::test_endpoint::{EXPERIENCE, TestEndpoint};

const SWEEP: &str = r#"{"sweep":true}"#;

/// An endpoint at the app's own receiver, which knows its secret.
async fn registered<'a>(
    workspace: &'a end_to_end::Workspace<'a>,
    name: &str,
) -> (TestEndpoint<'a>, String) {
    let app = workspace.app();
    let target = TestEndpoint::with(workspace, &app.receiver().url(name), |_| {}).await;
    let secrets = target.secrets().await;
    let secret = secrets.current().reveal();
    app.receiver().register(name, secret).unwrap();
    (target, name.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn bans_are_delivered_within_two_seconds_once_and_in_order() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let (target, name) = registered(&workspace, "whole").await;
    // The first call starts the functions.
    workspace.ban(Ban::of(99, EXPERIENCE).permanent()).await;
    app.receiver().wait_for_events(&name, 1).await.unwrap();
    app.quiet().await;

    let begun = Instant::now();
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    let events = app.receiver().wait_for_events(&name, 2).await.unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    println!("from the call to the receiver: {took:?}");
    let event: Value = serde_json::from_slice(&events[1].body).unwrap();
    assert_eq!(
        (&event["event"], &event["data"]["robloxId"]),
        (&json!("GAME_BANNED"), &json!(1))
    );

    for user in 2..=4 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
        let changed = Ban::of(user, EXPERIENCE).permanent();
        workspace.ban(changed.reasons("other", "other")).await;
        workspace.unban(Unban::of(user, EXPERIENCE)).await;
    }
    let events = app.receiver().wait_for_events(&name, 11).await.unwrap();
    app.quiet().await;
    assert_eq!(
        app.receiver().deliveries(&name).len(),
        11,
        "none came twice"
    );
    for user in 2..=4_u64 {
        let events = events.iter();
        let names: Vec<_> = events
            .map(|one| serde_json::from_slice::<Value>(&one.body).unwrap())
            .filter(|event| event["data"]["robloxId"] == user)
            .map(|event| event["event"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            ["GAME_BANNED", "GAME_BAN_UPDATED", "GAME_UNBANNED"],
            "{user}"
        );
    }
    let deliveries = target.deliveries().await;
    assert!(
        deliveries
            .iter()
            .all(|one| one.state == DeliveryState::Delivered)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_recovers_lost_wake_ups_and_delivers_expiries() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let (_, name) = registered(&workspace, "lost").await;
    app.lose_background_calls(true);
    let until = now() + 2;
    workspace.ban(Ban::of(1, EXPERIENCE).length(until)).await;
    app.quiet().await;
    assert!(app.receiver().deliveries(&name).is_empty());
    app.lose_background_calls(false);
    app.run_schedule("deliver-webhooks", SWEEP).await;
    app.receiver().wait_for_events(&name, 1).await.unwrap();

    eventually("the ban has run out", async || {
        (now() > until).then_some(())
    })
    .await;
    app.run_schedule("expire-bans", "EachMinute").await;
    let events = app.receiver().wait_for_events(&name, 2).await.unwrap();
    let event: Value = serde_json::from_slice(&events[1].body).unwrap();
    assert_eq!(event["event"], "GAME_UNBANNED");
    assert!(
        event["id"].as_str().unwrap().ends_with("-expired"),
        "{event}"
    );
}
