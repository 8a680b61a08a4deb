//! What the command does while a restore is in progress.

use crate::harness::{Portcullis, assert_refused, stderr};
use local_stack::dynamo::Dynamo;
use serde_json::json;

const DEMO: &str = "00000000-0000-4000-8000-000000000001";

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_refused_during_a_restore_and_reads_are_not() {
    let portcullis = Portcullis::start().await;
    let state = json!({
        "name": "restore-1f2e3d4c",
        "copy": "the-copy",
        "began": 1,
        "stopped": null,
        "phase": "Restoring",
        "longest": 60,
        "functions": [],
        "mappings": [],
    });
    let item = json!({
        "pk": { "S": "O" },
        "sk": { "S": "restore" },
        "kind": { "S": "restore" },
        "state": { "S": state.to_string() },
    });
    let put = json!({ "TableName": "WorkspacesTable", "Item": item });
    let dynamo = Dynamo::new(portcullis.engine.endpoint());
    dynamo.call("PutItem", &put).await.unwrap();
    let run = |line: &str| {
        let line = format!("{line} -w {DEMO}");
        let words: Vec<&str> = line.split_whitespace().collect();
        portcullis.run(&words)
    };
    let before = portcullis.stored().await;
    for line in [
        "webhook add http://127.0.0.1:9999/hook",
        "webhook set we_0123456789ab --name x",
        "webhook pause we_0123456789ab",
        "webhook resume we_0123456789ab",
        "webhook remove we_0123456789ab --yes",
        "webhook rotate we_0123456789ab",
        "webhook test we_0123456789ab",
        "webhook replay we_0123456789ab --since 1h",
        "mirror set 7 --secret portcullis/local/roblox",
        "mirror off 7 --yes",
        "mirror adopt 7 --moderator 1 --yes",
        "mirror reconcile 7 --repair --yes",
        "experience link 7",
        "protected add 5",
        "erase 1 --yes",
    ] {
        assert_refused(&run(line), 1, "a restore from the-copy is in progress");
    }
    let delete = ["workspace", "delete", DEMO, "--name", "Demo", "--yes"];
    let refused = portcullis.run(&delete);
    assert_refused(&refused, 1, "a restore from the-copy is in progress");
    assert_eq!(portcullis.stored().await, before);
    for line in [
        "webhook list",
        "mirror list",
        "workspace show",
        "workspace set --history-days 30",
        "key list",
    ] {
        let done = run(line);
        assert_eq!(done.status.code(), Some(0), "{line}: {}", stderr(&done));
    }
}
