//! Tests of `portcullis restore` on a large table.

use std::time::Duration;

use crate::stack::Operator;
use end_to_end::{Ban, TestApp, Workspace, eventually_within, template};
use serde_json::{Value, json};

const PLACE: u64 = 7_001;
const COPY: &str = "bans-restored";

/// The numbers of users and deliveries in the copy.
const USERS: u64 = 250;
const DELIVERIES: u64 = 2_000;

/// The user whose items are copied for the others.
const FIRST: u64 = 7_000_000_000;

/// The memory limit, in KiB. Measured: 62,000.
const MEMORY: u64 = 100_000;

/// The items of a workspace with many users, each with a ban, a history entry and a standing.
async fn users(workspace: &Workspace<'_>) -> Vec<Value> {
    let ban = Ban::of(FIRST, PLACE).permanent().reasons("r", "r");
    let guid = workspace.ban_shown(ban).await["guid"].clone();
    let guid: u64 = guid.as_str().unwrap().parse().unwrap();
    let partition = format!("{}#U#{FIRST}", workspace.prefix());
    let items = json!(workspace.app().items(&partition).await).to_string();
    let copied = |number: u64| -> Vec<Value> {
        let items = items.replace(&FIRST.to_string(), &(FIRST + number).to_string());
        let items = items.replace(&guid.to_string(), &(guid + number).to_string());
        serde_json::from_str(&items).unwrap()
    };
    (1..USERS).flat_map(copied).collect()
}

fn deliveries(workspace: &Workspace<'_>) -> impl Iterator<Item = Value> {
    let partition = format!("{}#D#we_0123456789ab", workspace.prefix());
    let filler = "x".repeat(4_000);
    (1..=DELIVERIES).map(move |position| {
        json!({
            "pk": { "S": partition }, "sk": { "S": format!("{position:016}") },
            "kind": { "S": "delivery" }, "state": { "S": "delivered" }, "answer": { "S": filler },
        })
    })
}

/// Fills both tables. The live one lacks the record and the standing of every second user, and all
/// deliveries.
async fn fill(workspace: &Workspace<'_>) {
    let app = workspace.app();
    let bans = &app.tables().bans;
    let table = template().tables().iter().find(|one| one.name == *bans);
    let mut create = table.unwrap().create.clone();
    create["TableName"] = json!(COPY);
    let created = create.as_object_mut().unwrap();
    created.remove("StreamSpecification");
    created.remove("GlobalSecondaryIndexes");
    let keys = created["AttributeDefinitions"].as_array_mut().unwrap();
    keys.retain(|one| one["AttributeName"] == "pk" || one["AttributeName"] == "sk");
    app.database().call("CreateTable", &create).await.unwrap();
    let users = users(workspace).await;
    let is_kept = |item: &Value| {
        let user = item["pk"]["S"].as_str().unwrap();
        let is_even = user.ends_with(['0', '2', '4', '6', '8']);
        is_even || item["kind"]["S"] == "decision"
    };
    let kept = users.iter().filter(|item| is_kept(item)).cloned().collect();
    app.engine().import(bans, kept).unwrap();
    let scan = json!({ "TableName": bans, "FilterExpression": "attribute_exists(pk)" });
    let others = app.database().call("Scan", &scan).await.unwrap();
    let others = others["Items"].as_array().unwrap().iter();
    let others = others.filter(|item| !item["pk"]["S"].as_str().unwrap().contains("#U#70000"));
    let copied = users
        .iter()
        .chain(others)
        .cloned()
        .chain(deliveries(workspace));
    app.engine().import(COPY, copied.collect()).unwrap();
}

async fn get(app: &TestApp, table: &str, key: &Value) -> Value {
    let get = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
    let found = app.database().call("GetItem", &get).await.unwrap();
    found["Item"].clone()
}

/// The checkpoint of the restore in progress.
async fn checkpoint(app: &TestApp) -> Option<Value> {
    let key = json!({ "pk": { "S": "O" }, "sk": { "S": "checkpoint" } });
    let item = get(app, &app.tables().workspaces, &key).await;
    serde_json::from_str(item["state"]["S"].as_str()?).ok()
}

/// The peak memory of a process, in KiB; `None` after its end.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_restore_of_a_large_table_resumes_in_constant_memory() {
    let app = TestApp::builder().without_stream().start().await;
    app.control().set_timeout(Duration::from_secs(1));
    let workspace = app.workspace().await;
    workspace.link(PLACE).await;
    fill(&workspace).await;
    let operator = Operator::of(&workspace);
    let restore = ["--stack", "portcullis", "restore", "--from", COPY];
    let of_ours = |shown: &Value| {
        let mut all = shown.as_array().unwrap().iter();
        let ours = all.find(|one| one["workspaceGuid"] == workspace.guid());
        ours.unwrap().clone()
    };
    let dry = of_ours(
        &operator
            .json(&[&restore[..], &["--dry-run"]].concat())
            .await,
    );
    assert_eq!(dry["users"], USERS, "{dry}");
    assert_eq!(dry["putBack"]["delivery"], DELIVERIES, "{dry}");
    assert_eq!(dry["putBack"]["ban"], USERS / 2, "{dry}");
    assert_eq!(dry["leftOutCount"], 0, "{dry}");

    // Killed after some pages.
    let yes = [&restore[..], &["--yes"]].concat();
    let mut killed = operator.spawn(&yes);
    let reached = eventually_within(Duration::from_mins(1), "some pages are done", async || {
        let parts = checkpoint(&app).await?["parts"].clone();
        let mut places = parts
            .as_object()?
            .values()
            .filter(|place| place.is_object());
        places.next_back().cloned()
    })
    .await;
    let most = peak(killed.id()).unwrap_or_default();
    killed.kill().unwrap();
    killed.wait().unwrap();
    let key = json!({ "pk": { "S": reached["pk"] }, "sk": { "S": reached["sk"] } });
    let bans = &app.tables().bans;
    assert!(get(&app, bans, &key).await.is_object(), "{key}");

    // It continues after the finished pages: new losses there are not repaired.
    let delete = json!({ "TableName": bans, "Key": key });
    app.database().call("DeleteItem", &delete).await.unwrap();
    let done = of_ours(&operator.json(&yes).await);
    assert!(
        get(&app, bans, &key).await.is_null(),
        "it began at the start"
    );
    assert_eq!(done["users"], USERS, "{done}");
    assert!(checkpoint(&app).await.is_none(), "nothing is left of it");

    // Another restore finds only that item, and does exactly what its dry run lists.
    let dry = of_ours(
        &operator
            .json(&[&restore[..], &["--dry-run"]].concat())
            .await,
    );
    let kind = get(&app, COPY, &key).await["kind"]["S"].clone();
    let one = json!({ kind.as_str().unwrap(): 1 });
    assert_eq!(dry["putBack"], one, "{dry}");
    let mut again = operator.spawn(&yes);
    let mut most = most;
    while again.try_wait().unwrap().is_none() {
        most = most.max(peak(again.id()).unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(get(&app, bans, &key).await.is_object());
    assert!(most > 0 && most < MEMORY, "{most} KiB");
}
