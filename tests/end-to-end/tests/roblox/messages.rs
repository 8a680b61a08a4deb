//! Messages, which make things faster and are never trusted.

use end_to_end::Ban;

use super::game::Game;
use super::{ARENA, CHEATER, GUEST, RUDE, app, minutes, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn message_of_the_mirror_removes_a_player_at_once() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(minutes(2)).await;
    gate.server.join(CHEATER);
    game.run(seconds(20)).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.drop_message(CHEATER);
    // For a user who is not here.
    game.drop_message(RUDE);
    game.run(seconds(10)).await;
    assert!(!gate.has(CHEATER));
    game.check(seconds(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_messages_harm_nobody() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(minutes(2)).await;
    gate.server.join(GUEST);
    game.drop_message(GUEST);
    for text in [
        "",
        "not JSON",
        "[]",
        "{}",
        "null",
        r#"{"Command":"DropPlayer"}"#,
        r#"{"Command":"DropPlayer","UserId":"1002"}"#,
        r#"{"Command":"DropPlayer","UserId":1e300}"#,
        r#"{"Command":"Shutdown","UserId":1002}"#,
        r#"{"sequence":"a","users":5}"#,
        r#"{"sequence":1e9,"users":[1002,"x",-1,1.5]}"#,
    ] {
        game.universe.publish("SentinelAPI", text);
        game.universe.publish("portcullis", text);
        game.run(seconds(5)).await;
    }
    game.run(minutes(2)).await;
    assert!(gate.has(GUEST));
    game.check(seconds(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_messages_the_memory_store_is_enough() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.universe.messaging().set_unreliable(1.0, 0.0);
    let gates = [game.server(), game.server(), game.server()];
    game.run(minutes(3)).await;
    for (number, gate) in (0..).zip(&gates) {
        gate.server.join(GUEST + 10 + number);
    }
    gates[2].server.join(CHEATER);
    game.run(minutes(1)).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.run(minutes(3)).await;
    assert!(!gates[2].has(CHEATER));
    game.check(seconds(110));
}

#[tokio::test(flavor = "multi_thread")]
async fn messaging_service_that_fails_is_no_problem() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.universe.messaging().set_broken(true);
    let gate = game.server();
    game.run(minutes(3)).await;
    gate.server.join(CHEATER);
    game.run(minutes(1)).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.run(minutes(3)).await;
    assert!(!gate.has(CHEATER));
    game.check(seconds(110));
}
