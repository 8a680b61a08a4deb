//! A snapshot that comes in parts, as it does from 4 MB on. Here the network divides a small one.

use std::cell::Cell;
use std::rc::Rc;

use end_to_end::{Ban, Call};
use roblox_engine::{Fault, Response};
use serde_json::{Value, json};

use super::game::Game;
use super::{ARENA, CHEATER, GUEST, app, minutes, seconds};

const BANNED: u64 = 12;

/// A part of a snapshot: the first half of the users, or the rest.
fn part(snapshot: &Value, number: usize) -> Response {
    let users = snapshot["users"].as_str().unwrap();
    // Whole groups of three bytes.
    let (first, second) = users.split_at(users.len() / 8 * 4);
    let mut part = snapshot.clone();
    part["parts"] = json!(2);
    part["users"] = json!(if number == 1 { first } else { second });
    Response::new(200, &part.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn list_in_parts_is_loaded_whole_after_a_newer_build_replaces_it() {
    let app = app().await;
    let game = Game::of(&app, app.workspace().await);
    for user in 0..BANNED {
        game.ban(Ban::of(CHEATER + 10 * user, ARENA)).await;
    }
    game.build_snapshot().await;
    let snapshot = game.workspace.send(Call::get("/snapshot")).await.success();
    assert_eq!(snapshot["count"], BANNED);

    let second_parts = Rc::new(Cell::new(0));
    let asked = Rc::clone(&second_parts);
    game.universe.traffic().set_fault(move |outgoing| {
        if !outgoing.path.ends_with("/snapshot") {
            return None;
        }
        if !outgoing.query.contains("part=2") {
            return Some(Fault::Instead(part(&snapshot, 1)));
        }
        asked.set(asked.get() + 1);
        let replaced = r#"{"status":"error","code":"snapshot_changed","message":"a newer one"}"#;
        Some(Fault::Instead(match asked.get() {
            1 => Response::new(409, replaced),
            _ => part(&snapshot, 2),
        }))
    });
    let gate = game.server();
    game.run(minutes(1)).await;
    assert_eq!(second_parts.get(), 2);
    assert_eq!(gate.health("listed").to_string().unwrap(), "12");
    for user in [GUEST, CHEATER, CHEATER + 10 * (BANNED - 1)] {
        gate.server.join(user);
    }
    game.run(seconds(10)).await;
    assert_eq!(gate.server.players(), [GUEST]);
    game.check(seconds(10));
}
