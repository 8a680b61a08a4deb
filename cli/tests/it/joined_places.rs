//! What else happens to places that have joined or are joining: mirrors, undos of other keys, erasures and
//! the deletion of the workspace.

use std::time::Duration;

use crate::harness::{Operator, assert_refused, stderr};
use crate::workspaces::revoke_long_ago;
use end_to_end::{Ban, Call, KeySpec, TestApp, Unban, Workspace, eventually};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::ExperienceId;

pub const ROOT: u64 = 7_001;
pub const PART: u64 = 7_002;

pub const JOIN: [&str; 5] = ["experience", "join", "7002", "--root", "7001"];
const LEAVE: [&str; 4] = ["experience", "leave", "7002", "--yes"];

/// An app whose functions learn of a join within a tenth of a second.
async fn app() -> TestApp {
    let quick = shared::testing::LINK_TTL;
    TestApp::builder().variable(quick, "100").start().await
}

pub async fn game(app: &TestApp) -> (Workspace<'_>, Operator) {
    let workspace = app.workspace().await;
    for id in [ROOT, PART] {
        workspace.link(id).await;
    }
    let operator = Operator::of(&workspace);
    (workspace, operator)
}

/// Announces a join whose phases have passed.
pub async fn announce(workspace: &Workspace<'_>) {
    let (store, prefix) = (workspace.app().store(), workspace.id().prefix());
    let announced = UnixMillis::from_millis(UnixMillis::now().millis() - 300_000);
    let place = |id| ExperienceId::new(id).unwrap();
    let made = store.announce_join(prefix, place(PART), place(ROOT), announced);
    assert!(made.await.unwrap());
    known().await;
}

/// Waits until all functions know the link.
pub async fn known() {
    tokio::time::sleep(Duration::from_millis(250)).await;
}

