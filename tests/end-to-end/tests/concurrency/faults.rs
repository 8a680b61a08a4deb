//! Faults between functions and database: responses come in time, and writes are atomic.

use std::time::{Duration, Instant};

use end_to_end::{ApiResponse, Ban, Call, TestApp, Unban, Workspace};
use futures::future::join_all;
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::json;

use crate::audit::audit;

const ARENA: u64 = 7_001;
const MALLORY: u64 = 1_001;
const OSCAR: u64 = 1_002;

/// A route answers within five seconds; the rest is what two busy cores may add.
const IN_TIME: Duration = Duration::from_millis(6_500);

/// Faults after which the database has done nothing.
const NOT_DONE: [Fault; 5] = [
    Fault::Throttle,
    Fault::ThroughputExceeded,
    Fault::ServerError,
    Fault::CutBefore,
    Fault::Stall,
];

/// Faults after which the database has done everything, unknown to the function.
const DONE: [Fault; 2] = [Fault::CutAfter, Fault::Delay(Duration::from_millis(1_300))];

/// The only operation that changes bans, records and index entries.
const WRITE: &str = "TransactWriteItems";

async fn app() -> TestApp {
    TestApp::builder().with_faults().start().await
}

/// A call of every route that uses the database.
fn every_route() -> Vec<Call> {
    let check = json!({ "userId": MALLORY, "experienceId": ARENA });
    let checks = json!({ "userIds": [MALLORY, OSCAR], "experienceId": ARENA });
    let unknown = json!({
        "userId": OSCAR, "guid": "1", "revision": 1, "applied": "ban", "ok": true,
    });
    let reports = json!({ "experienceId": ARENA, "reports": [unknown] });
    vec![
        Call::post("/is-banned").json(&check),
        Ban::of(OSCAR, ARENA).permanent().call(),
        Unban::of(MALLORY, ARENA).call(),
        Call::get("/pending-bans").query("experienceId", ARENA),
        Call::get("/pending-unbans").query("experienceId", ARENA),
        Call::get("/bans"),
        Call::get("/export/bans/json"),
        Call::get("/export/bans/csv"),
        Call::post("/is-banned/batch").json(&checks),
        Call::post("/reports").json(&reports),
    ]
}

async fn timed(workspace: &Workspace<'_>, call: Call) -> (ApiResponse, Duration) {
    let started = Instant::now();
    let answer = workspace.send(call).await;
    (answer, started.elapsed())
}

#[track_caller]
fn assert_unavailable((answer, took): &(ApiResponse, Duration), fault: Fault) {
    answer.assert_error(503, "unavailable");
    assert_eq!(
        answer.header("retry-after"),
        Some("1"),
        "{fault:?}: {answer}"
    );
    assert!(
        *took < IN_TIME,
        "{fault:?}: it took {took:?} to say {answer}"
    );
}

#[tokio::test]
async fn every_route_reports_an_unreachable_database_in_time() {
    let app = app().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(MALLORY, ARENA)).await;
    app.settle().await;
    let before = workspace.stored().await;
    for fault in NOT_DONE {
        app.faults().inject(fault);
        let calls = every_route()
            .into_iter()
            .map(|call| timed(&workspace, call));
        for outcome in join_all(calls).await {
            assert_unavailable(&outcome, fault);
        }
        app.faults().clear();
        assert_eq!(
            workspace.stored().await,
            before,
            "{fault:?} left something behind"
        );
    }
    // The functions have recovered.
    for call in every_route() {
        assert_eq!(workspace.send(call).await.status, 200);
    }
    app.settle().await;
    audit(&workspace).await;
}

#[tokio::test]
async fn ban_history_answers_503_while_the_database_is_down() {
    let app = app().await;
    let workspace = app.workspace().await;
    let ban = workspace.ban_shown(Ban::of(MALLORY, ARENA)).await;
    let call = Call::get(&format!("/bans/{}", ban["guid"].as_str().unwrap()));
    for fault in NOT_DONE {
        app.faults().inject(fault);
        assert_unavailable(&timed(&workspace, call.clone()).await, fault);
        app.faults().clear();
    }
    assert_eq!(workspace.send(call).await.status, 200);
}

