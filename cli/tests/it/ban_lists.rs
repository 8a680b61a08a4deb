//! Tests of `bans list`, from the tables and through the API.

use crate::harness::{Operator, Remote, assert_refused, stderr, stdout};
use end_to_end::{Ban, TestApp, Unban, Workspace};
use serde_json::Value;

/// Four bans by two moderators, one of them lifted, one Global.
async fn bans(workspace: &Workspace<'_>) {
    workspace.ban(Ban::of(1, 7).permanent()).await;
    workspace.ban(Ban::of(2, 7).moderator(5)).await;
    workspace.ban(Ban::of(3, 8).global().permanent()).await;
    workspace.ban(Ban::of(4, 8).permanent()).await;
    workspace.unban(Unban::of(4, 8)).await;
}

fn users(list: &Value) -> Vec<u64> {
    let bans = list.as_array().unwrap().iter();
    bans.map(|ban| ban["robloxId"].as_u64().unwrap()).collect()
}

/// The cursor that a list prints.
fn cursor(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("--cursor ")?;
    Some(rest.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_select_the_same_bans_from_the_tables_and_through_the_api() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    bans(&workspace).await;
    let operator = Operator::of(&workspace);
    let remote = Remote::of(&workspace, workspace.secret_key());
    for (filter, expected) in [
        (&[][..], &[4, 3, 2, 1][..]),
        (&["--user", "2"], &[2]),
        (&["-e", "7"], &[2, 1]),
        (&["--moderator", "5"], &[2]),
        (&["--scope", "global"], &[3]),
        (&["--active"], &[3, 2, 1]),
        (&["--ended"], &[4]),
        (&["--ended", "--user", "1"], &[]),
    ] {
        let arguments = [&["bans", "list"], filter].concat();
        let (stored, answered) = (operator.json(&arguments), remote.json(&arguments));
        assert_eq!(users(&stored), expected, "{filter:?}");
        assert_eq!(stored, answered, "{filter:?}");
    }
    let table = stdout(&remote.run(&["bans", "list"]));
    let title = table.lines().next().unwrap();
    let titles: Vec<_> = title.split_whitespace().collect();
    assert_eq!(
        titles,
        [
            "STATE",
            "USER",
            "SCOPE",
            "REASON",
            "END",
            "MODERATOR",
            "BY",
            "MADE",
            "GUID"
        ]
    );
    for state in [
        "in force",
        "lifted",
        "everywhere",
        "experience 7",
        "permanent",
    ] {
        assert!(table.contains(state), "{state}: {table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bounded_list_says_how_to_continue() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    bans(&workspace).await;
    let operator = Operator::of(&workspace);
    let remote = Remote::of(&workspace, workspace.secret_key());
    for run in [
        &(|arguments: &[&str]| operator.run(arguments)) as &dyn Fn(&[&str]) -> std::process::Output,
        &|arguments: &[&str]| remote.run(arguments),
    ] {
        let (mut seen, mut next) = (Vec::new(), None);
        loop {
            let mut arguments = vec!["bans", "list", "--json", "--limit", "3"];
            let given: Option<String> = next.take();
            arguments.extend(given.iter().flat_map(|cursor| ["--cursor", cursor]));
            let done = run(&arguments);
            assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
            let list: Value = serde_json::from_slice(&done.stdout).unwrap();
            assert!(list.as_array().unwrap().len() <= 3);
            seen.extend(users(&list));
            next = cursor(&stderr(&done));
            if next.is_none() {
                break;
            }
        }
        assert_eq!(seen, [4, 3, 2, 1]);
    }
    let wrong = ["bans", "list", "--cursor", "x"];
    assert_refused(&operator.run(&wrong), 2, "--cursor");
    assert_refused(&remote.run(&wrong), 1, "cursor");
    assert_refused(
        &operator.run(&["bans", "list", "--limit", "0"]),
        2,
        "positive",
    );
}
