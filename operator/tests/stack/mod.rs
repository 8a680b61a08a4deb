//! The built program beside the whole product: what the operator does, seen through the API.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by it"
)]
#![allow(dead_code, reason = "no test file uses all of it")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use end_to_end::{TestApp, Workspace};
use serde_json::Value;

/// The program, working on a workspace of a running app.
#[derive(Clone, Debug)]
pub struct Operator {
    endpoint: String,
    workspace: String,
}

impl Operator {
    pub fn of(workspace: &Workspace<'_>) -> Self {
        Self {
            endpoint: workspace.app().database().endpoint().to_owned(),
            workspace: workspace.guid(),
        }
    }

    /// The program with an environment in which it needs no more arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .env_clear()
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL_DYNAMODB", &self.endpoint)
            .env("PORTCULLIS_WORKSPACE", &self.workspace)
            .env("TZ", "UTC");
        command
    }

    /// Runs it with nobody to answer.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.answering("", arguments).await
    }

    /// Runs it with something on its standard input.
    pub async fn answering(&self, answer: &str, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that does not ask may have ended by now.
        let _ = child.stdin.take().unwrap().write_all(answer.as_bytes());
        // The app's engine runs in this process and must go on meanwhile.
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
            .await
            .unwrap()
    }

    /// What it prints as JSON when it succeeds.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["--output", "json"]].concat()).await;
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(0), "{arguments:?}: {said}");
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

/// What an experience is told of a user: whether he is kept out, and on which terms.
pub async fn state(workspace: &Workspace<'_>, user: u64, experience: u64) -> Value {
    let check = workspace.check(user, experience).await;
    if check["isBanned"] == true {
        serde_json::json!({
            "guid": check["guid"],
            "isGlobal": check["isGlobal"],
            "expires": check["expires"],
            "moderatorId": check["moderatorId"],
            "privateReason": check["privateReason"],
            "publicReason": check["publicReason"],
        })
    } else {
        Value::Null
    }
}

/// An app on which more than one call runs at a time.
pub async fn app() -> TestApp {
    TestApp::builder().instances(2).start().await
}