#[tokio::test]
async fn callers_do_not_notice_transient_faults() {
    let app = app().await;
    for fault in NOT_DONE.into_iter().chain(DONE) {
        let workspace = app.workspace().await;
        workspace.ban(Ban::of(MALLORY, ARENA)).await;
        // Faults of a second each are tested on fewer routes: all access the database alike.
        let is_slow = matches!(fault, Fault::Stall | Fault::Delay(_));
        for call in every_route().into_iter().take(if is_slow { 3 } else { 10 }) {
            app.faults().inject(Rule::from(fault).times(1));
            let (answer, took) = timed(&workspace, call).await;
            assert_eq!(answer.status, 200, "{fault:?}: {answer}");
            assert!(took < IN_TIME, "{fault:?}: it took {took:?}");
            app.faults().clear();
        }
        app.settle().await;
        let sound = audit(&workspace).await;
        assert_eq!(
            (sound.decisions(MALLORY), sound.decisions(OSCAR)),
            (2, 1),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_failed_write_answers_503_and_succeeds_once_when_retried() {
    let app = app().await;
    let workspace = app.workspace().await;
    for (n, fault) in NOT_DONE.into_iter().enumerate() {
        let users @ [new, banned] = [2_000, 2_050].map(|first| first + n as u64);
        let ban = |user| Ban::of(user, ARENA).permanent().no_overwrite();
        let unban = || Unban::of(banned, ARENA);
        workspace.ban(ban(banned)).await;
        app.faults().inject(Rule::from(fault).on(WRITE));
        let calls = [ban(new).call(), unban().call()];
        for outcome in join_all(calls.map(|call| timed(&workspace, call))).await {
            assert_unavailable(&outcome, fault);
        }
        app.faults().clear();
        let is_banned = async |user| workspace.is_banned(user, ARENA).await;
        assert!(!is_banned(new).await, "{fault:?}: half a ban");
        assert!(is_banned(banned).await, "{fault:?}: half an unban");

        workspace.ban(ban(new)).await;
        workspace.unban(unban()).await;
        workspace.unban(unban()).await;
        assert!(!is_banned(banned).await);
        let sound = audit(&workspace).await;
        assert_eq!(users.map(|user| sound.decisions(user)), [1, 2], "{fault:?}");
    }
}

#[tokio::test]
async fn a_write_with_a_lost_answer_is_recognised_and_answers_200() {
    let app = app().await;
    let workspace = app.workspace().await;
    for (n, fault) in DONE.into_iter().enumerate() {
        let user = 2_100 + n as u64;
        // No write is answered throughout the test.
        app.faults().inject(Rule::from(fault).on(WRITE));
        let (answer, took) = timed(
            &workspace,
            Ban::of(user, ARENA).permanent().no_overwrite().call(),
        )
        .await;
        answer.assert_ok();
        assert!(took < IN_TIME, "{fault:?}: it took {took:?}");
        let change = Ban::of(user, ARENA)
            .permanent()
            .reasons("changed", "changed");
        timed(&workspace, change.call()).await.0.assert_ok();
        timed(&workspace, Unban::of(user, ARENA).call())
            .await
            .0
            .assert_ok();
        app.faults().clear();
        assert!(!workspace.is_banned(user, ARENA).await);
        assert_eq!(audit(&workspace).await.decisions(user), 3, "{fault:?}");
    }
}

/// Earlier steps may leave too little time to write and to verify the write.
#[tokio::test]
async fn a_call_without_time_for_a_write_does_not_start_it() {
    let app = app().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(MALLORY, ARENA)).await;
    // The stream's functions would hit the faults too.
    app.settle().await;
    let slow = [("BatchGetItem", 2), ("UpdateItem", 1)];
    for (operation, times) in slow {
        app.faults()
            .inject(Rule::from(Fault::Stall).on(operation).times(times));
    }
    let late = Fault::Delay(Duration::from_millis(1_300));
    app.faults().inject(Rule::from(late).on(WRITE));
    let ban = Ban::of(OSCAR, ARENA).no_overwrite();
    let (answer, took) = timed(&workspace, ban.call()).await;
    app.faults().clear();
    assert_unavailable(&(answer, took), late);
    app.settle().await;
    assert_eq!(audit(&workspace).await.decisions(OSCAR), 0);
    workspace.ban(ban).await;
}

#[tokio::test]
async fn a_write_with_a_lost_answer_is_made_once_despite_a_cancelled_retry() {
    let app = app().await;
    let workspace = app.workspace().await;
    workspace.link(ARENA).await;
    let conflict = Fault::Cancelled("TransactionConflict");
    for fault in [Fault::CutAfter, conflict] {
        app.faults().inject(Rule::from(fault).on(WRITE).times(1));
    }
    workspace.ban(Ban::of(MALLORY, ARENA).no_overwrite()).await;
}

#[tokio::test]
async fn a_report_with_a_lost_answer_is_recorded_once() {
    let app = app().await;
    let workspace = app.workspace().await;
    for (n, fault) in DONE.into_iter().enumerate() {
        let user = 2_200 + n as u64;
        workspace.ban(Ban::of(user, ARENA)).await;
        let list = workspace.await_pending_bans(ARENA, &[user]).await;
        app.faults().inject(Rule::from(fault).on(WRITE));
        timed(&workspace, Ban::reporting(&list[0], ARENA).call())
            .await
            .0
            .assert_ok();
        app.faults().clear();
        workspace.await_pending_bans(ARENA, &[]).await;
        assert_eq!(audit(&workspace).await.decisions(user), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_ban_that_lost_its_number_gets_another() {
    let app = app().await;
    let workspace = app.workspace().await;
    let first = workspace.ban_shown(Ban::of(MALLORY, ARENA)).await;
    app.faults()
        .inject(Rule::from(Fault::CutAfter).on("UpdateItem").times(1));
    let second = workspace.ban_shown(Ban::of(OSCAR, ARENA)).await;
    assert!(
        second["uid"].as_u64() > first["uid"].as_u64(),
        "{second} after {first}"
    );
    assert_eq!(audit(&workspace).await.decisions(OSCAR), 1);
}

#[tokio::test]
async fn checks_succeed_while_writes_are_throttled() {
    let app = app().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(MALLORY, ARENA)).await;
    for operation in [WRITE, "UpdateItem", "Query"] {
        app.faults()
            .inject(Rule::from(Fault::ThroughputExceeded).on(operation));
    }
    assert!(workspace.is_banned(MALLORY, ARENA).await);
    assert!(!workspace.is_banned(OSCAR, ARENA).await);
}

/// After a 503 a caller knows that the call took effect completely or not at all, and that retrying
/// until success equals one call.
#[tokio::test]
async fn random_faults_leave_calls_atomic_and_safe_to_retry() {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let app = app().await;
    let workspace = app.workspace().await;
    workspace.pending_bans(8_001).await;
    let faults = [
        Fault::Throttle,
        Fault::ServerError,
        Fault::CutBefore,
        Fault::CutAfter,
    ];
    let operations = [
        "BatchGetItem",
        "GetItem",
        "UpdateItem",
        "Query",
        WRITE,
        WRITE,
        WRITE,
    ];
    for user in 3_000..3_012 {
        let global = rng.bool();
        let ban = || {
            let ban = Ban::of(user, ARENA).permanent();
            if global { ban.global() } else { ban }
        };
        let unban = || Unban::of(user, ARENA);
        let first = ban().no_overwrite();
        for call in [first.call(), ban().applied().call(), unban().call()] {
            for _ in 0..rng.usize(1..3) {
                let fault = faults[rng.usize(..faults.len())];
                let operation = operations[rng.usize(..operations.len())];
                let times = rng.usize(1..7);
                app.faults()
                    .inject(Rule::from(fault).on(operation).times(times));
            }
            let mut attempts = 0;
            loop {
                attempts += 1;
                let answer = workspace.send(call.clone()).await;
                match answer.status {
                    200 => break,
                    503 => assert!(attempts < 20, "{answer}"),
                    _ => panic!("{answer}"),
                }
            }
            app.faults().clear();
        }
    }
    app.settle().await;
    let sound = audit(&workspace).await;
    for user in 3_000..3_012 {
        assert_eq!(sound.decisions(user), 2, "of {user}: one ban and one unban");
        assert!(!workspace.is_banned(user, ARENA).await);
    }
    // No repeated unban counted as a report of the experience.
    let users: Vec<u64> = (3_000..3_012).collect();
    workspace.await_pending_unbans(ARENA, &users).await;
}
