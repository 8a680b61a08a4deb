//! `GET /snapshot`: all banned users, as `build-snapshots` found them.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use end_to_end::{ApiResponse, Ban, Call, KeySpec, TestApp, Unban, Workspace, eventually, now};
use serde_json::{Value, json};
use shared::domain::banned_users::BannedUsers;
use shared::domain::ids::UserId;
use shared::store::ErasureSource;

use crate::routes::EXPERIENCE;

/// Asks for the snapshot and decodes it.
async fn snapshot(workspace: &Workspace<'_>) -> (Value, BTreeSet<u64>) {
    let answer = workspace.send(Call::get("/snapshot")).await.success();
    let bytes = STANDARD.decode(answer["users"].as_str().unwrap()).unwrap();
    let users = BannedUsers::decode(&bytes).unwrap();
    assert_eq!(answer["count"], users.count());
    let users = users.iter().map(UserId::get).collect();
    (answer, users)
}

/// Invokes the builder for a workspace, as if the last build were old enough.
async fn build(workspace: &Workspace<'_>) {
    age(workspace, 120).await;
    let app = workspace.app();
    let event = json!({ "workspace": workspace.prefix() });
    app.invoke("build-snapshots", &event).await.unwrap();
}

/// The stored state.
async fn state(workspace: &Workspace<'_>) -> Option<Value> {
    let partition = format!("{}#J", workspace.prefix());
    let items = workspace.app().items(&partition).await;
    items.into_iter().next()
}

/// Makes the last build and the last erasure this much older.
async fn age(workspace: &Workspace<'_>, seconds: u64) {
    let Some(item) = state(workspace).await else {
        return;
    };
    let app = workspace.app();
    let number = |value: &Value| value["N"].as_str().map(|n| n.parse::<u64>().unwrap());
    let earlier = |n: u64| json!({ "N": (n - seconds).to_string() });
    let built = &item["built"]["M"]["built"];
    if let Some(built) = number(built) {
        let values = json!({ ":at": earlier(built) });
        app.update_item(&item, "SET built.built = :at", &values)
            .await;
    }
    if let Some(doubt) = number(&item["doubt"]) {
        let since = number(&item["doubted_since"]).unwrap();
        let values = json!({ ":last": earlier(doubt), ":first": earlier(since) });
        let update = "SET doubt = :last, doubted_since = :first";
        app.update_item(&item, update, &values).await;
    }
}

/// Asks for the first time and has it built.
async fn first(workspace: &Workspace<'_>) -> BTreeSet<u64> {
    let answer: ApiResponse = workspace.send(Call::get("/snapshot")).await;
    answer.assert_error(503, "unavailable");
    assert_eq!(answer.header("retry-after"), Some("30"));
    build(workspace).await;
    eventually("the first snapshot", async || {
        let answer = workspace.send(Call::get("/snapshot")).await;
        (answer.status == 200).then_some(())
    })
    .await;
    snapshot(workspace).await.1
}

/// The snapshot once a fresh instance serves it: one that holds a state does so for a minute.
async fn fresh(workspace: &Workspace<'_>) -> BTreeSet<u64> {
    workspace.app().replace("snapshot").await;
    snapshot(workspace).await.1
}

/// Whether each build so far was a full one.
fn builds(app: &TestApp) -> Vec<bool> {
    let lines = app.runtime().logs("build-snapshots");
    let lines = lines.iter().filter_map(|line| line.json());
    lines
        .filter(|line| line.get("snapshotsBuilt").is_some())
        .map(|line| line.get("snapshotsBuiltInFull").is_some())
        .collect()
}

/// Waits until the log has these builds; its lines may come a moment late.
async fn await_builds(app: &TestApp, expected: &[bool]) {
    let what = format!("builds: {expected:?}");
    eventually(&what, async || (builds(app) == expected).then_some(())).await;
}

