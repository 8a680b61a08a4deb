//! Tests of which rows are imported, and of what becomes pending.

use std::num::NonZeroU32;

use end_to_end::{Ban, TestApp, Unban, Workspace, now};
use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;

use super::program::{Folder, assert_sums, import, import_failing, of_kind, run, said};

const ARENA: u64 = 7_001;
const BEACH: u64 = 7_002;

/// A ban in a JSON list.
fn ban(guid: u64, user: u64) -> Value {
    json!({
        "guid": guid.to_string(),
        "workspaceGuid": "f2ab4802-48d6-41ef-82a0-222326092f67",
        "isGlobal": 0, "isActive": 1,
        "privateReason": "private", "publicReason": "public",
        "robloxId": user, "moderatorId": 5001,
        "created": 1_728_802_934, "updated": 1_728_802_935,
        "experienceId": ARENA, "expires": 0, "isAppealed": 0, "experienceUniversal": 1,
        "uid": guid % 1000, "experienceBanCompleted": 0,
    })
}

fn with(mut ban: Value, field: &str, value: impl Into<Value>) -> Value {
    ban[field] = value.into();
    ban
}

fn list(folder: &Folder, bans: &[Value]) -> std::path::PathBuf {
    let lines: Vec<_> = bans.iter().map(Value::to_string).collect();
    folder.with("list.json", format!("[\n{}\n]\n", lines.join(",\n")))
}

/// A guid contains the time of its ban.
const OLD: u64 = 633_197_862_920_433_664;

/// The lines and reasons of rows that were not imported.
fn failed(folder: &Folder) -> Vec<(u64, String)> {
    let text = std::fs::read_to_string(folder.file("list.json.errors.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let list = document["list"].as_array().unwrap();
    let failed = list.iter().map(|entry| {
        let message = entry["message"].as_str().unwrap().to_owned();
        (entry["line"].as_u64().unwrap(), message)
    });
    failed.collect()
}

#[tokio::test]
async fn invalid_rows_are_reported_with_their_line_and_others_imported() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let rows = [
        ban(OLD, 1),
        with(ban(OLD + 1, 2), "robloxId", "x"),
        with(ban(OLD + 2, 3), "publicReason", "x".repeat(401)),
        with(ban(OLD + 3, 4), "privateReason", "a\u{202e}b"),
        with(ban(OLD + 4, 5), "expires", 1_728_802_935_000_u64),
        json!(17),
        with(
            with(ban(OLD + 6, 6), "isActive", "yes"),
            "experienceId",
            Value::Null,
        ),
        ban(OLD + 7, 7),
        ban(9_000_000_000_000_000_000, 8),
        with(ban(OLD + 9, 9), "uid", 1_u64 << 60),
    ];
    let file = list(&folder, &rows);
    let sums = import_failing(&workspace, &file, &[], 8).await;
    assert_sums(&sums, json!({ "read": 10, "added": 2 }));
    let errors = failed(&folder);
    let expected = [
        (3, "robloxId must be an integer"),
        (4, "publicReason is 401 bytes long: must be at most 400"),
        (5, "privateReason must not contain directional embeddings"),
        (6, "expires is more than 100 years away"),
        (7, "expected an object"),
        (
            8,
            "experienceId is missing: pass --experience; isActive must be",
        ),
        (10, "guid is invalid: its timestamp is in the future"),
        (11, "uid must be at most 9007199254740991"),
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
    for ((line, message), (expected, what)) in errors.iter().zip(expected) {
        assert_eq!(*line, expected, "{errors:?}");
        assert!(message.starts_with(what), "{message}");
    }
    assert_eq!(workspace.bans().await.len(), 2);
}

#[tokio::test]
async fn dry_run_lists_changes_and_changes_nothing() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let there = [ban(OLD, 1), ban(OLD + 1, 2)];
    import(&workspace, &list(&folder, &there), &[]).await;
    workspace.unban(Unban::of(2, ARENA)).await;
    workspace.ban(Ban::of(3, ARENA)).await;
    let before = workspace.stored().await;

    let rows = [
        ban(OLD, 1),
        ban(OLD + 1, 2),
        ban(OLD + 2, 3),
        ban(OLD + 3, 4),
        with(ban(OLD + 4, 5), "robloxId", 0),
        with(with(ban(0, 3), "guid", Value::Null), "uid", Value::Null),
    ];
    let file = list(&folder, &rows);
    let expected = json!({
        "dryRun": true, "read": 6, "added": 1, "unchanged": 1, "alreadyBanned": 1, "inTheWay": 1,
        "differing": 1, "failed": 1, "over": 0,
    });
    let done = run(&workspace, &file, &["--dry-run"]).await;
    assert_eq!(done.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_sums(&document["summary"], expected.clone());
    let changes: Vec<_> = document["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (
                change["line"].as_u64().unwrap(),
                change["change"].as_str().unwrap(),
            )
        })
        .collect();
    let as_said = [
        (3, "differs"),
        (4, "conflict"),
        (5, "would be added"),
        (6, "failed"),
    ];
    let mut sorted = changes.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, as_said);

    let app = workspace.app();
    let mut command = super::program::program(app, app.database().endpoint());
    command
        .arg("import")
        .arg(&file)
        .args(["--dry-run", "--workspace", &workspace.guid()]);
    let table = super::program::finished(command.spawn().unwrap()).await;
    let table = said(&table);
    assert!(
        table.contains("line 3, entry 2: differs: a ban with this guid exists"),
        "{table}"
    );
    assert!(table.contains("isActive"), "{table}");
    assert!(
        table.contains("line 5, entry 4: would be added: ban of 4, made in 7001\n"),
        "{table}"
    );
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        table.lines().any(|line| words(line) == "would be added 1"),
        "{table}"
    );

    assert_eq!(workspace.stored().await, before);
    assert!(!folder.file("list.json.errors.json").exists());
    let sums = import_failing(&workspace, &file, &[], 1).await;
    let expected = with(expected, "dryRun", false);
    assert_sums(&sums, expected);
}

