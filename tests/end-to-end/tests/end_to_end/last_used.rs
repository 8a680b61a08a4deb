//! The day of a key's last use.

use end_to_end::{Ban, TestApp, Workspace, eventually, now};
use serde_json::json;
use shared::domain::clock::{Day, UnixSeconds};
use shared::domain::keys::KeyRecord;

use crate::routes::{EXPERIENCE, USER};

async fn record(workspace: &Workspace<'_>, key: &str) -> KeyRecord {
    let id = workspace.key_id(key);
    let keys = workspace.app().store().keys(workspace.id().prefix()).await;
    let keys = keys.unwrap();
    keys.into_iter().find(|record| record.key_id == id).unwrap()
}

fn today() -> Day {
    UnixSeconds(now()).day()
}

async fn await_used(workspace: &Workspace<'_>, key: &str) {
    eventually("the use of the key is noted", async || {
        let day = record(workspace, key).await.last_used?;
        (today().0 - day.0 <= 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn last_use_of_a_key_is_written_once_per_day() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let key = workspace.secret_key();
    assert_eq!(record(&workspace, key).await.last_used, None);
    app.faults().clear_seen();
    for _ in 0..3 {
        workspace.check(USER, EXPERIENCE).await;
    }
    await_used(&workspace, key).await;
    assert_eq!(
        record(&workspace, workspace.public_key()).await.last_used,
        None
    );

    // A new environment reads that the key was used today, and writes nothing.
    let updates = || {
        let seen = app.faults().seen();
        seen.iter().filter(|name| *name == "UpdateItem").count()
    };
    assert_eq!(updates(), 1, "{:?}", app.faults().seen());
    for _ in 0..3 {
        app.replace("is-banned").await;
        workspace.check(USER, EXPERIENCE).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(updates(), 1, "{:?}", app.faults().seen());
}

#[tokio::test]
async fn last_use_is_updated_the_next_day_and_changes_nothing_else() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let key = workspace.secret_key();
    workspace.check(USER, EXPERIENCE).await;
    await_used(&workspace, key).await;
    let before = record(&workspace, key).await;
    let hash = shared::domain::keys::PlainKey::parse(key).unwrap().hash();
    let yesterday = today().0 - 1;
    let update = json!({
        "TableName": app.tables().workspaces,
        "Key": {
            "pk": { "S": format!("K#{}", hash.as_str()) },
            "sk": { "S": "K" },
        },
        "UpdateExpression": "SET last_used = :yesterday",
        "ExpressionAttributeValues": { ":yesterday": { "N": yesterday.to_string() } },
    });
    app.database().call("UpdateItem", &update).await.unwrap();
    app.replace("is-banned").await;
    workspace.check(USER, EXPERIENCE).await;
    eventually("the new day is noted", async || {
        let day = record(&workspace, key).await.last_used?;
        (day.0 > yesterday).then_some(())
    })
    .await;
    let after = record(&workspace, key).await;
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
}

#[tokio::test]
async fn a_refused_key_does_not_count_as_used() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let revoked = workspace.make_key(end_to_end::KeySpec::default()).await;
    workspace.revoke(&revoked).await;
    for _ in 0..2 {
        let answer = workspace
            .with_key(&revoked)
            .try_check(USER, EXPERIENCE)
            .await;
        answer.assert_error(401, "unauthorized");
    }
    workspace.check(USER, EXPERIENCE).await;
    await_used(&workspace, workspace.secret_key()).await;
    assert_eq!(record(&workspace, &revoked).await.last_used, None);
}

#[tokio::test]
async fn recording_last_use_creates_no_stream_work() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE).global()).await;
    app.settle().await;
    await_used(&workspace, workspace.secret_key()).await;
    let calls = app.runtime().logs("spread-decisions").len();
    let before = workspace.stored().await;
    app.replace("is-banned").await;
    workspace.check(USER, EXPERIENCE).await;
    app.settle().await;
    assert_eq!(app.runtime().logs("spread-decisions").len(), calls);
    assert_eq!(workspace.stored().await, before);
}
