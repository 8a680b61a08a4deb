//! The API cannot be reached, or only now and then.

use end_to_end::Ban;
use roblox_engine::Fault;
use serde_json::json;

use super::game::{Game, Gate};
use super::{ARENA, CHEATER, GUEST, RUDE, app, minutes, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn api_down_at_the_start_lets_players_in_and_removes_the_banned_later() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.expect_outage(minutes(10));
    game.universe
        .traffic()
        .set_fault(|_| Some(Fault::Unreachable));
    let gate = game.server();
    game.run(seconds(5)).await;
    gate.server.join(CHEATER);
    gate.server.join(GUEST);
    game.run(minutes(10)).await;
    assert!(gate.has(GUEST));
    game.universe.traffic().heal();
    game.run(minutes(5)).await;
    assert_eq!(gate.server.players(), [GUEST]);
    game.check(seconds(180));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_banned_before_an_hour_of_outage_stays_out() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.ban(Ban::of(CHEATER, ARENA).permanent()).await;
    let gate = game.server_with(roblox_engine::Mode::Live, |options| {
        options.set("apply", "kick").unwrap();
    });
    game.run(minutes(5)).await;
    assert!(!gate.health("listed").is_nil(), "the server has a list");
    game.expect_outage(minutes(60));
    game.universe
        .traffic()
        .set_fault(|_| Some(Fault::Unreachable));
    // Decided meanwhile: nobody can know.
    game.run(minutes(10)).await;
    game.ban(Ban::of(RUDE, ARENA)).await;
    for minute in 0..50 {
        if !gate.has(RUDE) {
            gate.server.join(RUDE);
        }
        gate.server.join(CHEATER);
        gate.server.join(GUEST + 100 + minute);
        game.run(seconds(30)).await;
        assert!(!gate.has(CHEATER), "minute {minute}");
        assert!(gate.has(GUEST + 100 + minute));
        game.run(seconds(30)).await;
    }
    game.universe.traffic().heal();
    game.run(minutes(5)).await;
    assert!(!gate.has(RUDE));
    assert_eq!(gate.server.players().len(), 50);
    game.check(seconds(90));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_tries_for_all_in_an_outage() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gates: Vec<_> = (0..20).map(|_| game.server()).collect();
    game.run(minutes(5)).await;
    game.expect_outage(minutes(60));
    game.universe
        .traffic()
        .set_fault(|_| Some(Fault::Unreachable));
    let sent = |gate: &Gate| gate.health("requests").as_u32().unwrap();
    let before: Vec<_> = gates.iter().map(sent).collect();
    for (number, gate) in (0..).zip(&gates) {
        gate.server.join(GUEST + 100 + number);
        game.run(minutes(1)).await;
    }
    game.ban(Ban::of(GUEST + 119, ARENA)).await;
    game.run(minutes(40)).await;
    let mut each: Vec<_> = gates.iter().map(sent).zip(before).collect();
    each.sort_unstable_by_key(|(now, before)| now - before);
    let (now, before) = each[10];
    let most = now - before;
    // Half of the servers would try more than a hundred times if each tried every half minute.
    assert!(most <= 20, "half of the servers sent up to {most} requests");
    assert_eq!(gates.iter().filter(|gate| gate.is_worker()).count(), 1);
    game.universe.traffic().heal();
    game.run(minutes(5)).await;
    let players = gates.iter().flat_map(|gate| gate.server.players());
    assert_eq!(players.count(), 19);
    for gate in &gates {
        assert_eq!(gate.health("unknownPlayers").as_u32(), Some(0));
    }
    game.check(seconds(150));
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_changes_the_policy_at_run_time() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(minutes(1)).await;
    game.universe
        .traffic()
        .set_fault(|_| Some(Fault::Unreachable));
    game.run(minutes(6)).await;
    gate.server.join(GUEST);
    game.run(seconds(30)).await;
    assert!(gate.has(GUEST), "others are let in by default");
    game.universe
        .configure("portcullis_when_unknown", json!("refuse"));
    game.run(minutes(2)).await;
    gate.server.join(RUDE);
    game.run(seconds(30)).await;
    assert!(!gate.has(RUDE), "the policy refuses who is unknown");
    game.check_scripts();
}

#[tokio::test(flavor = "multi_thread")]
async fn flapping_api_is_used_while_it_works() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.universe.traffic().set_fault(|call| {
        let down = call.at.as_secs() % 40 < 20 || call.dice < 0.3;
        down.then_some(Fault::Unreachable)
    });
    game.expect_outage(minutes(20));
    let gate = game.server();
    let mut kept_out = 0;
    for round in 0..10 {
        gate.server.join(GUEST + 100 + round);
        if !gate.has(CHEATER) {
            gate.server.join(CHEATER);
        }
        game.run(minutes(2)).await;
        kept_out += u32::from(!gate.has(CHEATER));
    }
    // Two of three requests fail, so it is chance when the first check succeeds and when the list is loaded.
    assert!(kept_out >= 5, "out after {kept_out} of 10 rounds");
    game.universe.traffic().heal();
    game.run(minutes(3)).await;
    assert_eq!(gate.server.players().len(), 10);
    game.check(seconds(120));
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_lost_responses_are_tried_again() {
    let app = app().await;
    let game = Game::new(&app).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.universe.traffic().set_fault(|call| match call.dice {
        dice if dice < 0.2 => Some(Fault::LostRequest),
        dice if dice < 0.4 => Some(Fault::LostResponse),
        dice if dice < 0.6 => Some(Fault::Slow(seconds(6))),
        _ => None,
    });
    game.expect_outage(minutes(20));
    let gate = game.server();
    for round in 0..10 {
        gate.server.join(GUEST + 100 + round);
        if !gate.has(CHEATER) {
            gate.server.join(CHEATER);
        }
        game.run(minutes(2)).await;
    }
    game.universe.traffic().heal();
    game.run(minutes(3)).await;
    assert_eq!(gate.server.players().len(), 10);
    game.check(seconds(120));
}