#[tokio::test]
async fn snapshot_lists_exactly_the_users_whom_a_ban_blocks() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    workspace
        .ban(Ban::of(157, EXPERIENCE + 1).permanent().global())
        .await;
    workspace
        .ban(Ban::of(457, EXPERIENCE).length(now() + 3600))
        .await;
    workspace.ban(Ban::of(500, EXPERIENCE).permanent()).await;
    workspace.unban(Unban::of(500, EXPERIENCE)).await;
    app.quiet().await;
    assert_eq!(first(&workspace).await, [156, 157, 457].into());
    let (answer, _) = snapshot(&workspace).await;
    assert_eq!(answer["users"], "nAEBrAI=");
    assert_eq!(
        (answer["part"].as_u64(), answer["parts"].as_u64()),
        (Some(1), Some(1))
    );

    // The next build is incremental: a ban of another kind, a lift of one of two, a lift.
    workspace.ban(Ban::of(158, EXPERIENCE).permanent()).await;
    workspace.ban(Ban::of(157, EXPERIENCE).permanent()).await;
    workspace
        .ban(Ban::of(500, EXPERIENCE + 1).permanent())
        .await;
    workspace.ban(Ban::of(500, EXPERIENCE).permanent()).await;
    workspace.unban(Unban::of(500, EXPERIENCE)).await;
    workspace.unban(Unban::of(457, EXPERIENCE)).await;
    app.quiet().await;
    build(&workspace).await;
    assert_eq!(fresh(&workspace).await, [156, 157, 158, 500].into());
    workspace.unban(Unban::of(500, EXPERIENCE + 1)).await;
    app.quiet().await;
    build(&workspace).await;
    assert_eq!(fresh(&workspace).await, [156, 157, 158].into());
    await_builds(&app, &[true, false, false]).await;
}

#[tokio::test]
async fn schedule_builds_what_is_due_and_nothing_else() {
    let app = TestApp::start().await;
    let (asking, silent) = (app.workspace().await, app.workspace().await);
    for workspace in [&asking, &silent] {
        workspace.ban(Ban::of(7, EXPERIENCE).permanent()).await;
    }
    app.quiet().await;
    let ordered = asking.send(Call::get("/snapshot")).await;
    ordered.assert_error(503, "unavailable");
    for _ in 0..2 {
        app.run_schedule("build-snapshots", "EachMinute").await;
        app.background_settled().await;
    }
    assert_eq!(fresh(&asking).await, [7].into());
    await_builds(&app, &[true]).await;
    assert_eq!(state(&silent).await, None);
}

#[tokio::test]
async fn erased_user_disappears_from_the_snapshot() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in [8, 9] {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    app.quiet().await;
    assert_eq!(first(&workspace).await, [8, 9].into());
    let erase = app.store().erase_user(
        workspace.id().prefix(),
        UserId::new(8).unwrap(),
        ErasureSource::Operator,
    );
    erase.await.unwrap();
    app.quiet().await;
    let due = state(&workspace).await.unwrap()["due_at"]["N"].clone();
    let due: u64 = due.as_str().unwrap().parse().unwrap();
    assert!((now() + 50..=now() + 60).contains(&due), "{due}");
    build(&workspace).await;
    assert_eq!(fresh(&workspace).await, [9].into());
    await_builds(&app, &[true, true]).await;
    assert_eq!(state(&workspace).await.unwrap().get("doubt"), None);
}

#[tokio::test]
async fn lost_object_leads_to_a_full_build() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(8, EXPERIENCE).permanent()).await;
    app.quiet().await;
    first(&workspace).await;
    let bucket = app.snapshot_bucket();
    bucket.remove(workspace.id().prefix()).await.unwrap();
    app.replace("snapshot").await;
    let answer = workspace.send(Call::get("/snapshot")).await;
    answer.assert_error(503, "unavailable");
    app.run_schedule("build-snapshots", "EachMinute").await;
    app.background_settled().await;
    build(&workspace).await;
    assert_eq!(fresh(&workspace).await, [8].into());
    await_builds(&app, &[true, true]).await;
}

