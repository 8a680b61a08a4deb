//! Tests of user names: typed instead of ids, and shown beside them.

use std::process::Output;
use std::time::{Duration, Instant};

use crate::decisions::{AT, ban, linked};
use crate::harness::{Operator, Remote, answered, assert_refused, stderr, stdout};
use end_to_end::{Ban, TestApp, Workspace, eventually};
use local_stack::roblox::{Fault, FaultRule};
use serde_json::{Value, json};

/// What `builderman` is called at Roblox.
const BUILDERMAN: u64 = 156;

const PERMANENT: [&str; 1] = ["--permanent"];

fn named(workspace: &Workspace<'_>) -> Operator {
    linked(workspace).with_names()
}

fn remote(workspace: &Workspace<'_>) -> Remote {
    Remote::of(workspace, workspace.secret_key()).with_names(workspace)
}

fn check(user: &str) -> Vec<&str> {
    [&["check", user], &AT[..]].concat()
}

fn assert_done(done: &Output) {
    assert_eq!(done.status.code(), Some(0), "{}", stderr(done));
}

/// The names that the cache has.
async fn cached(workspace: &Workspace<'_>) -> Vec<Value> {
    let mut items = workspace.stored().await;
    items.retain(|item| item["kind"]["S"] == "name");
    items.iter().map(|item| item["name"]["S"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn user_is_banned_and_unbanned_by_name() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = named(&workspace);
    let done = operator.run(&ban("@BuilderMan", &PERMANENT));
    assert_done(&done);
    let said = stderr(&done);
    assert!(said.starts_with("@builderman (156)\n"), "{said}");
    assert!(said.contains("Banned @builderman (156) in"), "{said}");
    assert!(stdout(&done).contains("156 @builderman"), "{said}");
    assert!(workspace.is_banned(BUILDERMAN, 7).await);

    let checked = operator.json(&check("builderman"));
    assert_eq!(
        (&checked["userId"], &checked["name"]),
        (&json!(156), &json!("builderman"))
    );
    assert_eq!(checked["ban"]["name"], "builderman");
    let history = operator.json(&["history", "www.roblox.com/users/156/profile"]);
    assert_eq!(history[0]["ban"]["name"], "builderman");

    let lift = [&["unban", "@builderman", "--moderator", "@Roblox"], &AT[..]].concat();
    let lifted = operator.json(&lift);
    assert_eq!(
        (&lifted[0]["name"], &lifted[0]["unbanModeratorId"]),
        (&json!("builderman"), &json!(1))
    );
    assert!(!workspace.is_banned(BUILDERMAN, 7).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn question_names_the_user() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = named(&workspace);
    let everywhere = ban("156", &["--permanent", "--scope", "global"]);
    let asked = operator.answering("n\n", &everywhere);
    assert!(
        stderr(&asked).contains("@builderman (156)"),
        "{}",
        stderr(&asked)
    );
    assert!(!workspace.is_banned(BUILDERMAN, 7).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_show_names_beside_ids() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = named(&workspace);
    app.roblox().remove_user(9);
    for user in [BUILDERMAN, 7, 9] {
        workspace.ban(Ban::of(user, 7).permanent()).await;
    }
    workspace.await_pending_bans(7, &[BUILDERMAN, 7, 9]).await;
    let pending = [&["pending"], &AT[..]].concat();
    let mut rows = operator.json(&pending).as_array().unwrap().clone();
    rows.sort_by_key(|row| row["robloxId"].as_u64());
    let names: Vec<_> = rows.iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, [json!("user_7"), Value::Null, json!("builderman")]);
    let table = stdout(&operator.run(&pending));
    for cell in ["156 @builderman", "7 @user_7", " 9  "] {
        assert!(table.contains(cell), "{cell}: {table}");
    }

    let added = operator.json(&["protected", "add", "@builderman", "8", "@user_7"]);
    let added = added.as_array().unwrap().iter();
    let added: Vec<_> = added
        .map(|row| (row["userId"].clone(), row["name"].clone()))
        .collect();
    let expected = [(7, "user_7"), (8, "user_8"), (156, "builderman")];
    assert_eq!(added, expected.map(|(id, name)| (json!(id), json!(name))));
    let left = operator.json(&["protected", "remove", "@builderman"]);
    assert_eq!(left.as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_bans_and_events_name_the_users() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(BUILDERMAN, 7).permanent()).await;
    workspace.ban(Ban::of(7, 7).permanent()).await;
    app.settle().await;
    let (operator, remote) = (named(&workspace), remote(&workspace));
    let run = [
        &(|arguments: &[&str]| operator.run(arguments)) as &dyn Fn(&[&str]) -> Output,
        &|arguments: &[&str]| remote.run(arguments),
    ];
    for run in run {
        for filter in [["--user", "@builderman"], ["--moderator", "@Roblox"]] {
            let list = [&["bans", "list"], &filter[..]].concat();
            let table = run(&list);
            assert_done(&table);
            assert!(stdout(&table).contains("156 @builderman"), "{table:?}");
            let listed = run(&[&list[..], &["--json"]].concat());
            let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
            let bans = listed.as_array().unwrap();
            assert_eq!(bans.last().unwrap()["name"], "builderman");
            assert_eq!(bans.len() == 1, filter[0] == "--user", "{listed}");
        }
        let lines = stdout(&run(&["events"]));
        assert!(lines.contains("  banned  156 @builderman  "), "{lines}");
        let lines = stdout(&run(&["events", "--json"]));
        let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert_eq!(last["name"], "user_7", "{lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_work_through_the_api() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let remote = remote(&workspace);
    let done = remote.run(&ban("@BuilderMan", &PERMANENT));
    assert_done(&done);
    let said = stderr(&done);
    assert!(said.starts_with("@builderman (156)\n"), "{said}");
    assert!(said.contains("@builderman (156) is banned in"), "{said}");
    assert!(workspace.is_banned(BUILDERMAN, 7).await);
    let checked = remote.json(&check("156"));
    assert_eq!(
        (&checked["name"], &checked["ban"]["name"]),
        (&json!("builderman"), &json!("builderman"))
    );
    workspace.await_pending_bans(7, &[BUILDERMAN]).await;
    let pending = [&["pending"], &AT[..]].concat();
    assert_eq!(remote.json(&pending)[0]["name"], "builderman");
    let history = remote.json(&["history", "www.roblox.com/users/156/profile"]);
    assert_eq!(history[0]["ban"]["name"], "builderman");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[contexts.mods]\nmoderator = \"@Roblox\"\n").unwrap();
    let lift = [&["unban", "@builderman"], &AT[..], &["--json"]].concat();
    let mut lifting = remote.command(&lift);
    lifting.env("PORTCULLIS_CONFIG", &file);
    lifting.env("PORTCULLIS_CONTEXT", "mods");
    let lifted = answered(lifting, "");
    assert_done(&lifted);
    let lifted: Value = serde_json::from_slice(&lifted.stdout).unwrap();
    assert_eq!(
        (&lifted[0]["name"], &lifted[0]["unbanModeratorId"]),
        (&json!("builderman"), &json!(1))
    );
    assert_refused(
        &remote.run(&check("@nobody")),
        1,
        "no Roblox user has the name",
    );
    app.roblox()
        .fail(FaultRule::from(Fault::Status(503)).on("/v1/user"));
    assert_refused(&remote.run(&check("@builderman")), 1, "use the user's id");
    assert_eq!(remote.json(&check("156"))["name"], Value::Null);
    // An API on this machine may have invented users.
    let local = Remote::of(&workspace, workspace.secret_key());
    assert_refused(&local.run(&check("@builderman")), 1, "is not looked up");
    assert_eq!(cached(&workspace).await, [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn name_of_nobody_and_previous_name_are_refused() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = named(&workspace);
    app.roblox().set_user(7, "renamed", "Re");
    let stored = workspace.stored().await;
    for (typed, what) in [
        ("@nobody", "no Roblox user has the name @nobody"),
        (
            "@user_7",
            "@user_7 is ambiguous, a previous name of @renamed (7)",
        ),
    ] {
        assert_refused(&operator.run(&ban(typed, &PERMANENT)), 1, what);
        let protecting = operator.run(&["protected", "add", "@builderman", typed]);
        assert!(
            stderr(&protecting).contains(what),
            "{}",
            stderr(&protecting)
        );
        assert_refused(&operator.run(&["erase", typed, "--yes"]), 1, what);
        assert_refused(&operator.run(&check(typed)), 1, what);
    }
    assert_eq!(workspace.stored().await, stored);
    operator.json(&ban("@renamed", &PERMANENT));
    assert!(workspace.is_banned(7, 7).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_roblox_ids_work_and_names_are_refused() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = named(&workspace);
    for fault in [
        Fault::Status(503),
        Fault::TooMany(Some(30)),
        Fault::Drop,
        Fault::Truncated,
        Fault::Delay(Duration::from_mins(1)),
    ] {
        app.roblox()
            .fail(FaultRule::from(fault.clone()).on("/v1/user"));
        let began = Instant::now();
        let refused = operator.run(&ban("@builderman", &PERMANENT));
        let what = "Roblox cannot be reached to look up @builderman";
        assert_refused(&refused, 1, what);
        assert!(stderr(&refused).contains("use the user's id"), "{fault:?}");
        let checked = operator.json(&check("156"));
        assert_eq!(
            (&checked["userId"], &checked["name"]),
            (&json!(156), &Value::Null)
        );
        assert!(began.elapsed() < Duration::from_secs(30), "{fault:?}");
        app.roblox().heal();
    }
    assert!(!workspace.is_banned(BUILDERMAN, 7).await);
    assert_eq!(cached(&workspace).await, [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_can_be_turned_off() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = named(&workspace);
    let calls = app.roblox().calls();
    let with_flag = [&check("156")[..], &["--no-names"]].concat();
    assert_eq!(operator.json(&with_flag)["name"], Value::Null);
    let mut with_variable = operator.command(&check("@builderman"));
    with_variable.env("PORTCULLIS_NO_NAMES", "1");
    let refused = answered(with_variable, "");
    assert_refused(&refused, 1, "@builderman is not looked up (--no-names");
    assert_eq!(app.roblox().calls(), calls);
    let mut off = operator.command(&check("@builderman"));
    off.env("PORTCULLIS_NO_NAMES", "false");
    assert_done(&answered(off, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn local_database_has_the_names_of_its_local_stack_and_no_others() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = linked(&workspace);
    let refused = operator.run(&check("@builderman"));
    assert_refused(&refused, 1, "@builderman is not looked up");
    assert_eq!(operator.json(&check("156"))["name"], Value::Null);

    let roblox = app.roblox().endpoint();
    let table = &app.tables().workspaces;
    let services = [
        app.address(),
        roblox,
        app.secrets().endpoint(),
        app.objects(),
        app.discord().endpoint(),
    ];
    let written = local_stack::seed::addresses(app.database(), table, services).await;
    written.unwrap();
    assert_eq!(operator.json(&check("@builderman"))["userId"], 156);
    assert_eq!(app.roblox().calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn erasure_by_name_removes_the_cached_name() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = named(&workspace);
    workspace.ban(Ban::of(BUILDERMAN, 7).permanent()).await;
    // The command ends before a cache that is too slow has been written.
    eventually("the name is cached", async || {
        operator.json(&check("156"));
        (cached(&workspace).await == ["builderman"]).then_some(())
    })
    .await;
    let done = operator.run(&["erase", "@builderman", "--yes"]);
    assert_done(&done);
    assert!(
        stderr(&done).contains("@builderman (156)"),
        "{}",
        stderr(&done)
    );
    assert_eq!(cached(&workspace).await, [Value::Null; 0]);
    let left = json!(workspace.stored().await).to_string();
    assert!(!left.contains("builderman"), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_user_is_a_wrong_argument() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = linked(&workspace);
    for (wrong, what) in [
        (
            "a b",
            "expected a Roblox user: an id (156), a name (@builderman)",
        ),
        ("0156", "without leading zeros"),
        ("@ab", "3 to 20 letters, digits and underscores"),
        (
            "https://example.com/users/156",
            "a link to a Roblox profile",
        ),
    ] {
        assert_refused(&operator.run(&check(wrong)), 2, what);
    }
}
