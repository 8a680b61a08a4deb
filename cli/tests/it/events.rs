//! Tests of `events`: pages, following across a failure, and the end by Ctrl-C.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::harness::{Operator, Remote, assert_refused, stdout};
use end_to_end::{Ban, TestApp, Unban};
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::Value;

/// How long a line may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command that follows the log.
struct Following {
    child: Child,
    lines: Receiver<String>,
    notes: Receiver<String>,
}

impl Following {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let printed = lines(child.stdout.take().unwrap());
        let notes = lines(child.stderr.take().unwrap());
        Self {
            child,
            lines: printed,
            notes,
        }
    }

    /// The users of the next events.
    fn users(&self, count: usize) -> Vec<u64> {
        let next = || self.lines.recv_timeout(PATIENCE).unwrap();
        let users = std::iter::repeat_with(next).take(count);
        users
            .map(|line| {
                let event: Value = serde_json::from_str(&line).unwrap();
                event["data"]["robloxId"].as_u64().unwrap()
            })
            .collect()
    }

    /// Presses Ctrl-C and returns the rest of its notes.
    fn interrupt(&mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        let status = self.child.wait().unwrap();
        (
            status.code(),
            self.notes.iter().collect::<Vec<_>>().join("\n"),
        )
    }
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            if line.is_err() || send.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    receive
}

#[tokio::test(flavor = "multi_thread")]
async fn log_has_each_event_once_across_pages_as_lines_and_as_json() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    // More than a page.
    workspace
        .ban(Ban::of(9000, 7).reasons("see #42", "Cheating"))
        .await;
    workspace.unban(Unban::of(9000, 7).reason("mistaken")).await;
    for user in 1..=230 {
        workspace.ban(Ban::of(user, 7)).await;
    }
    app.settle().await;
    let operator = Operator::of(&workspace);
    let remote = Remote::of(&workspace, workspace.secret_key());
    let stored = stdout(&operator.run(&["events", "--json"]));
    let answered = stdout(&remote.run(&["events", "--json"]));
    assert_eq!(stored, answered);
    let events: Vec<Value> = stored
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: std::collections::BTreeSet<_> =
        events.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!((events.len(), ids.len()), (232, 232));
    let follow = ["events", "--follow", "--from", "1h", "--json"];
    let mut following = Following::start(remote.command(&follow));
    let expected: Vec<_> = events
        .iter()
        .map(|event| event["data"]["robloxId"].as_u64().unwrap())
        .collect();
    assert_eq!(following.users(232), expected);
    assert_eq!(following.interrupt().0, Some(130));
    assert!(following.lines.try_recv().is_err());

    let text = stdout(&remote.run(&["events", "--from", "1h"]));
    let first: Vec<_> = text.lines().take(2).collect();
    assert!(
        first[0].contains("  banned  9000  experience 7  ") && first[0].ends_with("  see #42"),
        "{text}"
    );
    assert!(
        first[1].contains("  unbanned  9000  ") && first[1].ends_with("  mistaken"),
        "{text}"
    );
    assert_refused(&operator.run(&["events", "--cursor", "x"]), 2, "--cursor");
    assert_refused(
        &operator.run(&["events", "--cursor", "0.999"]),
        1,
        "beyond the end",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn following_survives_failures_and_misses_and_repeats_nothing() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let remote = Remote::of(&workspace, workspace.secret_key());
    let follow = [
        "events",
        "--follow",
        "--from",
        "1h",
        "--interval",
        "1",
        "--json",
    ];
    let mut following = Following::start(remote.command(&follow));
    workspace.ban(Ban::of(1, 7)).await;
    workspace.ban(Ban::of(2, 7)).await;
    assert_eq!(following.users(2), [1, 2]);

    app.settle().await;
    app.faults()
        .inject(Rule::from(Fault::ServerError).on("BatchGetItem"));
    let said = following.notes.recv_timeout(PATIENCE).unwrap();
    assert!(said.contains("trying again in"), "{said}");
    app.faults().clear();
    workspace.ban(Ban::of(3, 7)).await;
    assert_eq!(following.users(1), [3]);
    let (status, notes) = following.interrupt();
    assert_eq!(status, Some(130), "{notes}");
    assert!(following.lines.try_recv().is_err());

    // The next run begins where the last one ended.
    workspace.ban(Ban::of(4, 7)).await;
    let (_, cursor) = notes.split_once("--cursor ").unwrap();
    let resumed = [
        "events",
        "--follow",
        "--interval",
        "1",
        "--json",
        "--cursor",
        cursor.trim(),
    ];
    let mut following = Following::start(remote.command(&resumed));
    assert_eq!(following.users(1), [4]);
    // A key that is no longer valid ends it.
    workspace.revoke(workspace.secret_key()).await;
    app.replace("events").await;
    let refused = following.child.wait().unwrap();
    assert_eq!(refused.code(), Some(1));
    let said: Vec<_> = following.notes.iter().collect();
    assert!(
        said.last()
            .unwrap()
            .contains("does not accept the key from PORTCULLIS_KEY"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn following_the_tables_begins_now_and_ends_when_nobody_reads() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, 7)).await;
    app.settle().await;
    end_to_end::next_second().await;
    let operator = Operator::of(&workspace);
    let mut following =
        Following::start(operator.command(&["events", "--follow", "--interval", "1", "--json"]));
    tokio::time::sleep(Duration::from_secs(2)).await;
    workspace.ban(Ban::of(2, 7)).await;
    assert_eq!(following.users(1), [2]);
    assert_eq!(following.interrupt().0, Some(130));

    let piped = operator.command(&[
        "events",
        "--follow",
        "--from",
        "1h",
        "--interval",
        "1",
        "--json",
    ]);
    let program = piped.get_program().to_owned();
    let arguments: Vec<_> = piped
        .get_args()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut shell = Command::new("bash");
    shell
        .args(["-o", "pipefail", "-c", "\"$0\" \"$@\" | head -n 1"])
        .arg(program)
        .args(arguments)
        .envs(
            piped
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let mut shell = shell
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut user = 2;
    // The command finds out when it prints the next event.
    let status = loop {
        if let Some(status) = shell.try_wait().unwrap() {
            break status;
        }
        user += 1;
        workspace.ban(Ban::of(user, 7)).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert_eq!(status.code(), Some(0));
}
