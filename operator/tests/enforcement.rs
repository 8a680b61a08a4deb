//! `portcullis enforcement`: mirrors are set up, looked after and compared with what Roblox holds.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by it"
)]

mod stack;

use std::time::Duration;

use end_to_end::{Ban, TestApp, Unban, Workspace};
use local_stack::roblox::{Key, Limits, Restriction};
use serde_json::{Value, json};
use stack::Operator;

const UNIVERSE: u64 = 7;
const ARENA: &str = "7001";
const PLACE: u64 = 7_001;
const SECRET: &str = "portcullis/local/roblox";
const KEY: &str = "the-key-itself";

/// An app in which Roblox knows a key, and the operator and the workspace too.
async fn staged(app: &TestApp) -> (Workspace<'_>, Operator) {
    app.lose_background_calls(true);
    app.roblox().add_key(KEY, &[UNIVERSE]);
    app.roblox().add_place(PLACE, UNIVERSE);
    app.roblox().set_limits(Limits {
        per_user: 100,
        ..Limits::default()
    });
    app.secrets().set(SECRET, KEY).unwrap();
    let workspace = app.workspace().await;
    workspace.link(PLACE).await;
    let operator = Operator::of(&workspace);
    (workspace, operator)
}

async fn drain(workspace: &Workspace<'_>) {
    let event = json!({ "workspace": workspace.tag(), "universe": UNIVERSE }).to_string();
    let runtime = workspace.app().runtime();
    runtime.invoke("enforce-bans", event.into()).await.unwrap();
}

#[tokio::test]
async fn a_mirror_is_set_up_once_its_key_is_found_to_be_sufficient() {
    let app = TestApp::start().await;
    let (_, operator) = staged(&app).await;
    let set = ["enforcement", "set", ARENA, "--secret", SECRET];
    let unknown = operator
        .run(&[
            "enforcement",
            "set",
            ARENA,
            "--secret",
            "portcullis/local/none",
        ])
        .await;
    assert_eq!(unknown.status.code(), Some(1));
    let reading = Key::new(&[UNIVERSE]).without("universe.user-restriction:write");
    app.roblox().set_key(KEY, reading);
    let lacking = operator.run(&set).await;
    assert_eq!(lacking.status.code(), Some(1));
    let said = String::from_utf8(lacking.stderr).unwrap();
    assert!(said.contains("universe.user-restriction:write"), "{said}");
    assert!(!said.contains(KEY), "{said}");
    let none = operator.json(&["enforcement", "list"]).await;
    assert_eq!(none, json!([]));

    app.roblox().set_key(KEY, Key::new(&[UNIVERSE]));
    let made = operator.json(&set).await;
    assert_eq!(made["universeId"], UNIVERSE, "looked up from the place");
    assert_eq!(made["mirror"], json!(["bans", "unbans", "kicks"]));
    let other = [&set[..], &["--mirror", "bans,unbans", "--universe", "7"]].concat();
    operator.json(&other).await;
    let list = operator.json(&["enforcement", "list"]).await;
    assert_eq!(list[0]["mirror"], json!(["bans", "unbans"]));
    assert_eq!(list[0]["stopped"], Value::Null);
    assert!(!list.to_string().contains(KEY));

    let off = ["enforcement", "off", ARENA];
    assert_eq!(operator.run(&off).await.status.code(), Some(1), "it asks");
    operator.json(&[&off[..], &["--yes"]].concat()).await;
    assert_eq!(operator.json(&["enforcement", "list"]).await, json!([]));
    assert_eq!(
        operator.run(&off).await.status.code(),
        Some(1),
        "there is none"
    );
}

#[tokio::test]
async fn the_status_tells_what_waits_and_what_holds_it_up() {
    let app = TestApp::start().await;
    let (workspace, operator) = staged(&app).await;
    operator
        .json(&["enforcement", "set", ARENA, "--secret", SECRET])
        .await;
    for user in 1..=12 {
        workspace.ban(Ban::of(user, PLACE).permanent()).await;
    }
    let status = operator.json(&["enforcement", "status"]).await;
    assert_eq!(status[0]["pendingBans"], 12);
    assert_eq!(status[0]["estimatedSeconds"], 2);
    assert_eq!(status[0]["heldUp"], json!([]));
    app.roblox().kill_key(KEY);
    drain(&workspace).await;
    let status = operator.json(&["enforcement", "status", ARENA]).await;
    assert!(status[0]["stopped"].is_string(), "{status}");
    assert_eq!(status[0]["reason"], "401 Invalid API Key");
    let doctor = operator.run(&["doctor", "--output", "json"]).await;
    let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let found = found.as_array().unwrap().iter();
    let mut found = found.filter(|it| it["check"] == "enforcement 7");
    assert_eq!(found.next().unwrap()["result"], "failed");
    operator
        .json(&["experience", "unlink", ARENA, "--yes"])
        .await;
    assert_eq!(operator.json(&["enforcement", "list"]).await, json!([]));
}

#[tokio::test]
async fn every_difference_is_shown_and_ours_are_repaired() {
    let window = Duration::from_millis(10);
    let app = TestApp::builder().roblox_window(window).start().await;
    let (workspace, operator) = staged(&app).await;
    operator
        .json(&["enforcement", "set", ARENA, "--secret", SECRET])
        .await;
    let ban = |user: u64| {
        Ban::of(user, PLACE)
            .permanent()
            .reasons(&format!("r{user}"), "x")
    };
    for user in 1..=4 {
        workspace.ban(ban(user)).await;
    }
    drain(&workspace).await;
    workspace.unban(Unban::of(4, PLACE)).await;
    drain(&workspace).await;
    let reconcile = ["enforcement", "reconcile", ARENA];
    assert_eq!(operator.json(&reconcile).await, json!([]));

    let roblox = app.roblox();
    let held = |user| roblox.restriction(UNIVERSE, None, user);
    let as_set = held(1);
    roblox.set_restriction(UNIVERSE, None, 1, Restriction::default());
    let other = Restriction {
        private_reason: "another".to_owned(),
        ..as_set.clone()
    };
    roblox.set_restriction(UNIVERSE, None, 2, other.clone());
    let left = Restriction {
        private_reason: "r4".to_owned(),
        ..as_set
    };
    roblox.set_restriction(UNIVERSE, None, 4, left);
    roblox.set_restriction(UNIVERSE, None, 9, other);
    let found = operator.json(&reconcile).await;
    let kinds: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["userId"].as_u64().unwrap(), it["kind"].as_str().unwrap()))
        .collect();
    let expected = [
        (1, "missing-there"),
        (2, "differs"),
        (4, "ended-here"),
        (9, "made-elsewhere"),
    ];
    assert_eq!(kinds, expected);
    let repair = [&reconcile[..], &["--repair", "--yes"]].concat();
    operator.json(&repair).await;
    drain(&workspace).await;
    let left = operator.json(&reconcile).await;
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left[0]["userId"], 9);
    assert!(held(1).active && held(9).active && !held(4).active);
    assert_eq!(held(2).private_reason, "r2");
}
