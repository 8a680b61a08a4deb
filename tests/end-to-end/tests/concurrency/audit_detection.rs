//! The audit detects every kind of partial write.

use std::panic::AssertUnwindSafe;

use end_to_end::evidence::text_body;
use end_to_end::{Ban, Call, TestApp, Unban, Workspace};
use futures::FutureExt;

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
async fn the_audit_detects_every_missing_item_and_index_entry() {
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
                .applied()
                .moderator(5),
        )
        .await;
    workspace.ban(Ban::of(3, ARENA).permanent().applied()).await;
    workspace.unban(Unban::of(3, ARENA)).await;
    let case = workspace.bans().await[0]["guid"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = text_body(&case, "aimbot");
    let create = Call::new("PATCH", "/evidence/create").json(&text);
    workspace.send(create).await.success();
    app.settle().await;
    assert!(passes(&workspace).await);

    let kinds = [
        "experience",
        "global",
        "ban",
        "decision",
        "evidence",
        "evidence-bytes",
        "evidence-entry",
        "evidence-text",
    ];
    let items = workspace.stored().await;
    let items = items
        .iter()
        .filter(|item| kinds.iter().any(|kind| item["kind"]["S"] == *kind));
    let mut tried = 0;
    for item in items {
        app.delete_item(item).await;
        assert!(!passes(&workspace).await, "the audit missed {item}");
        app.put_item(item).await;
        for entry in [
            "ban_owed",
            "unban_owed",
            "applied",
            "report",
            "log_position",
        ] {
            // In a decision it records the state at that time.
            if entry == "applied" && item["kind"]["S"] == "decision" {
                continue;
            }
            let mut without = item.clone();
            if without.as_object_mut().unwrap().remove(entry).is_some() {
                app.put_item(&without).await;
                assert!(
                    !passes(&workspace).await,
                    "the audit missed {entry} of {item}"
                );
                app.put_item(item).await;
                tried += 1;
            }
        }
        tried += 1;
    }
    assert!(tried > 15, "only {tried} were tried");
    assert!(passes(&workspace).await);
}
