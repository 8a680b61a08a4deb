//! The results of malware scans, as GuardDuty reports them.

use end_to_end::{ApiResponse, Call, TestApp, Workspace, repository};
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::store::ErasureSource;

use super::{
    PNG, about, case, complete, counted, created, events, file_body, guid_of, has_object,
    run_when_due, stored, text_body, uploaded,
};
use crate::routes::{EXPERIENCE, USER};

const FUNCTION: &str = "quarantine-evidence";

/// The documented event about this key.
fn scan_of(key: &str, result: &str) -> Value {
    let event = std::fs::read_to_string(repository("events/quarantine-evidence.json")).unwrap();
    let mut event: Value = serde_json::from_str(&event).unwrap();
    event["detail"]["s3ObjectDetails"]["objectKey"] = json!(key);
    event["detail"]["scanResultDetails"]["scanResultStatus"] = json!(result);
    event
}

/// The event about a piece's file.
pub fn scan_result(workspace: &Workspace<'_>, guid: &str, result: &str) -> Value {
    scan_of(&format!("{}/{guid}", workspace.prefix()), result)
}

async fn scanned(workspace: &Workspace<'_>, guid: &str, result: &str) {
    let event = scan_result(workspace, guid, result);
    let answer = workspace.app().invoke(FUNCTION, &event).await;
    assert_eq!(answer, Ok(Value::Null), "{result}");
}

/// An app whose stream changes no items, so that a test can compare them.
async fn quiet_app() -> TestApp {
    let app = TestApp::builder().with_faults().without_mappings();
    app.start().await
}

/// A file that is available.
async fn available(workspace: &Workspace<'_>) -> String {
    let case = case(workspace).await;
    let guid = guid_of(&uploaded(workspace, &case).await);
    complete(workspace, &guid).await.success();
    guid
}

async fn metadata(workspace: &Workspace<'_>, guid: &str) -> Value {
    let answer: ApiResponse = workspace.send(about("GET", guid, "/metadata")).await;
    answer.success()
}

/// What the log says about the last result.
fn last_line(app: &TestApp) -> Value {
    let lines = app.runtime().logs(FUNCTION);
    lines.last().expect("a line").json().unwrap()
}

