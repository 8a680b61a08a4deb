//! Tests of `portcullis experience join`, `leave` and `places`.

use std::process::Stdio;
use std::time::Duration;

use crate::harness::{Operator, assert_refused, stderr, stdout};
use end_to_end::{Ban, TestApp, Unban, Workspace};
use serde_json::{Value, json};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::ExperienceId;

const UNIVERSE: u64 = 77;

fn place(id: u64) -> ExperienceId {
    ExperienceId::new(id).unwrap()
}

async fn game(app: &TestApp) -> (Workspace<'_>, Operator) {
    let workspace = app.workspace().await;
    for id in [7, 8, 9] {
        workspace.link(id).await;
    }
    let operator = Operator::of(&workspace);
    (workspace, operator)
}

/// Announces a join whose phases have passed.
async fn announce(workspace: &Workspace<'_>, part: u64, root: u64) {
    announce_earlier(workspace, part, root, 300_000).await;
}

/// Announces a join this many milliseconds ago.
async fn announce_earlier(workspace: &Workspace<'_>, part: u64, root: u64, age: u64) {
    let (store, prefix) = (workspace.app().store(), workspace.id().prefix());
    let announced = UnixMillis::from_millis(UnixMillis::now().millis() - age);
    let made = store.announce_join(prefix, place(part), place(root), announced);
    assert!(made.await.unwrap());
}

