//! Game servers and the mirror, side by side.

use end_to_end::{Ban, Unban};
use futures::future::join_all;

use crate::stage::{ARENA, BEACH, MALLORY, Stage, UNIVERSE, app};

#[tokio::test]
async fn what_a_game_server_confirmed_first_is_not_asked_for() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    stage
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent())
        .await;
    let list = stage.workspace.await_pending_bans(ARENA, &[MALLORY]).await;
    stage.workspace.confirm(&list[0], ARENA).await;
    stage.drain().await;
    assert_eq!(stage.roblox().logs().len(), 0);
    stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    stage.workspace.confirm_unban(MALLORY, ARENA).await;
    stage.drain().await;
    assert_eq!(stage.roblox().logs().len(), 0);
    stage.assert_done(&[ARENA]).await;
}

/// A moderator unbans twice, which leaves the unban pending. Then a game server reports that it has lifted
/// the ban, though Roblox still holds it.
async fn unban_repeat_and_report(stage: &Stage<'_>) {
    for _ in 0..2 {
        stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
        assert_eq!(stage.workspace.pending_unbans(ARENA).await.len(), 1);
    }
    let report = Unban::of(MALLORY, ARENA).confirm_only();
    stage.workspace.unban(report).await;
    assert_eq!(stage.workspace.pending_unbans(ARENA).await.len(), 0);
}

#[tokio::test]
async fn unban_that_is_repeated_and_reported_is_lifted_at_roblox_all_the_same() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let ban = Ban::of(MALLORY, ARENA).permanent();
    stage.workspace.ban(ban).await;
    stage.drain().await;
    assert!(stage.restriction(MALLORY).active);
    unban_repeat_and_report(&stage).await;
    app.settle().await;
    stage.drain().await;
    assert!(!stage.restriction(MALLORY).active);
    // And that was all: nobody is looked at for ever.
    let asked = stage.roblox().logs().len();
    stage.drain().await;
    assert_eq!(stage.roblox().logs().len(), asked);
    stage.assert_done(&[ARENA]).await;
}

#[tokio::test]
async fn unban_that_is_repeated_and_reported_leaves_what_the_other_place_wants() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA, BEACH]).await;
    for (place, reason) in [(BEACH, "beach"), (ARENA, "arena")] {
        let ban = Ban::of(MALLORY, place).permanent().reasons(reason, "x");
        stage.workspace.ban(ban).await;
    }
    stage.drain().await;
    assert_eq!(stage.restriction(MALLORY).private_reason, "arena");
    unban_repeat_and_report(&stage).await;
    app.settle().await;
    stage.drain().await;
    let held = stage.restriction(MALLORY);
    assert_eq!((held.active, held.private_reason.as_str()), (true, "beach"));
    stage.assert_done(&[ARENA, BEACH]).await;
}

#[tokio::test]
async fn game_servers_that_poll_while_the_mirror_works_fight_with_nobody() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA, BEACH]).await;
    let users: Vec<u64> = (2_000..2_012).collect();
    for user in &users {
        stage
            .workspace
            .ban(Ban::of(*user, ARENA).permanent().global())
            .await;
    }
    app.settle().await;
    let server = async |place: u64| {
        for _ in 0..4 {
            for item in stage.workspace.pending_bans(place).await.iter().take(3) {
                stage.workspace.confirm(item, place).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    futures::join!(stage.drain(), server(ARENA), server(BEACH));
    stage.drain().await;
    stage.assert_done(&[ARENA, BEACH]).await;
    let logs = stage.roblox().logs();
    for user in &users {
        let of_user = logs.iter().filter(|entry| entry.user == *user).count();
        assert!(of_user <= 1, "{user} was asked for {of_user} times");
    }
}

#[tokio::test]
async fn a_ban_is_answered_while_roblox_is_out_of_reach() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let drop = local_stack::roblox::Fault::Drop;
    stage.roblox().fail(drop.into());
    let bans = (2_000..2_005).map(|user| stage.workspace.ban(Ban::of(user, ARENA)));
    join_all(bans).await;
    assert!(stage.workspace.is_banned(2_000, ARENA).await);
    // It is at it until its time is up; that much is not waited for.
    let trying = async {
        end_to_end::eventually("Roblox was asked", async || {
            (stage.roblox().calls() > 0).then_some(())
        })
        .await;
    };
    tokio::select! {
        () = trying => {}
        done = stage.try_drain() => done.unwrap(),
    }
    stage.workspace.unban(Unban::of(2_000, ARENA)).await;
    assert!(!stage.workspace.is_banned(2_000, ARENA).await);
    assert_eq!(stage.roblox().active(UNIVERSE).len(), 0);
}

#[tokio::test]
async fn what_is_decided_while_roblox_is_asked_is_taken_next() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    stage
        .roblox()
        .set_delay(std::time::Duration::from_millis(400));
    stage
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent())
        .await;
    let meanwhile = async {
        end_to_end::eventually("Roblox is asked", async || {
            (stage.roblox().calls() > 0).then_some(())
        })
        .await;
        stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    };
    futures::join!(stage.drain(), meanwhile);
    stage.roblox().set_delay(std::time::Duration::ZERO);
    stage.drain().await;
    let asked: Vec<_> = stage.roblox().logs();
    let asked: Vec<_> = asked.iter().map(|entry| entry.restriction.active).collect();
    assert_eq!(asked, [true, false]);
    stage.assert_done(&[ARENA]).await;
}
