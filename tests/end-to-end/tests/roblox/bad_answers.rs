//! Answers that are none, which count as failed calls and never as "not banned".

use end_to_end::Ban;
use roblox_engine::{Fault, Response};

use super::game::Game;
use super::{ARENA, CHEATER, GUEST, app, minutes, seconds};

/// While a fault lasts, the banned player's check fails; afterwards they are kicked.
async fn check_fault(fault: Fault) {
    let app = app().await;
    let game = Game::new(&app).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    let shown = format!("{fault:?}");
    game.universe
        .traffic()
        .set_fault(move |_| Some(fault.clone()));
    game.expect_outage(minutes(5));
    let gate = game.server();
    gate.server.join(GUEST);
    gate.server.join(CHEATER);
    game.run(minutes(1)).await;
    let verdict: roblox_engine::mlua::Table = gate.call("check", GUEST);
    let state: String = verdict.get("state").unwrap();
    assert_eq!(state, "unknown", "{shown}");
    game.run(minutes(4)).await;
    game.universe.traffic().heal();
    game.run(minutes(4)).await;
    assert_eq!(gate.server.players(), [GUEST], "{shown}");
    game.check(seconds(180));
}

#[tokio::test(flavor = "multi_thread")]
async fn html_is_a_failed_call() {
    let html = Response::new(200, "<html>Sign in to the network</html>");
    check_fault(Fault::Instead(html)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_json_is_a_failed_call() {
    check_fault(Fault::Truncated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_object_is_a_failed_call() {
    check_fault(Fault::Instead(Response::new(200, "{}"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_error_is_a_failed_call() {
    let body = r#"{"status":"error","code":"internal","message":"a bug"}"#;
    check_fault(Fault::Instead(Response::new(500, body))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limit_is_honoured() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    let body = r#"{"status":"error","code":"rate_limited","message":"slow down"}"#;
    let limited = Response::new(429, body).header("retry-after", "120");
    game.universe
        .traffic()
        .set_fault(move |_| Some(Fault::Instead(limited.clone())));
    game.expect_outage(minutes(4));
    let gate = game.server();
    gate.server.join(CHEATER);
    game.run(minutes(4)).await;
    let sent: u64 = game
        .universe
        .traffic()
        .tallies()
        .values()
        .map(|tally| tally.sent)
        .sum();
    assert!(
        sent <= 60,
        "{sent} calls in 4 minutes despite retry-after: 120"
    );
    game.universe.traffic().heal();
    game.run(minutes(4)).await;
    assert!(!gate.has(CHEATER));
    game.check(seconds(200));
}
