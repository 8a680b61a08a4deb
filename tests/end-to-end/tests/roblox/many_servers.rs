//! Many servers, of which one polls for all.

use end_to_end::Ban;
use roblox_engine::MemoryFault;

use super::game::{Game, Gate};
use super::{ARENA, CHEATER, GUEST, app, minutes, seconds};

fn workers(gates: &[Gate]) -> usize {
    let alive = gates.iter().filter(|gate| gate.server.is_alive());
    alive.filter(|gate| gate.is_worker()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_servers_have_one_worker() {
    let app = app().await;
    let game = Game::new(&app).await;
    let mut gates = Vec::new();
    for number in 0..200 {
        let gate = game.server();
        gate.server.join(GUEST + 1_000 + number);
        gates.push(gate);
        game.universe.run_for(seconds(1));
    }
    game.run(minutes(5)).await;
    assert_eq!(workers(&gates), 1);
    let calls = || -> u64 {
        let tallies = game.universe.traffic().tallies();
        tallies.values().map(|tally| tally.sent).sum()
    };
    let before = calls();
    gates[150].server.join(CHEATER);
    game.run(minutes(5)).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.run(minutes(5)).await;
    let calls = calls() - before;
    assert!(calls < 300, "{calls} calls of 200 servers in 10 minutes");
    assert!(!gates[150].has(CHEATER));
    game.check(seconds(110));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_takes_over_when_the_worker_dies() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gates = [game.server(), game.server(), game.server()];
    game.run(minutes(3)).await;
    let worker = gates.iter().position(Gate::is_worker).unwrap();
    gates[worker].server.kill();
    let other = &gates[(worker + 1) % 3];
    other.server.join(CHEATER);
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.run(minutes(6)).await;
    assert_eq!(workers(&gates), 1);
    assert!(!other.has(CHEATER));
    game.check(seconds(280));
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_that_closes_hands_over() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gates = [game.server(), game.server(), game.server()];
    game.run(minutes(3)).await;
    let worker = gates.iter().position(Gate::is_worker).unwrap();
    gates[worker].server.close("DeveloperShutdown");
    game.run(minutes(4)).await;
    assert!(!gates[worker].server.is_alive());
    assert_eq!(workers(&gates), 1);
    game.check(seconds(110));
}

/// A full, failing or flaky memory store: each server polls for itself.
async fn check_memory(fault: MemoryFault) {
    let app = app().await;
    let game = Game::new(&app).await;
    game.universe.memory().set_fault(fault);
    let gates = [game.server(), game.server()];
    game.run(minutes(3)).await;
    for gate in &gates {
        gate.server.join(GUEST + 10 + gate.server.number() as u64);
    }
    gates[1].server.join(CHEATER);
    game.run(minutes(1)).await;
    game.ban(Ban::of(CHEATER, ARENA)).await;
    game.run(minutes(4)).await;
    assert!(!gates[1].has(CHEATER), "{fault:?}");
    game.check(seconds(180));
}

#[tokio::test(flavor = "multi_thread")]
async fn full_memory_store_is_no_problem() {
    check_memory(MemoryFault::Full).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_memory_store_is_no_problem() {
    check_memory(MemoryFault::Unavailable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flaky_memory_store_is_no_problem() {
    check_memory(MemoryFault::Flaky(0.3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gap_in_the_feed_is_noticed() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gates = [game.server(), game.server(), game.server()];
    game.run(minutes(3)).await;
    for gate in &gates {
        gate.server.join(CHEATER);
    }
    game.run(seconds(30)).await;
    game.universe.messaging().set_unreliable(1.0, 0.0);
    game.ban(Ban::of(CHEATER, ARENA)).await;
    // The worker's entry is lost before the others have read it.
    for _ in 0..12 {
        game.universe.run_for(seconds(1));
        game.universe.memory().lose_everything();
    }
    game.run(minutes(4)).await;
    assert!(gates.iter().all(|gate| !gate.has(CHEATER)));
    game.check(seconds(200));
}
