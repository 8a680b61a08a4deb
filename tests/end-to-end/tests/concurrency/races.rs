//! Concurrent requests: each takes effect completely or not at all.

use end_to_end::{ApiResponse, Ban, TestApp, Unban, Workspace};
use futures::future::{join, join_all};
use serde_json::Value;

use crate::audit::audit;

const ARENA: u64 = 7_001;
const BEACH: u64 = 7_002;

/// Several processes of each function, so that requests do collide.
async fn app() -> TestApp {
    TestApp::builder().instances(4).start().await
}

fn count(answers: &[ApiResponse], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

#[tokio::test]
async fn of_many_concurrent_bans_exactly_one_is_made() {
    let app = app().await;
    let workspace = app.workspace().await;
    for (user, global) in [(101, false), (102, true)] {
        let calls = (1..=24).map(|moderator| {
            let ban = Ban::of(user, ARENA)
                .permanent()
                .no_overwrite()
                .moderator(moderator);
            workspace.try_ban(if global { ban.global() } else { ban })
        });
        let answers = join_all(calls).await;
        assert_eq!(
            (count(&answers, 200), count(&answers, 409)),
            (1, 23),
            "{answers:#?}"
        );

        let winner = answers
            .iter()
            .position(|answer| answer.status == 200)
            .unwrap()
            + 1;
        for lost in answers.iter().filter(|answer| answer.status == 409) {
            lost.assert_error(409, "already_banned");
            assert_eq!(lost.json()["ban"]["moderatorId"], winner, "{lost}");
        }
        assert_eq!(workspace.check(user, ARENA).await["moderatorId"], winner);
    }
    app.settle().await;
    let sound = audit(&workspace).await;
    assert_eq!((sound.decisions(101), sound.decisions(102)), (1, 1));
}

#[tokio::test]
async fn a_concurrent_ban_and_unban_are_serialised() {
    let app = app().await;
    let workspace = app.workspace().await;
    let users: Vec<u64> = (200..220).collect();
    for user in &users {
        workspace
            .ban(Ban::of(*user, ARENA).permanent().reasons("first", "first"))
            .await;
    }
    let rounds = users.iter().map(|user| {
        let again = Ban::of(*user, ARENA)
            .permanent()
            .reasons("second", "second")
            .no_overwrite();
        join(
            workspace.try_ban(again),
            workspace.try_unban(Unban::of(*user, ARENA)),
        )
    });
    for ((ban, unban), user) in join_all(rounds).await.iter().zip(&users) {
        unban.assert_ok();
        let check = workspace.check(*user, ARENA).await;
        match ban.status {
            // The unban came first, and the new ban holds.
            200 => assert_eq!(
                (&check["isBanned"], &check["privateReason"]),
                (&Value::Bool(true), &Value::from("second")),
            ),
            409 => assert_eq!(
                (&check["isBanned"], &check["privateReason"]),
                (&Value::Bool(false), &Value::from("first")),
            ),
            _ => panic!("{ban}"),
        }
    }
    audit(&workspace).await;
}

#[tokio::test]
async fn a_hundred_concurrent_ban_reports_count_once() {
    let app = app().await;
    let workspace = app.workspace().await;
    for (user, global) in [(301, false), (302, true)] {
        let ban = Ban::of(user, ARENA);
        workspace.ban(if global { ban.global() } else { ban }).await;
        let list = workspace.await_pending_bans(ARENA, &[user]).await;
        let before = audit(&workspace).await.here(user, ARENA).version;

        let servers = (0..100).map(|_| workspace.try_ban(Ban::reporting(&list[0], ARENA)));
        join_all(servers)
            .await
            .iter()
            .for_each(ApiResponse::assert_ok);

        workspace.await_pending_bans(ARENA, &[]).await;
        app.settle().await;
        let sound = audit(&workspace).await;
        assert_eq!(
            sound.here(user, ARENA).version,
            before + 1,
            "written more than once"
        );
        assert_eq!(sound.decisions(user), 1);
    }
}

#[tokio::test]
async fn a_hundred_concurrent_unban_reports_count_once() {
    let app = app().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(311, ARENA).applied()).await;
    workspace.unban(Unban::of(311, ARENA)).await;
    workspace.await_pending_unbans(ARENA, &[311]).await;
    let before = audit(&workspace).await.here(311, ARENA).version;

    let servers = (0..100).map(|_| {
        workspace.try_unban(Unban::of(311, ARENA).reason("[luauCRON]: unbanned by the server"))
    });
    join_all(servers)
        .await
        .iter()
        .for_each(ApiResponse::assert_ok);

    workspace.await_pending_unbans(ARENA, &[]).await;
    assert_eq!(audit(&workspace).await.here(311, ARENA).version, before + 1);
}

