//! Game servers and the mirror, side by side.

use end_to_end::{Ban, Unban};
use futures::future::join_all;

use crate::mirrored_workspace::{ARENA, BEACH, MALLORY, MirroredWorkspace, UNIVERSE, app};

#[tokio::test]
async fn changes_already_reported_by_game_servers_are_not_requested() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    mirrored
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent())
        .await;
    let list = mirrored
        .workspace
        .await_pending_bans(ARENA, &[MALLORY])
        .await;
    mirrored.workspace.report(&list[0], ARENA).await;
    mirrored.drain().await;
    assert_eq!(mirrored.roblox().logs().len(), 0);
    mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    mirrored.workspace.report_unban(MALLORY, ARENA).await;
    mirrored.drain().await;
    assert_eq!(mirrored.roblox().logs().len(), 0);
    mirrored.assert_all_applied(&[ARENA]).await;
}

/// A moderator unbans twice, which leaves the unban pending. Then a game server reports that it has
/// lifted the ban, although Roblox still holds it.
async fn unban_repeat_and_report(mirrored: &MirroredWorkspace<'_>) {
    for _ in 0..2 {
        mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
        assert_eq!(mirrored.workspace.pending_unbans(ARENA).await.len(), 1);
    }
    let report = Unban::of(MALLORY, ARENA).report_only();
    mirrored.workspace.unban(report).await;
    assert_eq!(mirrored.workspace.pending_unbans(ARENA).await.len(), 0);
}

#[tokio::test]
async fn a_repeated_and_reported_unban_is_still_lifted_on_roblox() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let ban = Ban::of(MALLORY, ARENA).permanent();
    mirrored.workspace.ban(ban).await;
    mirrored.drain().await;
    assert!(mirrored.restriction(MALLORY).active);
    unban_repeat_and_report(&mirrored).await;
    app.settle().await;
    mirrored.drain().await;
    assert!(!mirrored.restriction(MALLORY).active);
    // Nothing else happens: no user is checked for ever.
    let asked = mirrored.roblox().logs().len();
    mirrored.drain().await;
    assert_eq!(mirrored.roblox().logs().len(), asked);
    mirrored.assert_all_applied(&[ARENA]).await;
}

#[tokio::test]
async fn a_repeated_and_reported_unban_keeps_the_other_places_ban() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA, BEACH]).await;
    for (place, reason) in [(BEACH, "beach"), (ARENA, "arena")] {
        let ban = Ban::of(MALLORY, place).permanent().reasons(reason, "x");
        mirrored.workspace.ban(ban).await;
    }
    mirrored.drain().await;
    assert_eq!(mirrored.restriction(MALLORY).private_reason, "arena");
    unban_repeat_and_report(&mirrored).await;
    app.settle().await;
    mirrored.drain().await;
    let held = mirrored.restriction(MALLORY);
    assert_eq!((held.active, held.private_reason.as_str()), (true, "beach"));
    mirrored.assert_all_applied(&[ARENA, BEACH]).await;
}

#[tokio::test]
async fn polling_game_servers_and_the_mirror_do_not_conflict() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA, BEACH]).await;
    let users: Vec<u64> = (2_000..2_012).collect();
    for user in &users {
        mirrored
            .workspace
            .ban(Ban::of(*user, ARENA).permanent().global())
            .await;
    }
    app.settle().await;
    let server = async |place: u64| {
        for _ in 0..4 {
            for item in mirrored.workspace.pending_bans(place).await.iter().take(3) {
                mirrored.workspace.report(item, place).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    futures::join!(mirrored.drain(), server(ARENA), server(BEACH));
    mirrored.drain().await;
    mirrored.assert_all_applied(&[ARENA, BEACH]).await;
    let logs = mirrored.roblox().logs();
    for user in &users {
        let of_user = logs.iter().filter(|entry| entry.user == *user).count();
        assert!(of_user <= 1, "{user} was asked for {of_user} times");
    }
}

#[tokio::test]
async fn bans_succeed_while_roblox_is_unreachable() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let drop = local_stack::roblox::Fault::Drop;
    mirrored.roblox().fail(drop.into());
    let bans = (2_000..2_005).map(|user| mirrored.workspace.ban(Ban::of(user, ARENA)));
    join_all(bans).await;
    assert!(mirrored.workspace.is_banned(2_000, ARENA).await);
    // It works until its time is up; the test does not wait for that.
    let trying = async {
        end_to_end::eventually("Roblox was asked", async || {
            (mirrored.roblox().calls() > 0).then_some(())
        })
        .await;
    };
    tokio::select! {
        () = trying => {}
        done = mirrored.try_drain() => done.unwrap(),
    }
    mirrored.workspace.unban(Unban::of(2_000, ARENA)).await;
    assert!(!mirrored.workspace.is_banned(2_000, ARENA).await);
    assert_eq!(mirrored.roblox().active(UNIVERSE).len(), 0);
}

#[tokio::test]
async fn decisions_made_during_a_roblox_request_are_mirrored_next() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    mirrored
        .roblox()
        .set_delay(std::time::Duration::from_millis(400));
    mirrored
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent())
        .await;
    let meanwhile = async {
        end_to_end::eventually("Roblox is asked", async || {
            (mirrored.roblox().calls() > 0).then_some(())
        })
        .await;
        mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    };
    futures::join!(mirrored.drain(), meanwhile);
    mirrored.roblox().set_delay(std::time::Duration::ZERO);
    mirrored.drain().await;
    let asked: Vec<_> = mirrored.roblox().logs();
    let asked: Vec<_> = asked.iter().map(|entry| entry.restriction.active).collect();
    assert_eq!(asked, [true, false]);
    mirrored.assert_all_applied(&[ARENA]).await;
}
