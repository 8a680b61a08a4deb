//! Tests of `portcullis mirror`.

mod adopting;

use std::time::Duration;

use crate::stack::Operator;
use end_to_end::{Ban, TestApp, Unban, Workspace};
use local_stack::roblox::{Key, Limits, Restriction};
use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, UniverseId};
use shared::store::{Mirror, MirrorOptions, MirrorSettings};

const UNIVERSE: u64 = 7;
const ARENA: &str = "7001";
const PLACE: u64 = 7_001;
const SECRET: &str = "portcullis/local/roblox";
const KEY: &str = "the-key-itself";

/// An app with a valid Open Cloud key, the command and a workspace.
async fn staged(app: &TestApp) -> (Workspace<'_>, Operator) {
    app.lose_background_calls(true);
    app.roblox().add_key(KEY, &[UNIVERSE]);
    app.roblox().add_place(PLACE, UNIVERSE);
    app.roblox().set_limits(Limits {
        per_user: 100,
        ..Limits::default()
    });
    app.secrets().set(SECRET, KEY);
    let workspace = app.workspace().await;
    workspace.link(PLACE).await;
    let operator = Operator::of(&workspace);
    (workspace, operator)
}

async fn drain(workspace: &Workspace<'_>) {
    drain_universe(workspace, UNIVERSE).await;
}

async fn drain_universe(workspace: &Workspace<'_>, universe: u64) {
    let event = json!({ "workspace": workspace.prefix(), "universe": universe }).to_string();
    let runtime = workspace.app().runtime();
    runtime.invoke("mirror-bans", event.into()).await.unwrap();
}

#[tokio::test]
async fn mirror_is_set_up_if_its_key_has_all_scopes() {
    let app = TestApp::start().await;
    let (_, operator) = staged(&app).await;
    let set = ["mirror", "set", ARENA, "--secret", SECRET];
    let unknown = operator
        .run(&["mirror", "set", ARENA, "--secret", "portcullis/local/none"])
        .await;
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains("portcullis/local/none"), "{said}");
    assert!(said.contains("has no such secret"), "{said}");
    let reading = Key::new(&[UNIVERSE]).without("universe.user-restriction:write");
    app.roblox().set_key(KEY, reading);
    let lacking = operator.run(&set).await;
    assert_eq!(lacking.status.code(), Some(1));
    let said = String::from_utf8(lacking.stderr).unwrap();
    assert!(said.contains("universe.user-restriction:write"), "{said}");
    assert!(!said.contains(KEY), "{said}");
    let none = operator.json(&["mirror", "list"]).await;
    assert_eq!(none, json!([]));

    app.roblox().set_key(KEY, Key::new(&[UNIVERSE]));
    let made = operator.json(&set).await;
    assert_eq!(made["universeId"], UNIVERSE, "looked up from the place");
    assert_eq!(made["mirror"], json!(["bans", "unbans", "kicks"]));
    let other = [&set[..], &["--mirror", "bans,unbans", "--universe", "7"]].concat();
    operator.json(&other).await;
    let list = operator.json(&["mirror", "list"]).await;
    assert_eq!(list[0]["mirror"], json!(["bans", "unbans"]));
    assert_eq!(list[0]["stopped"], Value::Null);
    assert!(!list.to_string().contains(KEY));

    let off = ["mirror", "off", ARENA];
    assert_eq!(operator.run(&off).await.status.code(), Some(1), "it asks");
    let dry = operator.run(&[&off[..], &["--dry-run"]].concat()).await;
    let said = String::from_utf8(dry.stdout).unwrap();
    assert!(
        said.contains("would end") && !said.contains("active"),
        "{said}"
    );
    let ended = operator.json(&[&off[..], &["--yes"]].concat()).await;
    assert_eq!(ended["dryRun"], false);
    let status = ["mirror", "status", ARENA];
    let none = operator.run(&status).await;
    assert_eq!(none.status.code(), Some(1));
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(said.contains("7001 is not mirrored"), "{said}");
    assert_eq!(operator.json(&["mirror", "list"]).await, json!([]));
    assert_eq!(
        operator.run(&off).await.status.code(),
        Some(1),
        "there is none"
    );
}

