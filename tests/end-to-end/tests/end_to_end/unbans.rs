//! `POST /unban-async`.

use end_to_end::{Ban, Call, TestApp, Unban, next_second};
use serde_json::{Value, json};

use crate::routes::{EXPERIENCE, USER};

const ELSEWHERE: u64 = 7;

fn ban() -> Ban {
    Ban::of(USER, EXPERIENCE).permanent()
}

#[tokio::test]
async fn a_decision_lifts_every_ban_that_keeps_the_user_out() {
    let app = TestApp::start().await;
    for bans in [
        vec![ban()],
        vec![ban().global()],
        vec![ban(), ban().global()],
    ] {
        let workspace = app.workspace().await;
        for ban in &bans {
            workspace.ban(ban.clone()).await;
        }
        workspace.ban(Ban::of(USER, ELSEWHERE).permanent()).await;
        workspace.unban(Unban::of(USER, EXPERIENCE)).await;
        let seen = workspace.check(USER, EXPERIENCE).await;
        assert_eq!(
            json!([seen["isBanned"], seen["isActive"], seen["isAppealed"]]),
            json!([false, false, false])
        );
        assert!(
            workspace.is_banned(USER, ELSEWHERE).await,
            "a ban elsewhere is none of its business"
        );
        let active = workspace
            .all_pages(Call::get("/bans").query("isActive", true))
            .await;
        assert_eq!(active.len(), 1);
        assert_eq!(workspace.bans().await.len(), bans.len() + 1);
    }
}

#[tokio::test]
async fn an_unban_is_pending_only_where_the_ban_was_applied() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for experience in [EXPERIENCE, ELSEWHERE, 8] {
        workspace.link(experience).await;
    }
    workspace.ban(ban().global()).await;
    app.settle().await;
    for experience in [EXPERIENCE, ELSEWHERE] {
        let item = workspace
            .await_pending_bans(experience, &[USER])
            .await
            .remove(0);
        workspace.report(&item, experience).await;
    }
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    for (experience, users) in [(EXPERIENCE, &[USER][..]), (ELSEWHERE, &[USER]), (8, &[])] {
        let list = workspace.await_pending_unbans(experience, users).await;
        workspace.await_pending_bans(experience, &[]).await;
        for item in list {
            assert_eq!(item["isBanned"], false);
            assert_eq!(item["isActive"], 0);
            assert_eq!(item["experienceBanCompleted"], 1);
        }
    }
    workspace.report_unban(USER, ELSEWHERE).await;
    workspace.await_pending_unbans(ELSEWHERE, &[]).await;
    workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
}

#[tokio::test]
async fn no_unban_is_pending_for_a_caller_that_applied_it() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link(ELSEWHERE).await;
    workspace.ban(ban().global().applied()).await;
    app.settle().await;
    let item = workspace
        .await_pending_bans(ELSEWHERE, &[USER])
        .await
        .remove(0);
    workspace.report(&item, ELSEWHERE).await;
    workspace.unban(Unban::of(USER, EXPERIENCE).applied()).await;
    app.settle().await;
    workspace.await_pending_unbans(EXPERIENCE, &[]).await;
    workspace.await_pending_unbans(ELSEWHERE, &[USER]).await;
}

#[tokio::test]
async fn a_ban_lifted_before_it_was_applied_leaves_nothing_pending() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(ban()).await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
    workspace.await_pending_unbans(EXPERIENCE, &[]).await;
}

#[tokio::test]
async fn a_report_lifts_nothing_and_makes_the_ban_pending_again() {
    let app = TestApp::start().await;
    let reports = [
        Unban::of(USER, EXPERIENCE).report_only(),
        Unban::of(USER, EXPERIENCE)
            .report_only()
            .reason("a moderator's words"),
        Unban::of(USER, EXPERIENCE).reason("Ban was appealed."),
        Unban::of(USER, EXPERIENCE).reason("Ban automatically expired."),
        Unban::of(USER, EXPERIENCE).reason("[luauCRON] Ban was lifted."),
        Unban::of(USER, EXPERIENCE).reason("[luauCRON]"),
    ];
    for report in reports {
        let workspace = app.workspace().await;
        workspace.ban(ban().applied()).await;
        workspace.await_pending_bans(EXPERIENCE, &[]).await;
        workspace.unban(report.clone()).await;
        assert!(workspace.is_banned(USER, EXPERIENCE).await, "{report:?}");
        workspace.await_pending_bans(EXPERIENCE, &[USER]).await;
        workspace.await_pending_unbans(EXPERIENCE, &[]).await;
    }
    let decisions = [
        Unban::of(USER, EXPERIENCE),
        Unban::of(USER, EXPERIENCE).reason("Ban was appealed"),
        Unban::of(USER, EXPERIENCE).reason("see [luauCRON]"),
        Unban::of(USER, EXPERIENCE).reason(""),
    ];
    for decision in decisions {
        let workspace = app.workspace().await;
        workspace.ban(ban()).await;
        workspace.unban(decision.clone()).await;
        assert!(!workspace.is_banned(USER, EXPERIENCE).await, "{decision:?}");
    }
}

