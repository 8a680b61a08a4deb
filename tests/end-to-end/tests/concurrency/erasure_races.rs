//! Writes decided before a user's erasure that reach the database after it.

use std::sync::atomic::{AtomicBool, Ordering};

use end_to_end::{Ban, TestApp, Workspace};
use shared::domain::actor::Channel;
use shared::domain::ids::{PlaceId, UserId};
use shared::domain::rules::{self, Outcome, Standing, UnbanRequest};
use shared::store::{Actor, CallerLimits, ErasureSource, PolicyOutcome, WriteContext};

use crate::audit::audit;

const ARENA: u64 = 7_001;
const MALLORY: u64 = 1_001;

/// Decides on a standing.
type Decide = fn(&Standing) -> Outcome;

fn lift(standing: &Standing) -> Outcome {
    let request = UnbanRequest {
        user: UserId::new(MALLORY).unwrap(),
        place: PlaceId::new(ARENA).unwrap(),
        reason: None,
        moderator: None,
        applied: false,
        report_only: false,
        from_game: false,
    };
    rules::lift(
        standing,
        &request,
        shared::domain::clock::UnixMillis::now().seconds(),
    )
}

fn report(standing: &Standing) -> Outcome {
    let ban = standing.here.ban.as_ref().or(standing.global.as_ref());
    rules::report(standing, ban.unwrap().current())
}

/// Decides on the user's standing. Before the write, the user is erased and, with `again`, banned
/// again. The retry on the new standing changes nothing.
async fn decide_during_erasure(workspace: &Workspace<'_>, decide: Decide, again: Option<&Ban>) {
    let store = workspace.app().store();
    let (user, prefix) = (UserId::new(MALLORY).unwrap(), workspace.id().prefix());
    let call = WriteContext {
        user,
        prefix,
        link: store
            .link_of(prefix, PlaceId::new(ARENA).unwrap())
            .await
            .unwrap(),
        actor: Actor {
            key_id: "operator".to_owned(),
            channel: Channel::Api,
            moderator: None,
            principal: None,
            request_id: "in flight".to_owned(),
        },
        limits: CallerLimits::Operator,
        idempotency: None,
        digest: None,
        dry_run: None,
    };
    let is_first = AtomicBool::new(true);
    let settling = store.commit_with_retry(&call, |snapshot, _| {
        let (is_first, call) = (&is_first, &call);
        async move {
            if !is_first.swap(false, Ordering::Relaxed) {
                return Ok(PolicyOutcome::nothing(rules::unchanged(&snapshot.standing)));
            }
            store
                .erase_user(prefix, user, ErasureSource::Operator)
                .await?;
            if let Some(ban) = again {
                workspace.ban(ban.clone()).await;
            }
            let policy = store.lift_policy(call).await?;
            Ok(PolicyOutcome::new(decide(&snapshot.standing), policy))
        }
    });
    settling.await.unwrap();
    assert!(!is_first.into_inner());
}

#[tokio::test]
async fn a_write_overtaken_by_an_erasure_is_discarded() {
    let app = TestApp::start().await;
    let old = [
        Ban::of(MALLORY, ARENA).permanent(),
        Ban::of(MALLORY, ARENA).permanent().global(),
    ];
    for ban in &old {
        for decide in [lift as Decide, report] {
            for again in [None, Some(ban)] {
                let workspace = app.workspace().await;
                workspace.ban(ban.clone()).await;
                let first = workspace.check(MALLORY, ARENA).await;
                decide_during_erasure(&workspace, decide, again).await;
                app.settle().await;

                let checked = workspace.check(MALLORY, ARENA).await;
                assert_eq!(checked["isBanned"], again.is_some());
                assert_ne!(checked["guid"], first["guid"], "the new ban is another");
                let stored = serde_json::Value::from(workspace.stored().await).to_string();
                let guid = first["guid"].as_str().unwrap();
                assert!(!stored.contains(guid), "{stored}");
                assert_eq!(stored.contains(&MALLORY.to_string()), again.is_some());
                audit(&workspace).await;
            }
        }
    }
}
