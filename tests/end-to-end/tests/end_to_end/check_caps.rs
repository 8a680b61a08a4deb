//! Caps on the checks of a key per minute, counted approximately.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use end_to_end::{Ban, Call, KeySpec, TestApp, Workspace, eventually, now};
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::json;
use shared::domain::keys::{KeyKind, PlainKey};

use crate::routes::{EXPERIENCE, USER};

const CAP: u32 = 20;

fn check(key: &str) -> Call {
    let body = json!({ "userId": USER, "experienceId": EXPERIENCE });
    Call::post("/is-banned").json(&body).key(key)
}

/// An app in whose functions a minute has just begun, so that a test does not span two minutes.
async fn app_at_the_start_of_a_minute() -> TestApp {
    let since = i64::try_from(now() % 60).unwrap() * 1000;
    let builder = TestApp::builder().with_faults().clocks(&[-since]);
    builder.start().await
}

/// A public key with a cap on checks.
async fn capped(workspace: &Workspace<'_>) -> String {
    let spec = KeySpec {
        checks_per_minute: NonZeroU32::new(CAP),
        ..KeySpec::public()
    };
    workspace.make_key(spec).await
}

#[tokio::test]
async fn checks_over_the_cap_are_refused_in_every_environment() {
    let app = app_at_the_start_of_a_minute().await;
    let workspace = app.workspace().await;
    let key = capped(&workspace).await;
    for number in 1..=CAP {
        assert_eq!(app.send(&check(&key)).await.status, 200, "{number}");
    }
    let refused = app.send(&check(&key)).await;
    refused.assert_error(429, "rate_limited");
    let retry_after = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60_u64).contains(&retry_after), "{retry_after}");
    // A refused check costs no read.
    let log = app.log_of("is-banned", &refused).await;
    assert_eq!(
        (&log["databaseCalls"], &log["status"]),
        (&json!(0), &json!(429))
    );
    // An invalid check counts too.
    let invalid = Call::post("/is-banned").body("{").key(&key);
    app.send(&invalid).await.assert_error(429, "rate_limited");
    // Other keys are not refused.
    assert_eq!(app.send(&check(workspace.public_key())).await.status, 200);
    assert_eq!(app.send(&check(workspace.secret_key())).await.status, 200);

    // The last checks are reported with a later call, at most once in three seconds.
    let total = || async {
        let items = app.items(&format!("{}#K#", workspace.prefix())).await;
        items.first().map(|item| item["count"]["N"].clone())
    };
    eventually("all checks are reported", async || {
        app.send(&check(&key))
            .await
            .assert_error(429, "rate_limited");
        (total().await == Some(json!(CAP.to_string()))).then_some(())
    })
    .await;

    // A new environment learns of them with its first report.
    app.replace("is-banned").await;
    let mut answered = 0;
    eventually("the new environment refuses too", async || {
        let status = app.send(&check(&key)).await.status;
        answered += usize::from(status == 200);
        (status == 429).then_some(())
    })
    .await;
    assert!(answered < 10, "{answered} more were answered");
}

#[tokio::test]
async fn a_stalled_database_does_not_affect_capped_checks() {
    let app = app_at_the_start_of_a_minute().await;
    let workspace = app.workspace().await;
    let key = capped(&workspace).await;
    app.send(&check(&key)).await.success();
    for fault in [Fault::Stall, Fault::ServerError] {
        app.faults().clear();
        app.faults().inject(Rule::from(fault).on("UpdateItem"));
        for _ in 0..5 {
            let begun = Instant::now();
            app.send(&check(&key)).await.success();
            assert!(begun.elapsed() < Duration::from_secs(2), "{fault:?}");
        }
    }
    // This environment knows its own count.
    for _ in 11..CAP {
        app.send(&check(&key)).await.success();
    }
    app.send(&check(&key))
        .await
        .assert_error(429, "rate_limited");
}

#[tokio::test]
async fn counting_checks_adds_no_calls_and_few_writes() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    let key = workspace.public_key();
    app.send(&check(key)).await.success();
    app.faults().clear_seen();
    let begun = Instant::now();
    for _ in 0..100 {
        let answer = app.send(&check(key)).await;
        let log = app.log_of("is-banned", &answer).await;
        let cost = (&log["readUnits"], &log["writeUnits"], &log["databaseCalls"]);
        assert_eq!(cost, (&json!(2.0), &json!(0.0), &json!(1)));
    }
    let seen = app.faults().seen();
    let writes = seen.iter().filter(|name| *name == "UpdateItem").count();
    let intervals = usize::try_from(begun.elapsed().as_secs() / 3).unwrap();
    // Plus one write for the key's daily use, and one if a minute begins.
    assert!((1..=3 + intervals).contains(&writes), "{writes} writes");
}

/// A key tried just before its creation works within the documented five seconds.
#[tokio::test]
async fn a_key_tried_before_creation_works_within_five_seconds() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let early = PlainKey::random(KeyKind::Secret, workspace.id());
    app.send(&check(workspace.secret_key())).await.success();
    let reads = || {
        let seen = app.faults().seen();
        seen.iter().filter(|name| *name == "BatchGetItem").count()
    };
    for _ in 0..3 {
        let answer = app.send(&check(early.reveal())).await;
        answer.assert_error(401, "unauthorized");
    }
    // It was looked up once, and the refusals after it read nothing.
    assert_eq!(reads(), 2);
    let begun = Instant::now();
    let made = workspace
        .create_key(early.clone(), KeySpec::default())
        .await;
    assert!(made);
    eventually("the key works", async || {
        (app.send(&check(early.reveal())).await.status == 200).then_some(())
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(6));
}
