//! A Global decision propagates to every experience, whatever happens to the function that
//! propagates it.

use std::time::{Duration, Instant};

use end_to_end::{Ban, TestApp, Unban, Workspace, eventually};
use futures::future::{join, join_all};
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::{Value, json};

use crate::audit::{audit, audit_items};
use crate::stored::Stored;

const ARENA: u64 = 7_001;
const SPREAD: &str = "spread-decisions";

/// Links experiences to which no Global ban remains to be propagated.
async fn linked(workspace: &Workspace<'_>, experiences: std::ops::Range<u64>) {
    workspace.link_all(experiences).await;
    workspace.app().settle().await;
}

async fn assert_pending(
    workspace: &Workspace<'_>,
    experiences: std::ops::Range<u64>,
    users: &[u64],
) {
    let lists = join_all(experiences.clone().map(|at| workspace.pending_bans(at))).await;
    for (list, experience) in lists.iter().zip(experiences) {
        let pending: Vec<_> = list
            .iter()
            .map(|ban| ban["robloxId"].as_u64().unwrap())
            .collect();
        assert_eq!(pending, users, "in {experience}");
    }
}

/// How many experiences have a pending ban of the user.
async fn pending_count(workspace: &Workspace<'_>, user: u64) -> usize {
    let sound = audit_items(workspace).await;
    let items = sound.stored.experiences.iter();
    let owing = items.filter(|((who, _), item)| who.get() == user && item.ban_owed.is_some());
    owing.count()
}

#[tokio::test]
async fn a_global_ban_propagates_to_250_experiences() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    linked(&workspace, 8_000..8_250).await;
    workspace.ban(Ban::of(1, 8_000).permanent().global()).await;
    app.settle().await;
    assert_eq!(pending_count(&workspace, 1).await, 250);
    assert_pending(&workspace, 8_245..8_250, &[1]).await;
    workspace.unban(Unban::of(1, 8_000)).await;
    app.settle().await;
    assert_eq!(pending_count(&workspace, 1).await, 0);
    assert_pending(&workspace, 8_245..8_250, &[]).await;
}

#[tokio::test]
async fn a_new_experience_gets_all_active_global_bans() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let users: Vec<u64> = (1..=150).collect();
    let bans = users
        .iter()
        .map(|user| workspace.try_ban(Ban::of(*user, ARENA).global()));
    join_all(bans)
        .await
        .iter()
        .for_each(end_to_end::ApiResponse::assert_ok);
    for lifted in 1..=10 {
        workspace.unban(Unban::of(lifted, ARENA)).await;
    }
    workspace.pending_bans(8_000).await;
    app.settle().await;
    let mut pending: Vec<_> = workspace.pending_bans(8_000).await;
    pending.sort_by_key(|ban| ban["robloxId"].as_u64());
    let pending: Vec<_> = pending
        .iter()
        .map(|ban| ban["robloxId"].as_u64().unwrap())
        .collect();
    assert_eq!(pending, users[10..]);
    audit(&workspace).await;
}

#[tokio::test]
async fn a_global_ban_propagates_despite_every_kind_of_fault() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    linked(&workspace, 8_000..8_012).await;
    let kinds = [
        Fault::Throttle,
        Fault::ThroughputExceeded,
        Fault::ServerError,
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::Stall,
    ];
    let mut banned = Vec::new();
    for (fault, user) in kinds.into_iter().zip(1..) {
        for operation in ["Query", "BatchGetItem", "TransactWriteItems"] {
            workspace
                .ban(Ban::of(user, ARENA).permanent().global())
                .await;
            app.settle().await;
            // The call itself succeeds: it reads the standing and the write policy, and writes
            // once. Then four attempts fail, and with them one invocation.
            let own = match operation {
                "Query" => 0,
                "BatchGetItem" => 2,
                _ => 1,
            };
            app.faults()
                .inject(Rule::from(fault).on(operation).after(own).times(4));
            workspace
                .ban(Ban::of(user, ARENA).global().length("30d"))
                .await;
            app.settle().await;
            app.faults().clear();
        }
        banned.push(user);
        assert_pending(&workspace, 8_000..8_012, &banned).await;
    }
    audit(&workspace).await;
}

