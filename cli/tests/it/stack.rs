//! Runs the built command against a running app.

use std::process::{Child, Output, Stdio};

use crate::harness::{self, stderr};
use end_to_end::{TestApp, Workspace};
use serde_json::Value;

/// The command for a workspace of a running app.
#[derive(Clone, Debug)]
pub struct Operator(harness::Operator);

impl Operator {
    pub fn of(workspace: &Workspace<'_>) -> Self {
        Self(harness::Operator::of(workspace))
    }

    /// The command without addresses, except for the database's.
    pub fn without_addresses(&self) -> Self {
        Self(self.0.without_addresses())
    }

    /// Runs it without standard input.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.answering("", arguments).await
    }

    /// Runs it with standard input.
    pub async fn answering(&self, answer: &str, arguments: &[&str]) -> Output {
        let (program, answer) = (self.0.clone(), answer.to_owned());
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        // The app's database runs in this process and must not be blocked.
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            program.answering(&answer, &arguments)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// Starts it without standard input.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.0.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null()).spawn().unwrap()
    }

    /// Its JSON output; fails if it does not succeed.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["--output", "json"]].concat()).await;
        let said = stderr(&done);
        assert_eq!(done.status.code(), Some(0), "{arguments:?}: {said}");
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

/// What a ban check returns about a user: whether they are banned, and the terms.
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

/// An app that can run several calls at once.
pub async fn app() -> TestApp {
    TestApp::builder().instances(2).start().await
}
