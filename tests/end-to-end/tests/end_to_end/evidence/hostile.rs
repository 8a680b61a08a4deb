//! Hostile input, keys without the permission, and other workspaces.

use end_to_end::{Ban, Call, KeySpec, TestApp};
use serde_json::{Value, json};
use shared::domain::keys::KeyScope;

use super::{
    PNG, about, base64, case, create, created, file_body, guid_of, stored, text_body, uploaded,
};
use crate::routes::{EXPERIENCE, USER};

#[tokio::test]
async fn invalid_creations_name_their_fields() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let with = |mut body: Value, field: &str, value: Value| {
        body[field] = value;
        body
    };
    let text = |field: &str, value: Value| with(text_body(&case, "a"), field, value);
    let file = |field: &str, value: Value| with(file_body(&case, "image/png", PNG), field, value);
    let not_utf8 = json!(base64(b"\xff\xfe"));
    for (body, fields) in [
        (json!({}), &["caseId", "evidenceType"][..]),
        (json!([]), &["caseId", "evidenceType"]),
        (text("caseId", json!("x")), &["caseId"]),
        (text("caseId", json!(-1)), &["caseId"]),
        (text("evidenceType", json!("metadata")), &["evidenceType"]),
        (text("evidenceType", json!(1)), &["evidenceType"]),
        (text("evidenceContent", json!("")), &["evidenceContent"]),
        (text("evidenceContent", json!("YQ")), &["evidenceContent"]),
        (text("evidenceContent", json!("YQ=")), &["evidenceContent"]),
        (text("evidenceContent", json!("Y Q=")), &["evidenceContent"]),
        (text("evidenceContent", json!("_-==")), &["evidenceContent"]),
        (text("evidenceContent", json!([97])), &["evidenceContent"]),
        (text("evidenceContent", not_utf8), &["evidenceContent"]),
        (text("comment", json!("a\u{202e}b")), &["comment"]),
        (text("comment", json!("a".repeat(1001))), &["comment"]),
        (text("userId", json!(0)), &["userId"]),
        (text("moderatorId", json!("me")), &["moderatorId"]),
        (file("fileName", json!("../../etc/passwd")), &["fileName"]),
        (file("fileName", json!("a\\b.png")), &["fileName"]),
        (file("fileName", json!("a\r\nset-cookie: b")), &["fileName"]),
        (file("fileName", json!("gpj\u{202e}exe")), &["fileName"]),
        (file("fileName", json!("..")), &["fileName"]),
        (file("fileName", json!("")), &["fileName"]),
        (file("fileName", json!("a".repeat(201))), &["fileName"]),
        (file("contentType", json!("text/html")), &["contentType"]),
        (
            file("contentType", json!("image/svg+xml")),
            &["contentType"],
        ),
        (
            file("contentType", json!("image/png; a=b")),
            &["contentType"],
        ),
        (file("size", json!(0)), &["size"]),
        (file("size", json!(-1)), &["size"]),
        (file("size", json!(1.5)), &["size"]),
        (file("size", json!(100 * 1024 * 1024 + 1)), &["size"]),
        (file("size", json!(1e300)), &["size"]),
        (file("size", Value::Null), &["size"]),
        (file("sha256", json!("abc")), &["sha256"]),
        (file("sha256", json!("00".repeat(32))), &["sha256"]),
    ] {
        let refused = workspace.send(create(&body)).await;
        refused.assert_wrong_fields(fields);
    }
    for body in ["{", "nan", "{\"caseId\": NaN}", "\u{0}"] {
        let refused = workspace
            .send(Call::post("/evidence/create").body(body))
            .await;
        refused.assert_error(400, "invalid_json");
    }
    assert_eq!(stored(&workspace, "evidence").await, Vec::<Value>::new());
    let missing = json!({ "caseId": case, "evidenceType": "File" });
    let refused = workspace.send(create(&missing)).await;
    refused.assert_wrong_fields(&["fileName", "contentType", "size", "sha256"]);
}

#[tokio::test]
async fn errors_say_what_is_accepted() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let said = async |field: &str, value: Value| {
        let mut body = file_body(&case, "image/png", PNG);
        body[field] = value;
        let refused = workspace.send(create(&body)).await;
        refused.assert_wrong_fields(&[field]);
        refused.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for size in [json!(-1), json!(0), json!(1.5), json!("x"), Value::Null] {
        let message = said("size", size).await;
        assert!(message.ends_with("in bytes, 1 to 104857600"), "{message}");
    }
    let message = said("caseId", Value::Null).await;
    assert!(message.starts_with("is required"), "{message}");
}