#[tokio::test]
async fn a_global_ban_propagates_although_the_function_is_killed() {
    let app = TestApp::builder().with_faults().instances(2).start().await;
    let workspace = app.workspace().await;
    linked(&workspace, 8_000..8_250).await;
    // Slow enough to be killed between its three transactions.
    let slow = Fault::Delay(Duration::from_millis(60));
    app.faults()
        .inject(Rule::from(slow).on("TransactWriteItems"));
    workspace.ban(Ban::of(1, 8_000).permanent().global()).await;
    let (begun, mut killed) = (Instant::now(), 0);
    while killed < 6 && begun.elapsed() < Duration::from_secs(30) {
        for instance in app.runtime().busy(SPREAD) {
            tokio::time::sleep(Duration::from_millis(30)).await;
            killed += usize::from(app.runtime().kill(SPREAD, instance));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(killed >= 3, "it was killed {killed} times");
    app.faults().clear();
    app.settle().await;
    assert_eq!(pending_count(&workspace, 1).await, 250);
}

#[tokio::test]
async fn a_killed_back_fill_resumes() {
    let app = TestApp::builder().with_faults().instances(2).start().await;
    let workspace = app.workspace().await;
    let users = 1..=120_u64;
    let bans = users
        .clone()
        .map(|user| workspace.try_ban(Ban::of(user, ARENA).global()));
    join_all(bans)
        .await
        .iter()
        .for_each(end_to_end::ApiResponse::assert_ok);
    app.settle().await;
    let slow = Fault::Delay(Duration::from_millis(40));
    app.faults()
        .inject(Rule::from(slow).on("TransactWriteItems"));
    workspace.link(8_000).await;
    for _ in 0..4 {
        let instance = eventually("it is at work", async || {
            app.runtime().busy(SPREAD).first().copied()
        })
        .await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(app.runtime().kill(SPREAD, instance));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.faults().clear();
    app.settle().await;
    assert_eq!(workspace.pending_bans(8_000).await.len(), users.count());
    audit(&workspace).await;
}

/// A stream event that says these items changed.
fn event(keys: &[(String, String)]) -> bytes::Bytes {
    let records = keys.iter().enumerate().map(|(n, (pk, sk))| {
        json!({
            "eventID": format!("{n}"),
            "eventName": "MODIFY",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "Keys": { "pk": { "S": pk }, "sk": { "S": sk } },
                "SequenceNumber": format!("{n}"),
            },
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
        .to_string()
        .into()
}

#[tokio::test]
async fn late_duplicate_or_reordered_records_change_nothing() {
    let app = TestApp::builder().instances(3).start().await;
    let workspace = app.workspace().await;
    linked(&workspace, 8_000..8_010).await;
    for user in 1..=8 {
        workspace
            .ban(Ban::of(user, ARENA).permanent().global())
            .await;
    }
    workspace
        .ban(Ban::of(2, ARENA).permanent().global().moderator(9))
        .await;
    workspace.unban(Unban::of(3, ARENA)).await;
    app.settle().await;
    let pending = workspace.pending_bans(8_001).await;
    workspace.report(&pending[0], 8_001).await;
    app.settle().await;
    let before = workspace.stored().await;

    let keys = before
        .iter()
        .filter(|item| item["kind"]["S"] == "global" || item["kind"]["S"] == "link");
    let text = |value: &Value| value["S"].as_str().unwrap().to_owned();
    let mut keys: Vec<_> = keys
        .map(|item| (text(&item["pk"]), text(&item["sk"])))
        .collect();
    assert_eq!(keys.len(), 8 + 11, "eight Global bans and the links");
    keys.extend(keys.clone());
    let forwards = event(&keys);
    keys.reverse();
    let backwards = event(&keys);
    let invoke = |event| app.runtime().invoke(SPREAD, event);
    let (first, second) = join(invoke(forwards), invoke(backwards)).await;
    for answer in [first, second] {
        let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }
    assert_eq!(workspace.stored().await, before);
}

#[tokio::test]
async fn decisions_propagate_after_a_stream_outage() {
    let mut app = TestApp::builder().without_mappings().start().await;
    let key = {
        let workspace = app.workspace().await;
        for experience in 8_000..8_005 {
            workspace.link(experience).await;
        }
        workspace.ban(Ban::of(1, ARENA).permanent().global()).await;
        // It holds everywhere at once, although no experience can have seen it yet.
        assert!(workspace.is_banned(1, 8_003).await);
        assert!(workspace.pending_bans(8_003).await.is_empty());
        workspace.secret_key().to_owned()
    };
    app.start_mappings();
    app.settle().await;
    let call = end_to_end::Call::get("/pending-bans")
        .query("experienceId", 8_003)
        .key(&key);
    assert_eq!(app.send(&call).await.list().len(), 1);
}

#[tokio::test]
async fn a_decision_that_overtakes_another_wins_everywhere() {
    let app = TestApp::builder().instances(3).start().await;
    let workspace = app.workspace().await;
    linked(&workspace, 8_000..8_020).await;
    for round in 0..10_u64 {
        workspace
            .ban(Ban::of(1, ARENA).permanent().global().moderator(round + 1))
            .await;
        if round % 2 == 1 {
            workspace.unban(Unban::of(1, ARENA)).await;
        }
    }
    app.settle().await;
    let stored = Stored::read(&workspace).await;
    assert!(
        stored
            .experiences
            .values()
            .all(|item| item.ban_owed.is_none())
    );
    workspace
        .ban(Ban::of(1, ARENA).permanent().global().moderator(99))
        .await;
    app.settle().await;
    let lists = join_all((8_000..8_020).map(|at| workspace.pending_bans(at))).await;
    assert!(lists.iter().all(|list| list[0]["moderatorId"] == 99));
    audit(&workspace).await;
}