#[tokio::test]
async fn import_never_overrides_an_active_ban() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    workspace.ban(Ban::of(1, ARENA).permanent()).await;
    workspace.ban(Ban::of(2, ARENA).permanent()).await;
    workspace.unban(Unban::of(2, ARENA)).await;
    // An hour ahead is allowed: another clock may be fast, but not by years.
    let soon = ((end_to_end::now() + 3_600) * 1000 - 1_577_836_800_000) << 22;
    let rows = [
        with(ban(OLD, 1), "isActive", 0),
        ban(OLD + 1, 2),
        with(ban(soon, 1), "isActive", 0),
        with(ban(OLD + 2, 3), "isAppealed", 1),
    ];
    let sums = import(&workspace, &list(&folder, &rows), &[]).await;
    assert_sums(&sums, json!({ "added": 2, "inTheWay": 2 }));
    assert!(workspace.is_banned(1, ARENA).await);
    assert!(!workspace.is_banned(2, ARENA).await);
    assert_eq!(workspace.check(3, ARENA).await["isAppealed"], true);
    assert_eq!(workspace.bans().await.len(), 4);
    let errors = failed(&folder);
    assert!(errors[0].1.contains("conflicts with the ban"), "{errors:?}");
}

#[tokio::test]
async fn many_bans_of_one_user_are_imported_in_order() {
    const BANS: u64 = 520;
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let rows: Vec<_> = (0..BANS)
        .map(|number| {
            with(
                ban(OLD + number, 1),
                "isActive",
                u64::from(number + 1 == BANS),
            )
        })
        .collect();
    let sums = import(&workspace, &list(&folder, &rows), &[]).await;
    assert_sums(&sums, json!({ "read": BANS, "added": BANS }));
    let shown = workspace.check(1, ARENA).await;
    assert_eq!(shown["guid"], (OLD + BANS - 1).to_string());
    assert_eq!(of_kind(&workspace, "ban").await.len(), 520);
}

