//! Runs the recipes of `docs/operators.md`.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{answered, stderr, stdout};
use end_to_end::{Ban, TestApp, Unban, repository};

/// The shell blocks under a heading, joined.
fn recipe(heading: &str) -> String {
    let text = std::fs::read_to_string(repository("docs/operators.md")).unwrap();
    let start = text.find(&format!("\n## {heading}\n")).unwrap();
    let section = &text[start + 4..];
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let script = blocks.collect::<String>();
    assert!(!script.is_empty(), "{heading}");
    script
}

/// Runs a recipe without standard input, and stops at the first command that fails.
fn run(app: &TestApp, heading: &str, variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), app, heading, variables)
}

/// Runs a recipe in a folder with its files.
fn run_in(folder: &Path, app: &TestApp, heading: &str, variables: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_portcullis"));
    let programs = program.parent().unwrap().display();
    let path = std::env::var("PATH").unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &recipe(heading)])
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{programs}:{path}"))
        .env("AWS_ENDPOINT_URL_DYNAMODB", app.database().endpoint())
        .env("PORTCULLIS_CONFIG", folder.join("config.toml"))
        .envs(variables.iter().copied());
    for (name, _) in variables.iter().filter(|(_, value)| value.is_empty()) {
        bash.env_remove(name);
    }
    let done = answered(bash, "");
    assert_eq!(
        done.status.code(),
        Some(0),
        "{heading}:\n{}\n{}",
        stdout(&done),
        stderr(&done)
    );
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn every_day_with_a_key_alone() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("mods.key");
    std::fs::write(&key, workspace.secret_key()).unwrap();
    let key = key.display().to_string();
    let variables = [
        ("AWS_ENDPOINT_URL_DYNAMODB", ""),
        ("API", app.address()),
        ("KEY_FILE", &key),
        ("EXPERIENCE", "7"),
        ("USER_ID", "156"),
        ("MODERATOR", "1"),
    ];
    let printed = stdout(&run_in(folder.path(), &app, "Every day", &variables));
    assert!(printed.contains("Mistaken identity"), "{printed}");
    assert!(!workspace.is_banned(156, 7).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up() {
    let app = TestApp::start().await;
    let done = run(&app, "Setting up", &[("MODERATOR", "1")]);
    let printed = stdout(&done);
    assert_eq!(printed.matches("sentinelAPI.").count(), 3, "{printed}");
    assert!(printed.contains("My studio"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_a_key() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let id = workspace.key_id(workspace.secret_key());
    let guid = workspace.guid();
    let variables = [("KEY_ID", id.as_str()), ("PORTCULLIS_WORKSPACE", &guid)];
    let done = run(&app, "Rotating a key", &variables);
    let printed = stdout(&done);
    let new = printed
        .lines()
        .find(|line| line.starts_with("key "))
        .unwrap();
    let new = new.split_whitespace().nth(1).unwrap();
    // During the overlap both keys work.
    workspace.ban(Ban::of(1, 7)).await;
    workspace.with_key(new).ban(Ban::of(2, 7)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn linking_experiences() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(156, 8).global().permanent()).await;
    let guid = workspace.guid();
    let variables = [
        ("EXPERIENCE", "7"),
        ("WORKSPACE", guid.as_str()),
        ("PORTCULLIS_WORKSPACE", &guid),
    ];
    run(&app, "Linking experiences", &variables);
    workspace.await_pending_bans(7, &[156]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_bans() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.pending_bans(7).await;
    let guid = workspace.guid();
    let variables = [
        ("EXPERIENCE", "7"),
        ("USER_ID", "156"),
        ("MODERATOR", "1"),
        ("PORTCULLIS_WORKSPACE", &guid),
    ];
    let printed = stdout(&run(&app, "Manual bans", &variables));
    assert!(printed.contains("mistaken identity"), "{printed}");
    assert!(!workspace.is_banned(156, 7).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn moving_in_and_out() {
    let app = TestApp::start().await;
    let (old, new) = (app.workspace().await, app.workspace().await);
    old.ban(Ban::of(156, 7).permanent()).await;
    old.ban(Ban::of(157, 7).global().length("30d")).await;
    let (from, to) = (old.guid(), new.guid());
    let variables = [
        ("EXPERIENCE", "7"),
        ("API", app.address()),
        ("PORTCULLIS_KEY", old.secret_key()),
        ("PORTCULLIS_WORKSPACE", &from),
    ];
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), &app, "Moving out", &variables);
    let exported = std::fs::read_to_string(folder.path().join("bans.json")).unwrap();
    assert_eq!(exported.matches("\"guid\"").count(), 2, "{exported}");

    let variables = [("EXPERIENCE", "7"), ("PORTCULLIS_WORKSPACE", to.as_str())];
    run_in(folder.path(), &app, "Moving in", &variables);
    app.settle().await;
    for user in [156, 157] {
        let (before, after) = (old.check(user, 7).await, new.check(user, 7).await);
        assert_eq!(before["guid"], after["guid"]);
        assert_eq!(after["isBanned"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(156, 7).permanent()).await;
    let guid = workspace.guid();
    let api = format!("{}/api/v1", app.address());
    let variables = [
        ("API", api.as_str()),
        ("KEY", workspace.secret_key()),
        ("EXPERIENCE", "7"),
        ("USER_ID", "156"),
        ("MODERATOR", "1"),
        ("AWS_ENDPOINT_URL_S3", app.objects()),
        ("PORTCULLIS_WORKSPACE", &guid),
    ];
    let folder = tempfile::tempdir().unwrap();
    let screenshots = folder.path().join("screenshots");
    std::fs::create_dir(&screenshots).unwrap();
    std::fs::write(screenshots.join("chat.txt"), "they said it").unwrap();
    run_in(folder.path(), &app, "Evidence", &variables);
    let index = folder.path().join("evidence-of-my-studio/evidence.jsonl");
    assert_eq!(std::fs::read_to_string(index).unwrap().lines().count(), 2);
    let copy = std::fs::read_to_string(folder.path().join("copy.txt"));
    assert_eq!(copy.unwrap(), "they said it");
}

#[tokio::test(flavor = "multi_thread")]
async fn answering_an_erasure_request() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(156, 7).permanent()).await;
    let guid = workspace.guid();
    let variables = [("USER_ID", "156"), ("PORTCULLIS_WORKSPACE", guid.as_str())];
    let printed = stdout(&run(&app, "Answering an erasure request", &variables));
    assert!(printed.contains("secret"), "{printed}");
    assert!(!workspace.is_banned(156, 7).await);
    assert!(workspace.bans().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn recovering_from_a_leaked_key() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let leaked = workspace.make_key(end_to_end::KeySpec::default()).await;
    workspace.ban(Ban::of(156, 7).permanent()).await;
    let thief = workspace.with_key(&leaked);
    thief.unban(Unban::of(156, 7)).await;
    thief.ban(Ban::of(157, 7).global().permanent()).await;
    let (guid, id) = (workspace.guid(), workspace.key_id(&leaked));
    let variables = [
        ("KEY_ID", id.as_str()),
        ("SINCE", "1h"),
        ("PORTCULLIS_WORKSPACE", &guid),
    ];
    run(&app, "Recovering from a leaked key", &variables);
    assert!(workspace.is_banned(156, 7).await);
    assert!(!workspace.is_banned(157, 7).await);
}
