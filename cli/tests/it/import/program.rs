//! Helpers that run imports and exports.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use end_to_end::{TestApp, Workspace};
use serde_json::{Value, json};
use shared::domain::ids::ExperienceId;

/// What the formats without these fields need, for the experience of the tests.
pub const FLAGS: [&str; 6] = [
    "--experience",
    "7001",
    "--moderator",
    "5009",
    "--public-reason",
    "Banned earlier",
];

/// A temporary folder.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let name = format!(
            "portcullis-test-{}",
            shared::domain::ids::WorkspaceId::random()
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn with(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, contents).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// The command for an endpoint, without arguments.
pub fn program(app: &TestApp, endpoint: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("BANS_TABLE", &app.tables().bans)
        .env("WORKSPACES_TABLE", &app.tables().workspaces)
        .args(["--endpoint", endpoint])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it without blocking other tasks of the test.
pub async fn finished(child: Child) -> Output {
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap()
}

/// Starts an import into a workspace.
pub fn begin(workspace: &Workspace<'_>, file: &Path, more: &[&str]) -> Child {
    let app = workspace.app();
    let mut command = program(app, app.database().endpoint());
    command.arg("import").arg(file).args(["--output", "json"]);
    command.args(["--workspace", &workspace.guid()]).args(more);
    command.spawn().unwrap()
}

/// Links the experiences in these options.
pub async fn link_named(workspace: &Workspace<'_>, options: &[&str]) {
    let (store, prefix) = (workspace.app().store(), workspace.id().prefix());
    for pair in options.windows(2) {
        let ["--experience" | "--applied-in", ids] = pair else {
            continue;
        };
        for id in ids.split(',') {
            let experience = ExperienceId::new(id.parse().unwrap()).unwrap();
            if store.linked(prefix, experience).await.unwrap().is_none() {
                workspace.link(experience.get()).await;
            }
        }
    }
}

/// Links the experiences in the options and runs an import.
pub async fn run(workspace: &Workspace<'_>, file: &Path, more: &[&str]) -> Output {
    link_named(workspace, more).await;
    finished(begin(workspace, file, more)).await
}

/// The totals of an import that must succeed.
pub async fn import(workspace: &Workspace<'_>, file: &Path, more: &[&str]) -> Value {
    let done = run(workspace, file, more).await;
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The totals of an import with this many failed rows.
pub async fn import_failing(
    workspace: &Workspace<'_>,
    file: &Path,
    more: &[&str],
    failing: u64,
) -> Value {
    let done = run(workspace, file, more).await;
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let sums: Value =
        serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{}", said(&done)));
    assert_eq!(sums["failed"], failing, "{}", said(&done));
    sums
}

/// Exports the bans of a workspace.
pub async fn export(workspace: &Workspace<'_>, more: &[&str]) -> String {
    let app = workspace.app();
    let mut command = program(app, app.database().endpoint());
    command
        .args(["export", "-", "--workspace", &workspace.guid()])
        .args(more);
    let done = finished(command.spawn().unwrap()).await;
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    String::from_utf8(done.stdout).unwrap()
}

/// An export without who decided: after an import, that is the import.
pub fn without_actors(export: &str) -> String {
    let of_json = |text: &str| match text.split_once(r#","actor":{"#) {
        Some((ban, actor)) => format!("{ban}{}", actor.split_once('}').unwrap().1),
        None => text.to_owned(),
    };
    let of_csv = |text: &str| {
        let mut cells = text.rsplitn(3, ',');
        match (cells.next(), cells.next(), cells.next()) {
            (Some("api" | "cli" | "channel"), _, Some(ban)) => ban.to_owned(),
            _ => text.to_owned(),
        }
    };
    if export.starts_with('{') {
        export.lines().map(of_json).collect::<Vec<_>>().join("\n")
    } else {
        let records = export.split("\r\n").map(of_csv);
        records.collect::<Vec<_>>().join("\r\n")
    }
}

pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "reads better at the call")]
pub fn assert_sums(sums: &Value, expected: Value) {
    let mut shown = json!({});
    for field in expected.as_object().unwrap().keys() {
        shown[field] = sums[field].clone();
    }
    assert_eq!(shown, expected, "{sums}");
}

/// Removes everything from a workspace except itself and its keys.
pub async fn wipe(workspace: &Workspace<'_>) {
    let table = &workspace.app().tables().bans;
    let items = workspace.stored().await;
    for some in items.chunks(25) {
        let requests: Vec<_> = some
            .iter()
            .map(|item| {
                let key = json!({ "pk": item["pk"], "sk": item["sk"] });
                json!({ "DeleteRequest": { "Key": key } })
            })
            .collect();
        let input = json!({ "RequestItems": { table: requests } });
        let done = workspace
            .app()
            .database()
            .call("BatchWriteItem", &input)
            .await;
        done.unwrap();
    }
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
}

/// The items of one kind.
pub async fn of_kind(workspace: &Workspace<'_>, kind: &str) -> Vec<Value> {
    let mut items = workspace.stored().await;
    items.retain(|item| item["kind"]["S"] == kind);
    items
}

/// Asserts that each ban exists once, with its own number and one decision.
pub async fn assert_each_once(workspace: &Workspace<'_>, bans: usize) {
    let records = of_kind(workspace, "ban").await;
    let decisions = of_kind(workspace, "decision").await;
    assert_eq!((records.len(), decisions.len()), (bans, bans));
    let distinct = |name: &str| {
        let values = records
            .iter()
            .map(|item| item["ban"]["M"][name].to_string());
        values.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(distinct("uid"), bans, "numbers");
    assert_eq!(distinct("guid"), bans, "guids");
    assert_eq!(distinct("user"), bans, "users");
}
