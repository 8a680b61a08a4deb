//! Joins while everything works.

use end_to_end::{Ban, KeySpec};
use roblox_engine::End;
use shared::domain::keys::PinnedFlagFormat;

use super::game::Game;
use super::{ARENA, CHEATER, GUEST, RUDE, app, minutes, seconds};

fn ends(game: &Game, user: u64) -> Vec<End> {
    let stays = game.universe.stays().of(user);
    stays
        .into_iter()
        .filter_map(|stay| Some(stay.end?.1))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn banned_players_are_kicked_with_the_public_reason() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.ban(Ban::of(CHEATER, ARENA).permanent().reasons("", "Cheating"))
        .await;
    let gate = game.server();
    game.run(seconds(10)).await;
    gate.server.join(CHEATER);
    gate.server.join(GUEST);
    game.run(seconds(10)).await;
    assert_eq!(gate.server.players(), [GUEST]);
    let [End::Kicked(text)] = &ends(&game, CHEATER)[..] else {
        panic!("{:?}", ends(&game, CHEATER));
    };
    assert!(
        text.contains("Cheating") && text.contains("permanent"),
        "{text}"
    );
    game.check(seconds(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn players_who_came_before_the_script_are_checked() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    let server = game.universe.start(ARENA);
    for user in 0..20 {
        server.join(GUEST + 10 + user);
    }
    server.join(CHEATER);
    let options = server.lua().create_table().unwrap();
    options.set("url", app.address()).unwrap();
    game.start_on(&server, options);
    game.run(seconds(20)).await;
    assert_eq!(server.players().len(), 20);
    game.check(seconds(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_flag_formats_are_read() {
    let app = app().await;
    for format in [PinnedFlagFormat::Integer, PinnedFlagFormat::Boolean] {
        let workspace = app.workspace().await;
        let key = workspace.make_key(KeySpec::flags(format)).await;
        let game = Game::of(&app, workspace.with_key(&key));
        game.ban(Ban::of(CHEATER, ARENA).permanent()).await;
        game.ban(Ban::of(RUDE, ARENA)).await;
        let gate = game.server();
        game.run(minutes(3)).await;
        game.unban(RUDE).await;
        game.run(minutes(3)).await;
        for user in [CHEATER, GUEST, RUDE] {
            gate.server.join(user);
        }
        game.run(seconds(10)).await;
        assert_eq!(gate.server.players(), [GUEST, RUDE], "{format:?}");
        assert_eq!(game.universe.bans().users(), [CHEATER], "{format:?}");
        game.check(seconds(150));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ban_during_the_join_holds() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(minutes(2)).await;
    game.universe.traffic().set_latency(seconds(2), seconds(2));
    gate.server.join(CHEATER);
    game.universe.run_for(seconds(1));
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.run(minutes(3)).await;
    assert!(!gate.has(CHEATER));
    game.check(seconds(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn player_is_banned_and_unbanned_while_playing() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(minutes(2)).await;
    gate.server.join(CHEATER);
    gate.server.join(GUEST);
    game.run(minutes(1)).await;
    assert!(gate.has(CHEATER));
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.run(minutes(3)).await;
    assert_eq!(gate.server.players(), [GUEST]);
    // Unbanned while kicked: they may come back as soon as Roblox's own list is corrected.
    game.unban(CHEATER).await;
    game.run(minutes(3)).await;
    assert!(gate.server.join(CHEATER));
    game.run(minutes(3)).await;
    assert_eq!(gate.server.players(), [CHEATER, GUEST]);
    game.check(seconds(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn short_ban_ends_in_time() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(minutes(2)).await;
    game.ban(Ban::of(RUDE, ARENA).length(600)).await;
    gate.server.join(RUDE);
    game.run(minutes(5)).await;
    assert!(!gate.has(RUDE));
    game.run(minutes(5) + seconds(2)).await;
    game.expect_unban(RUDE);
    assert!(gate.server.join(RUDE));
    game.run(minutes(5)).await;
    assert!(gate.has(RUDE));
    game.check(seconds(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn unlisted_players_join_without_a_call() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(minutes(3)).await;
    let route = "POST /api/v1/is-banned";
    let before = game.universe.traffic().tally(route).sent;
    for user in 0..50 {
        gate.server.join(GUEST + user);
        game.universe.run_for(seconds(2));
    }
    assert_eq!(gate.server.players().len(), 50);
    assert_eq!(game.universe.traffic().tally(route).sent, before);
    game.check(seconds(5));
}