#[tokio::test]
async fn status_shows_pending_changes_and_errors() {
    let app = TestApp::start().await;
    let (workspace, operator) = staged(&app).await;
    operator
        .json(&["mirror", "set", ARENA, "--secret", SECRET])
        .await;
    for user in 1..=12 {
        workspace.ban(Ban::of(user, PLACE).permanent()).await;
    }
    let status = operator.json(&["mirror", "status"]).await;
    assert_eq!(status[0]["pendingBans"], 12);
    assert_eq!(status[0]["estimatedSeconds"], 2);
    assert_eq!(status[0]["heldUp"], json!([]));
    app.roblox().kill_key(KEY);
    drain(&workspace).await;
    let status = operator.json(&["mirror", "status", ARENA]).await;
    assert!(status[0]["stopped"].is_string(), "{status}");
    assert_eq!(status[0]["reason"], "401 Invalid API Key");
    let doctor = operator.run(&["doctor", "--output", "json"]).await;
    let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let found = found.as_array().unwrap().iter();
    let mut found = found.filter(|it| it["check"] == "mirror 7");
    assert_eq!(found.next().unwrap()["result"], "failed");
    operator
        .json(&["experience", "unlink", ARENA, "--yes"])
        .await;
    assert_eq!(operator.json(&["mirror", "list"]).await, json!([]));
}

#[tokio::test]
async fn reconcile_lists_differences_and_repairs_ours() {
    let window = Duration::from_millis(10);
    let app = TestApp::builder().roblox_window(window).start().await;
    let (workspace, operator) = staged(&app).await;
    operator
        .json(&["mirror", "set", ARENA, "--secret", SECRET])
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
    let reconcile = ["mirror", "reconcile", ARENA];
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

/// A second universe, of another game.
const OTHER: u64 = 8;

fn rows(found: &Value, field: &str) -> Vec<(u64, String)> {
    let row = |it: &Value| {
        let user = it["userId"].as_u64().unwrap();
        (user, it[field].as_str().unwrap_or_default().to_owned())
    };
    found.as_array().unwrap().iter().map(row).collect()
}

fn named(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    let row = |(user, word): &(u64, &str)| (*user, (*word).to_owned());
    expected.iter().map(row).collect()
}

#[tokio::test]
async fn place_of_another_universe_is_refused_and_its_restrictions_can_be_lifted() {
    let app = TestApp::start().await;
    let (workspace, operator) = staged(&app).await;
    app.roblox().set_key(KEY, Key::new(&[UNIVERSE, OTHER]));
    let set = ["mirror", "set", ARENA, "--secret", SECRET];
    let refused = operator
        .run(&[&set[..], &["--universe", "8"]].concat())
        .await;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("does not belong to universe 8"), "{said}");
    assert_eq!(operator.json(&["mirror", "list"]).await, json!([]));

    // A mirror from before this check existed.
    let wrong = Mirror {
        workspace: workspace.id().prefix(),
        experience: ExperienceId::new(PLACE).unwrap(),
        settings: MirrorSettings {
            universe: UniverseId::new(OTHER).unwrap(),
            secret: SECRET.to_owned(),
            options: MirrorOptions::ALL,
            created: UnixSeconds(end_to_end::now()),
            stopped: None,
            checked: None,
        },
    };
    app.store().set_mirror(&wrong).await.unwrap();
    workspace.ban(Ban::of(1, PLACE).permanent()).await;
    drain_universe(&workspace, OTHER).await;
    assert!(app.roblox().restriction(OTHER, None, 1).active);
    let doctor = operator.run(&["doctor", "--output", "json"]).await;
    let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let found = found.as_array().unwrap().iter();
    let found = found.clone().find(|it| it["check"] == "mirror 8").unwrap();
    assert_eq!(found["result"], "failed", "{found}");
    let changed = operator.run(&set).await;
    assert_eq!(
        changed.status.code(),
        Some(1),
        "the other one is to be ended first"
    );

    let lifted = operator
        .json(&["mirror", "off", ARENA, "--lift", "--yes"])
        .await;
    assert_eq!(rows(&lifted, "outcome"), named(&[(1, "lifted")]));
    assert_eq!(app.roblox().active(OTHER).len(), 0);
    workspace.await_pending_bans(PLACE, &[1]).await;
    operator.json(&set).await;
    drain(&workspace).await;
    assert!(app.roblox().restriction(UNIVERSE, None, 1).active);
}

