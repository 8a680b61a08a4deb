//! Bulk calls that are killed, race or meet a failing database: each user is decided once.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use end_to_end::{Ban, Bulk, KeySpec, TestApp, Unban, Workspace, bulk_results};
use futures::future::{join, join_all};
use local_stack::fault_proxy::{Fault, Rule};

use crate::audit::audit;

const ARENA: u64 = 7_001;

/// A route answers within 20 s; the rest is what two busy cores may add.
const IN_TIME: Duration = Duration::from_secs(22);

/// The only operation that changes bans.
const WRITE: &str = "TransactWriteItems";

fn bans(users: std::ops::RangeInclusive<u64>) -> Bulk {
    Bulk::bans(ARENA, users).default("banLengthType", "Permanent")
}

/// Sends a bulk call until every user has a result, and returns how often it was sent.
async fn repeat_until_done(workspace: &Workspace<'_>, bulk: &Bulk) -> u32 {
    for sent in 1..=50 {
        let call = bulk.call().key(workspace.secret_key()).unchecked();
        let answer = workspace.app().send(&call).await;
        if matches!(answer.status, 500 | 503) {
            continue;
        }
        let results = bulk_results(&answer);
        if results.iter().all(|(_, result, _)| result != "unprocessed") {
            let done = ["banned", "unbanned", "unchanged"];
            for (user, result, code) in results {
                assert!(done.contains(&result.as_str()), "{user}: {result} {code:?}");
            }
            return sent;
        }
    }
    panic!("50 attempts were in vain");
}

/// Exactly these users have one ban each, with this many decisions.
async fn assert_each_decided(
    workspace: &Workspace<'_>,
    users: impl Iterator<Item = u64>,
    decisions: usize,
) {
    let sound = audit(workspace).await;
    let mut count = 0;
    for user in users {
        assert_eq!(
            (sound.records(user).len(), sound.decisions(user)),
            (1, decisions),
            "{user}"
        );
        count += 1;
    }
    assert_eq!(sound.stored.records.len(), count);
}