#[tokio::test]
async fn protected_users_are_not_banned_and_history_names_the_run() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let (user, now) = (UserId::new(1).unwrap(), UnixSeconds(now()));
    let protected = app
        .store()
        .protect(workspace.id().prefix(), user, now)
        .await;
    protected.unwrap();
    let rows = [ban(OLD, 1), ban(OLD + 1, 2)];
    let sums = import_failing(&workspace, &list(&folder, &rows), &[], 1).await;
    assert_eq!(failed(&folder), [(2, "user 1 is protected".to_owned())]);

    let key_id = sums["keyId"].as_str().unwrap();
    assert!(
        key_id.starts_with("import-") && key_id.len() == 15,
        "{key_id}"
    );
    let decisions = of_kind(&workspace, "decision").await;
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0]["decision"]["S"], "imported");
    assert_eq!(decisions[0]["key_id"]["S"], key_id);
    assert_eq!(
        decisions[0]["decided_by"]["S"],
        format!("{}#{key_id}", workspace.prefix())
    );
    assert_eq!(
        NonZeroU32::MIN.get().to_string(),
        decisions[0]["number"]["N"]
    );
}

async fn pending(workspace: &Workspace<'_>, experience: u64) -> Vec<u64> {
    let list = workspace.pending_bans(experience).await;
    let mut users: Vec<_> = list
        .iter()
        .map(|ban| ban["robloxId"].as_u64().unwrap())
        .collect();
    users.sort_unstable();
    users
}

#[tokio::test]
async fn imported_bans_are_pending_unless_applied() {
    let app = TestApp::start().await;
    let folder = Folder::new();
    let rows = [
        ban(OLD, 1),
        with(ban(OLD + 1, 2), "experienceBanCompleted", 1),
        with(ban(OLD + 2, 3), "isGlobal", 1),
        with(
            with(ban(OLD + 3, 4), "isGlobal", 1),
            "experienceBanCompleted",
            1,
        ),
        with(ban(OLD + 4, 5), "experienceId", BEACH),
        // Of both, the permanent ban is in force.
        ban(OLD + 5, 6),
        with(
            with(ban(OLD + 6, 6), "isGlobal", 1),
            "expires",
            4_000_000_000_u64,
        ),
    ];
    let file = list(&folder, &rows);

    let left = app.workspace().await;
    for experience in [ARENA, BEACH] {
        left.pending_bans(experience).await;
    }
    import(&left, &file, &[]).await;
    app.settle().await;
    assert_eq!(pending(&left, ARENA).await, [1, 3, 6]);
    assert_eq!(pending(&left, BEACH).await, [3, 4, 5, 6]);

    let applied = app.workspace().await;
    for experience in [ARENA, BEACH] {
        applied.pending_bans(experience).await;
    }
    import(&applied, &file, &["--applied-in", "7001,7002"]).await;
    app.settle().await;
    for experience in [ARENA, BEACH] {
        let left = pending(&applied, experience).await;
        assert!(left.is_empty(), "{experience}: {left:?}");
    }
    // The end of an applied ban becomes a pending unban.
    applied
        .unban(Unban::of(3, ARENA).with("banType", "Global"))
        .await;
    app.settle().await;
    for experience in [ARENA, BEACH] {
        applied.await_pending_unbans(experience, &[3]).await;
    }

    let in_one = app.workspace().await;
    in_one.pending_bans(BEACH).await;
    import(&in_one, &file, &["--applied-in", "7001"]).await;
    app.settle().await;
    assert!(pending(&in_one, ARENA).await.is_empty());
    assert_eq!(pending(&in_one, BEACH).await, [3, 4, 5, 6]);
}
