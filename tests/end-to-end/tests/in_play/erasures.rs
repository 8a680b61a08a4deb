//! A bad day for Roblox's notifications: they are sent again until they are dealt with, and are
//! then dealt with once.

use std::time::{Duration, Instant};

use end_to_end::{Answer, Ban, Notification, TestApp, Workspace};
use futures::future::join_all;
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::Value;
use shared::store::ErasureMode;

use crate::audit::audit;

const ARENA: u64 = 7_001;
const MALLORY: u64 = 1_001;
const MODES: [ErasureMode; 2] = [ErasureMode::Queue, ErasureMode::Erase];

/// Roblox waits five seconds. Above that lies what two busy cores may add.
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
async fn in_use(app: &TestApp, mode: ErasureMode) -> (Workspace<'_>, String) {
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(mode).await;
    app.replace("roblox-webhook").await;
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

/// The request had the effect of the mode, once.
async fn assert_done(workspace: &Workspace<'_>, mode: ErasureMode) {
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
async fn a_notification_that_met_a_database_out_of_reach_is_carried_out_when_sent_again() {
    let app = app().await;
    for mode in MODES {
        for fault in NOT_DONE {
            let (workspace, secret) = in_use(&app, mode).await;
            let before = workspace.stored().await;
            let erasure = Notification::erasure(MALLORY);
            // All of the database, and then its writes alone.
            for rule in [Rule::from(fault), Rule::from(fault).on(WRITE)] {
                app.faults().inject(rule);
                let started = Instant::now();
                let answer = app.send(&erasure.signed(&secret)).await;
                let took = started.elapsed();
                answer.assert_error(503, "unavailable");
                assert!(took < IN_TIME, "{fault:?}: it took {took:?}");
                app.faults().clear();
                // All that may be left is the mark that the work has begun.
                let mut after = workspace.stored().await;
                after.retain(|item| item.get("under_way").is_none());
                assert_eq!(after, before, "{fault:?} left something behind");
            }
            app.send(&erasure.signed(&secret)).await.assert_ok();
            assert_done(&workspace, mode).await;
        }
    }
}

#[tokio::test]
async fn notification_whose_mark_could_not_be_written_is_dealt_with_again() {
    let app = app().await;
    let (workspace, secret) = in_use(&app, ErasureMode::Erase).await;
    let erasure = Notification::erasure(MALLORY);
    // The first of these writes says that the work begins, the second that it is done.
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
    assert_done(&workspace, ErasureMode::Erase).await;
}

#[tokio::test]
async fn a_notification_whose_answer_was_lost_is_dealt_with_once() {
    let app = app().await;
    for mode in MODES {
        let (workspace, secret) = in_use(&app, mode).await;
        let erasure = Notification::erasure(MALLORY);
        app.faults().inject(Rule::from(Fault::CutAfter).on(WRITE));
        let answer = app.send(&erasure.signed(&secret)).await;
        assert!([200, 503].contains(&answer.status), "{answer}");
        app.faults().clear();
        for _ in 0..2 {
            app.send(&erasure.signed(&secret)).await.assert_ok();
        }
        assert_done(&workspace, mode).await;
    }
}

#[tokio::test]
async fn a_notification_that_arrives_many_times_at_once_is_dealt_with_once() {
    for mode in MODES {
        let app = TestApp::builder().instances(4).start().await;
        let workspace = app.workspace().await;
        let secret = workspace.take_in_erasures(mode).await;
        workspace.ban(Ban::of(MALLORY, ARENA).permanent()).await;
        app.settle().await;
        let call = Notification::erasure(MALLORY).signed(&secret);
        let answers = join_all((0..24).map(|_| app.send(&call))).await;
        answers.iter().for_each(Answer::assert_ok);
        assert_done(&workspace, mode).await;
        let marks = app.items(&format!("{}#R#", workspace.prefix())).await;
        assert_eq!(marks.len(), 1);
    }
}
