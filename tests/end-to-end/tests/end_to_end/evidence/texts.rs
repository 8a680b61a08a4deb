//! Evidence that is a text.

use end_to_end::{Call, TestApp};
use serde_json::json;

use super::{about, base64, case, counted, create, created, events, guid_of, stored, text_body};
use crate::routes::USER;

#[tokio::test]
async fn published_calls_work_as_the_sdk_sends_them() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let piece = created(&workspace, &text_body(&case, "seen at spawn")).await;
    let guid = guid_of(&piece);

    let get = about("GET", &guid, "/metadata").header("content-type", "application/json");
    let metadata = workspace.send(get.clone()).await.success();
    assert_eq!(metadata["status"], "ok");
    assert_eq!(metadata["worskpaceGuid"], workspace.guid());
    assert_eq!(metadata["workspaceGuid"], workspace.guid());
    assert_eq!(metadata["caseId"], case);
    assert_eq!(metadata["evidenceType"], "Metadata");
    assert_eq!(metadata["streamUri"], "");
    assert_eq!(metadata["archivePending"], false);
    assert_eq!(
        metadata["metadata"],
        json!({ "comment": "", "customS3": false })
    );
    assert!(metadata["created"].is_string() && metadata["createdBy"].is_string());

    let change = json!({ "comment": "0:42", "tags": ["fly"] });
    let patch = about("PATCH", &guid, "/metadata").json(&change);
    workspace.send(patch).await.success();
    let metadata = workspace.send(get).await.success();
    let expected = json!({ "comment": "0:42", "customS3": false, "tags": ["fly"] });
    assert_eq!(metadata["metadata"], expected);

    let content = workspace.send(about("GET", &guid, "")).await.success();
    assert_eq!(content["evidenceContent"], base64(b"seen at spawn"));

    let delete = about("DELETE", &guid, "").header("content-type", "application/json");
    workspace.send(delete.clone()).await.assert_ok();
    for rest in ["", "/metadata"] {
        let gone = workspace.send(about("GET", &guid, rest)).await;
        gone.assert_error(404, "not_found");
    }
    workspace.send(delete).await.assert_ok();
    assert_eq!(counted(&workspace).await, 0);
    assert_eq!(
        events(&workspace).await,
        ["EVIDENCE_ADDED", "EVIDENCE_REMOVED"]
    );
    for kind in ["evidence", "evidence-text", "evidence-entry"] {
        assert_eq!(stored(&workspace, kind).await.len(), 0, "{kind}");
    }
}

#[tokio::test]
async fn text_of_48_kib_fits_and_no_longer_one() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    // Luau escapes each slash of the base64.
    let longest = "?".repeat(48 * 1024);
    let escaped = text_body(&case, &longest).to_string().replace('/', "\\/");
    let call = Call::post("/evidence/create").body(escaped.clone());
    let piece = workspace.send(call).await.success();
    assert_eq!(piece["size"], 48 * 1024);
    assert_eq!(counted(&workspace).await, 48 * 1024);
    let gzip = Call::post("/evidence/create").body(escaped).gzip();
    let again = workspace.send(gzip).await.success();
    assert_ne!(piece["evidenceGuid"], again["evidenceGuid"]);

    let longer = create(&text_body(&case, &format!("{longest}?")));
    let refused = workspace.send(longer).await;
    refused.assert_wrong_fields(&["evidenceContent"]);
    let huge = create(&text_body(&case, &"a".repeat(90 * 1024)));
    let refused = workspace.send(huge).await;
    refused.assert_error(413, "payload_too_large");
    // Only this route takes more than 64 KiB.
    let guid = guid_of(&piece);
    let large = json!({ "comment": "a".repeat(66 * 1024) });
    let refused = workspace.send(about("PATCH", &guid, "/metadata").json(&large));
    refused.await.assert_error(413, "payload_too_large");
}

#[tokio::test]
async fn link_to_a_chat_attachment_gets_a_hint() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let link = "https://cdn.discordapp.com/attachments/1/2/clip.mp4?ex=65d903de&is=65c68ede&hm=24";
    let piece = created(&workspace, &text_body(&case, link)).await;
    let hint = piece["hint"].as_str().unwrap();
    assert!(hint.contains("expires at Unix time 1708721118"), "{hint}");
    let other = created(&workspace, &text_body(&case, "https://example.com")).await;
    assert_eq!(other.get("hint"), None);
}

#[tokio::test]
async fn idempotency_key_creates_one_piece() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let body = text_body(&case, "once");
    let named = |body| create(body).header("idempotency-key", "name");
    let first = workspace.send(named(&body)).await.success();
    let mut padded = body.clone();
    padded["ignored"] = json!(1);
    padded["comment"] = json!(" ");
    let second = workspace.send(named(&padded)).await.success();
    assert_eq!(first["evidenceGuid"], second["evidenceGuid"]);
    let other = text_body(&case, "another");
    let refused = workspace.send(named(&other)).await;
    refused.assert_wrong_fields(&["idempotency-key"]);
    assert_eq!(stored(&workspace, "evidence").await.len(), 1);
}

#[tokio::test]
async fn ban_of_this_second_is_found_with_and_without_its_user() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let mut body = text_body(&case, "a");
    created(&workspace, &body).await;
    body["userId"] = json!(USER);
    created(&workspace, &body).await;
    body["userId"] = json!(USER + 1);
    let refused = workspace.send(create(&body)).await;
    refused.assert_error(404, "not_found");
    for unknown in ["1", "633197862920433664"] {
        let refused = workspace.send(create(&text_body(unknown, "a"))).await;
        refused.assert_error(404, "not_found");
    }
    assert_eq!(stored(&workspace, "evidence").await.len(), 2);
}