/// Bans a user, lets the experience fetch its list, and sends reports of it from many servers while
/// `decide` makes another decision.
async fn late_reports_against<F: Future<Output = ()>>(
    workspace: &Workspace<'_>,
    ban: Ban,
    user: u64,
    decide: impl Fn() -> F,
) {
    workspace.ban(ban).await;
    workspace.app().settle().await;
    let list = workspace.await_pending_bans(ARENA, &[user]).await;
    let report = || workspace.try_ban(Ban::reporting(&list[0], ARENA));
    let early = join_all((0..6).map(|_| report()));
    let late = join_all((0..6).map(|_| report()));
    let (early, (), late) = futures::join!(early, decide(), late);
    early.iter().chain(&late).for_each(ApiResponse::assert_ok);
    workspace.app().settle().await;
}

#[tokio::test]
async fn a_late_report_never_revives_a_concurrently_lifted_ban() {
    let app = app().await;
    let workspace = app.workspace().await;
    workspace.pending_bans(BEACH).await;
    for user in 400..405 {
        let ban = Ban::of(user, BEACH).permanent().global();
        late_reports_against(&workspace, ban, user, async || {
            workspace.unban(Unban::of(user, BEACH)).await;
        })
        .await;
        assert!(
            !workspace.is_banned(user, ARENA).await,
            "a lifted ban came back"
        );
        // The servers did apply it, before or after it was lifted.
        workspace.await_pending_unbans(ARENA, &[user]).await;
        assert_eq!(audit(&workspace).await.decisions(user), 2);
        workspace.report_unban(user, ARENA).await;
        workspace.await_pending_unbans(ARENA, &[]).await;
    }
}

#[tokio::test]
async fn a_late_report_never_reverts_a_concurrent_change() {
    let app = app().await;
    let workspace = app.workspace().await;
    for user in 420..425 {
        let ban = || Ban::of(user, ARENA).permanent();
        late_reports_against(&workspace, ban(), user, async || {
            workspace
                .ban(ban().reasons("worse than thought", "Cheating"))
                .await;
        })
        .await;
        let check = workspace.check(user, ARENA).await;
        assert_eq!(
            check["privateReason"], "worse than thought",
            "a change was reverted"
        );
        assert_eq!(check["experienceBanCompleted"], false);
        let list = workspace.await_pending_bans(ARENA, &[user]).await;
        assert_eq!(audit(&workspace).await.decisions(user), 2);
        workspace.report(&list[0], ARENA).await;
        workspace.await_pending_bans(ARENA, &[]).await;
    }
}

#[tokio::test]
async fn a_late_unban_report_never_lifts_a_concurrent_ban() {
    let app = app().await;
    let workspace = app.workspace().await;
    for user in 440..445 {
        workspace
            .ban(Ban::of(user, ARENA).permanent().applied())
            .await;
        workspace.unban(Unban::of(user, ARENA)).await;
        workspace.await_pending_unbans(ARENA, &[user]).await;
        let report = || workspace.try_unban(Unban::of(user, ARENA).report_only());
        let early = join_all((0..5).map(|_| report()));
        let late = join_all((0..5).map(|_| report()));
        let new_ban = Ban::of(user, ARENA)
            .permanent()
            .reasons("again", "again")
            .no_overwrite();
        let (early, new_ban, late) = futures::join!(early, workspace.try_ban(new_ban), late);
        new_ban.assert_ok();
        early.iter().chain(&late).for_each(ApiResponse::assert_ok);

        assert!(
            workspace.is_banned(user, ARENA).await,
            "a report lifted a ban"
        );
        let list = workspace.await_pending_bans(ARENA, &[user]).await;
        workspace.report(&list[0], ARENA).await;
        workspace.await_pending_bans(ARENA, &[]).await;
    }
    audit(&workspace).await;
}

