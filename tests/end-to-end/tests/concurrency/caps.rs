//! Concurrent calls at a cap: no more pass than it allows.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use end_to_end::{ApiResponse, Ban, KeySpec, TestApp, Workspace};
use futures::future::join_all;

use crate::audit::audit;

const ARENA: u64 = 7_001;
const CALLERS: u64 = 50;
const CAP: u32 = 10;

/// Counts responses by status; prints those that are neither success nor refusal.
fn tally(answers: &[ApiResponse]) -> BTreeMap<u16, usize> {
    let mut statuses = BTreeMap::new();
    for answer in answers {
        *statuses.entry(answer.status).or_default() += 1;
        if !matches!(answer.status, 200 | 429) {
            eprintln!("{answer} {}", answer.request_id());
        }
    }
    statuses
}

/// Ten of fifty calls pass, the others learn when to retry, and ten bans exist.
async fn assert_ten_of_fifty(workspace: &Workspace<'_>, answers: &[ApiResponse]) {
    assert_eq!(tally(answers), BTreeMap::from([(200, 10), (429, 40)]));
    for refused in answers.iter().filter(|answer| answer.status == 429) {
        refused.assert_error(429, "rate_limited");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3900).contains(&wait), "{refused}");
    }
    workspace.app().settle().await;
    let sound = audit(workspace).await;
    assert_eq!(sound.stored.records.len(), 10);
    assert_eq!(sound.stored.decisions.len(), 10);
    for (user, answer) in (1..).zip(answers) {
        let banned = workspace.is_banned(user, ARENA).await;
        assert_eq!(banned, answer.status == 200, "{user}");
    }
}

async fn key_with_cap<'a>(workspace: &Workspace<'a>) -> Workspace<'a> {
    let spec = KeySpec {
        bans_per_hour: NonZeroU32::new(CAP),
        ..KeySpec::default()
    };
    workspace.with_key(&workspace.make_key(spec).await)
}

#[tokio::test]
async fn fifty_concurrent_bans_with_one_key_pass_its_cap_of_ten_only_ten_times() {
    let app = TestApp::builder().instances(8).start().await;
    for global in [false, true] {
        let workspace = app.workspace().await;
        let capped = key_with_cap(&workspace).await;
        let calls = (1..=CALLERS).map(|user| {
            let ban = Ban::of(user, ARENA).permanent().moderator(user);
            capped.try_ban(if global { ban.global() } else { ban })
        });
        let answers = join_all(calls).await;
        assert_ten_of_fifty(&workspace, &answers).await;
    }
}

#[tokio::test]
async fn fifty_concurrent_bans_by_one_moderator_pass_the_cap_only_ten_times() {
    let app = TestApp::builder().instances(8).start().await;
    let workspace = app
        .workspace_with(|settings| settings.moderator_bans_per_hour = NonZeroU32::new(CAP))
        .await;
    let mut callers = Vec::new();
    for _ in 0..5 {
        callers.push(workspace.with_key(&workspace.make_key(KeySpec::default()).await));
    }
    let calls = (1..=CALLERS)
        .zip(callers.iter().cycle())
        .map(|(user, caller)| {
            let ban = Ban::of(user, ARENA).permanent().moderator(7);
            caller.try_ban(ban)
        });
    let answers = join_all(calls).await;
    assert_ten_of_fifty(&workspace, &answers).await;
}

#[tokio::test]
async fn concurrent_callers_below_a_cap_are_not_refused() {
    let app = TestApp::builder().instances(8).start().await;
    let workspace = app.workspace().await;
    let spec = KeySpec {
        bans_per_hour: NonZeroU32::new(1000),
        ..KeySpec::default()
    };
    let capped = workspace.with_key(&workspace.make_key(spec).await);
    let calls = (1..=CALLERS).map(|user| capped.try_ban(Ban::of(user, ARENA).permanent()));
    let answers = join_all(calls).await;
    assert_eq!(tally(&answers), BTreeMap::from([(200, 50)]));
    app.settle().await;
    assert_eq!(audit(&workspace).await.stored.records.len(), 50);
}
