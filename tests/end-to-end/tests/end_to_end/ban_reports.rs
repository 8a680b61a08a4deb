//! Reports of bans: timely, repeated and late.

use end_to_end::{Ban, TestApp, Unban, Workspace, next_second, until};
use serde_json::Value;

use crate::routes::{EXPERIENCE, USER};

/// Makes a ban and fetches what the experience must apply, like a slow server.
async fn fetched(workspace: &Workspace<'_>, ban: Ban) -> Value {
    workspace.ban(ban).await;
    workspace
        .await_pending_bans(EXPERIENCE, &[USER])
        .await
        .remove(0)
}

fn ban() -> Ban {
    Ban::of(USER, EXPERIENCE).permanent()
}

#[tokio::test]
async fn a_report_clears_the_pending_entry_and_changes_no_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for ban in [ban(), Ban::of(USER, EXPERIENCE), ban().global()] {
        let item = fetched(&workspace, ban).await;
        next_second().await;
        workspace.report(&item, EXPERIENCE).await;
        workspace.await_pending_bans(EXPERIENCE, &[]).await;
        let mut expected = item.clone();
        expected["experienceBanCompleted"] = 1.into();
        // Only poll items have it.
        expected.as_object_mut().unwrap().remove("revision");
        assert_eq!(workspace.bans().await[0], expected);
        workspace.unban(Unban::of(USER, EXPERIENCE).applied()).await;
    }
}

#[tokio::test]
async fn a_repeated_report_writes_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let item = fetched(&workspace, ban()).await;
    workspace.report(&item, EXPERIENCE).await;
    app.settle().await;
    let before = workspace.stored().await;
    for _ in 0..3 {
        let answer = workspace
            .send(Ban::reporting(&item, EXPERIENCE).call())
            .await;
        answer.assert_ok();
        let log = app.log_of("ban-async", &answer).await;
        assert_eq!(log["writeUnits"], 0.0, "{log}");
    }
    assert_eq!(workspace.stored().await, before);
}

#[tokio::test]
async fn a_late_report_does_not_revert_a_changed_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let item = fetched(&workspace, ban()).await;
    let mut changed = workspace.ban_shown(ban().reasons("new", "terms")).await;
    workspace.report(&item, EXPERIENCE).await;
    assert_eq!(
        workspace.check(USER, EXPERIENCE).await["publicReason"],
        "terms"
    );
    let pending = workspace.await_pending_bans(EXPERIENCE, &[USER]).await;
    changed["revision"] = 2.into();
    assert_eq!(pending[0], changed);
    // It was a true report all the same: when the ban is lifted, an unban is pending.
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    let unbans = workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
    assert_eq!(unbans[0]["guid"], item["guid"]);
}

#[tokio::test]
async fn a_late_report_does_not_revive_a_lifted_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for ban in [ban(), ban().global(), Ban::of(USER, EXPERIENCE)] {
        let item = fetched(&workspace, ban).await;
        workspace.unban(Unban::of(USER, EXPERIENCE)).await;
        workspace.await_pending_unbans(EXPERIENCE, &[]).await;
        workspace.report(&item, EXPERIENCE).await;
        assert!(!workspace.is_banned(USER, EXPERIENCE).await);
        workspace.await_pending_bans(EXPERIENCE, &[]).await;
        let unbans = workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
        assert_eq!(unbans[0]["guid"], item["guid"]);
        workspace.report_unban(USER, EXPERIENCE).await;
        workspace.await_pending_unbans(EXPERIENCE, &[]).await;
    }
    assert_eq!(workspace.bans().await.len(), 3);
}

#[tokio::test]
async fn an_expired_ban_can_still_be_reported_with_its_past_expiry() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let item = fetched(&workspace, Ban::of(USER, EXPERIENCE).length(2)).await;
    let expires = item["expires"].as_u64().unwrap();
    until(expires).await;
    workspace.report(&item, EXPERIENCE).await;
    assert!(!workspace.is_banned(USER, EXPERIENCE).await);
    let unbans = workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
    assert_eq!(unbans[0]["guid"], item["guid"]);
    assert_eq!(workspace.bans().await.len(), 1);

    // Only those terms make a past expiry valid.
    let late = Ban::reporting(&item, EXPERIENCE);
    let wrong = [
        late.clone().reasons("other", "text"),
        late.clone().moderator(2),
        late.clone().length(expires - 1),
        late.clone().global(),
        late.clone().no_overwrite(),
        Ban::of(USER, EXPERIENCE).length(expires),
    ];
    for ban in wrong {
        workspace
            .try_ban(ban)
            .await
            .assert_wrong_fields(&["banLength"]);
    }
}

#[tokio::test]
async fn a_late_unban_report_does_not_lift_a_new_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(ban().applied()).await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
    // A server has fetched that unban; before it reports, the moderator bans again.
    let second = workspace.ban_shown(ban().reasons("again", "again")).await;
    workspace.await_pending_unbans(EXPERIENCE, &[]).await;
    workspace.report_unban(USER, EXPERIENCE).await;
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
    let pending = workspace.await_pending_bans(EXPERIENCE, &[USER]).await;
    assert_eq!(pending[0]["guid"], second["guid"]);
}

#[tokio::test]
async fn a_report_with_other_terms_is_a_decision() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let item = fetched(&workspace, ban()).await;
    let other = workspace
        .ban_shown(ban().reasons("other", "other").applied())
        .await;
    assert_eq!(other["guid"], item["guid"]);
    assert_eq!(other["publicReason"], "other");
    assert_eq!(other["experienceBanCompleted"], 1);
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
}

#[tokio::test]
async fn a_report_on_reverted_terms_applies_to_the_current_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let item = fetched(&workspace, ban()).await;
    workspace.ban(ban().reasons("other", "terms")).await;
    workspace.ban(ban()).await;
    workspace.report(&item, EXPERIENCE).await;
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
}

#[tokio::test]
async fn each_experience_reports_a_global_ban_separately() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let experiences = [11, 12, 13];
    for experience in experiences {
        workspace.link(experience).await;
    }
    let shown = workspace
        .ban_shown(Ban::of(USER, 11).global().permanent())
        .await;
    app.settle().await;
    for (at, experience) in experiences.into_iter().enumerate() {
        let item = workspace
            .await_pending_bans(experience, &[USER])
            .await
            .remove(0);
        assert_eq!(item["guid"], shown["guid"]);
        workspace.report(&item, experience).await;
        for (other, experience) in experiences.into_iter().enumerate() {
            let users: &[u64] = if other <= at { &[] } else { &[USER] };
            workspace.await_pending_bans(experience, users).await;
            let seen = workspace.check(USER, experience).await;
            assert_eq!(seen["experienceBanCompleted"], other <= at);
        }
    }
    // Lists show the report of the experience that made the ban.
    assert_eq!(workspace.bans().await[0]["experienceBanCompleted"], 1);
}