#[tokio::test]
async fn parts_of_another_build_and_wrong_parameters_are_refused() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    first(&workspace).await;
    let (answer, users) = snapshot(&workspace).await;
    assert_eq!((answer["users"].as_str(), users.len()), (Some(""), 0));
    let version = answer["version"].as_str().unwrap();
    let part = |part: &str, version: &str| {
        let call = Call::get("/snapshot").query("part", part);
        call.query("version", version)
    };
    workspace.send(part("1", version)).await.success();
    let other = workspace.send(part("1", "1")).await;
    other.assert_error(409, "snapshot_changed");
    for (call, field) in [
        (part("2", version), "part"),
        (part("0", version), "part"),
        (part("x", version), "part"),
        (Call::get("/snapshot").query("part", "2"), "version"),
        (part("1", ""), "version"),
    ] {
        workspace.send(call).await.assert_wrong_fields(&[field]);
    }
    let public = workspace.with_key(workspace.public_key());
    public
        .send(Call::get("/snapshot"))
        .await
        .assert_error(403, "forbidden");
    let writer = workspace.make_key(KeySpec::scopes(&[])).await;
    let writer = workspace.with_key(&writer);
    let answer = writer.send(Call::get("/snapshot")).await;
    answer.assert_error(403, "forbidden");
}

#[tokio::test]
async fn snapshot_that_nobody_asks_for_is_removed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(8, EXPERIENCE).permanent()).await;
    first(&workspace).await;
    let item = state(&workspace).await.unwrap();
    let long_ago = json!({ ":at": { "N": (now() - 8 * 86_400).to_string() } });
    app.update_item(&item, "SET requested = :at, due_at = :at", &long_ago)
        .await;
    app.run_schedule("build-snapshots", "EachMinute").await;
    app.background_settled().await;
    assert_eq!(state(&workspace).await, None);
    let left = app.snapshot_bucket().read(workspace.id().prefix()).await;
    assert_eq!(left.unwrap(), None);
    app.replace("snapshot").await;
    assert_eq!(first(&workspace).await, [8].into());
}

#[tokio::test]
async fn many_events_wake_the_builder() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    first(&workspace).await;
    age(&workspace, 120).await;
    let prefix = workspace.prefix();
    let head = json!({
        "pk": { "S": format!("{prefix}#L") }, "sk": { "S": "L" }, "kind": { "S": "log" },
        "log_position": { "N": "255" }, "began": { "N": "1" },
    });
    app.put_item(&head).await;
    workspace.ban(Ban::of(8, EXPERIENCE).permanent()).await;
    app.quiet().await;
    await_builds(&app, &[true, false]).await;
}

#[tokio::test]
async fn killed_builder_leaves_a_sound_snapshot() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let prefix = workspace.id().prefix();
    let mut banned = first(&workspace).await;
    for (user, pause) in (1..).zip([4, 8, 16, 32, 64]) {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
        banned.insert(user);
        app.quiet().await;
        let killing = async {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            app.runtime().kill("build-snapshots", 0)
        };
        age(&workspace, 120).await;
        let event = json!({ "workspace": workspace.prefix() });
        let _ = futures::future::join(app.invoke("build-snapshots", &event), killing).await;
        // The killed builder cannot return its lease.
        for lease in app.items(&format!("{}#W#J", workspace.prefix())).await {
            app.delete_item(&lease).await;
        }
        let object = app.snapshot_bucket().read(prefix).await.unwrap();
        assert!(object.is_some(), "an object is whole or the one before");
    }
    build(&workspace).await;
    assert_eq!(fresh(&workspace).await, banned);
}

#[tokio::test]
async fn failures_make_the_next_build_due_in_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    first(&workspace).await;
    app.secrets().set_failures(1);
    build(&workspace).await;
    await_builds(&app, &[true, false]).await;
    let due = state(&workspace).await.unwrap()["due_at"]["N"].clone();
    let due: u64 = due.as_str().unwrap().parse().unwrap();
    assert!(due <= now() + 900, "{due}");
}
