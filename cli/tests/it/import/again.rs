//! Tests that interruptions, repetitions, write conflicts and throttling import each ban once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use end_to_end::{Ban, TestApp, Unban, Workspace};
use futures::future::join_all;
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::{Value, json};

use super::program::{
    FLAGS, Folder, assert_each_once, assert_sums, begin, export, finished, import, import_failing,
    link_named, of_kind, program, said, without_actors,
};

const ARENA: u64 = 7_001;
const OLD: u64 = 633_197_862_920_433_664;

fn users(folder: &Folder, count: u64) -> PathBuf {
    let rows = (1..=count).map(|user| format!("{user},reason {user}\n"));
    let text = format!("userId,reason\n{}", rows.collect::<String>());
    folder.with("users.csv", text)
}

/// Two files assign the same guids to different users. Whichever import is faster, each guid names one ban.
#[tokio::test]
async fn concurrent_imports_give_each_guid_to_one_user() {
    const BANS: u64 = 300;
    let app = TestApp::builder().without_stream().start().await;
    let (workspace, folder) = (app.workspace().await, Folder::new());
    let file = |name: &str, first: u64| {
        let rows: Vec<_> = (0..BANS)
            .map(|at| {
                json!({
                    "guid": (633_197_862_920_433_664 + (at << 22)).to_string(),
                    "robloxId": first + at, "moderatorId": 1, "experienceId": ARENA, "expires": 0,
                    "isGlobal": 0, "isActive": 1, "privateReason": "p", "publicReason": "p",
                })
            })
            .collect();
        folder.with(name, json!({ "list": rows }).to_string())
    };
    let (one, other) = (file("one.json", 1_000), file("other.json", 5_000));
    let both = [begin(&workspace, &one, &[]), begin(&workspace, &other, &[])];
    let both = join_all(both.map(finished)).await;
    let sums = both.iter();
    let sums: Vec<Value> = sums
        .map(|done| serde_json::from_slice(&done.stdout).unwrap())
        .collect();
    let sum = |name: &str| {
        sums.iter()
            .map(|one| one[name].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((sum("added"), sum("failed")), (BANS, BANS), "{sums:?}");
    assert_each_once(&workspace, 300).await;

    // A third import finds them in the index.
    let third = file("third.json", 9_000);
    import_failing(&workspace, &third, &[], BANS).await;
    assert_each_once(&workspace, 300).await;
}

/// Bans with guids and numbers; every third is Global, every fourth has ended.
fn exported(folder: &Folder, count: u64) -> PathBuf {
    let rows = (1..=count).rev().map(|number| {
        let ban = json!({
            "guid": (OLD + (number << 22) + number).to_string(),
            "workspaceGuid": "f2ab4802-48d6-41ef-82a0-222326092f67",
            "isGlobal": u8::from(number % 3 == 0), "isActive": u8::from(number % 4 > 0),
            "privateReason": format!("private {number}"), "publicReason": "public",
            "robloxId": number, "moderatorId": 5001, "created": 1_728_802_934 + number,
            "updated": 1_728_802_935 + number, "experienceId": ARENA, "expires": 0,
            "isAppealed": 0, "experienceUniversal": 1, "uid": number,
            "experienceBanCompleted": u8::from(number % 5 == 0),
        });
        ban.to_string()
    });
    let rows: Vec<_> = rows.collect();
    folder.with(
        "bans.json",
        format!("{{\"list\":[\n{}\n]}}\n", rows.join(",\n")),
    )
}

/// Kills imports, each a little later than the one before, and completes the last one. Returns how many
/// were killed midway.
async fn interrupted(workspace: &Workspace<'_>, file: &Path, flags: &[&str], bans: usize) -> u32 {
    let (mut killed, mut there) = (0, 0);
    for further in [1, 60, 150] {
        link_named(workspace, flags).await;
        let mut child = begin(workspace, file, flags);
        let enough = there + further;
        while there < enough && child.try_wait().unwrap().is_none() {
            there = of_kind(workspace, "ban").await.len();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        there = of_kind(workspace, "ban").await.len();
        killed += u32::from(there > 0 && there < bans);
    }
    import(workspace, file, flags).await;
    killed
}

#[tokio::test]
async fn killed_imports_resume_to_the_same_result() {
    const BANS: u64 = 600;
    let app = TestApp::builder().without_stream().start().await;
    let folder = Folder::new();
    let bans = usize::try_from(BANS).unwrap();
    let (whole, broken) = (app.workspace().await, app.workspace().await);
    let file = exported(&folder, BANS);
    assert_sums(&import(&whole, &file, &[]).await, json!({ "added": BANS }));
    let killed = interrupted(&broken, &file, &[], bans).await;
    assert!(killed > 0, "none was killed at work");
    assert_each_once(&broken, bans).await;
    let expected = export(&whole, &[])
        .await
        .replace(&whole.guid(), &broken.guid());
    let resumed = export(&broken, &[]).await;
    assert_eq!(without_actors(&resumed), without_actors(&expected));
    let pending = |workspace: &Workspace<'_>, items: Vec<Value>| {
        let prefix = workspace.prefix();
        let text = items.into_iter().map(|mut item| {
            // Versions of new items are random, and each run has its own name.
            for own in ["version", "made_by", "last_by"] {
                item.as_object_mut().unwrap().remove(own);
            }
            item.to_string().replace(&prefix, "")
        });
        text.collect::<Vec<_>>()
    };
    for kind in ["experience", "global", "ban"] {
        let [a, b] = [of_kind(&whole, kind).await, of_kind(&broken, kind).await];
        assert_eq!(pending(&whole, a), pending(&broken, b), "{kind}");
    }
    let again = import(&broken, &file, &[]).await;
    assert_sums(
        &again,
        json!({ "added": 0, "unchanged": BANS, "failed": 0 }),
    );
}

#[tokio::test]
async fn killed_imports_ban_users_without_guid_once() {
    const USERS: u64 = 600;
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let file = users(&folder, USERS);
    let killed = interrupted(&workspace, &file, &FLAGS, 600).await;
    assert!(killed > 0, "none was killed at work");
    assert_each_once(&workspace, 600).await;
    // Users who were unbanned since are not banned again.
    for user in 1..=3 {
        workspace.unban(Unban::of(user, ARENA)).await;
    }
    let again = import(&workspace, &file, &FLAGS).await;
    assert_sums(&again, json!({ "added": 0, "unchanged": USERS }));
    assert!(!workspace.is_banned(1, ARENA).await);
    assert!(workspace.is_banned(4, ARENA).await);
}

#[tokio::test]
async fn api_ban_during_an_import_is_not_duplicated() {
    const USERS: u64 = 300;
    let app = TestApp::builder()
        .without_stream()
        .instances(4)
        .start()
        .await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    link_named(&workspace, &FLAGS).await;
    let child = begin(&workspace, &users(&folder, USERS), &FLAGS);
    let calls = (1..=USERS).step_by(5).map(|user| {
        let workspace = &workspace;
        async move {
            tokio::time::sleep(Duration::from_millis(2 * user)).await;
            let ban = Ban::of(user, ARENA).permanent().no_overwrite();
            let answer = workspace.try_ban(ban).await;
            assert!(matches!(answer.status, 200 | 409 | 503), "{answer}");
            u64::from(answer.status == 200)
        }
    });
    let (done, made) = futures::join!(finished(child), join_all(calls));
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let sums: Value = serde_json::from_slice(&done.stdout).unwrap();
    let made: u64 = made.iter().sum();
    assert_sums(
        &sums,
        json!({ "added": USERS - made, "alreadyBanned": made }),
    );
    assert_each_once(&workspace, 300).await;
}

#[tokio::test]
async fn database_faults_neither_lose_nor_duplicate_bans() {
    const USERS: u64 = 400;
    let app = TestApp::builder()
        .without_stream()
        .with_faults()
        .start()
        .await;
    let folder = Folder::new();
    let file = users(&folder, USERS);
    for faults in [
        vec![(Fault::ThroughputExceeded, 8), (Fault::Throttle, 4)],
        vec![(Fault::CutAfter, 5), (Fault::ServerError, 3)],
        vec![(Fault::CutBefore, 4), (Fault::CutAfter, 3)],
    ] {
        let workspace = app.workspace().await;
        link_named(&workspace, &FLAGS).await;
        for (fault, times) in &faults {
            for (after, operation) in [(2, "TransactWriteItems"), (5, "BatchGetItem")] {
                let rule = Rule::from(*fault).on(operation).after(after);
                app.faults().inject(rule.times(*times));
            }
        }
        let mut command = program(&app, app.faults().endpoint());
        command
            .arg("import")
            .arg(&file)
            .args(["--output", "json"])
            .args(FLAGS);
        command.args(["--workspace", &workspace.guid()]);
        let done = finished(command.spawn().unwrap()).await;
        app.faults().clear();
        assert_eq!(done.status.code(), Some(0), "{faults:?}: {}", said(&done));
        let sums: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_sums(&sums, json!({ "read": USERS, "added": USERS }));
        assert_each_once(&workspace, 400).await;
    }
}

#[tokio::test]
async fn ctrl_c_stops_between_transactions_and_says_how_to_continue() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let file = users(&folder, 2_000);
    link_named(&workspace, &FLAGS).await;
    let child = begin(&workspace, &file, &FLAGS);
    while of_kind(&workspace, "ban").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stopped = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(stopped.unwrap().success());
    let done = finished(child).await;
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let there = of_kind(&workspace, "ban").await.len();
    let expected = format!("stopped after {there} bans: run the same command again to continue");
    assert!(said(&done).contains(&expected), "{there}: {}", said(&done));
    assert!(there < 2_000);
}
