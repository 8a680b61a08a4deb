//! Restrictions of a universe and of its places.

use end_to_end::{Ban, Unban, now};

use crate::mirrored_workspace::{
    ARENA, BEACH, CASTLE, MALLORY, MirroredWorkspace, UNIVERSE, WINDOW, app,
};

const PLACES: [u64; 3] = [ARENA, BEACH, CASTLE];

#[tokio::test]
async fn a_global_ban_over_three_places_is_one_change_and_so_is_its_unban() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &PLACES).await;
    mirrored
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent().global())
        .await;
    app.settle().await;
    mirrored.drain().await;
    mirrored.assert_all_applied(&PLACES).await;
    assert_eq!(mirrored.roblox().logs().len(), 1);
    assert_eq!(mirrored.roblox().messages().len(), 1);
    for place in PLACES {
        assert!(mirrored.roblox().keeps_out(UNIVERSE, place, MALLORY));
    }
    mirrored.workspace.unban(Unban::of(MALLORY, CASTLE)).await;
    app.settle().await;
    mirrored.drain().await;
    mirrored.assert_all_applied(&PLACES).await;
    assert_eq!(mirrored.roblox().logs().len(), 2);
    assert_eq!(mirrored.roblox().active(UNIVERSE).len(), 0);
}

#[tokio::test]
async fn a_universe_of_120_places_is_mirrored() {
    let places: Vec<u64> = (8_001..=8_120).collect();
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &places).await;
    mirrored
        .workspace
        .ban(Ban::of(MALLORY, 8_001).permanent().global())
        .await;
    app.settle().await;
    mirrored.drain().await;
    assert!(mirrored.restriction(MALLORY).active);
    assert_eq!(mirrored.roblox().logs().len(), 1);
    mirrored.assert_all_applied(&places).await;
}

#[tokio::test]
async fn a_place_ban_is_set_and_lifted_on_that_place() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA, BEACH]).await;
    let ban = Ban::of(MALLORY, ARENA)
        .permanent()
        .with("experienceUniversal", false);
    mirrored.workspace.ban(ban).await;
    mirrored.drain().await;
    assert!(
        mirrored
            .roblox()
            .restriction(UNIVERSE, Some(ARENA), MALLORY)
            .active
    );
    assert!(!mirrored.restriction(MALLORY).active);
    assert!(!mirrored.roblox().keeps_out(UNIVERSE, BEACH, MALLORY));
    mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    mirrored.drain().await;
    assert_eq!(mirrored.roblox().active(UNIVERSE).len(), 0);
    mirrored.assert_all_applied(&[ARENA, BEACH]).await;
    assert_eq!(mirrored.roblox().logs().len(), 2);
}

#[tokio::test]
async fn a_universe_ban_stays_while_another_place_needs_it() {
    let app = app().roblox_window(WINDOW).start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA, BEACH]).await;
    mirrored
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent().reasons("arena", "x"))
        .await;
    let short = Ban::of(MALLORY, BEACH)
        .length(now() + 3600)
        .reasons("beach", "x");
    mirrored.workspace.ban(short).await;
    mirrored.drain().await;
    assert_eq!(
        mirrored.restriction(MALLORY).private_reason,
        "arena",
        "the one that ends last"
    );
    mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    mirrored.drain().await;
    let held = mirrored.restriction(MALLORY);
    assert!(held.active);
    assert_eq!(held.private_reason, "beach");
    mirrored.workspace.unban(Unban::of(MALLORY, BEACH)).await;
    mirrored.drain().await;
    assert!(!mirrored.restriction(MALLORY).active);
    mirrored.assert_all_applied(&[ARENA, BEACH]).await;
}

#[tokio::test]
async fn a_ban_moves_between_place_and_universe_level() {
    let app = app().roblox_window(WINDOW).start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let ban = |universal: bool| {
        let ban = Ban::of(MALLORY, ARENA).permanent();
        ban.with("experienceUniversal", universal)
    };
    for (universal, of_universe, of_place) in [
        (true, true, false),
        (false, false, true),
        (true, true, false),
    ] {
        mirrored.workspace.ban(ban(universal)).await;
        mirrored.drain().await;
        let at = |place| {
            mirrored
                .roblox()
                .restriction(UNIVERSE, place, MALLORY)
                .active
        };
        assert_eq!(
            (at(None), at(Some(ARENA))),
            (of_universe, of_place),
            "{universal}"
        );
    }
    mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    mirrored.drain().await;
    assert_eq!(mirrored.roblox().active(UNIVERSE).len(), 0);
    mirrored.assert_all_applied(&[ARENA]).await;
}

#[tokio::test]
async fn a_ban_of_many_places_resumes_after_a_rate_limit() {
    let app = app().roblox_window(WINDOW).start().await;
    let mirrored = MirroredWorkspace::open(&app, &PLACES).await;
    let ban = Ban::of(MALLORY, ARENA).permanent().global();
    mirrored
        .workspace
        .ban(ban.with("experienceUniversal", false))
        .await;
    app.settle().await;
    mirrored.drain().await;
    mirrored.assert_all_applied(&PLACES).await;
    assert_eq!(mirrored.roblox().logs().len(), 3, "one for each place");
    assert_eq!(mirrored.roblox().active(UNIVERSE).len(), 3);
}
