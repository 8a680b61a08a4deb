//! Roblox's own ban list, kept by the worker from the pending lists.

use end_to_end::Ban;

use super::game::{Game, NOTE};
use super::{ARENA, CHEATER, GUEST, RUDE, app, minutes, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn native_bans_are_applied_once_and_reported() {
    let app = app().await;
    let game = Game::new(&app).await;
    let _gates = [game.server(), game.server(), game.server()];
    game.run(minutes(2)).await;
    game.ban(Ban::of(CHEATER, ARENA).permanent().reasons("", "Cheating"))
        .await;
    game.ban(Ban::of(RUDE, ARENA).length("7d").reasons("", "Language"))
        .await;
    game.run(minutes(4)).await;
    let listed = game.universe.bans().list();
    assert_eq!(listed.keys().copied().collect::<Vec<_>>(), [CHEATER, RUDE]);
    assert!((listed[&CHEATER].duration + 1.0).abs() < 0.1);
    assert_eq!(listed[&CHEATER].display_reason, "Cheating");
    assert!((604_000.0..=604_800.0).contains(&listed[&RUDE].duration));
    for entry in listed.values() {
        assert!(!entry.private_reason.contains(NOTE), "{entry:?}");
    }
    game.workspace.await_pending_bans(ARENA, &[]).await;
    game.unban(RUDE).await;
    game.run(minutes(4)).await;
    assert_eq!(game.universe.bans().users(), [CHEATER]);
    game.workspace.await_pending_unbans(ARENA, &[]).await;
    let mut changes = game.universe.bans().changes();
    changes.sort();
    let expected = [
        format!("ban {CHEATER}"),
        format!("ban {RUDE}"),
        format!("unban {RUDE}"),
    ];
    assert_eq!(changes, expected, "each change is applied once");
    game.check(seconds(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_bans_share_a_call() {
    let app = app().await;
    let game = Game::new(&app).await;
    for user in 0..60 {
        game.ban(
            Ban::of(CHEATER + 100 + user, ARENA)
                .permanent()
                .reasons("", "Raid"),
        )
        .await;
    }
    let _gate = game.server();
    game.run(minutes(4)).await;
    assert_eq!(game.universe.bans().users().len(), 60);
    let calls = game.universe.bans().changes().len();
    assert!(calls <= 4, "{calls} calls");
    game.workspace.await_pending_bans(ARENA, &[]).await;
    game.check(seconds(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn filtered_reason_is_replaced() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.universe
        .bans()
        .set_inappropriate(|reason| reason.contains("rude word"));
    let _gate = game.server();
    game.run(minutes(1)).await;
    game.ban(
        Ban::of(RUDE, ARENA)
            .permanent()
            .reasons("", "said a rude word"),
    )
    .await;
    game.run(minutes(4)).await;
    assert_eq!(game.universe.bans().users(), [RUDE]);
    game.workspace.await_pending_bans(ARENA, &[]).await;
    game.check(seconds(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_native_ban_waits_until_not_before() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.universe.bans().set_failing(|user| *user == CHEATER);
    let _gate = game.server();
    game.run(minutes(1)).await;
    for user in [CHEATER, GUEST + 50] {
        game.ban(Ban::of(user, ARENA).permanent().reasons("", "Raid"))
            .await;
    }
    game.run(minutes(30)).await;
    assert_eq!(game.universe.bans().users(), [GUEST + 50]);
    let pending = game.workspace.await_pending_bans(ARENA, &[CHEATER]).await;
    // At once, and after 1, 5 and 30 minutes.
    let failures = pending[0]["failures"].as_u64().unwrap();
    assert!(
        (2..=4).contains(&failures),
        "{failures} attempts in half an hour"
    );
    let roblox_works = |_: &u64| false;
    game.universe.bans().set_failing(roblox_works);
    game.run(minutes(40)).await;
    assert_eq!(game.universe.bans().users(), [CHEATER, GUEST + 50]);
    game.workspace.await_pending_bans(ARENA, &[]).await;
    game.check(seconds(100));
}
