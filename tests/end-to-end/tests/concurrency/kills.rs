//! Processes killed at any moment: no write is lost or partial.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use end_to_end::{ApiResponse, Ban, Call, TestApp, Unban, Workspace};
use futures::future::join_all;
use serde_json::Value;

use crate::audit::audit;

const ARENA: u64 = 7_001;
const BEACH: u64 = 7_002;

/// The functions that write.
const WRITERS: [&str; 5] = [
    "ban-async",
    "unban-async",
    "pending-bans",
    "pending-unbans",
    "spread-decisions",
];

/// How many concurrent callers there are, each with their own users.
const CALLERS: u64 = 5;

/// How many users each caller bans in sequence.
const USERS: u64 = 8;

/// Sends a call until it is answered, like a client whose connection broke.
async fn retry_until_answered(
    workspace: &Workspace<'_>,
    call: &Call,
    retries: &AtomicUsize,
) -> ApiResponse {
    let call = call.clone().key(workspace.secret_key()).unchecked();
    for _ in 0..50 {
        let answer = workspace.app().send(&call).await;
        // 500 is the gateway's response when the function died, 503 the function's own.
        if !matches!(answer.status, 500 | 503) {
            return answer;
        }
        retries.fetch_add(1, Ordering::Relaxed);
    }
    panic!("50 attempts were in vain");
}

/// Bans, changes, reports and lifts; the last three users of each caller stay banned.
async fn caller(workspace: &Workspace<'_>, number: u64, retries: &AtomicUsize) {
    let place = [ARENA, BEACH][usize::try_from(number % 2).unwrap()];
    for user in users_of(number) {
        let scoped = |ban: Ban| if user % 2 == 0 { ban.global() } else { ban };
        let ban = scoped(Ban::of(user, place).length("7d").no_overwrite());
        // An unanswered attempt may have made it; then this is its repeat.
        retry_until_answered(workspace, &ban.call(), retries)
            .await
            .assert_ok();
        let change = scoped(Ban::of(user, place).permanent().reasons("worse", "worse"));
        retry_until_answered(workspace, &change.call(), retries)
            .await
            .assert_ok();
        retry_until_answered(workspace, &change.applied().call(), retries)
            .await
            .assert_ok();
        if !stays(user) {
            let mut unban = Unban::of(user, place);
            if user % 3 == 0 {
                unban = unban.header("idempotency-key", &user.to_string());
            }
            retry_until_answered(workspace, &unban.call(), retries)
                .await
                .assert_ok();
        }
        let poll = Call::get("/pending-unbans").query("experienceId", place);
        assert_eq!(
            retry_until_answered(workspace, &poll, retries).await.status,
            200
        );
    }
}

fn users_of(caller: u64) -> std::ops::Range<u64> {
    let first = 1_000 * (caller + 1);
    first..first + USERS
}

fn stays(user: u64) -> bool {
    user % 1_000 >= USERS - 3
}

#[tokio::test]
async fn calls_survive_randomly_killed_functions() {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let app = TestApp::builder().instances(3).start().await;
    let workspace = app.workspace().await;
    for experience in [ARENA, BEACH, 7_003, 7_004] {
        workspace.pending_bans(experience).await;
    }

    let (over, retries, mut killed) = (AtomicBool::new(false), AtomicUsize::new(0), 0);
    let script = async {
        join_all((0..CALLERS).map(|number| caller(&workspace, number, &retries))).await;
        over.store(true, Ordering::Relaxed);
    };
    let killer = async {
        while !over.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(rng.u64(10..60))).await;
            let victim = WRITERS[rng.usize(..WRITERS.len())];
            // A busy process: killing an idle one proves little.
            let busy = app.runtime().busy(victim);
            if !busy.is_empty() {
                tokio::time::sleep(Duration::from_millis(rng.u64(..8))).await;
                killed += usize::from(app.runtime().kill(victim, busy[rng.usize(..busy.len())]));
            }
        }
    };
    futures::join!(script, killer);
    assert!(killed >= 10, "only {killed} processes were killed");
    assert!(
        retries.into_inner() >= 3,
        "no caller noticed that {killed} processes were killed"
    );

    app.settle().await;
    let sound = audit(&workspace).await;
    for user in (0..CALLERS).flat_map(users_of) {
        let [ban] = sound.records(user)[..] else {
            panic!("{user}: {:?}", sound.records(user))
        };
        assert_eq!(
            (ban.terms.private_reason.as_str(), ban.revision),
            ("worse", 2)
        );
        assert_eq!(ban.ending.is_none(), stays(user), "{ban:?}");
        assert_eq!(sound.decisions(user), if stays(user) { 2 } else { 3 });
    }
    for experience in [7_003, 7_004] {
        let pending = workspace.pending_bans(experience).await;
        let mut pending: Vec<_> = pending
            .iter()
            .filter_map(|ban| ban["robloxId"].as_u64())
            .collect();
        pending.sort_unstable();
        let all = (0..CALLERS).flat_map(users_of);
        let expected: Vec<_> = all.filter(|user| user % 2 == 0 && stays(*user)).collect();
        assert_eq!(pending, expected, "in {experience}");
    }
}

#[tokio::test]
async fn a_function_killed_after_its_write_decides_only_once() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    workspace.pending_bans(ARENA).await;
    let retries = AtomicUsize::new(0);
    // The write succeeds, its answer takes a second, and the process is killed in that second.
    let late = local_stack::fault_proxy::Fault::Delay(Duration::from_secs(1));
    let rule = local_stack::fault_proxy::Rule::from(late)
        .on("TransactWriteItems")
        .times(1);
    app.faults().inject(rule);
    let ban = Ban::of(1, ARENA).permanent();
    let killer = async {
        while !app
            .faults()
            .seen()
            .iter()
            .any(|operation| operation == "TransactWriteItems")
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(app.runtime().kill("ban-async", 0));
    };
    app.faults().clear_seen();
    let call = ban.call();
    let (answer, ()) = futures::join!(retry_until_answered(&workspace, &call, &retries), killer);
    answer.assert_ok();
    assert_eq!(retries.into_inner(), 1, "the kill was not noticed");
    assert_eq!(audit(&workspace).await.decisions(1), 1);
    assert_eq!(
        workspace.check(1, ARENA).await["isBanned"],
        Value::Bool(true)
    );
}
