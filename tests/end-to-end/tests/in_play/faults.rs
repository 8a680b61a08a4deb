//! A bad day between functions and database: an answer comes in time, and nothing is half done.

use std::time::{Duration, Instant};

use end_to_end::{Answer, Ban, Call, TestApp, Unban, Workspace};
use futures::future::join_all;
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::json;

use crate::audit::audit;

const ARENA: u64 = 7_001;
const MALLORY: u64 = 1_001;
const OSCAR: u64 = 1_002;

/// A route answers within five seconds. Above that lies what two busy cores may add.
const IN_TIME: Duration = Duration::from_millis(6_500);

/// Faults after which the database has done nothing.
const NOT_DONE: [Fault; 5] = [
    Fault::Throttle,
    Fault::ThroughputExceeded,
    Fault::ServerError,
    Fault::CutBefore,
    Fault::Stall,
];

/// Faults after which it has done all, and the function does not know.
const DONE: [Fault; 2] = [Fault::CutAfter, Fault::Delay(Duration::from_millis(1_300))];

/// The one way in which bans, records and index entries change.
const WRITE: &str = "TransactWriteItems";

async fn app() -> TestApp {
    TestApp::builder().with_faults().start().await
}

/// A call of every route that touches the database.
fn every_route() -> Vec<Call> {
    let check = json!({ "userId": MALLORY, "experienceId": ARENA });
    vec![
        Call::post("/is-banned").json(&check),
        Ban::of(OSCAR, ARENA).permanent().call(),
        Unban::of(MALLORY, ARENA).call(),
        Call::get("/pending-bans").query("experienceId", ARENA),
        Call::get("/pending-unbans").query("experienceId", ARENA),
        Call::get("/bans"),
        Call::get("/export/bans/json"),
        Call::get("/export/bans/csv"),
    ]
}

async fn timed(workspace: &Workspace<'_>, call: Call) -> (Answer, Duration) {
    let started = Instant::now();
    let answer = workspace.send(call).await;
    (answer, started.elapsed())
}

#[track_caller]
fn assert_unavailable((answer, took): &(Answer, Duration), fault: Fault) {
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
async fn every_route_says_in_time_that_the_database_is_out_of_reach() {
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
    // Nor did it leave the functions in a bad state.
    for call in every_route() {
        assert_eq!(workspace.send(call).await.status, 200);
    }
    app.settle().await;
    audit(&workspace).await;
}

#[tokio::test]
async fn the_history_of_a_ban_is_unavailable_while_the_database_is() {
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
async fn a_fault_that_passes_is_not_seen_by_the_caller() {
    let app = app().await;
    for fault in NOT_DONE.into_iter().chain(DONE) {
        let workspace = app.workspace().await;
        workspace.ban(Ban::of(MALLORY, ARENA)).await;
        // Those that take a second each are tried on fewer routes: all reach the database alike.
        let is_slow = matches!(fault, Fault::Stall | Fault::Delay(_));
        for call in every_route().into_iter().take(if is_slow { 3 } else { 8 }) {
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
async fn a_write_that_was_not_made_is_answered_503_in_time_and_made_once_when_repeated() {
    let app = app().await;
    let workspace = app.workspace().await;
    for (n, fault) in NOT_DONE.into_iter().enumerate() {
        let user = 2_000 + n as u64;
        let ban = || Ban::of(user, ARENA).permanent().no_overwrite();
        app.faults().inject(Rule::from(fault).on(WRITE));
        assert_unavailable(&timed(&workspace, ban().call()).await, fault);
        app.faults().clear();
        assert!(
            !workspace.is_banned(user, ARENA).await,
            "{fault:?}: half a ban"
        );
        workspace.ban(ban()).await;

        let unban = || Unban::of(user, ARENA);
        app.faults().inject(Rule::from(fault).on(WRITE));
        assert_unavailable(&timed(&workspace, unban().call()).await, fault);
        app.faults().clear();
        assert!(
            workspace.is_banned(user, ARENA).await,
            "{fault:?}: half an unban"
        );
        workspace.unban(unban()).await;
        workspace.unban(unban()).await;
        assert!(!workspace.is_banned(user, ARENA).await);
        assert_eq!(audit(&workspace).await.decisions(user), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_never_comes_is_found_made_and_answered_200() {
    let app = app().await;
    let workspace = app.workspace().await;
    for (n, fault) in DONE.into_iter().enumerate() {
        let user = 2_100 + n as u64;
        // All day long: not one write is ever answered.
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

/// What comes before it may leave too little time to write and to look up what became of the write.
#[tokio::test]
async fn call_without_time_to_finish_a_write_does_not_begin_it() {
    let app = app().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(MALLORY, ARENA)).await;
    // The functions behind the stream would meet the faults, too.
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
async fn a_write_whose_answer_was_lost_is_made_once_though_the_next_one_would_be_cancelled() {
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
async fn a_confirmation_whose_answer_never_comes_is_recorded_once() {
    let app = app().await;
    let workspace = app.workspace().await;
    for (n, fault) in DONE.into_iter().enumerate() {
        let user = 2_200 + n as u64;
        workspace.ban(Ban::of(user, ARENA)).await;
        let list = workspace.await_pending_bans(ARENA, &[user]).await;
        app.faults().inject(Rule::from(fault).on(WRITE));
        timed(&workspace, Ban::confirming(&list[0], ARENA).call())
            .await
            .0
            .assert_ok();
        app.faults().clear();
        workspace.await_pending_bans(ARENA, &[]).await;
        assert_eq!(audit(&workspace).await.decisions(user), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_ban_whose_number_was_given_and_lost_gets_another() {
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
async fn a_join_check_is_answered_while_writes_are_throttled() {
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

/// What a caller knows after a 503: it may have happened or not, but not by half; and repeating it
/// until it succeeds comes to the same as one call.
#[tokio::test]
async fn under_random_faults_every_call_is_whole_and_repeating_it_is_safe() {
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
        for call in [first.call(), ban().completed().call(), unban().call()] {
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
    // No repeated unban was taken for a report of the experience.
    let users: Vec<u64> = (3_000..3_012).collect();
    workspace.await_pending_unbans(ARENA, &users).await;
}