/// Waits until this many transactions were sent, and kills the function.
async fn kill_after(app: &TestApp, function: &str, writes: usize) {
    let sent = || {
        app.faults()
            .seen()
            .iter()
            .filter(|seen| *seen == WRITE)
            .count()
    };
    while sent() < writes {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(app.runtime().kill(function, 0));
}

#[tokio::test]
async fn a_call_that_is_killed_halfway_continues_when_repeated() {
    let app = TestApp::builder().with_faults().start().await;
    for name in [None, Some("raid")] {
        let workspace = app.workspace().await;
        workspace.pending_bans(ARENA).await;
        let named = |bulk: Bulk| match name {
            Some(name) => bulk.header("idempotency-key", name),
            None => bulk,
        };
        let (bans, unbans) = (named(bans(1..=100)), Bulk::unbans(ARENA, 1..=100));
        for (bulk, function, decisions) in [(&bans, "bans-bulk", 1), (&unbans, "unbans-bulk", 2)] {
            app.faults().clear_seen();
            let (sent, ()) = join(
                repeat_until_done(&workspace, bulk),
                kill_after(&app, function, 50),
            )
            .await;
            assert!(sent >= 2, "the kill was not noticed");
            assert_each_decided(&workspace, 1..=100, decisions).await;
        }
    }
}

#[tokio::test]
async fn simultaneous_bulk_and_single_calls_decide_each_user_once() {
    let app = TestApp::builder().instances(4).start().await;
    let workspace = app.workspace().await;
    let (first, second) = (bans(1..=60), bans(41..=100));
    let single = |user: u64| workspace.try_ban(Ban::of(user, ARENA).permanent().no_overwrite());
    let singles = join_all((30..=70).map(single));
    let (first, second, singles) = futures::join!(
        workspace.send(first.call()),
        workspace.send(second.call()),
        singles
    );
    for answer in &singles {
        // The terms are equal, but only bulk calls and repeats accept that.
        assert!(matches!(answer.status, 200 | 409), "{answer}");
    }
    for answer in [&first, &second] {
        let results = bulk_results(answer);
        let is_done = |result: &str| matches!(result, "banned" | "unchanged");
        assert!(
            results.iter().all(|(_, result, _)| is_done(result)),
            "{answer}"
        );
    }
    assert_each_decided(&workspace, 1..=100, 1).await;

    let unbans = [1..=60, 41..=100].map(|users| Bulk::unbans(ARENA, users).call());
    let again = join_all((30..=70).map(|user| workspace.try_unban(Unban::of(user, ARENA))));
    let [first, second] = unbans.map(|call| workspace.send(call));
    let (first, second, _) = futures::join!(first, second, again);
    for answer in [&first, &second] {
        let results = bulk_results(answer);
        let is_done = |result: &str| matches!(result, "unbanned" | "unchanged");
        assert!(
            results.iter().all(|(_, result, _)| is_done(result)),
            "{answer}"
        );
    }
    assert_each_decided(&workspace, 1..=100, 2).await;
}

#[tokio::test]
async fn the_cap_of_a_key_holds_across_simultaneous_calls() {
    let app = TestApp::builder().instances(4).start().await;
    let workspace = app.workspace().await;
    let spec = KeySpec {
        bans_per_hour: NonZeroU32::new(50),
        ..KeySpec::default()
    };
    let capped = workspace.with_key(&workspace.make_key(spec).await);
    let calls = [1..=30, 31..=60, 61..=90].map(|users| bans(users).call());
    let answers = join_all(calls.map(|call| capped.send(call))).await;
    let results: Vec<_> = answers.iter().flat_map(bulk_results).collect();
    let count = |wanted: &str| {
        results
            .iter()
            .filter(|(_, result, _)| result == wanted)
            .count()
    };
    assert_eq!((count("banned"), count("refused")), (50, 40), "{answers:?}");
    assert_eq!(audit(&workspace).await.stored.records.len(), 50);
}

#[tokio::test]
async fn a_failing_database_leaves_users_unprocessed_and_a_repeat_continues() {
    let app = TestApp::builder().with_faults().start().await;
    for (fault, times) in [
        (Fault::Throttle, 30),
        (Fault::ServerError, 30),
        (Fault::CutBefore, 30),
        (Fault::CutAfter, 30),
        (Fault::Stall, 6),
    ] {
        let workspace = app.workspace().await;
        workspace.pending_bans(ARENA).await;
        app.faults()
            .inject(Rule::from(fault).on(WRITE).times(times));
        let began = Instant::now();
        let call = bans(1..=100).call();
        let answer = workspace.send(call).await;
        assert!(
            began.elapsed() < IN_TIME,
            "{fault:?}: {:?}",
            began.elapsed()
        );
        if answer.status == 200 {
            bulk_results(&answer);
        } else {
            answer.assert_error(503, "unavailable");
        }
        app.faults().clear();
        repeat_until_done(&workspace, &bans(1..=100)).await;
        assert_each_decided(&workspace, 1..=100, 1).await;
    }
}

#[tokio::test]
async fn a_dead_database_answers_503_in_time_and_changes_nothing() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, ARENA).permanent()).await;
    app.settle().await;
    let before = workspace.stored().await;
    for fault in [Fault::Throttle, Fault::CutBefore, Fault::Stall] {
        for bulk in [bans(2..=100), Bulk::unbans(ARENA, 1..=100)] {
            app.faults().inject(Rule::from(fault));
            let began = Instant::now();
            let answer = workspace.send(bulk.call()).await;
            answer.assert_error(503, "unavailable");
            assert_eq!(answer.header("retry-after"), Some("1"), "{answer}");
            assert!(
                began.elapsed() < IN_TIME,
                "{fault:?}: {:?}",
                began.elapsed()
            );
            app.faults().clear();
        }
        assert_eq!(workspace.stored().await, before, "{fault:?}");
    }
}

#[tokio::test]
async fn a_slow_database_ends_the_call_in_time_with_the_rest_unprocessed() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let spec = KeySpec {
        bans_per_hour: NonZeroU32::new(1000),
        ..KeySpec::default()
    };
    // One user at once, half a second each.
    let capped = workspace.with_key(&workspace.make_key(spec).await);
    capped.pending_bans(ARENA).await;
    app.faults()
        .inject(Rule::from(Fault::Delay(Duration::from_millis(500))).on(WRITE));
    let began = Instant::now();
    let answer = capped.send(bans(1..=100).call()).await;
    assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
    let results = bulk_results(&answer);
    let done = results
        .iter()
        .take_while(|(_, result, _)| result == "banned")
        .count();
    assert!((10..40).contains(&done), "{done}");
    assert!(
        results
            .iter()
            .skip(done)
            .all(|(_, result, _)| result == "unprocessed")
    );
    app.faults().clear();
    assert_eq!(repeat_until_done(&capped, &bans(1..=100)).await, 1);
    assert_each_decided(&workspace, 1..=100, 1).await;
}
