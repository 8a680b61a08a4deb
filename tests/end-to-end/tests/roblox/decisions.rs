//! Decisions made in the game.

use roblox_engine::Fault;
use roblox_engine::mlua::Table;

use super::game::Game;
use super::{ARENA, CHEATER, GUEST, RUDE, app, minutes, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn ban_in_the_game_kicks_everywhere_and_unban_lifts_it() {
    let app = app().await;
    let game = Game::new(&app).await;
    let (here, there) = (game.server(), game.server());
    game.run(minutes(2)).await;
    there.server.join(CHEATER);
    game.expect_ban(CHEATER);
    let request = here.table(
        "{ userId = 1001, moderatorId = 9, reason = 'Flying', privateReason = 'note for moderators' }",
    );
    let result: Table = here.call("ban", request);
    assert!(result.get::<bool>("ok").unwrap());
    game.run(minutes(3)).await;
    assert!(!there.has(CHEATER));
    assert!(game.workspace.is_banned(CHEATER, ARENA).await);
    assert_eq!(game.universe.bans().users(), [CHEATER]);
    let request = there.table("{ userId = 1001, moderatorId = 9, reason = 'a mistake' }");
    let result: Table = there.call("unban", request);
    assert!(result.get::<bool>("ok").unwrap());
    game.expect_unban(CHEATER);
    game.run(minutes(3)).await;
    assert!(there.server.join(CHEATER));
    game.run(minutes(1)).await;
    assert_eq!(there.server.players(), [CHEATER]);
    game.check(seconds(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_a_closed_server_are_sent_by_another() {
    let app = app().await;
    let game = Game::new(&app).await;
    let (closing, other) = (game.server(), game.server());
    game.run(minutes(2)).await;
    game.universe
        .traffic()
        .set_fault(|call| (call.path == "/api/v1/ban-async").then_some(Fault::Unreachable));
    other.server.join(RUDE);
    let request = closing.table("{ userId = 1003, moderatorId = 9, reason = 'Language' }");
    let result: Table = closing.call("ban", request);
    assert!(!result.get::<bool>("ok").unwrap());
    assert_eq!(result.get::<String>("code").unwrap(), "queued");
    closing.server.close("DeveloperShutdown");
    game.run(minutes(1)).await;
    assert!(!closing.server.is_alive());
    assert!(!game.workspace.is_banned(RUDE, ARENA).await);
    game.universe.traffic().heal();
    game.expect_ban(RUDE);
    game.run(minutes(8)).await;
    assert!(game.workspace.is_banned(RUDE, ARENA).await);
    assert!(!other.has(RUDE));
    game.check(minutes(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_of_a_lost_response_decides_once() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(minutes(2)).await;
    let lost = std::cell::Cell::new(0);
    game.universe.traffic().set_fault(move |call| {
        let decides = call.path == "/api/v1/ban-async";
        lost.set(lost.get() + u32::from(decides));
        (decides && lost.get() <= 2).then_some(Fault::LostResponse)
    });
    game.expect_ban(RUDE);
    let request =
        gate.table("{ userId = 1003, moderatorId = 9, reason = 'Language', length = '7d' }");
    let result: Table = gate.call("ban", request);
    game.run(minutes(3)).await;
    assert!(result.contains_key("ok").unwrap());
    assert_eq!(game.workspace.bans().await.len(), 1);
    assert!(
        game.universe
            .traffic()
            .tally("POST /api/v1/ban-async")
            .reached
            >= 3
    );
    gate.server.join(GUEST);
    game.run(seconds(10)).await;
    game.check(seconds(100));
}
