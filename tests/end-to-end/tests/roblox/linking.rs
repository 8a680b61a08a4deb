//! Players who link their Discord accounts.

use end_to_end::Call;
use roblox_engine::Fault;
use roblox_engine::mlua::{Function, Table, Value};
use serde_json::json;

use super::game::{Game, Gate};
use super::{CHEATER, GUEST, RUDE, app, seconds};

const DISCORD: &str = "80351110224678912";

async fn code(game: &Game<'_>) -> String {
    game.app.set_clock(game.universe.now());
    let body = json!({ "discordId": DISCORD, "discordName": "Ada" });
    let made = game
        .workspace
        .send(Call::post("/links/codes").json(&body))
        .await;
    made.success()["code"].as_str().unwrap().to_owned()
}

/// The Discord user of a Roblox user.
async fn linked(game: &Game<'_>, user: u64) -> Option<String> {
    let call = Call::get(&format!("/links/roblox/{user}"));
    let answer = game.workspace.send(call).await;
    (answer.status == 200).then(|| answer.json()["discordId"].as_str().unwrap().to_owned())
}

fn evaluate<T: roblox_engine::mlua::FromLua>(gate: &Gate, source: &str) -> T {
    let chunk = gate.server.lua().load(format!("return {source}"));
    chunk.eval().unwrap()
}

fn player(gate: &Gate, user: u64) -> Value {
    evaluate(
        gate,
        &format!("game:GetService('Players'):GetPlayerByUserId({user})"),
    )
}

fn code_of(result: &Table) -> String {
    assert!(!result.get::<bool>("ok").unwrap());
    result.get("code").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn player_is_asked_about_the_discord_name_and_then_linked() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(seconds(60)).await;
    assert!(gate.server.join(GUEST));
    let code = code(&game).await;
    let guest = || player(&gate, GUEST);
    let shown: Table = gate.call("previewLink", (guest(), code.clone()));
    let shown: Table = shown.get("value").unwrap();
    assert_eq!(shown.get::<String>("discordName").unwrap(), "Ada");
    assert_eq!(shown.get::<String>("discordId").unwrap(), DISCORD);

    for declining in ["return false", "return 'yes'", "error('no window')"] {
        let ask: Function = evaluate(&gate, &format!("function() {declining} end"));
        let result: Table = gate.call("redeemLink", (guest(), code.clone(), ask));
        let expected = if declining.starts_with("error") {
            "ask_failed"
        } else {
            "declined"
        };
        assert_eq!(code_of(&result), expected, "{declining}");
    }
    assert_eq!(linked(&game, GUEST).await, None);

    let agreeing = "function(account) task.wait(2) return account.discordName == 'Ada' end";
    let ask: Function = evaluate(&gate, agreeing);
    let typed = code.to_lowercase().replace('-', "");
    let result: Table = gate.call("redeemLink", (guest(), typed, ask));
    assert!(result.get::<bool>("ok").unwrap());
    let value: Table = result.get("value").unwrap();
    assert_eq!(value.get::<String>("discordName").unwrap(), "Ada");
    assert_eq!(linked(&game, GUEST).await.as_deref(), Some(DISCORD));
    game.check(seconds(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_response_is_asked_for_again_and_still_links() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(seconds(60)).await;
    gate.server.join(GUEST);
    let code = code(&game).await;
    let lost = std::cell::Cell::new(false);
    game.universe.traffic().set_fault(move |call| {
        let is_first = call.path == "/api/v1/links/codes/redeem" && !lost.replace(true);
        is_first.then_some(Fault::LostResponse)
    });
    let result: Table = gate.call("redeemLink", (player(&gate, GUEST), code));
    assert!(result.get::<bool>("ok").unwrap());
    assert_eq!(linked(&game, GUEST).await.as_deref(), Some(DISCORD));
    game.check(seconds(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_of_one_player_delay_no_other_call() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    game.run(seconds(60)).await;
    gate.server.join(RUDE);
    for _ in 0..5 {
        let result: Table = gate.call("redeemLink", (player(&gate, RUDE), "000-000"));
        assert_eq!(code_of(&result), "not_found");
    }
    let result: Table = gate.call("redeemLink", (player(&gate, RUDE), "000-000"));
    assert_eq!(code_of(&result), "rate_limited");
    let check: Table = gate.call("check", CHEATER);
    assert_ne!(check.get::<String>("state").unwrap(), "unknown");
    gate.server.join(GUEST);
    let code = code(&game).await;
    let result: Table = gate.call("redeemLink", (player(&gate, GUEST), code));
    assert!(result.get::<bool>("ok").unwrap());
    for (wrong, code) in [(Value::Nil, "000-000"), (player(&gate, GUEST), "")] {
        let result: Table = gate.call("redeemLink", (wrong, code));
        assert_eq!(code_of(&result), "invalid_request");
    }
    game.check(seconds(100));
}
