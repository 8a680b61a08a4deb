//! Keys that die, and come to life again.

use end_to_end::{Ban, eventually};
use local_stack::roblox::Key;
use serde_json::json;
use shared::store::MirrorOptions;

use crate::stage::{ARENA, BEACH, KEY, MALLORY, Stage, UNIVERSE, WINDOW, app};

#[tokio::test]
async fn a_key_that_dies_stops_its_experience_alone_until_it_works_again() {
    let app = app().roblox_window(WINDOW).start().await;
    let stage = Stage::open(&app, &[ARENA, BEACH]).await;
    let (other, secret) = ("key-of-portcullis/local/other", "portcullis/local/other");
    stage.roblox().add_key(other, &[UNIVERSE]);
    app.secrets().set(secret, other);
    stage.mirror(BEACH, secret, MirrorOptions::ALL).await;
    stage.roblox().kill_key(KEY);
    for (user, place) in [(5, ARENA), (6, BEACH)] {
        stage.workspace.ban(Ban::of(user, place).permanent()).await;
    }
    stage.drain().await;
    assert_eq!(stage.stopped(ARENA).await, Some(401));
    assert_eq!(stage.stopped(BEACH).await, None);
    assert!(stage.restriction(6).active, "the other key goes on");
    assert_eq!(stage.workspace.pending_bans(ARENA).await.len(), 1);
    let lines = app.runtime().logs("mirror-bans");
    let told = lines.iter().filter(|line| line.text.contains("is stopped"));
    assert_eq!(told.count(), 1);
    assert!(lines.iter().all(|line| !line.text.contains(KEY)));
    let line = stage.line();
    assert_eq!(line["mirrorsStopped"], 1);

    stage.roblox().revive_key(KEY);
    eventually("the mirror goes on", async || {
        stage.drain().await;
        stage.restriction(5).active.then_some(())
    })
    .await;
    assert_eq!(stage.stopped(ARENA).await, None);
    stage.assert_done(&[ARENA, BEACH]).await;
}

#[tokio::test]
async fn a_key_without_the_right_to_write_stops_the_mirror_and_does_not_flutter() {
    let app = app().roblox_window(WINDOW).start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let reading = || Key::new(&[UNIVERSE]).without("universe.user-restriction:write");
    stage.roblox().set_key(KEY, reading());
    stage.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    stage.drain().await;
    assert_eq!(stage.stopped(ARENA).await, Some(403));
    tokio::time::sleep(WINDOW).await;
    stage.drain().await;
    assert_eq!(
        stage.stopped(ARENA).await,
        Some(403),
        "it was tried, and still is"
    );
    assert_eq!(stage.line()["mirrorsStopped"], 1);
    stage.roblox().set_key(KEY, Key::new(&[UNIVERSE]));
    tokio::time::sleep(WINDOW).await;
    stage.drain().await;
    assert!(stage.restriction(MALLORY).active);
}

#[tokio::test]
async fn each_key_is_used_once_a_day_and_one_that_died_unnoticed_is_found() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA, BEACH]).await;
    let check = json!({ "check": true });
    stage.run(&check).await.unwrap();
    assert_eq!(
        stage.roblox().calls(),
        2,
        "a read and a look at its scopes, for both places"
    );
    assert_eq!(stage.stopped(ARENA).await, None);
    stage.roblox().kill_key(KEY);
    stage.run(&check).await.unwrap();
    assert_eq!(stage.stopped(ARENA).await, Some(401));
    assert_eq!(stage.stopped(BEACH).await, Some(401));
    stage.roblox().revive_key(KEY);
    stage.run(&check).await.unwrap();
    assert_eq!(stage.stopped(ARENA).await, None);
}
