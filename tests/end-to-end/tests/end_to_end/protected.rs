//! Protected users, whom no call may ban.

use end_to_end::{Ban, KeySpec, TestApp, Unban, Workspace, now};
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;

use crate::routes::{EXPERIENCE, USER};

async fn protect(workspace: &Workspace<'_>, user: u64) {
    let store = workspace.app().store();
    let protected = store
        .protect(
            workspace.id().prefix(),
            UserId::new(user).unwrap(),
            UnixSeconds(now()),
        )
        .await;
    protected.unwrap();
}

#[tokio::test]
async fn no_call_can_ban_a_protected_user() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    protect(&workspace, USER).await;
    let before = workspace.stored().await;
    let another = workspace.make_key(KeySpec::default()).await;
    for key in [workspace.secret_key(), &another] {
        let workspace = workspace.with_key(key);
        let ban = Ban::of(USER, EXPERIENCE);
        for ban in [
            ban.clone(),
            ban.clone().permanent(),
            ban.clone().no_overwrite(),
            ban.clone().applied(),
            ban.clone().global(),
            ban.clone().global().no_overwrite(),
            ban.header("idempotency-key", "1"),
        ] {
            let answer = workspace.try_ban(ban).await;
            answer.assert_error(403, "protected_user");
        }
    }
    // No number was used, and the experience was not linked.
    assert_eq!(workspace.stored().await, before);
    assert!(!workspace.is_banned(USER, EXPERIENCE).await);
    assert_eq!(workspace.check(USER, EXPERIENCE).await.get("guid"), None);

    let ban = workspace.ban_shown(Ban::of(1, EXPERIENCE)).await;
    assert_eq!(ban["uid"], 1);
}

#[tokio::test]
async fn a_ban_made_before_protection_can_be_reported_and_lifted_but_not_changed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (user, global) in [(1, false), (2, true)] {
        let ban = Ban::of(user, EXPERIENCE).permanent();
        let ban = if global { ban.global() } else { ban };
        workspace.ban(ban.clone()).await;
        protect(&workspace, user).await;
        let pending = workspace.await_pending_bans(EXPERIENCE, &[user]).await;

        let changed = ban.clone().reasons("other", "other");
        for call in [changed.clone(), changed.applied(), ban.clone().length(60)] {
            let answer = workspace.try_ban(call).await;
            answer.assert_error(403, "protected_user");
        }
        // A conflict is reported first, as always.
        let answer = workspace.try_ban(ban.clone().no_overwrite()).await;
        answer.assert_error(409, "already_banned");
        // The current terms decide nothing.
        workspace.ban(ban.clone()).await;
        workspace.report(&pending[0], EXPERIENCE).await;
        workspace.await_pending_bans(EXPERIENCE, &[]).await;

        workspace.unban(Unban::of(user, EXPERIENCE)).await;
        assert!(!workspace.is_banned(user, EXPERIENCE).await);
        workspace.await_pending_unbans(EXPERIENCE, &[user]).await;
        workspace.report_unban(user, EXPERIENCE).await;
        workspace.await_pending_unbans(EXPERIENCE, &[]).await;
        let answer = workspace.try_ban(ban).await;
        answer.assert_error(403, "protected_user");
    }
}

#[tokio::test]
async fn a_protected_user_can_appeal() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE).permanent()).await;
    protect(&workspace, USER).await;
    workspace.ban(Ban::of(USER, EXPERIENCE).appeal()).await;
    assert!(!workspace.is_banned(USER, EXPERIENCE).await);
}

#[tokio::test]
async fn protection_is_per_workspace_and_ends_at_once() {
    let app = TestApp::start().await;
    let (first, second) = (app.workspace().await, app.workspace().await);
    protect(&first, USER).await;
    second.ban(Ban::of(USER, EXPERIENCE)).await;
    first.ban(Ban::of(USER + 1, EXPERIENCE)).await;
    let answer = first.try_ban(Ban::of(USER, EXPERIENCE)).await;
    answer.assert_error(403, "protected_user");

    let user = UserId::new(USER).unwrap();
    app.store()
        .unprotect(first.id().prefix(), user)
        .await
        .unwrap();
    app.store()
        .unprotect(first.id().prefix(), user)
        .await
        .unwrap();
    first.ban(Ban::of(USER, EXPERIENCE)).await;
}

#[tokio::test]
async fn protected_users_are_listed_with_the_time_they_were_added() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    assert_eq!(store.protected_users(prefix).await.unwrap(), []);
    let user = |id| UserId::new(id).unwrap();
    for (id, at) in [(20, 5), (3, 6), (100, 7), (20, 8)] {
        store
            .protect(prefix, user(id), UnixSeconds(at))
            .await
            .unwrap();
    }
    let expected = [
        (user(3), UnixSeconds(6)),
        (user(20), UnixSeconds(5)),
        (user(100), UnixSeconds(7)),
    ];
    assert_eq!(store.protected_users(prefix).await.unwrap(), expected);
    let stored: Vec<Value> = workspace.stored().await;
    assert!(stored.iter().all(|item| item["kind"]["S"] == "protected"));
}
