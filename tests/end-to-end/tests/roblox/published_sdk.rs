//! The published SDK's loop and the module in one universe.

use end_to_end::{Ban, PUBLISHED_SDK, PUBLISHED_SDK_LOOP};
use roblox_engine::mlua::Table;

use super::game::Game;
use super::{ARENA, CHEATER, GUEST, RUDE, app, minutes};

#[tokio::test(flavor = "multi_thread")]
async fn module_and_published_sdk_share_a_universe() {
    let app = app().await;
    let game = Game::new(&app).await;
    let gate = game.server();
    let old = game.universe.start(ARENA);
    let entry = format!("{}/api/v1", app.address());
    let arguments = (entry, game.workspace.secret_key());
    let script: Table = old
        .run_with("published_sdk", PUBLISHED_SDK, arguments)
        .wait();
    let running = old.run_with("loop", PUBLISHED_SDK_LOOP, script);
    game.run(minutes(2)).await;
    gate.server.join(GUEST);
    old.join(RUDE);
    game.ban(Ban::of(CHEATER, ARENA).permanent().reasons("", "Cheating"))
        .await;
    game.run(minutes(3)).await;
    assert_eq!(game.universe.bans().users(), [CHEATER]);
    game.workspace.await_pending_bans(ARENA, &[]).await;
    game.unban(CHEATER).await;
    game.run(minutes(4)).await;
    assert_eq!(game.universe.bans().users(), [0; 0]);
    game.workspace.await_pending_unbans(ARENA, &[]).await;
    gate.server.join(CHEATER);
    game.run(minutes(1)).await;
    assert_eq!(
        (gate.server.players(), old.players()),
        (vec![CHEATER, GUEST], vec![RUDE])
    );
    assert!(!running.is_done(), "the loop has ended");
    assert_eq!(
        game.workspace.bans().await.len(),
        1,
        "nobody decided anything"
    );
    assert_eq!(game.universe.errors(), [""; 0]);
}