#[tokio::test]
async fn two_hundred_concurrent_bans_get_distinct_numbers() {
    let app = app().await;
    let workspace = app.workspace().await;
    let users = 500..700;
    let bans = users.map(|user| workspace.try_ban(Ban::of(user, ARENA)));
    join_all(bans).await.iter().for_each(ApiResponse::assert_ok);

    let mut uids: Vec<_> = workspace
        .bans()
        .await
        .iter()
        .map(|ban| ban["uid"].clone())
        .collect();
    uids.sort_by_key(Value::as_u64);
    uids.dedup();
    assert_eq!(uids.len(), 200);
    audit(&workspace).await;
}

#[tokio::test]
async fn a_concurrently_linked_experience_gets_the_global_ban() {
    let app = app().await;
    let workspace = app.workspace().await;
    let (users, experiences) = (800..808, 8_000..8_012);
    // Alternating, so that every link meets bans before, during and after it.
    let bans = join_all(
        users
            .clone()
            .map(|user| workspace.try_ban(Ban::of(user, ARENA).permanent().global())),
    );
    let links = join_all(
        experiences
            .clone()
            .map(|experience| workspace.pending_bans(experience)),
    );
    let (answers, _) = join(bans, links).await;
    answers.iter().for_each(ApiResponse::assert_ok);

    app.settle().await;
    let users: Vec<_> = users.collect();
    for experience in experiences {
        let mut pending: Vec<_> = workspace.pending_bans(experience).await;
        pending.sort_by_key(|ban| ban["robloxId"].as_u64());
        let pending: Vec<_> = pending
            .iter()
            .map(|ban| ban["robloxId"].as_u64().unwrap())
            .collect();
        assert_eq!(pending, users, "in {experience}");
    }
    audit(&workspace).await;
}

#[tokio::test]
async fn concurrent_changes_record_one_decision_each() {
    let app = app().await;
    let workspace = app.workspace().await;
    let first = workspace.ban_shown(Ban::of(901, ARENA).permanent()).await;
    let changes = (10..26)
        .map(|moderator| workspace.try_ban(Ban::of(901, ARENA).permanent().moderator(moderator)));
    join_all(changes)
        .await
        .iter()
        .for_each(ApiResponse::assert_ok);

    let shown = workspace.check(901, ARENA).await;
    assert_eq!(
        (&shown["guid"], &shown["uid"]),
        (&first["guid"], &first["uid"])
    );
    let sound = audit(&workspace).await;
    assert_eq!(sound.decisions(901), 17);
    assert_eq!(
        sound
            .records(901)
            .iter()
            .map(|ban| ban.revision)
            .collect::<Vec<_>>(),
        [17]
    );
}

#[tokio::test]
async fn concurrent_repeated_changes_record_only_differences() {
    let app = app().await;
    let workspace = app.workspace().await;
    let same = (0..40).map(|_| workspace.try_ban(Ban::of(902, ARENA).global().length("7d")));
    join_all(same).await.iter().for_each(ApiResponse::assert_ok);
    app.settle().await;
    assert_eq!(audit(&workspace).await.decisions(902), 1);
}

#[tokio::test]
async fn concurrent_global_and_experience_decisions_stay_atomic() {
    let app = app().await;
    let workspace = app.workspace().await;
    for experience in [ARENA, BEACH] {
        workspace.pending_bans(experience).await;
    }
    let storms = (0..60_u64).map(|n| {
        let workspace = &workspace;
        async move {
            let (user, experience) = (950 + n % 3, [ARENA, BEACH][(n % 2) as usize]);
            let ban = Ban::of(user, experience).permanent().moderator(n + 1);
            let answer = match n % 5 {
                0 => workspace.try_ban(ban.global()).await,
                1 => workspace.try_unban(Unban::of(user, experience)).await,
                2 => workspace.try_ban(ban.appeal()).await,
                3 => workspace.try_ban(ban.applied()).await,
                _ => workspace.try_ban(ban.no_overwrite()).await,
            };
            assert!(matches!(answer.status, 200 | 404 | 409), "{answer}");
        }
    });
    join_all(storms).await;
    app.settle().await;
    audit(&workspace).await;
}
