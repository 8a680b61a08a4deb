//! Tests of duplicates, and of undone and repeated imports.

use std::path::{Path, PathBuf};

use end_to_end::{Ban, TestApp, Unban, Workspace};
use serde_json::{Value, json};

use super::program::{FLAGS, Folder, assert_sums, finished, fixture, import, program, run, said};

const ARENA: u64 = 7_001;

/// The totals of a run or dry run.
async fn sums(workspace: &Workspace<'_>, file: &Path, more: &[&str], is_dry: bool) -> Value {
    let dry: &[&str] = if is_dry { &["--dry-run"] } else { &[] };
    let done = run(workspace, file, &[more, dry].concat()).await;
    let document: Value =
        serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{}", said(&done)));
    let mut sums = if is_dry {
        document["summary"].clone()
    } else {
        document
    };
    for own in ["keyId", "dryRun", "perSecond", "errors"] {
        sums.as_object_mut().unwrap().remove(own);
    }
    sums
}

/// Imports a file after a dry run, which must have the same totals.
async fn import_matching_dry_run(workspace: &Workspace<'_>, file: &Path, more: &[&str]) -> Value {
    let foretold = sums(workspace, file, more, true).await;
    let real = sums(workspace, file, more, false).await;
    assert_eq!(foretold, real);
    real
}

fn ban(guid: u64, user: u64) -> Value {
    json!({
        "guid": guid.to_string(), "robloxId": user, "moderatorId": 5001, "privateReason": "private",
        "publicReason": "public", "created": 1_728_802_934, "updated": 1_728_802_935,
        "experienceId": ARENA, "expires": 0,
    })
}

fn list(folder: &Folder, bans: &[Value]) -> PathBuf {
    folder.with("list.json", Value::from(bans).to_string())
}

/// A guid contains the time of its ban.
const OLD: u64 = 633_197_862_920_433_664;

#[tokio::test]
async fn ban_that_ends_last_is_in_force_and_dry_run_agrees() {
    let app = TestApp::builder().without_stream().start().await;
    let folder = Folder::new();
    let workspace = app.workspace().await;
    let file = fixture("cases/f07-temporary-then-permanent.csv");
    let errors = folder.file("errors.csv");
    let flags = [&FLAGS[..], &["--errors", errors.to_str().unwrap()]].concat();
    let sums = import_matching_dry_run(&workspace, &file, &flags).await;
    assert_sums(&sums, json!({ "read": 2, "added": 1, "replaced": 1 }));
    assert_eq!(workspace.check(130_004, ARENA).await["expires"], 0);
    let recorded = workspace.bans().await;
    let in_force = recorded.iter().filter(|ban| ban["isActive"] == 1);
    assert_eq!((recorded.len(), in_force.count()), (2, 1));
    let again = import_matching_dry_run(&workspace, &file, &flags).await;
    assert_sums(&again, json!({ "added": 0, "replaced": 0, "unchanged": 2 }));

    let workspace = app.workspace().await;
    let mut short = ban(OLD + 9, 1);
    short["expires"] = 4_000_000_000_u64.into();
    let mut lifted = ban(OLD + 20, 3);
    lifted["isActive"] = false.into();
    let rows = [
        short,
        ban(OLD + 5, 1),
        ban(OLD + 6, 2),
        ban(OLD + 6, 2),
        ban(OLD + 10, 3),
        lifted,
        ban(OLD + 30, 4),
        ban(OLD + 30, 5),
    ];
    let file = list(&folder, &rows);
    let sums = import_matching_dry_run(&workspace, &file, &[]).await;
    let expected = json!({
        "read": 8, "added": 3, "replaced": 1, "unchanged": 1, "inTheWay": 1, "failed": 2,
    });
    assert_sums(&sums, expected);
    assert_eq!(
        workspace.check(1, ARENA).await["guid"],
        (OLD + 5).to_string()
    );
    let again = import_matching_dry_run(&workspace, &file, &[]).await;
    let expected =
        json!({ "added": 0, "unchanged": 5, "inTheWay": 1, "failed": 2, "differing": 0 });
    assert_sums(&again, expected);

    // The guid of another user's existing ban is refused too.
    let file = list(&folder, &[ban(OLD + 6, 7), ban(OLD + 7, 8)]);
    let sums = import_matching_dry_run(&workspace, &file, &[]).await;
    assert_sums(&sums, json!({ "read": 2, "added": 1, "failed": 1 }));
    assert!(!workspace.is_banned(7, ARENA).await);
}

#[tokio::test]
async fn undone_import_can_be_repeated() {
    let app = TestApp::builder().without_stream().start().await;
    let folder = Folder::new();
    let users = folder.with("users.csv", "userId,expires\n1,2099-01-01\n1,\n2,\n3,\n");
    let named = list(&folder, &[ban(OLD, 11), ban(OLD + 1, 12)]);
    for (file, flags, bans, first) in [(&users, &FLAGS[..], 3, 1), (&named, &[][..], 2, 11)] {
        let workspace = app.workspace().await;
        let name = import(&workspace, file, flags).await["keyId"].clone();
        let mut undo = program(&app, app.database().endpoint());
        undo.args([
            "undo",
            "--yes",
            "--since",
            "1h",
            "--key",
            name.as_str().unwrap(),
        ]);
        undo.args(["--workspace", &workspace.guid()]);
        let done = finished(undo.spawn().unwrap()).await;
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        assert!(!workspace.is_banned(first, ARENA).await);

        let sums = import_matching_dry_run(&workspace, file, flags).await;
        assert_sums(&sums, json!({ "added": 0, "failed": 0 }));
        // Another key has made a decision in the meantime.
        workspace.ban(Ban::of(first + 1, ARENA).permanent()).await;
        let again = [flags, &["--again"]].concat();
        let sums = import_matching_dry_run(&workspace, file, &again).await;
        assert_sums(&sums, json!({ "added": bans - 1, "failed": 0 }));
        for user in first..first + bans {
            assert!(workspace.is_banned(user, ARENA).await, "{user}");
        }
        let sums = import_matching_dry_run(&workspace, file, &again).await;
        assert_sums(&sums, json!({ "added": 0, "failed": 0, "differing": 0 }));
        workspace.unban(Unban::of(first, ARENA)).await;
    }
}

#[tokio::test]
async fn escape_sequences_in_a_file_never_reach_the_terminal() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let evil = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}";
    for (name, text) in [
        (
            "a.csv",
            format!("userId,reason,{evil}\nx{evil},{evil},1\n1,{evil},1\n"),
        ),
        ("b.csv", format!("{evil},reason\n1,2\n")),
        (
            "c.json",
            format!("[{{\"userId\":\"{0}\",\"{0}\":1}}]", evil.escape_unicode()),
        ),
        ("d.json", format!("{{\"{evil}\":1}}")),
        ("e.json", format!("[\"Group{evil}:7\", \"{evil}\"]")),
        ("f.lua", format!("local {evil} = {{1}}")),
    ] {
        let file = folder.with(name, text);
        for mode in ["table", "json"] {
            for dry in [&["--dry-run"][..], &[]] {
                let mut command = program(&app, app.database().endpoint());
                command.arg("import").arg(&file).args(FLAGS).args(dry);
                command.args(["--output", mode, "--workspace", &workspace.guid()]);
                let done = finished(command.spawn().unwrap()).await;
                assert_eq!(done.status.code(), Some(1), "{name}: {}", said(&done));
                let printed = said(&done);
                let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                assert!(!printed.contains(steers), "{name}: {printed:?}");
            }
        }
    }
}