#[tokio::test]
async fn malware_quarantines_a_file_once_and_for_every_reader() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let guid = available(&workspace).await;
    let before = metadata(&workspace, &guid).await;
    assert_ne!(before["streamUri"], "");

    for is_first in [true, false] {
        scanned(&workspace, &guid, "THREATS_FOUND").await;
        let line = last_line(&app);
        assert_eq!(line.get("evidenceQuarantined").is_some(), is_first);
        assert_eq!(line["level"], if is_first { "WARN" } else { "INFO" });
        assert_eq!(line["file"], format!("{}/{guid}", workspace.prefix()));
        assert_eq!(line["scanResult"], "THREATS_FOUND");
    }
    for path in ["", "/metadata"] {
        let shown = workspace.send(about("GET", &guid, path)).await.success();
        assert_eq!(
            (&shown["state"], &shown["streamUri"]),
            (&json!("quarantined"), &json!(""))
        );
        assert_eq!(shown["archivePending"], false);
    }
    let case = before["caseId"].as_str().unwrap();
    let list = workspace.send(Call::get(&format!("/bans/{case}/evidence")));
    assert_eq!(list.await.list()[0]["state"], "quarantined");
    let check = json!({ "userId": USER, "experienceId": EXPERIENCE, "includeEvidence": true });
    let check = workspace.send(Call::post("/is-banned").json(&check)).await;
    assert_eq!(
        check.json()["associatedEvidence"][0]["state"],
        "quarantined"
    );
    complete(&workspace, &guid)
        .await
        .assert_error(409, "quarantined");

    // Nothing is announced, nothing is lost, and the bytes count as long as they are stored.
    assert_eq!(events(&workspace).await, ["EVIDENCE_ADDED"]);
    assert!(has_object(&workspace, &guid).await);
    assert_eq!(counted(&workspace).await, u64::try_from(PNG.len()).unwrap());
    let metadata_change = about("PATCH", &guid, "/metadata").json(&json!({ "seen": true }));
    let changed = workspace.send(metadata_change).await.success();
    assert_eq!(changed["state"], "quarantined");

    workspace.send(about("DELETE", &guid, "")).await.assert_ok();
    assert!(!has_object(&workspace, &guid).await);
    assert_eq!(counted(&workspace).await, 0);
    assert_eq!(
        events(&workspace).await,
        ["EVIDENCE_ADDED", "EVIDENCE_REMOVED"]
    );
    // Late, and again after the removal.
    for _ in 0..2 {
        scanned(&workspace, &guid, "THREATS_FOUND").await;
        assert_eq!(last_line(&app).get("evidenceQuarantined"), None);
    }
    assert_eq!(stored(&workspace, "evidence").await, Vec::<Value>::new());
    run_when_due(&app, &workspace).await;
    assert_eq!(
        stored(&workspace, "removed-evidence").await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn every_other_result_changes_nothing_before_or_after_a_quarantine() {
    const OTHERS: [(&str, bool); 5] = [
        ("NO_THREATS_FOUND", false),
        ("UNSUPPORTED", true),
        ("ACCESS_DENIED", true),
        ("FAILED", true),
        ("A_RESULT_OF_TOMORROW", true),
    ];
    let app = quiet_app().await;
    let workspace = app.workspace().await;
    let guid = available(&workspace).await;
    for state in ["available", "quarantined"] {
        if state == "quarantined" {
            scanned(&workspace, &guid, "THREATS_FOUND").await;
        }
        let before = workspace.stored().await;
        for (result, is_unscanned) in OTHERS {
            scanned(&workspace, &guid, result).await;
            let line = last_line(&app);
            assert_eq!(line["databaseCalls"], 0, "{line}");
            let level = if is_unscanned { "WARN" } else { "INFO" };
            assert_eq!(line["level"], level, "{line}");
            let unscanned = line.get("evidenceUnscanned").is_some();
            assert_eq!(unscanned, is_unscanned, "{line}");
        }
        assert_eq!(workspace.stored().await, before);
        assert_eq!(metadata(&workspace, &guid).await["state"], state);
    }
}

#[tokio::test]
async fn malware_found_before_completion_is_never_available_or_announced() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    for by_schedule in [true, false] {
        let guid = guid_of(&uploaded(&workspace, &case).await);
        scanned(&workspace, &guid, "THREATS_FOUND").await;
        for _ in 0..2 {
            let late = complete(&workspace, &guid).await;
            late.assert_error(409, "quarantined");
            scanned(&workspace, &guid, "THREATS_FOUND").await;
        }
        assert_eq!(metadata(&workspace, &guid).await["state"], "quarantined");
        // It is removed like an upload that was never completed.
        match by_schedule {
            true => run_when_due(&app, &workspace).await,
            false => workspace.send(about("DELETE", &guid, "")).await.assert_ok(),
        }
        assert!(!has_object(&workspace, &guid).await);
        assert_eq!(counted(&workspace).await, 0);
        assert_eq!(stored(&workspace, "evidence").await, Vec::<Value>::new());
    }
    assert_eq!(events(&workspace).await, Vec::<String>::new());
}

#[tokio::test]
async fn rejected_files_and_texts_are_not_quarantined() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let program = b"MZ\x90\0 this is no picture";
    let piece = created(&workspace, &file_body(&case, "image/png", program)).await;
    app.upload(&piece["upload"], program).await;
    let rejected = complete(&workspace, &guid_of(&piece)).await;
    rejected.assert_error(422, "content_mismatch");
    let text = created(&workspace, &text_body(&case, "a")).await;
    for (guid, state) in [(guid_of(&piece), "rejected"), (guid_of(&text), "available")] {
        scanned(&workspace, &guid, "THREATS_FOUND").await;
        assert_eq!(metadata(&workspace, &guid).await["state"], state);
    }
    assert_eq!(counted(&workspace).await, 1);
}

#[tokio::test]
async fn simultaneous_results_and_completions_end_in_quarantine() {
    let app = TestApp::builder().with_faults().instances(3).start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    for _ in 0..5 {
        let guid = guid_of(&uploaded(&workspace, &case).await);
        let scan = || scanned(&workspace, &guid, "THREATS_FOUND");
        futures::join!(scan(), complete(&workspace, &guid), scan());
        assert_eq!(metadata(&workspace, &guid).await["state"], "quarantined");
    }
    let files = 5 * u64::try_from(PNG.len()).unwrap();
    assert_eq!(counted(&workspace).await, files);
}