#[tokio::test]
async fn off_with_lift_removes_only_our_restrictions() {
    let app = TestApp::start().await;
    let (workspace, operator) = staged(&app).await;
    operator
        .json(&["mirror", "set", ARENA, "--secret", SECRET])
        .await;
    workspace.ban(Ban::of(1, PLACE).permanent()).await;
    let of_place = Ban::of(2, PLACE)
        .permanent()
        .with("experienceUniversal", false);
    workspace.ban(of_place).await;
    drain(&workspace).await;
    let roblox = app.roblox();
    let by_studio = roblox.restriction(UNIVERSE, None, 1);
    roblox.set_restriction(UNIVERSE, None, 9, by_studio);

    // After an end without lifting, the restrictions are still recognised as ours.
    operator.json(&["mirror", "off", ARENA, "--yes"]).await;
    let reconcile = ["mirror", "reconcile", ARENA];
    let found = operator.json(&reconcile).await;
    let expected = [
        (1, "set-by-this-workspace"),
        (2, "set-by-this-workspace"),
        (9, "made-elsewhere"),
    ];
    assert_eq!(rows(&found, "kind"), named(&expected));
    assert_eq!(found[0]["setForExperience"], PLACE);

    let off = ["mirror", "off", ARENA, "--lift"];
    let dry = operator.json(&[&off[..], &["--dry-run"]].concat()).await;
    assert_eq!(rows(&dry, "outcome"), named(&[(1, "set"), (2, "set")]));
    assert_eq!(operator.run(&off).await.status.code(), Some(1), "it asks");
    assert_eq!(roblox.active(UNIVERSE).len(), 3);
    let lifted = operator.json(&[&off[..], &["--yes"]].concat()).await;
    assert_eq!(
        rows(&lifted, "outcome"),
        named(&[(1, "lifted"), (2, "lifted")])
    );
    let left: Vec<_> = roblox.active(UNIVERSE).into_keys().collect();
    assert_eq!(left, [(None, 9)]);
    // The bans stay in force, and game servers can apply them again.
    assert!(workspace.is_banned(1, PLACE).await);
    workspace.await_pending_bans(PLACE, &[1, 2]).await;
    let again = operator.json(&[&off[..], &["--yes"]].concat()).await;
    assert_eq!(again, json!([]));
    let left = operator.json(&reconcile).await;
    assert_eq!(rows(&left, "kind"), named(&[(9, "made-elsewhere")]));
}

#[tokio::test]
async fn local_stack_provides_the_addresses_of_roblox_and_secrets() {
    let app = TestApp::start().await;
    let (_, operator) = staged(&app).await;
    let operator = operator.without_addresses();
    let api = format!("{}/api/v1", app.address());
    let services = [
        &*api,
        app.roblox().endpoint(),
        app.secrets().endpoint(),
        app.objects(),
        app.discord().endpoint(),
    ];
    let table = &app.tables().workspaces;
    let written = local_stack::seed::addresses(app.database(), table, services).await;
    written.unwrap();
    operator
        .json(&["mirror", "set", ARENA, "--secret", SECRET])
        .await;
    let doctor = operator.run(&["doctor", "--output", "json"]).await;
    let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let result = |check: &str| {
        let mut found = found.as_array().unwrap().iter();
        let found = found.find(|it| it["check"] == check);
        found.unwrap_or_else(|| panic!("{check}"))["result"].clone()
    };
    assert_eq!(result("mirror 7"), "ok");
    assert_eq!(result("API"), "ok");
}
