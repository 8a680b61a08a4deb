//! Every call that changes evidence can be sent again.

use end_to_end::{ApiResponse, Call, TestApp, Workspace};
use serde_json::json;

use super::{
    PNG, about, case, complete, create, created, file_body, guid_of, stored, text_body, uploaded,
};

/// Sends a call twice, and checks that the second changes nothing.
async fn twice(workspace: &Workspace<'_>, call: Call) -> [ApiResponse; 2] {
    let first = workspace.send(call.clone()).await;
    let before = workspace.stored().await;
    let second = workspace.send(call).await;
    assert_eq!(workspace.stored().await, before);
    assert_eq!((first.status, second.status), (200, 200));
    [first, second]
}

#[tokio::test]
async fn repeated_changes_of_a_piece_change_nothing() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let text = guid_of(&created(&workspace, &text_body(&case, "a")).await);
    let file = guid_of(&uploaded(&workspace, &case).await);
    let change = json!({ "comment": "0:42", "old": null });
    for call in [
        about("PATCH", &text, "/metadata").json(&change),
        about("POST", &file, "/complete"),
        about("POST", &text, "/complete"),
        about("DELETE", &file, ""),
        about("DELETE", &text, ""),
    ] {
        let [first, second] = twice(&workspace, call).await;
        assert_eq!(first.text, second.text);
    }
    assert_eq!(stored(&workspace, "evidence").await.len(), 0);
}

#[tokio::test]
async fn repeated_creation_of_a_file_gives_a_new_upload_of_the_same_piece() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let body = file_body(&case, "image/png", PNG);
    let call = create(&body).header("idempotency-key", "clip");
    let [first, second] = twice(&workspace, call).await;
    let (first, second) = (first.json(), second.json());
    assert_eq!(guid_of(&first), guid_of(&second));
    let answer = app.upload(&second["upload"], PNG).await;
    assert_eq!(answer.status, 200, "{answer}");
    complete(&workspace, &guid_of(&first)).await.success();
}

#[tokio::test]
async fn repeat_under_an_idempotency_key_keeps_a_later_change_of_metadata() {
    let app = TestApp::builder()
        .without_stream()
        .with_faults()
        .start()
        .await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let guid = guid_of(&created(&workspace, &text_body(&case, "a")).await);
    let change = |value: u64| about("PATCH", &guid, "/metadata").json(&json!({ "level": value }));
    let named = |value, name: &str| change(value).header("idempotency-key", name);
    let level = async || {
        let piece = workspace.send(about("GET", &guid, "/metadata")).await;
        piece.success()["metadata"]["level"].as_u64()
    };
    twice(&workspace, named(1, "first")).await;
    workspace.send(change(2)).await.success();
    let [repeated, _] = twice(&workspace, named(1, "first")).await;
    assert_eq!(repeated.json()["metadata"]["level"], 2);
    assert_eq!(level().await, Some(2));
    let other = workspace.send(named(3, "first")).await;
    other.assert_wrong_fields(&["idempotency-key"]);
    // A change that is made already uses up its key as well.
    twice(&workspace, named(2, "second")).await;
    workspace.send(change(5)).await.success();
    twice(&workspace, named(2, "second")).await;
    assert_eq!(level().await, Some(5));
    // A refused call does not.
    let refused = about("PATCH", &guid, "/metadata").body("[1]");
    let refused = refused.header("idempotency-key", "third");
    workspace.send(refused).await.assert_wrong_fields(&["body"]);
    twice(&workspace, named(6, "third")).await;
    assert_eq!(level().await, Some(6));
}
