//! What ends in the middle: removals, uploads, and both during an erasure.

use std::num::NonZeroU32;
use std::time::Duration;

use end_to_end::{Ban, Notification, TestApp};
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::store::{ErasureMode, ErasureSource, Workspace as Settings};

use super::{
    PNG, about, case, complete, counted, created, events, file_body, guid_of, has_object,
    run_when_due, stored, text_body, uploaded,
};
use crate::routes::USER;

/// The state after the first step of a removal, before its file is removed.
async fn interrupt_removal(app: &TestApp, item: &Value) {
    let mut item = item.clone();
    item["object_removed"] = json!({ "BOOL": false });
    app.put_item(&item).await;
}

#[tokio::test]
async fn interrupted_removal_is_finished_by_a_repeat_or_the_schedule() {
    let app = TestApp::builder().with_faults().start().await;
    for by_schedule in [false, true] {
        let workspace = app.workspace().await;
        let case = case(&workspace).await;
        let piece = uploaded(&workspace, &case).await;
        let guid = guid_of(&piece);
        complete(&workspace, &guid).await.success();
        let remove = about("DELETE", &guid, "");
        workspace.send(remove.clone()).await.assert_ok();
        // As if the function had been killed before it removed the file.
        assert_eq!(app.upload(&piece["upload"], PNG).await.status, 200);
        let left = stored(&workspace, "removed-evidence").await;
        interrupt_removal(&app, &left[0]).await;
        match by_schedule {
            true => run_when_due(&app, &workspace).await,
            false => workspace.send(remove.clone()).await.assert_ok(),
        }
        assert!(!has_object(&workspace, &guid).await, "{by_schedule}");
        workspace.send(remove.clone()).await.assert_ok();
        assert_eq!(
            events(&workspace).await,
            ["EVIDENCE_ADDED", "EVIDENCE_REMOVED"]
        );
        // A day later nothing is left.
        run_when_due(&app, &workspace).await;
        let left = stored(&workspace, "removed-evidence").await;
        assert_eq!(left, Vec::<Value>::new());
        workspace.send(remove).await.assert_error(404, "not_found");
        assert_eq!(counted(&workspace).await, 0);
    }
}

#[tokio::test]
async fn interrupted_rejection_is_finished_by_a_repeat_or_the_schedule() {
    let app = TestApp::builder().with_faults().start().await;
    let program = b"MZ\x90\0 this is no picture";
    for by_schedule in [false, true] {
        let workspace = app.workspace().await;
        let case = case(&workspace).await;
        let piece = created(&workspace, &file_body(&case, "image/png", program)).await;
        let guid = guid_of(&piece);
        assert_eq!(app.upload(&piece["upload"], program).await.status, 200);
        let rejected = complete(&workspace, &guid).await;
        rejected.assert_error(422, "content_mismatch");
        // As if the function had been killed before it removed the file.
        assert_eq!(app.upload(&piece["upload"], program).await.status, 200);
        interrupt_removal(&app, &stored(&workspace, "evidence").await[0]).await;
        match by_schedule {
            true => run_when_due(&app, &workspace).await,
            false => {
                let again = complete(&workspace, &guid).await;
                again.assert_error(422, "content_mismatch");
            }
        }
        assert!(!has_object(&workspace, &guid).await, "{by_schedule}");
        assert_eq!(counted(&workspace).await, 0);
        assert_eq!(events(&workspace).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn upload_url_cannot_be_replayed_once_the_file_is_there() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let piece = uploaded(&workspace, &case).await;
    assert_eq!(app.upload(&piece["upload"], PNG).await.status, 412);
    complete(&workspace, &guid_of(&piece)).await.success();
    assert_eq!(app.upload(&piece["upload"], PNG).await.status, 412);
    let other = vec![b'x'; PNG.len()];
    let refused = app.upload(&piece["upload"], &other).await;
    assert!((400..500).contains(&refused.status), "{refused}");
    assert!(has_object(&workspace, &guid_of(&piece)).await);
    assert_eq!(events(&workspace).await, ["EVIDENCE_ADDED"]);
}

#[tokio::test]
async fn completion_and_removal_at_once_leave_nothing() {
    let app = TestApp::builder().with_faults().instances(2).start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    for _ in 0..5 {
        let guid = guid_of(&uploaded(&workspace, &case).await);
        let removal = workspace.send(about("DELETE", &guid, ""));
        let (completed, removed) = tokio::join!(complete(&workspace, &guid), removal);
        removed.assert_ok();
        if completed.status != 200 {
            completed.assert_error(404, "not_found");
        }
        assert!(!has_object(&workspace, &guid).await);
        let gone = workspace.send(about("GET", &guid, "/metadata")).await;
        gone.assert_error(404, "not_found");
    }
    assert_eq!(counted(&workspace).await, 0);
    let events = events(&workspace).await;
    let count = |name: &str| events.iter().filter(|event| *event == name).count();
    // Only what was announced is announced as removed.
    assert_eq!(count("EVIDENCE_ADDED"), count("EVIDENCE_REMOVED"));
}

#[tokio::test]
async fn upload_after_the_removal_does_not_last() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let piece = created(&workspace, &file_body(&case, "image/png", PNG)).await;
    let guid = guid_of(&piece);
    workspace.send(about("DELETE", &guid, "")).await.assert_ok();
    assert_eq!(app.upload(&piece["upload"], PNG).await.status, 200);
    complete(&workspace, &guid)
        .await
        .assert_error(404, "not_found");
    assert!(has_object(&workspace, &guid).await);
    run_when_due(&app, &workspace).await;
    assert!(!has_object(&workspace, &guid).await);
    assert_eq!(events(&workspace).await, Vec::<String>::new());
}

#[tokio::test]
async fn unfinished_upload_is_removed_after_a_day_and_returns_its_bytes() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let guid = guid_of(&uploaded(&workspace, &case).await);
    app.run_schedule("expire-evidence", "EachFiveMinutes").await;
    assert!(has_object(&workspace, &guid).await);
    run_when_due(&app, &workspace).await;
    assert!(!has_object(&workspace, &guid).await);
    assert_eq!(counted(&workspace).await, 0);
    complete(&workspace, &guid)
        .await
        .assert_error(404, "not_found");
    assert_eq!(events(&workspace).await, Vec::<String>::new());
    assert_eq!(stored(&workspace, "evidence-entry").await.len(), 0);
}

