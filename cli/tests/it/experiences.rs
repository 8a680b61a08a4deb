//! Tests of `portcullis experience` and its effect on pending changes.

use crate::harness::{Operator, Portcullis, assert_refused, stderr};
use end_to_end::{Ban, Call, TestApp, Unban, Workspace, next_second};
use serde_json::{Value, json};
use shared::domain::ids::ExperienceId;
use shared::store::Pending;

impl Operator {
    fn unlink(&self, experience: &str, caution: &str) -> Value {
        self.json(&["experience", "unlink", experience, caution])
    }

    fn listed(&self) -> Vec<u64> {
        let list = self.json(&["experience", "list"]);
        let ids = list.as_array().unwrap().iter();
        ids.map(|one| one["experienceId"].as_u64().unwrap())
            .collect()
    }
}

/// The users in a pending index.
async fn pending(app: &TestApp, workspace: &Workspace<'_>, experience: u64) -> (u64, u64) {
    let experience = ExperienceId::new(experience).unwrap();
    let prefix = workspace.id().prefix();
    let store = app.store();
    let count = async |pending| {
        let counted = store.count_pending(pending, prefix, experience, None);
        counted.await.unwrap()
    };
    (count(Pending::Bans).await, count(Pending::Unbans).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn linking_makes_global_bans_pending_without_the_stream() {
    let app = TestApp::builder().without_mappings().start().await;
    let workspace = app.strict_workspace().await;
    let operator = Operator::of(&workspace);
    let linked = operator.json(&["experience", "link", "7"]);
    assert_eq!(
        (&linked["backfilled"], &linked["pendingBans"]),
        (&json!(true), &json!(0))
    );
    for user in 1..=120 {
        workspace.ban(Ban::of(user, 7).global().permanent()).await;
    }
    workspace.unban(Unban::of(120, 7)).await;

    let call = Call::get("/pending-bans").query("experienceId", 8);
    workspace.send(call).await.assert_error(403, "forbidden");
    let linked = operator.json(&["experience", "link", "8"]);
    assert_eq!(linked["pendingBans"], 119);
    assert_eq!(workspace.pending_bans(8).await.len(), 119);
    assert_eq!(operator.listed(), [7, 8]);
    // A second time there is nothing left to do.
    let again = operator.json(&["experience", "link", "8"]);
    assert_eq!(again["linked"], linked["linked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unlinking_drops_pending_changes_and_relinking_restores_current_bans() {
    let app = TestApp::start().await;
    let workspace = app.strict_workspace().await;
    let operator = Operator::of(&workspace);
    for experience in ["7", "8"] {
        operator.json(&["experience", "link", experience]);
    }
    // In 8: a ban of its own, pending; a Global one, pending; a Global one, applied; one that was
    // applied and lifted, whose unban is pending; one that is applied and ends later.
    workspace.ban(Ban::of(1, 8).permanent()).await;
    workspace.ban(Ban::of(2, 7).global().permanent()).await;
    workspace
        .ban(Ban::of(3, 8).global().permanent().applied())
        .await;
    workspace.ban(Ban::of(4, 8).permanent().applied()).await;
    workspace.unban(Unban::of(4, 8)).await;
    workspace.ban(Ban::of(5, 8).length("7d").applied()).await;
    app.settle().await;
    workspace.await_pending_bans(8, &[1, 2]).await;
    workspace.await_pending_unbans(8, &[4]).await;

    let before = workspace.stored().await;
    let dry = operator.unlink("8", "--dry-run");
    let expected = json!({
        "experienceId": 8, "dryRun": true, "droppedBans": 2, "droppedUnbans": 2,
    });
    assert_eq!(dry, expected);
    let unlink = ["experience", "unlink", "8"];
    assert_refused(&operator.run(&unlink), 1, "Cancelled");
    assert_eq!(workspace.stored().await, before);

    let done = operator.answering("y\n", &unlink);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(pending(&app, &workspace, 8).await, (0, 0));
    assert_eq!(operator.listed(), [7]);
    assert_refused(&operator.run(&unlink), 1, "is not linked");

    // Decisions in the meantime do not reach it.
    workspace.ban(Ban::of(6, 7).global().permanent()).await;
    workspace.unban(Unban::of(3, 7)).await;
    workspace.unban(Unban::of(2, 7)).await;
    app.settle().await;
    assert_eq!(pending(&app, &workspace, 8).await, (0, 0));
    // Ban checks do not depend on links.
    assert!(workspace.is_banned(6, 8).await);

    let linked = operator.json(&["experience", "link", "8"]);
    assert_eq!(
        (&linked["pendingBans"], &linked["pendingUnbans"]),
        (&json!(2), &json!(2))
    );
    // Its own ban and the new Global one are to be applied; what it had applied and what was lifted
    // before and after is to be lifted there; the ban that ends later is known as applied.
    workspace.await_pending_bans(8, &[1, 6]).await;
    let unbans = workspace.pending_unbans(8).await;
    let mut users: Vec<_> = unbans.iter().map(|item| item["robloxId"].clone()).collect();
    users.sort_by_key(Value::as_u64);
    assert_eq!(users, [json!(3), json!(4)]);
    assert_eq!(pending(&app, &workspace, 8).await, (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn experience_that_links_itself_again_gets_current_bans() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    workspace.ban(Ban::of(1, 8).permanent()).await;
    workspace.ban(Ban::of(2, 7).global().permanent()).await;
    app.settle().await;
    workspace.await_pending_bans(8, &[1, 2]).await;
    operator.unlink("8", "--yes");
    assert_eq!(pending(&app, &workspace, 8).await, (0, 0));
    // A function without the experience in its cache.
    app.replace("pending-bans").await;
    workspace.await_pending_bans(8, &[1, 2]).await;
    assert_eq!(operator.listed(), [7, 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn last_poll_is_recorded_and_shown() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    workspace.ban(Ban::of(1, 7)).await;
    let last_poll = || operator.json(&["experience", "list"])[0]["lastPollSeconds"].clone();
    assert_eq!(last_poll(), Value::Null);
    let began = end_to_end::now();
    workspace.pending_bans(7).await;
    let seen = end_to_end::eventually("the poll is noted", async || last_poll().as_u64()).await;
    assert!((began..=end_to_end::now()).contains(&seen), "{seen}");
    // Not at every poll, since that would cost more than the poll.
    let note = app.items(&format!("{}#S", workspace.prefix())).await;
    assert_eq!(note.len(), 1);
    next_second().await;
    workspace.pending_bans(7).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(app.items(&format!("{}#S", workspace.prefix())).await, note);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_ids_are_refused() {
    let portcullis = Portcullis::start().await;
    for (arguments, status, what) in [
        (["experience", "link", "0"], 2, "place id"),
        (["experience", "unlink", "x"], 2, "place id"),
        (["experience", "link", "7"], 1, "workspace list"),
        (["experience", "unlink", "7"], 1, "workspace list"),
    ] {
        let unknown = ["--workspace", "99999999-0000-4000-8000-000000000009"];
        assert_refused(
            &portcullis.run(&[&arguments[..], &unknown].concat()),
            status,
            what,
        );
    }
}
