//! Evidence that is a file.

use end_to_end::TestApp;
use serde_json::{Value, json};
use shared::store::Workspace as Settings;

use super::{
    PNG, about, case, complete, counted, create, created, events, file_body, guid_of, has_object,
    run_when_due, stored, uploaded,
};

#[tokio::test]
async fn file_is_uploaded_completed_and_downloaded_as_an_attachment() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let text = "a log of the chat".as_bytes();
    let mut body = file_body(&case, "Text/Plain", text);
    body["fileName"] = json!("chat \u{e9}.txt");
    let piece = created(&workspace, &body).await;
    let guid = guid_of(&piece);
    assert_eq!(piece["state"], "pending");
    assert_eq!(piece["archivePending"], true);
    let signed = piece["upload"]["url"].as_str().unwrap();
    for bound in [
        "content-length",
        "content-type",
        "if-none-match",
        "x-amz-checksum-sha256",
    ] {
        assert!(signed.contains(bound), "{bound}: {signed}");
    }
    let headers = piece["upload"]["headers"].as_object().unwrap();
    let names: Vec<_> = headers.keys().collect();
    let bound = ["content-length", "content-type", "if-none-match"];
    assert_eq!(names, [&bound[..], &["x-amz-checksum-sha256"]].concat());
    let early = complete(&workspace, &guid).await;
    early.assert_error(409, "not_uploaded");
    assert_eq!(app.upload(&piece["upload"], text).await.status, 200);
    let completed = complete(&workspace, &guid).await.success();
    assert_eq!(completed["state"], "available");
    assert_eq!(completed["archivePending"], false);
    assert_eq!(complete(&workspace, &guid).await.success(), completed);

    let metadata = workspace.send(about("GET", &guid, "/metadata")).await;
    let link = metadata.success()["streamUri"].as_str().unwrap().to_owned();
    assert!(link.contains("X-Amz-Expires=300"), "{link}");
    let file = app.fetch(&link).await;
    assert_eq!((file.status, file.text.as_bytes()), (200, text));
    let disposition = file.header("content-disposition");
    assert_eq!(
        disposition,
        Some("attachment; filename*=UTF-8''chat%20%C3%A9.txt")
    );
    assert_eq!(counted(&workspace).await, 17);
    assert_eq!(events(&workspace).await, ["EVIDENCE_ADDED"]);

    workspace.send(about("DELETE", &guid, "")).await.assert_ok();
    assert!(!has_object(&workspace, &guid).await);
    assert_eq!(counted(&workspace).await, 0);
    complete(&workspace, &guid)
        .await
        .assert_error(404, "not_found");
}

#[tokio::test]
async fn file_of_another_type_is_rejected_and_removed() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let program = b"MZ\x90\0 this is no picture";
    let piece = created(&workspace, &file_body(&case, "image/png", program)).await;
    let guid = guid_of(&piece);
    assert_eq!(app.upload(&piece["upload"], program).await.status, 200);
    for _ in 0..2 {
        let rejected = complete(&workspace, &guid).await;
        rejected.assert_error(422, "content_mismatch");
    }
    assert!(!has_object(&workspace, &guid).await);
    assert_eq!(counted(&workspace).await, 0);
    let metadata = workspace.send(about("GET", &guid, "/metadata")).await;
    let metadata = metadata.success();
    assert_eq!(metadata["state"], "rejected");
    assert_eq!(metadata["streamUri"], "");
    assert_eq!(events(&workspace).await, Vec::<String>::new());
    // It may be uploaded again until its URL expires; what arrives is removed with the piece.
    app.upload(&piece["upload"], program).await;
    complete(&workspace, &guid)
        .await
        .assert_error(422, "content_mismatch");
    run_when_due(&app, &workspace).await;
    run_when_due(&app, &workspace).await;
    assert!(!has_object(&workspace, &guid).await);
    assert_eq!(stored(&workspace, "evidence").await, Vec::<Value>::new());
    assert_eq!(counted(&workspace).await, 0);
}

#[tokio::test]
async fn upload_accepts_only_the_declared_bytes_and_only_once() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let piece = created(&workspace, &file_body(&case, "image/png", PNG)).await;
    let guid = guid_of(&piece);
    let mut other = PNG.to_vec();
    other.reverse();
    let refused = app.upload(&piece["upload"], &other).await;
    assert_eq!(refused.status, 400, "{refused}");
    let mut as_text = piece["upload"].clone();
    as_text["headers"]["content-type"] = json!("text/plain");
    let mut overwriting = piece["upload"].clone();
    let headers = overwriting["headers"].as_object_mut().unwrap();
    headers.remove("if-none-match").unwrap();
    let mut forged = piece["upload"].clone();
    let url = forged["url"].as_str().unwrap().replace(&guid, "1");
    forged["url"] = json!(url);
    for changed in [as_text, overwriting, forged] {
        let refused = app.upload(&changed, PNG).await;
        assert_eq!(refused.status, 403, "{refused}");
    }
    assert!(!has_object(&workspace, &guid).await);
    complete(&workspace, &guid)
        .await
        .assert_error(409, "not_uploaded");
    assert_eq!(app.upload(&piece["upload"], PNG).await.status, 200);
    let again = app.upload(&piece["upload"], PNG).await;
    assert_eq!(again.status, 412, "{again}");
    complete(&workspace, &guid).await.success();
    let again = app.upload(&piece["upload"], PNG).await;
    assert_eq!(again.status, 412, "{again}");
}

#[tokio::test]
async fn simultaneous_completions_give_one_event_and_one_answer() {
    let app = TestApp::builder().with_faults().instances(4).start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let piece = uploaded(&workspace, &case).await;
    let guid = guid_of(&piece);
    let completions = (0..4).map(|_| complete(&workspace, &guid));
    let answers = futures::future::join_all(completions).await;
    for answer in &answers {
        assert_eq!(answer.success()["state"], "available");
    }
    assert_eq!(events(&workspace).await, ["EVIDENCE_ADDED"]);
    assert_eq!(counted(&workspace).await, u64::try_from(PNG.len()).unwrap());
}

#[tokio::test]
async fn workspace_stores_no_more_bytes_than_its_limit() {
    let app = TestApp::start().await;
    let one_gib = |settings: &mut Settings| settings.evidence_gib = std::num::NonZeroU32::new(1);
    let workspace = app.workspace_with(one_gib).await;
    let case = case(&workspace).await;
    let mut body = file_body(&case, "video/mp4", b"x");
    body["size"] = json!(100 * 1024 * 1024);
    let mut last = Value::Null;
    for _ in 0..10 {
        last = created(&workspace, &body).await;
    }
    let refused = workspace.send(create(&body)).await;
    refused.assert_error(409, "quota_reached");
    assert_eq!(stored(&workspace, "evidence").await.len(), 10);
    let remove = about("DELETE", &guid_of(&last), "");
    workspace.send(remove).await.assert_ok();
    created(&workspace, &body).await;
}

#[tokio::test]
async fn simultaneous_creations_are_all_counted() {
    let app = TestApp::builder().with_faults().instances(4).start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let body = file_body(&case, "image/png", PNG);
    let creations = (0..12).map(|_| created(&workspace, &body));
    let pieces = futures::future::join_all(creations).await;
    let guids: std::collections::BTreeSet<_> = pieces.iter().map(guid_of).collect();
    assert_eq!(guids.len(), 12);
    assert_eq!(
        counted(&workspace).await,
        12 * u64::try_from(PNG.len()).unwrap()
    );
}