#[tokio::test]
async fn evidence_is_removed_after_the_days_of_its_workspace() {
    let app = TestApp::builder().with_faults().start().await;
    let days = |settings: &mut Settings| settings.evidence_days = NonZeroU32::new(60);
    let workspace = app.workspace_with(days).await;
    let case = case(&workspace).await;
    created(&workspace, &text_body(&case, "a")).await;
    let guid = guid_of(&uploaded(&workspace, &case).await);
    complete(&workspace, &guid).await.success();
    app.run_schedule("expire-evidence", "EachFiveMinutes").await;
    assert_eq!(stored(&workspace, "evidence").await.len(), 2);
    run_when_due(&app, &workspace).await;
    assert_eq!(stored(&workspace, "evidence").await, Vec::<Value>::new());
    assert!(!has_object(&workspace, &guid).await);
    assert_eq!(events(&workspace).await.len(), 4);
    assert_eq!(counted(&workspace).await, 0);
}

#[tokio::test]
async fn erasure_removes_the_evidence_about_a_user_during_an_upload_too() {
    let app = TestApp::builder().with_faults().start().await;
    for source in [ErasureSource::Roblox, ErasureSource::Operator] {
        let workspace = app.workspace().await;
        let case = case(&workspace).await;
        created(&workspace, &text_body(&case, "aimbot")).await;
        let available = guid_of(&uploaded(&workspace, &case).await);
        complete(&workspace, &available).await.success();
        let pending = created(&workspace, &file_body(&case, "image/png", PNG)).await;
        match source {
            ErasureSource::Roblox => {
                let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
                app.replace("roblox-webhook").await;
                let erasure = Notification::erasure(USER).signed(&secret);
                app.send(&erasure).await.assert_ok();
            }
            ErasureSource::Operator => {
                let (prefix, user) = (workspace.id().prefix(), UserId::new(USER).unwrap());
                let erased = app.store().erase_user(prefix, user, source).await;
                assert!(erased.unwrap().items >= 3);
            }
        }
        // The upload is still under way.
        assert_eq!(app.upload(&pending["upload"], PNG).await.status, 200);
        let late = complete(&workspace, &guid_of(&pending)).await;
        late.assert_error(404, "not_found");
        let left = Value::from(workspace.stored().await).to_string();
        for word in ["aimbot", "clip 1.png", "#U#156", "\"156\""] {
            assert!(!left.contains(word), "{word}: {left}");
        }
        run_when_due(&app, &workspace).await;
        for guid in [available, guid_of(&pending)] {
            assert!(!has_object(&workspace, &guid).await);
        }
        run_when_due(&app, &workspace).await;
        let left = stored(&workspace, "removed-evidence").await;
        assert_eq!(left, Vec::<Value>::new());
        assert_eq!(counted(&workspace).await, 0);
    }
}

#[tokio::test]
async fn resent_erasure_removes_what_was_added_to_the_erased_bans_since_the_first_attempt() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let old = case(&workspace).await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    let erasure = Notification::erasure(USER).signed(&secret);
    let rule = Rule::from(Fault::Throttle).on("TransactWriteItems");
    app.faults().inject(rule);
    app.send(&erasure).await.assert_error(503, "unavailable");
    app.faults().clear();
    // Beyond the allowance for clocks.
    tokio::time::sleep(Duration::from_millis(6_100)).await;
    created(&workspace, &text_body(&old, "aimbot")).await;
    let new = workspace.ban_shown(Ban::of(USER, 7_002).permanent()).await;
    let kept = created(
        &workspace,
        &text_body(new["guid"].as_str().unwrap(), "fly hack"),
    )
    .await;
    app.send(&erasure).await.assert_ok();
    let entries = stored(&workspace, "evidence").await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    let kept = workspace.send(about("GET", &guid_of(&kept), "")).await;
    kept.success();
}

#[tokio::test]
async fn evidence_of_many_pieces_is_erased() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    for number in 0..70 {
        created(&workspace, &text_body(&case, &number.to_string())).await;
    }
    let (prefix, user) = (workspace.id().prefix(), UserId::new(USER).unwrap());
    let erased = app
        .store()
        .erase_user(prefix, user, ErasureSource::Operator)
        .await;
    assert!(erased.unwrap().items > 70);
    for kind in ["evidence", "evidence-text", "evidence-entry", "activity"] {
        assert_eq!(
            stored(&workspace, kind).await,
            Vec::<Value>::new(),
            "{kind}"
        );
    }
    assert_eq!(counted(&workspace).await, 0);
}
