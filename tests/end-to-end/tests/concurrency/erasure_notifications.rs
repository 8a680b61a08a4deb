//! Roblox's notifications under faults: they are resent until they are processed, and are processed
//! once.

use std::time::{Duration, Instant};

use end_to_end::{ApiResponse, Ban, Notification, TestApp, Workspace};
use futures::FutureExt;
use futures::future::join_all;
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::Value;
use shared::store::ErasureMode;

use crate::audit::audit;

const ARENA: u64 = 7_001;
const MALLORY: u64 = 1_001;
const MODES: [ErasureMode; 2] = [ErasureMode::Queue, ErasureMode::Erase];

/// Roblox waits five seconds; the rest is what two busy cores may add.
const IN_TIME: Duration = Duration::from_millis(5_500);

const NOT_DONE: [Fault; 5] = [
    Fault::Throttle,
    Fault::ThroughputExceeded,
    Fault::ServerError,
    Fault::CutBefore,
    Fault::Stall,
];

const WRITE: &str = "TransactWriteItems";

async fn app() -> TestApp {
    TestApp::builder().with_faults().start().await
}

/// A workspace in which Mallory is banned twice, and the secret of its webhook.
async fn banned_twice(app: &TestApp, mode: ErasureMode) -> (Workspace<'_>, String) {
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(mode).await;
    workspace.ban(Ban::of(MALLORY, ARENA).permanent()).await;
    workspace.ban(Ban::of(MALLORY, ARENA).global()).await;
    app.settle().await;
    (workspace, secret)
}

async fn queue_length(workspace: &Workspace<'_>) -> usize {
    let store = workspace.app().store();
    let queue = store.erasure_queue(workspace.id().prefix()).await;
    queue.unwrap().len()
}

/// The request had its mode's effect once.
async fn assert_processed(workspace: &Workspace<'_>, mode: ErasureMode) {
    let banned = workspace.is_banned(MALLORY, ARENA).await;
    let done = (banned, queue_length(workspace).await);
    match mode {
        ErasureMode::Queue => assert_eq!(done, (true, 1)),
        ErasureMode::Erase => assert_eq!(done, (false, 0)),
    }
    workspace.app().settle().await;
    audit(workspace).await;
}

#[tokio::test]
async fn a_notification_that_failed_on_the_database_works_when_resent() {
    let app = TestApp::builder().with_faults().instances(2).start().await;
    // All of them, before a function caches who receives notifications.
    let mut cases = Vec::new();
    for fault in NOT_DONE {
        for mode in MODES {
            let (workspace, secret) = banned_twice(&app, mode).await;
            let before = workspace.stored().await;
            let call = Notification::erasure(MALLORY).signed(&secret);
            cases.push((fault, mode, workspace, before, call));
        }
    }
    for cases in cases.chunks(MODES.len()) {
        let fault = cases[0].0;
        // First the whole database fails, then only its writes.
        for rule in [Rule::from(fault), Rule::from(fault).on(WRITE)] {
            app.faults().inject(rule);
            let sent = cases.iter().map(|(.., call)| {
                let started = Instant::now();
                app.send(call)
                    .map(move |answer| (answer, started.elapsed()))
            });
            for (answer, took) in join_all(sent).await {
                answer.assert_error(503, "unavailable");
                assert!(took < IN_TIME, "{fault:?}: it took {took:?}");
            }
            app.faults().clear();
            for (.., workspace, before, _) in cases {
                // Only the marker that the work started may remain.
                let mut after = workspace.stored().await;
                after.retain(|item| item.get("under_way").is_none());
                assert_eq!(&after, before, "{fault:?} left something behind");
            }
        }
        for (_, mode, workspace, _, call) in cases {
            app.send(call).await.assert_ok();
            assert_processed(workspace, *mode).await;
        }
    }
}

#[tokio::test]
async fn a_notification_whose_marker_was_not_written_is_processed_again() {
    let app = app().await;
    let (workspace, secret) = banned_twice(&app, ErasureMode::Erase).await;
    let erasure = Notification::erasure(MALLORY);
    // The first write marks the start, the second the end.
    for (after, is_banned, marks) in [(0, true, 0), (1, false, 1)] {
        let rule = Rule::from(Fault::Throttle).on("PutItem").after(after);
        app.faults().inject(rule);
        let answer = app.send(&erasure.signed(&secret)).await;
        answer.assert_error(503, "unavailable");
        app.faults().clear();
        assert_eq!(workspace.is_banned(MALLORY, ARENA).await, is_banned);
        let stored = workspace.stored().await;
        let under_way = stored.iter().filter(|it| it.get("under_way").is_some());
        assert_eq!(under_way.count(), marks);
    }
    app.send(&erasure.signed(&secret)).await.assert_ok();
    let stored = Value::from(workspace.stored().await).to_string();
    assert!(!stored.contains("under_way"), "{stored}");
    assert_processed(&workspace, ErasureMode::Erase).await;
}

#[tokio::test]
async fn a_notification_with_a_lost_answer_is_processed_once() {
    let app = app().await;
    for mode in MODES {
        let (workspace, secret) = banned_twice(&app, mode).await;
        app.replace("roblox-webhook").await;
        let erasure = Notification::erasure(MALLORY);
        app.faults().inject(Rule::from(Fault::CutAfter).on(WRITE));
        let answer = app.send(&erasure.signed(&secret)).await;
        assert!([200, 503].contains(&answer.status), "{answer}");
        app.faults().clear();
        for _ in 0..2 {
            app.send(&erasure.signed(&secret)).await.assert_ok();
        }
        assert_processed(&workspace, mode).await;
    }
}

#[tokio::test]
async fn concurrent_duplicates_of_a_notification_are_processed_once() {
    for mode in MODES {
        let app = TestApp::builder().instances(4).start().await;
        let workspace = app.workspace().await;
        let secret = workspace.take_in_erasures(mode).await;
        workspace.ban(Ban::of(MALLORY, ARENA).permanent()).await;
        app.settle().await;
        let call = Notification::erasure(MALLORY).signed(&secret);
        let answers = join_all((0..24).map(|_| app.send(&call))).await;
        answers.iter().for_each(ApiResponse::assert_ok);
        assert_processed(&workspace, mode).await;
        let marks = app.items(&format!("{}#R#", workspace.prefix())).await;
        assert_eq!(marks.len(), 1);
    }
}