#[tokio::test]
async fn metadata_is_a_bounded_object() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let guid = guid_of(&created(&workspace, &text_body(&case, "a")).await);
    let patch = |body: String| about("PATCH", &guid, "/metadata").body(body);
    let deep = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let large = json!({ "a": "x".repeat(4096) }).to_string();
    let beyond = "{\"a\":1e400}".to_owned();
    for body in [deep(9), large, beyond, "[1]".to_owned(), "\"a\"".to_owned()] {
        let refused = workspace.send(patch(body)).await;
        refused.assert_wrong_fields(&["body"]);
    }
    for body in [deep(200), "{".to_owned()] {
        let refused = workspace.send(patch(body)).await;
        refused.assert_error(400, "invalid_json");
    }
    for body in [
        deep(8),
        r#"{"": 1, "$ref": "x", "__proto__": {}, "\u0000": "\u0000"}"#.to_owned(),
        r#"{"n": 123456789012345678901234567890, "f": 1e300, "comment": 7}"#.to_owned(),
        "[]".to_owned(),
    ] {
        workspace.send(patch(body)).await.success();
    }
    // Half of the limit twice fits once.
    let half = |name: &str| json!({ name: "y".repeat(2500) }).to_string();
    workspace.send(patch(half("one"))).await.success();
    let refused = workspace.send(patch(half("two"))).await;
    refused.assert_wrong_fields(&["body"]);
    let swap = json!({ "one": null, "two": "y".repeat(2500) }).to_string();
    workspace.send(patch(swap)).await.success();
    let shown = workspace
        .send(about("GET", &guid, "/metadata"))
        .await
        .success();
    assert_eq!(shown["metadata"].get("one"), None);
    assert_eq!(shown["metadata"]["comment"], 7);
}

/// A call of each route about a piece and its ban.
fn every_call(case: &str, guid: &str) -> Vec<(Call, bool)> {
    let body = text_body(case, "a");
    vec![
        (create(&body), true),
        (Call::post("/evidence/create").json(&body), true),
        (Call::get(&format!("/bans/{case}/evidence")), false),
        (about("GET", guid, ""), false),
        (about("GET", guid, "/metadata"), false),
        (
            about("PATCH", guid, "/metadata").json(&json!({ "a": 1 })),
            true,
        ),
        (about("POST", guid, "/complete"), true),
        (about("DELETE", guid, ""), true),
    ]
}

#[tokio::test]
async fn every_route_needs_its_scope_and_refuses_public_keys() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let guid = guid_of(&uploaded(&workspace, &case).await);
    let reader = workspace
        .make_key(KeySpec::scopes(&[KeyScope::ReadEvidence]))
        .await;
    let writer = workspace
        .make_key(KeySpec::scopes(&[KeyScope::WriteEvidence]))
        .await;
    let bans = workspace
        .make_key(KeySpec::scopes(&KeyScope::DEFAULT))
        .await;
    app.settle().await;
    let before = workspace.stored().await;
    for (call, is_write) in every_call(&case, &guid) {
        let other = if is_write { &reader } else { &writer };
        for key in [other, &bans, workspace.public_key()] {
            let refused = app.send(&call.clone().key(key)).await;
            refused.assert_error(403, "forbidden");
        }
        let unknown = "sentinelAPI.00000000-0000-4000-8000-0000000000ff";
        let refused = app.send(&call.clone().key(unknown)).await;
        refused.assert_error(401, "unauthorized");
    }
    assert_eq!(workspace.stored().await, before);
    for (call, is_write) in every_call(&case, &guid) {
        let key = if is_write { &writer } else { &reader };
        app.send(&call.key(key)).await.success();
    }
}

#[tokio::test]
async fn another_workspace_sees_and_changes_nothing() {
    let app = TestApp::builder().with_faults().start().await;
    let (own, other) = (app.workspace().await, app.workspace().await);
    let case = case(&own).await;
    let guid = guid_of(&uploaded(&own, &case).await);
    other.ban(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let before = (own.stored().await, other.stored().await);
    for (call, _) in every_call(&case, &guid) {
        let refused = other.send(call).await;
        refused.assert_error(404, "not_found");
    }
    let mut with_user = text_body(&case, "a");
    with_user["userId"] = json!(USER);
    let refused = other.send(create(&with_user)).await;
    refused.assert_error(404, "not_found");
    assert_eq!((own.stored().await, other.stored().await), before);
}

#[tokio::test]
async fn guid_in_the_path_is_a_number() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let paths = every_call(&case, "x").into_iter().map(|(call, _)| call);
    for call in paths.skip(3).chain([Call::get("/bans/x/evidence")]) {
        let refused = workspace.send(call).await;
        refused.assert_wrong_fields(&["guid"]);
    }
    for call in every_call("1", "1") {
        let refused = workspace.send(call.0).await;
        refused.assert_error(404, "not_found");
    }
    for guid in [
        "x",
        "0",
        "-1",
        "1.5",
        "18446744073709551616",
        "V",
        "U%23156",
    ] {
        let refused = workspace.send(about("GET", guid, "/metadata")).await;
        refused.assert_wrong_fields(&["guid"]);
    }
}