/// The items that name the user.
async fn traces(workspace: &Workspace<'_>, user: u64) -> Vec<String> {
    let items = workspace.stored().await.into_iter();
    let items = items.map(|item| item.to_string());
    items
        .filter(|item| item.contains(&user.to_string()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mirror_of_a_part_is_refused() {
    let app = app().await;
    let (workspace, operator) = game(&app).await;
    app.roblox().add_key("key", &[77]);
    for place in [ROOT, PART] {
        app.roblox().add_place(place, 77);
    }
    app.secrets().set("portcullis/local/roblox", "key");
    let mirror = |place| {
        let secret = ["--secret", "portcullis/local/roblox"];
        operator.run(&[&["mirror", "set", place], &secret[..]].concat())
    };
    announce(&workspace).await;
    assert_refused(&mirror("7002"), 1, "is part of another place or joins it");
    operator.json(&JOIN);
    assert_refused(&mirror("7002"), 1, "set the mirror of the root");
    let root = mirror("7001");
    assert_eq!(root.status.code(), Some(0), "{}", stderr(&root));
    assert_eq!(operator.run(&LEAVE).status.code(), Some(0));
    let alone = mirror("7002");
    assert_eq!(alone.status.code(), Some(0), "{}", stderr(&alone));
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_of_a_key_before_a_join_reaches_what_one_after_it_does_not() {
    let app = app().await;
    let (workspace, operator) = game(&app).await;
    let leaked = workspace.make_key(KeySpec::default()).await;
    let theirs = workspace.with_key(&leaked);
    for (user, place) in [(1, PART), (2, ROOT), (3, PART)] {
        theirs.ban(Ban::of(user, place).permanent()).await;
    }
    let undo = |key: &str, since: &str| {
        let undo = ["undo", "--key", key, "--since", since, "--yes"];
        operator.json(&undo)
    };
    let banned = async |user, place| workspace.is_banned(user, place).await;
    let key = workspace.key_id(&leaked);
    workspace.unban(Unban::of(3, PART)).await;
    announce(&workspace).await;
    let joined = operator.json(&JOIN);
    assert_eq!(joined["carriedOver"], 1);
    known().await;
    // The ban was carried over by a later decision, so it stays; a ban of the root does not.
    undo(&key, "1d");
    assert!(!banned(2, ROOT).await);
    assert!(banned(1, ROOT).await && banned(1, PART).await);

    // The undo of the join is a later decision too: the ban stays, in the place.
    assert_eq!(operator.run(&LEAVE).status.code(), Some(0));
    known().await;
    undo(joined["name"].as_str().unwrap(), "1d");
    assert!(banned(1, PART).await && !banned(1, ROOT).await);
    undo(&key, "1d");
    assert!(banned(1, PART).await);
    workspace.unban(Unban::of(1, PART)).await;
    assert!(!banned(1, PART).await);

    // Before a join, the undo of the key lifts the ban, and nothing is carried over.
    theirs.ban(Ban::of(4, PART).permanent()).await;
    undo(&key, "1d");
    announce(&workspace).await;
    assert_eq!(operator.json(&JOIN)["carriedOver"], 0);
    known().await;
    assert!(!banned(4, PART).await && !banned(4, ROOT).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn erasure_removes_what_was_and_what_is_to_be_carried_over() {
    const CARRIED: u64 = 910_001;
    const WAITING: u64 = 910_002;
    const KEPT: u64 = 910_003;
    let app = app().await;
    let (workspace, operator) = game(&app).await;
    for user in [CARRIED, WAITING, KEPT] {
        workspace.ban(Ban::of(user, PART).permanent()).await;
    }
    announce(&workspace).await;
    // A call of the place carries its user over.
    workspace.ban(Ban::of(CARRIED, PART).length("7d")).await;
    assert!(workspace.is_banned(CARRIED, ROOT).await);
    app.quiet().await;
    for user in [CARRIED, WAITING] {
        operator.json(&["erase", &user.to_string(), "--yes"]);
        assert_eq!(traces(&workspace, user).await, [""; 0]);
    }
    assert_eq!(operator.json(&JOIN)["carriedOver"], 1);
    known().await;
    for user in [CARRIED, WAITING] {
        assert_eq!(traces(&workspace, user).await, [""; 0]);
        assert!(!workspace.is_banned(user, PART).await);
    }
    assert!(workspace.is_banned(KEPT, PART).await);
    operator.json(&["erase", &KEPT.to_string(), "--yes"]);
    assert_eq!(traces(&workspace, KEPT).await, [""; 0]);
    let problems = end_to_end::audit::problems(&workspace).await;
    assert!(problems.is_empty(), "{problems:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_of_a_workspace_removes_an_unfinished_join_and_the_snapshot() {
    let app = app().await;
    let (workspace, operator) = game(&app).await;
    for user in 1..=3 {
        workspace.ban(Ban::of(user, PART).permanent()).await;
    }
    app.quiet().await;
    let ordered = workspace.send(Call::get("/snapshot")).await;
    ordered.assert_error(503, "unavailable");
    let sweep = async || {
        app.run_schedule("build-snapshots", "EachMinute").await;
        app.background_settled().await;
    };
    sweep().await;
    announce(&workspace).await;
    workspace.unban(Unban::of(1, PART)).await;
    app.quiet().await;

    let guid = workspace.guid();
    revoke_long_ago(&app, &guid).await;
    let shown = operator.json(&["workspace", "show", &guid]);
    let name = shown["name"].as_str().unwrap();
    operator.json(&["workspace", "delete", &guid, "--yes", "--name", name]);
    // The snapshot's state waits for the builder, which removes the object first.
    assert_eq!(kinds(&workspace).await, ["snapshot"]);
    eventually("the snapshot is removed", async || {
        sweep().await;
        kinds(&workspace).await.is_empty().then_some(())
    })
    .await;
    let joined = operator.run(&JOIN);
    assert_refused(&joined, 1, "does not exist");
}

/// The kinds of all items but leases, which are deleted by their time to live.
async fn kinds(workspace: &Workspace<'_>) -> Vec<String> {
    let items = workspace.stored().await.into_iter();
    let kinds = items.map(|item| item["kind"]["S"].as_str().unwrap().to_owned());
    kinds.filter(|kind| kind != "lease").collect()
}
