//! The audit itself: whatever is half done, it finds.

use std::panic::AssertUnwindSafe;

use end_to_end::{Ban, TestApp, Unban, Workspace};
use futures::FutureExt;
use serde_json::{Value, json};

use crate::audit::audit_items;

const ARENA: u64 = 7_001;
const BEACH: u64 = 7_002;

async fn passes(workspace: &Workspace<'_>) -> bool {
    AssertUnwindSafe(audit_items(workspace))
        .catch_unwind()
        .await
        .is_ok()
}

#[tokio::test]
async fn the_audit_misses_no_item_that_is_missing_and_no_index_entry() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.pending_bans(BEACH).await;
    workspace.ban(Ban::of(1, ARENA).permanent()).await;
    workspace.ban(Ban::of(2, ARENA).permanent().global()).await;
    workspace
        .ban(
            Ban::of(2, ARENA)
                .permanent()
                .global()
                .completed()
                .moderator(5),
        )
        .await;
    workspace
        .ban(Ban::of(3, ARENA).permanent().completed())
        .await;
    workspace.unban(Unban::of(3, ARENA)).await;
    app.settle().await;
    assert!(passes(&workspace).await);

    let table = &app.tables().bans;
    let put = async |item: &Value| {
        let put = json!({ "TableName": table, "Item": item });
        app.database().call("PutItem", &put).await.unwrap();
    };
    let kinds = ["experience", "global", "ban", "decision"];
    let items = workspace.stored().await;
    let items = items
        .iter()
        .filter(|item| kinds.iter().any(|kind| item["kind"]["S"] == *kind));
    let mut tried = 0;
    for item in items {
        let key = json!({ "pk": item["pk"], "sk": item["sk"] });
        let delete = json!({ "TableName": table, "Key": key });
        app.database().call("DeleteItem", &delete).await.unwrap();
        assert!(!passes(&workspace).await, "nobody missed {item}");
        put(item).await;
        for entry in [
            "ban_owed",
            "unban_owed",
            "applied",
            "report",
            "log_position",
        ] {
            // Of a decision it says how things were.
            if entry == "applied" && item["kind"]["S"] == "decision" {
                continue;
            }
            let mut without = item.clone();
            if without.as_object_mut().unwrap().remove(entry).is_some() {
                put(&without).await;
                assert!(!passes(&workspace).await, "nobody missed {entry} of {item}");
                put(item).await;
                tried += 1;
            }
        }
        tried += 1;
    }
    assert!(tried > 15, "only {tried} were tried");
    assert!(passes(&workspace).await);
}
