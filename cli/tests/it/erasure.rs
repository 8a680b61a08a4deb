//! Tests of `portcullis erasure`.

use crate::stack::Operator;
use end_to_end::{Ban, Notification, TestApp};
use serde_json::Value;

const ARENA: u64 = 11;

#[tokio::test]
async fn request_waits_for_approval_or_rejection() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    assert_eq!(
        operator.json(&["erasure", "show"]).await["mode"],
        Value::Null
    );
    let made = operator.json(&["erasure", "setup"]).await;
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(made["mode"], "queue");
    let shown = operator.json(&["erasure", "show"]).await;
    assert_eq!(shown["mode"], "queue");
    assert!(
        !shown.to_string().contains(secret),
        "a secret is shown once"
    );

    // Numbers that no other stored value contains.
    let (erased, kept) = (7_340_915_862, 7_340_915_863);
    let mut requests = Vec::new();
    for user in [erased, kept] {
        workspace.ban(Ban::of(user, ARENA).permanent()).await;
        let request = Notification::erasure(user);
        app.send(&request.signed(secret)).await.assert_ok();
        requests.push(request.id().to_owned());
    }
    let waiting = operator.json(&["erasure", "list"]).await;
    assert_eq!(waiting.as_array().unwrap().len(), 2);
    assert!(workspace.is_banned(erased, ARENA).await);

    let stored = workspace.stored().await;
    let approve = ["erasure", "approve", &requests[0]];
    let would = operator
        .json(&[&approve[..], &["--dry-run"]].concat())
        .await;
    assert_eq!(would[0]["removed"]["bans"], 1);
    let unanswered = operator.run(&approve).await;
    assert_eq!(unanswered.status.code(), Some(1));
    let unknown = operator
        .run(&["erasure", "approve", "no-such-request", "--yes"])
        .await;
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(workspace.stored().await, stored);

    operator.json(&[&approve[..], &["--yes"]].concat()).await;
    operator
        .json(&["erasure", "reject", &requests[1], "--yes"])
        .await;
    assert!(!workspace.is_banned(erased, ARENA).await);
    assert!(workspace.is_banned(kept, ARENA).await);
    let waiting = operator.json(&["erasure", "list"]).await;
    assert_eq!(waiting.as_array().unwrap().len(), 0);
    let left = Value::from(workspace.stored().await).to_string();
    assert!(!left.contains(&erased.to_string()), "{left}");

    // Erasing a user also removes their request.
    let request = Notification::erasure(kept);
    app.send(&request.signed(secret)).await.assert_ok();
    operator.json(&["erase", &kept.to_string(), "--yes"]).await;
    let waiting = operator.json(&["erasure", "list"]).await;
    assert_eq!(waiting.as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn secret_from_standard_input_survives_a_mode_change() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let kept = operator.run(&["erasure", "setup", "--keep-secret"]).await;
    assert_eq!(kept.status.code(), Some(1), "there is none to keep");
    let secret = "a secret of our own";
    let setup = ["erasure", "setup", "--secret-from-stdin"];
    let done = operator.answering(&format!("{secret}\n"), &setup).await;
    assert_eq!(done.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&done.stdout).contains(secret));
    let change = ["erasure", "setup", "--keep-secret", "--mode", "erase"];
    assert_eq!(operator.json(&change).await["mode"], "erase");

    workspace.ban(Ban::of(156, ARENA).permanent()).await;
    let request = Notification::erasure(156);
    app.send(&request.signed(secret)).await.assert_ok();
    assert!(!workspace.is_banned(156, ARENA).await);

    let replaced = operator.run(&["erasure", "setup"]).await;
    assert_eq!(
        replaced.status.code(),
        Some(1),
        "a secret in use is not replaced unasked"
    );
    operator.json(&["erasure", "off", "--dry-run"]).await;
    assert_eq!(operator.json(&["erasure", "show"]).await["mode"], "erase");
    let off = operator.json(&["erasure", "off", "--yes"]).await;
    assert_eq!(off["mode"], Value::Null);
    assert_eq!(
        operator.json(&["erasure", "show"]).await["mode"],
        Value::Null
    );
}
