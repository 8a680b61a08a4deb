//! Runs the built command against an embedded database.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use end_to_end::Workspace;
use local_stack::dynamo::Dynamo;
use local_stack::engine::Engine;
use local_stack::seed;
use local_stack::template::Template;
use serde_json::{Value, json};

/// The command with its own database.
pub struct Portcullis {
    /// The database.
    pub engine: Engine,
}

impl Portcullis {
    /// A database with the template's tables and the demo workspaces, as `make dev` has it.
    pub async fn start() -> Self {
        let engine = Engine::start(None, 0).await.unwrap();
        let dynamo = Dynamo::new(engine.endpoint());
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
        let template = Template::load(template).unwrap();
        dynamo.create_tables(template.tables()).await.unwrap();
        seed::demo_data(&dynamo, "WorkspacesTable").await.unwrap();
        Self { engine }
    }

    /// The command for a running database.
    pub fn at(endpoint: &str) -> At {
        At {
            endpoint: endpoint.to_owned(),
        }
    }

    /// Runs it without standard input.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.answering("", arguments)
    }

    /// Runs it with standard input.
    pub fn answering(&self, answer: &str, arguments: &[&str]) -> Output {
        Self::at(self.engine.endpoint()).answering(answer, arguments)
    }

    /// Its JSON output; fails if it does not succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        Self::at(self.engine.endpoint()).json(arguments)
    }

    /// All items of the workspaces table.
    pub async fn stored(&self) -> Value {
        let scan = json!({ "TableName": "WorkspacesTable" });
        Dynamo::new(self.engine.endpoint())
            .call("Scan", &scan)
            .await
            .unwrap()
    }
}

/// The command with the database of another component.
#[derive(Clone, Debug)]
pub struct At {
    endpoint: String,
}

impl At {
    /// Runs it without standard input.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.answering("", arguments)
    }

    /// Runs it with standard input.
    pub fn answering(&self, answer: &str, arguments: &[&str]) -> Output {
        let mut command = command();
        command.args(["--endpoint", &self.endpoint]).args(arguments);
        answered(command, answer)
    }

    /// Its JSON output; fails if it does not succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

/// The command for a workspace of a running app.
#[derive(Clone, Debug)]
pub struct Operator {
    endpoint: String,
    /// The variables with the addresses of other services.
    addresses: Vec<(&'static str, String)>,
    workspace: String,
}

impl Operator {
    pub fn of(workspace: &Workspace<'_>) -> Self {
        Self {
            endpoint: workspace.app().database().endpoint().to_owned(),
            addresses: vec![
                (
                    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
                    workspace.app().secrets().endpoint().to_owned(),
                ),
                ("AWS_ENDPOINT_URL_S3", workspace.app().objects().to_owned()),
                (
                    "ROBLOX_API_URL",
                    workspace.app().roblox().endpoint().to_owned(),
                ),
                (
                    "DISCORD_API_URL",
                    workspace.app().discord().endpoint().to_owned(),
                ),
                (
                    "AWS_ENDPOINT_URL_CLOUDFORMATION",
                    workspace.app().control().endpoint().to_owned(),
                ),
                (
                    "AWS_ENDPOINT_URL_LAMBDA",
                    workspace.app().control().endpoint().to_owned(),
                ),
            ],
            workspace: workspace.guid(),
        }
    }

    /// The command without addresses, except for the database's.
    pub fn without_addresses(&self) -> Self {
        Self {
            addresses: Vec::new(),
            ..self.clone()
        }
    }

    /// The command with the users API, so that it looks up names.
    pub fn with_names(mut self) -> Self {
        let mut roblox = self.addresses.clone();
        roblox.retain(|(name, _)| *name == "ROBLOX_API_URL");
        let users = roblox.into_iter().map(|(_, url)| ("ROBLOX_USERS_URL", url));
        self.addresses.extend(users);
        self
    }

    /// Runs it without standard input.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.answering("", arguments)
    }

    /// Runs it with standard input.
    pub fn answering(&self, answer: &str, arguments: &[&str]) -> Output {
        answered(self.command(arguments), answer)
    }

    /// The command with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command
            .args(["--endpoint", &self.endpoint])
            .env("PORTCULLIS_WORKSPACE", &self.workspace)
            .envs(self.addresses.iter().map(|(name, value)| (name, value)))
            .args(arguments);
        command
    }

    /// Its JSON output; fails if it does not succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

/// The command for the API of a running app, without any access to its tables.
#[derive(Clone, Debug)]
pub struct Remote {
    api: String,
    key: String,
    /// The users API, if it looks up names.
    users: Option<String>,
}

impl Remote {
    pub fn of(workspace: &Workspace<'_>, key: &str) -> Self {
        Self {
            api: workspace.app().address().to_owned(),
            key: key.to_owned(),
            users: None,
        }
    }

    /// The command with the users API, so that it looks up names.
    pub fn with_names(self, workspace: &Workspace<'_>) -> Self {
        let users = workspace.app().roblox().endpoint().to_owned();
        Self {
            users: Some(users),
            ..self
        }
    }

    /// The command with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command
            .args(["--api", &self.api])
            .env("PORTCULLIS_KEY", &self.key)
            .envs(self.users.iter().map(|url| ("ROBLOX_USERS_URL", url)))
            .args(arguments);
        command
    }

    /// Runs it without standard input.
    pub fn run(&self, arguments: &[&str]) -> Output {
        answered(self.command(arguments), "")
    }

    /// Its JSON output; fails if it does not succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

/// Runs a command with standard input.
pub fn answered(mut command: Command, answer: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command without a prompt may have exited already.
    let _ = child.stdin.take().unwrap().write_all(answer.as_bytes());
    child.wait_with_output().unwrap()
}

/// The command without the AWS variables and the contexts of the test environment.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PORTCULLIS_CONFIG", "/nonexistent/config.toml");
    command
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts that it exited with this status, printed no result, and reported `what` in one line.
pub fn assert_refused(output: &Output, status: i32, what: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert_eq!(stdout(output), "");
    assert!(said.contains(what), "{said}");
    let errors = said.matches("error: ").count();
    let last = said.lines().next_back().unwrap();
    assert!(
        status == 2 || (errors == 1 && last.starts_with("error: ")),
        "{said}"
    );
}

pub fn is_rfc3339(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.len() == 20 && text.ends_with('Z'))
}