#[tokio::test]
async fn only_a_report_clears_a_pending_unban() {
    let app = TestApp::start().await;
    let bare = || Unban::of(USER, EXPERIENCE);
    let workspace = app.workspace().await;
    workspace.ban(ban().applied()).await;
    workspace.unban(bare()).await;
    // Repeated at once or by another tool, it changes nothing.
    for again in [
        bare(),
        bare().applied(),
        bare().with("moderatorId", 9),
        bare().reason("a second look"),
    ] {
        workspace.unban(again.clone()).await;
        workspace
            .send(again.reason("from the game").call().from_roblox())
            .await
            .assert_ok();
        workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
    }
    let reports = [
        bare().call().from_roblox(),
        bare().report_only().call(),
        bare().reason("Ban was appealed.").call(),
    ];
    for report in reports {
        let workspace = app.workspace().await;
        workspace.ban(ban().applied()).await;
        workspace.unban(bare()).await;
        workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
        workspace.send(report).await.assert_ok();
        workspace.await_pending_unbans(EXPERIENCE, &[]).await;
    }
}

#[tokio::test]
async fn concurrent_unbans_make_one_decision() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=10 {
        workspace.ban(Ban::of(user, EXPERIENCE).applied()).await;
        let call = || Unban::of(user, EXPERIENCE).call().from_roblox();
        let (first, second) = tokio::join!(workspace.send(call()), workspace.send(call()));
        first.assert_ok();
        second.assert_ok();
    }
    let users: Vec<u64> = (1..=10).collect();
    workspace.await_pending_unbans(EXPERIENCE, &users).await;
}

#[tokio::test]
async fn an_unban_without_ban_or_pending_entry_changes_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(ban()).await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let before = workspace.stored().await;
    for unban in [
        Unban::of(USER, EXPERIENCE),
        Unban::of(USER, EXPERIENCE).report_only(),
        Unban::of(USER, EXPERIENCE).applied().reason("again"),
    ] {
        let answer = workspace.try_unban(unban).await;
        answer.assert_ok();
        assert_eq!(app.log_of("unban-async", &answer).await["writeUnits"], 0.0);
    }
    assert_eq!(workspace.stored().await, before);
}

#[tokio::test]
async fn unbanning_a_never_banned_user_is_404_and_stores_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for unban in [
        Unban::of(USER, EXPERIENCE),
        Unban::of(USER, EXPERIENCE).report_only(),
    ] {
        workspace
            .try_unban(unban)
            .await
            .assert_error(404, "not_found");
        assert_eq!(workspace.stored().await, Vec::<Value>::new());
    }
    workspace.ban(Ban::of(USER, ELSEWHERE)).await;
    workspace
        .try_unban(Unban::of(USER, EXPERIENCE))
        .await
        .assert_error(404, "not_found");
    workspace.ban(Ban::of(USER, ELSEWHERE).global()).await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    assert!(
        workspace.is_banned(USER, ELSEWHERE).await,
        "its own ban stands"
    );
}

#[tokio::test]
async fn lifting_one_of_two_overlapping_bans_leaves_no_unban_pending() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(ban().global().applied()).await;
    workspace.ban(Ban::of(USER, EXPERIENCE).length(5000)).await;
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
    workspace.ban(Ban::of(USER, EXPERIENCE).appeal()).await;
    workspace.await_pending_unbans(EXPERIENCE, &[]).await;
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
}

#[tokio::test]
async fn the_reason_and_moderator_of_an_unban_are_stored() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(ban()).await;
    let unban = Unban::of(USER, EXPERIENCE)
        .reason("Wrong user")
        .with("moderatorId", 744_482_898);
    workspace.unban(unban).await;
    let kept = workspace.stored().await;
    let lifted: Vec<_> = kept
        .iter()
        .filter(|item| item["decision"]["S"] == "lifted")
        .collect();
    assert_eq!(lifted.len(), 1, "{kept:#?}");
    assert_eq!(lifted[0]["reason"]["S"], "Wrong user");
    assert_eq!(lifted[0]["moderator"]["N"], "744482898");
}

#[tokio::test]
async fn a_decision_does_not_lift_an_expired_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE).length(1)).await;
    next_second().await;
    app.settle().await;
    let before = workspace.stored().await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    assert_eq!(workspace.stored().await, before);
}
