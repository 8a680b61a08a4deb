//! The universe and its places.

use end_to_end::{Ban, Unban, now};

use crate::stage::{ARENA, BEACH, CASTLE, MALLORY, Stage, UNIVERSE, WINDOW, app};

const PLACES: [u64; 3] = [ARENA, BEACH, CASTLE];

#[tokio::test]
async fn a_global_ban_over_three_places_is_one_change_and_so_is_its_end() {
    let app = app().start().await;
    let stage = Stage::open(&app, &PLACES).await;
    stage
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent().global())
        .await;
    app.settle().await;
    stage.drain().await;
    stage.assert_done(&PLACES).await;
    assert_eq!(stage.roblox().logs().len(), 1);
    assert_eq!(stage.roblox().messages().len(), 1);
    for place in PLACES {
        assert!(stage.roblox().keeps_out(UNIVERSE, place, MALLORY));
    }
    stage.workspace.unban(Unban::of(MALLORY, CASTLE)).await;
    app.settle().await;
    stage.drain().await;
    stage.assert_done(&PLACES).await;
    assert_eq!(stage.roblox().logs().len(), 2);
    assert_eq!(stage.roblox().active(UNIVERSE).len(), 0);
}

#[tokio::test]
async fn a_universe_of_120_places_is_mirrored() {
    let places: Vec<u64> = (8_001..=8_120).collect();
    let app = app().start().await;
    let stage = Stage::open(&app, &places).await;
    stage
        .workspace
        .ban(Ban::of(MALLORY, 8_001).permanent().global())
        .await;
    app.settle().await;
    stage.drain().await;
    assert!(stage.restriction(MALLORY).active);
    assert_eq!(stage.roblox().logs().len(), 1);
    stage.assert_done(&places).await;
}

#[tokio::test]
async fn a_ban_of_a_place_is_set_there_and_lifted_there() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA, BEACH]).await;
    let ban = Ban::of(MALLORY, ARENA)
        .permanent()
        .with("experienceUniversal", false);
    stage.workspace.ban(ban).await;
    stage.drain().await;
    assert!(
        stage
            .roblox()
            .restriction(UNIVERSE, Some(ARENA), MALLORY)
            .active
    );
    assert!(!stage.restriction(MALLORY).active);
    assert!(!stage.roblox().keeps_out(UNIVERSE, BEACH, MALLORY));
    stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    stage.drain().await;
    assert_eq!(stage.roblox().active(UNIVERSE).len(), 0);
    stage.assert_done(&[ARENA, BEACH]).await;
    assert_eq!(stage.roblox().logs().len(), 2);
}

#[tokio::test]
async fn a_universe_stays_closed_while_a_sibling_wants_it_closed() {
    let app = app().roblox_window(WINDOW).start().await;
    let stage = Stage::open(&app, &[ARENA, BEACH]).await;
    stage
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent().reasons("arena", "x"))
        .await;
    let short = Ban::of(MALLORY, BEACH)
        .length(now() + 3600)
        .reasons("beach", "x");
    stage.workspace.ban(short).await;
    stage.drain().await;
    assert_eq!(
        stage.restriction(MALLORY).private_reason,
        "arena",
        "the one that ends last"
    );
    stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    stage.drain().await;
    let held = stage.restriction(MALLORY);
    assert!(held.active);
    assert_eq!(held.private_reason, "beach");
    stage.workspace.unban(Unban::of(MALLORY, BEACH)).await;
    stage.drain().await;
    assert!(!stage.restriction(MALLORY).active);
    stage.assert_done(&[ARENA, BEACH]).await;
}

#[tokio::test]
async fn a_ban_that_changes_its_level_moves() {
    let app = app().roblox_window(WINDOW).start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let ban = |universal: bool| {
        let ban = Ban::of(MALLORY, ARENA).permanent();
        ban.with("experienceUniversal", universal)
    };
    for (universal, of_universe, of_place) in [
        (true, true, false),
        (false, false, true),
        (true, true, false),
    ] {
        stage.workspace.ban(ban(universal)).await;
        stage.drain().await;
        let at = |place| stage.roblox().restriction(UNIVERSE, place, MALLORY).active;
        assert_eq!(
            (at(None), at(Some(ARENA))),
            (of_universe, of_place),
            "{universal}"
        );
    }
    stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    stage.drain().await;
    assert_eq!(stage.roblox().active(UNIVERSE).len(), 0);
    stage.assert_done(&[ARENA]).await;
}

#[tokio::test]
async fn a_ban_of_many_places_goes_on_from_where_the_limit_stopped_it() {
    let app = app().roblox_window(WINDOW).start().await;
    let stage = Stage::open(&app, &PLACES).await;
    let ban = Ban::of(MALLORY, ARENA).permanent().global();
    stage
        .workspace
        .ban(ban.with("experienceUniversal", false))
        .await;
    app.settle().await;
    stage.drain().await;
    stage.assert_done(&PLACES).await;
    assert_eq!(stage.roblox().logs().len(), 3, "one for each place");
    assert_eq!(stage.roblox().active(UNIVERSE).len(), 3);
}
