//! Roblox keys that stop working, and work again.

use end_to_end::{Ban, eventually};
use local_stack::roblox::Key;
use serde_json::json;
use shared::store::MirrorOptions;

use crate::mirrored_workspace::{
    ARENA, BEACH, KEY, MALLORY, MirroredWorkspace, UNIVERSE, WINDOW, app,
};

#[tokio::test]
async fn a_revoked_key_stops_only_its_experience_until_it_works_again() {
    let app = app().roblox_window(WINDOW).start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA, BEACH]).await;
    let (other, secret) = ("key-of-portcullis/local/other", "portcullis/local/other");
    mirrored.roblox().add_key(other, &[UNIVERSE]);
    app.secrets().set(secret, other);
    mirrored.mirror(BEACH, secret, MirrorOptions::ALL).await;
    mirrored.roblox().kill_key(KEY);
    for (user, place) in [(5, ARENA), (6, BEACH)] {
        mirrored
            .workspace
            .ban(Ban::of(user, place).permanent())
            .await;
    }
    mirrored.drain().await;
    assert_eq!(mirrored.stopped(ARENA).await, Some(401));
    assert_eq!(mirrored.stopped(BEACH).await, None);
    assert!(mirrored.restriction(6).active, "the other key still works");
    assert_eq!(mirrored.workspace.pending_bans(ARENA).await.len(), 1);
    let lines = app.runtime().logs("mirror-bans");
    let told = lines.iter().filter(|line| line.text.contains("is stopped"));
    assert_eq!(told.count(), 1);
    assert!(lines.iter().all(|line| !line.text.contains(KEY)));
    let line = mirrored.line();
    assert_eq!(line["mirrorsStopped"], 1);

    mirrored.roblox().revive_key(KEY);
    eventually("the mirror resumes", async || {
        mirrored.drain().await;
        mirrored.restriction(5).active.then_some(())
    })
    .await;
    assert_eq!(mirrored.stopped(ARENA).await, None);
    mirrored.assert_all_applied(&[ARENA, BEACH]).await;
}

#[tokio::test]
async fn a_key_without_write_access_stops_the_mirror_without_flapping() {
    let app = app().roblox_window(WINDOW).start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let reading = || Key::new(&[UNIVERSE]).without("universe.user-restriction:write");
    mirrored.roblox().set_key(KEY, reading());
    mirrored.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    mirrored.drain().await;
    assert_eq!(mirrored.stopped(ARENA).await, Some(403));
    tokio::time::sleep(WINDOW).await;
    mirrored.drain().await;
    assert_eq!(
        mirrored.stopped(ARENA).await,
        Some(403),
        "it was tried, and still is"
    );
    assert_eq!(mirrored.line()["mirrorsStopped"], 1);
    mirrored.roblox().set_key(KEY, Key::new(&[UNIVERSE]));
    tokio::time::sleep(WINDOW).await;
    mirrored.drain().await;
    assert!(mirrored.restriction(MALLORY).active);
}

#[tokio::test]
async fn the_daily_key_check_finds_revoked_keys() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA, BEACH]).await;
    let check = json!({ "check": true });
    mirrored.run(&check).await.unwrap();
    assert_eq!(
        mirrored.roblox().calls(),
        2,
        "a read and a look at its scopes, for both places"
    );
    assert_eq!(mirrored.stopped(ARENA).await, None);
    mirrored.roblox().kill_key(KEY);
    mirrored.run(&check).await.unwrap();
    assert_eq!(mirrored.stopped(ARENA).await, Some(401));
    assert_eq!(mirrored.stopped(BEACH).await, Some(401));
    mirrored.roblox().revive_key(KEY);
    mirrored.run(&check).await.unwrap();
    assert_eq!(mirrored.stopped(ARENA).await, None);
}
