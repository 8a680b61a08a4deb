//! Studio, and a key that is missing or refused.

use end_to_end::Ban;
use roblox_engine::Mode;

use super::game::Game;
use super::{ARENA, CHEATER, GUEST, app, minutes, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn studio_checks_players_and_bans_nobody_at_roblox() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    let key = game.workspace.secret_key().to_owned();
    let gate = game.server_with(Mode::Studio, |options| options.set("key", key).unwrap());
    game.run(minutes(1)).await;
    gate.server.join(CHEATER);
    gate.server.join(GUEST);
    game.run(minutes(3)).await;
    assert_eq!(gate.server.players(), [GUEST]);
    assert_eq!(game.universe.bans().users(), [0; 0]);
    game.workspace.await_pending_bans(ARENA, &[CHEATER]).await;
    gate.server.close("ServerEmpty");
    game.run(minutes(1)).await;
    game.check(seconds(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_secret_is_reported_and_kicks_nobody() {
    let app = app().await;
    let game = Game::new(&app).await;
    let key = game.workspace.secret_key().to_owned();
    game.universe.delete_secrets();
    let gate = game.server();
    gate.server.join(GUEST);
    game.run(minutes(10)).await;
    assert!(gate.has(GUEST));
    assert_eq!(gate.health("key").to_string().unwrap(), "missing");
    let log = gate.server.log();
    let warnings = log.iter().filter(|line| line.starts_with("warn")).count();
    assert!((1..=5).contains(&warnings), "{log:?}");
    // Once it is there, the server works.
    game.universe.set_secret("portcullis", &key, "127.0.0.1");
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.run(minutes(6)).await;
    gate.server.join(CHEATER);
    game.run(minutes(1)).await;
    assert_eq!(gate.server.players(), [GUEST]);
    game.check(seconds(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_key_is_reported_and_kicks_nobody() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.universe.set_secret(
        "portcullis",
        "sentinelAPI.00000000-0000-4000-8000-000000000000",
        "127.0.0.1",
    );
    let gate = game.server();
    gate.server.join(GUEST);
    game.run(minutes(10)).await;
    assert!(gate.has(GUEST));
    assert_eq!(gate.health("key").to_string().unwrap(), "refused");
    game.check(seconds(10));
}
