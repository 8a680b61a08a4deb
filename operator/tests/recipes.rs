//! The recipes of `docs/operators.md`, run as they stand.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod harness;

use std::path::Path;
use std::process::{Command, Output};

use end_to_end::{Ban, TestApp, repository};
use harness::{answered, stderr, stdout};

/// The shell blocks under a heading, one after the other.
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

/// Runs a recipe with nobody to answer, and stops at the first command that fails.
fn run(app: &TestApp, heading: &str, variables: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_portcullis"));
    let folder = program.parent().unwrap().display();
    let path = std::env::var("PATH").unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &recipe(heading)])
        .env_clear()
        .env("PATH", format!("{folder}:{path}"))
        .env("AWS_ENDPOINT_URL_DYNAMODB", app.database().endpoint())
        .envs(variables.iter().copied());
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
async fn setting_up() {
    let app = TestApp::start().await;
    let done = run(&app, "Setting up", &[("MODERATOR", "1")]);
    let printed = stdout(&done);
    assert_eq!(printed.matches("sentinelAPI.").count(), 2, "{printed}");
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
    // Without a gap: both work.
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
async fn looking_after_a_player_by_hand() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let guid = workspace.guid();
    let variables = [
        ("EXPERIENCE", "7"),
        ("USER_ID", "156"),
        ("MODERATOR", "1"),
        ("PORTCULLIS_WORKSPACE", &guid),
    ];
    let printed = stdout(&run(&app, "Looking after a player by hand", &variables));
    assert!(printed.contains("mistaken for somebody else"), "{printed}");
    assert!(!workspace.is_banned(156, 7).await);
}
