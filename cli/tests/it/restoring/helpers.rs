//! Copies and damages the bans table, and reads events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use end_to_end::{Call, TestApp, Workspace, template};
use serde_json::{Value, json};

/// The name of the copied table.
pub const COPY: &str = "bans-restored";

/// Copies the bans table like a restored one: without a stream.
pub async fn copy(app: &TestApp) {
    let bans = &app.tables().bans;
    let table = template().tables().iter().find(|one| one.name == *bans);
    let mut create = table.unwrap().create.clone();
    create["TableName"] = json!(COPY);
    create
        .as_object_mut()
        .unwrap()
        .remove("StreamSpecification");
    let database = app.database();
    database.call("CreateTable", &create).await.unwrap();
    let scan = json!({ "TableName": bans });
    let found = database.call("Scan", &scan).await.unwrap();
    for item in found["Items"].as_array().unwrap() {
        let put = json!({ "TableName": COPY, "Item": item });
        database.call("PutItem", &put).await.unwrap();
    }
}

/// Deletes items directly from the bans table.
pub async fn damage(app: &TestApp, partition: &str) {
    for item in app.items(partition).await {
        let key = json!({ "pk": item["pk"], "sk": item["sk"] });
        let delete = json!({ "TableName": app.tables().bans, "Key": key });
        app.database().call("DeleteItem", &delete).await.unwrap();
    }
}

/// Waits for `count` events after a cursor; returns them and the next cursor. Skipped positions block a
/// reader for a minute, unless the log is aged.
pub async fn read(
    workspace: &Workspace<'_>,
    cursor: Option<&str>,
    count: usize,
) -> (Vec<Value>, String) {
    for _ in 0..450 {
        let mut call = Call::get("/events").query("limit", 100);
        if let Some(cursor) = cursor {
            call = call.query("cursor", cursor);
        }
        let answer = workspace.send(call).await;
        let next = answer.json()["nextCursor"].as_str().unwrap().to_owned();
        let events = answer.list();
        if events.len() >= count {
            return (events, next);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("there are not {count} events");
}

pub fn ids(events: &[Value]) -> BTreeSet<String> {
    let ids = events.iter().map(|event| event["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

/// The events that are marked as repeated.
pub fn marked(events: &[Value]) -> BTreeSet<String> {
    let marked = events.iter().filter(|event| event["repeated"] == 1);
    marked
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The counts of a restore, without the counters, which a dry run cannot advance.
pub fn counted(shown: &Value) -> Value {
    let mut shown = shown.clone();
    shown.as_object_mut().unwrap().remove("counters");
    shown
}

pub async fn epoch(workspace: &Workspace<'_>) -> u64 {
    let page = workspace.send(Call::get("/events")).await.success();
    page["epoch"].as_u64().unwrap()
}

/// The last event of each user.
pub fn by_user(events: &[Value]) -> BTreeMap<u64, &str> {
    let named = |event: &'_ Value| event["data"]["robloxId"].as_u64().unwrap();
    events
        .iter()
        .map(|event| (named(event), event["event"].as_str().unwrap()))
        .collect()
}