#[tokio::test]
async fn unknown_files_and_hostile_events_are_ignored() {
    let app = quiet_app().await;
    let (workspace, other) = (app.workspace().await, app.workspace().await);
    let guid = available(&workspace).await;
    let before = (workspace.stored().await, other.stored().await);
    // The guid exists, but not in the other workspace.
    scanned(&other, &guid, "THREATS_FOUND").await;
    assert_eq!(last_line(&app).get("evidenceQuarantined"), None);
    scanned(&workspace, "7", "THREATS_FOUND").await;

    let prefix = workspace.prefix();
    let key = format!("{prefix}/{guid}");
    let mut elsewhere = scan_of(&key, "THREATS_FOUND");
    elsewhere["detail"]["s3ObjectDetails"]["bucketName"] = json!("exports-bucket");
    let mut without_result = scan_of(&key, "THREATS_FOUND");
    without_result["detail"]["scanResultDetails"] = json!({});
    let mut hostile = vec![elsewhere, without_result, json!({}), json!(["x"]), json!(7)];
    for key in [
        "",
        "malware-protection-resource-validation-object",
        &format!("/{key}"),
        &format!("{key}/"),
        &format!("{key}\0"),
        &format!("{prefix}//{guid}"),
        &format!("{prefix}/0{guid}"),
        &format!("{prefix}/../{key}"),
        &format!("{prefix}#U#{USER}/{guid}"),
        &"x".repeat(1024),
    ] {
        hostile.push(scan_of(key, "THREATS_FOUND"));
    }
    for event in hostile {
        let answer = app.invoke(FUNCTION, &event).await;
        assert_eq!(answer, Ok(Value::Null), "{event}");
        let line = last_line(&app);
        assert_eq!(line["scanResult"], "ignored", "{event}");
        assert_eq!(line["databaseCalls"], 0, "{event}");
        assert_eq!(line.get("file"), None, "{event}");
    }
    assert_eq!((workspace.stored().await, other.stored().await), before);
}

#[tokio::test]
async fn failed_invocation_reports_an_error_and_its_retry_quarantines() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let guid = available(&workspace).await;
    let event = scan_result(&workspace, &guid, "THREATS_FOUND");
    app.faults().inject(Rule::from(Fault::Throttle));
    let failed = app.invoke(FUNCTION, &event).await;
    assert!(failed.is_err(), "{failed:?}");
    app.faults().clear();
    let line = last_line(&app);
    assert_eq!(line["errorCode"], "unavailable", "{line}");
    assert_eq!(metadata(&workspace, &guid).await["state"], "available");
    // An answer that is lost does not lose the quarantine, and does not make a second one.
    app.faults().inject(
        Rule::from(Fault::CutAfter)
            .on("TransactWriteItems")
            .times(1),
    );
    assert_eq!(app.invoke(FUNCTION, &event).await, Ok(Value::Null));
    assert_eq!(metadata(&workspace, &guid).await["state"], "quarantined");
}

#[tokio::test]
async fn erasure_removes_quarantined_evidence_and_late_results_bring_nothing_back() {
    let app = quiet_app().await;
    let workspace = app.workspace().await;
    let quarantined = available(&workspace).await;
    scanned(&workspace, &quarantined, "THREATS_FOUND").await;
    let unscanned = available(&workspace).await;
    let (prefix, user) = (workspace.id().prefix(), UserId::new(USER).unwrap());
    let erased = app
        .store()
        .erase_user(prefix, user, ErasureSource::Operator);
    erased.await.unwrap();
    let before = workspace.stored().await;
    for guid in [&quarantined, &unscanned] {
        scanned(&workspace, guid, "THREATS_FOUND").await;
        let gone = workspace.send(about("GET", guid, "/metadata")).await;
        gone.assert_error(404, "not_found");
    }
    assert_eq!(workspace.stored().await, before);
    let left = Value::from(before).to_string();
    assert!(!left.contains("#U#156"), "{left}");
    run_when_due(&app, &workspace).await;
    for guid in [quarantined, unscanned] {
        assert!(!has_object(&workspace, &guid).await);
    }
    assert_eq!(counted(&workspace).await, 0);
}