async fn forget_links(app: &TestApp) {
    for function in ["is-banned", "ban-async", "unban-async", "pending-bans"] {
        app.replace(function).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn join_continues_after_its_phases_and_can_be_taken_back() {
    let app = TestApp::start().await;
    let (workspace, operator) = game(&app).await;
    workspace.ban(Ban::of(1, 8).permanent()).await;
    workspace.ban(Ban::of(2, 8).length("7d")).await;
    workspace.ban(Ban::of(2, 7).length("1h")).await;
    workspace.ban(Ban::of(3, 7).permanent()).await;
    workspace.ban(Ban::of(4, 8).permanent()).await;
    announce(&workspace, 8, 7).await;
    let join = ["experience", "join", "8", "--root", "7", "--yes"];
    let joined = operator.json(&join);
    let name = joined["name"].as_str().unwrap().to_owned();
    assert_eq!(
        joined,
        json!({
            "placeId": 8, "rootId": 7, "dryRun": false, "state": "joined",
            "carriedOver": 3, "name": name,
        })
    );
    assert_eq!(operator.json(&join)["carriedOver"], 0);
    let list = operator.json(&["experience", "list"]);
    let shown = |at: usize| (list[at]["experienceId"].clone(), list[at]["partOf"].clone());
    assert_eq!(shown(0), (json!(7), Value::Null));
    assert_eq!(shown(1), (json!(8), json!(7)));
    assert_eq!(list[1]["join"], "joined");

    forget_links(&app).await;
    for (user, at) in [(1, 7), (2, 7), (3, 8)] {
        assert!(workspace.is_banned(user, at).await, "{user} in {at}");
    }
    // Unbanned for all places, which the undo below does not take back.
    workspace.unban(Unban::of(4, 8)).await;
    // The command acts in the root as well.
    let checked = operator.json(&["check", "1", "--experience", "8"]);
    assert_eq!(checked["ban"]["experienceId"], 7);

    let undo = ["undo", "--key", &name, "--since", "1d", "--yes"];
    assert_refused(&operator.run(&undo), 1, "place 8 is part of 7");
    let leave = ["experience", "leave", "8", "--yes"];
    let dry = operator.run(&["experience", "leave", "8", "--dry-run"]);
    assert!(
        stderr(&dry).contains("3 bans of 7 in force"),
        "{}",
        stderr(&dry)
    );
    assert_eq!(operator.json(&leave)["state"], "left");
    assert_refused(&operator.run(&leave), 1, "is not part of another place");
    forget_links(&app).await;
    assert!(!workspace.is_banned(3, 8).await);
    assert!(!workspace.is_banned(1, 8).await);

    let undone = operator.json(&undo);
    assert!(undone.as_array().unwrap().len() >= 4, "{undone}");
    for (user, at, is_banned) in [
        (1, 8, true),
        (2, 8, true),
        (4, 8, false),
        (2, 7, true),
        (1, 7, false),
        (4, 7, false),
    ] {
        assert_eq!(
            workspace.is_banned(user, at).await,
            is_banned,
            "{user} in {at}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unfitting_joins_are_refused() {
    let app = TestApp::start().await;
    let (workspace, operator) = game(&app).await;
    let join = |part: &str, root: &str| {
        operator.run(&["experience", "join", part, "--root", root, "--dry-run"])
    };
    assert_refused(&join("8", "8"), 1, "part of itself");
    assert_refused(&join("8", "10"), 1, "10 is not linked");
    assert_refused(&join("10", "8"), 1, "10 is not linked");
    assert_eq!(join("8", "7").status.code(), Some(0));
    let cancelled = operator.run(&["experience", "join", "8", "--root", "7"]);
    assert_refused(&cancelled, 1, "Cancelled");

    announce(&workspace, 8, 7).await;
    assert_refused(&join("9", "8"), 1, "itself part of 7");
    assert_refused(&join("7", "9"), 1, "8 is part of 7");
    assert_refused(&join("8", "9"), 1, "is part of 7");
    assert_refused(
        &operator.run(&["experience", "unlink", "7", "--yes"]),
        1,
        "leave 8",
    );
    assert_refused(
        &operator.run(&["experience", "unlink", "8", "--yes"]),
        1,
        "leave 8",
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "userId\n5\n").unwrap();
    let import = ["import", file.path().to_str().unwrap(), "--experience", "8"];
    let import = [&import[..], &["--moderator", "1", "--public-reason", "x"]].concat();
    assert_refused(&operator.run(&import), 1, "is joining 7");

    // Once it has joined, an import goes to the root.
    operator.json(&["experience", "join", "8", "--root", "7"]);
    let done = operator.run(&import);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    forget_links(&app).await;
    assert!(workspace.is_banned(5, 7).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_of_one_universe_are_proposed() {
    let app = TestApp::start().await;
    let (_, operator) = game(&app).await;
    let none = operator.run(&["experience", "places"]);
    assert!(
        stderr(&none).contains("no two linked places"),
        "{}",
        stderr(&none)
    );
    app.roblox().add_place(8, UNIVERSE);
    app.roblox().add_place(9, UNIVERSE);
    let list = operator.json(&["experience", "places"]);
    let states: Vec<_> = list.as_array().unwrap().iter().collect();
    assert_eq!(states.len(), 2, "{list}");
    assert_eq!(
        (&states[0]["placeId"], &states[0]["proposal"]),
        (&json!(8), &Value::Null)
    );
    let proposal = states[1]["proposal"].as_str().unwrap();
    assert!(
        proposal.starts_with("portcullis experience join 9 --root 8"),
        "{proposal}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_join_continues_and_carries_each_ban_over_once() {
    let app = TestApp::start().await;
    let (workspace, operator) = game(&app).await;
    let users: Vec<u64> = (1..=60).collect();
    for user in &users {
        workspace.ban(Ban::of(*user, 8).permanent()).await;
    }
    announce(&workspace, 8, 7).await;
    let join = ["experience", "join", "8", "--root", "7", "--yes"];
    for milliseconds in [30, 60, 90, 120, 150, 180] {
        let mut command = operator.command(&join);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut killed = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    assert_eq!(operator.json(&join)["state"], "joined");
    forget_links(&app).await;
    let mut made: Vec<_> = workspace.bans().await;
    made.retain(|ban| ban["isActive"] == 1);
    assert_eq!(made.len(), users.len());
    assert!(made.iter().all(|ban| ban["experienceId"] == 7));
    // In the order in which they were carried over.
    let pending = workspace.pending_bans(8).await;
    let mut pending: Vec<_> = pending.iter().map(|ban| ban["robloxId"].as_u64()).collect();
    pending.sort_unstable();
    assert_eq!(pending, users.into_iter().map(Some).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_an_unfinished_join_and_places_that_are_apart() {
    let app = TestApp::start().await;
    let (workspace, operator) = game(&app).await;
    let said = || stdout(&operator.run(&["doctor", "--output", "json"]));
    assert!(said().contains("no join is unfinished"), "{}", said());
    announce_earlier(&workspace, 8, 7, 7_200_000).await;
    assert!(said().contains("still joining 7"), "{}", said());

    app.roblox().add_key("key", &[UNIVERSE]);
    for place in [7, 9] {
        app.roblox().add_place(place, UNIVERSE);
    }
    app.secrets().set("portcullis/local/roblox", "key");
    operator.json(&["mirror", "set", "7", "--secret", "portcullis/local/roblox"]);
    assert!(said().contains("7, 9 of "), "{}", said());
}
