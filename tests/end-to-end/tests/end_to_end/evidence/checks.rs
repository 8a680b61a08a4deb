//! Evidence in the answer of a check.

use end_to_end::{Call, KeySpec, TestApp, Workspace};
use serde_json::{Value, json};
use shared::domain::keys::KeyScope;

use super::{case, created, guid_of, text_body};
use crate::routes::{EXPERIENCE, USER};

async fn check(workspace: &Workspace<'_>, user: u64, key: &str, asks: Value) -> Value {
    let body = json!({
        "userId": user, "experienceId": EXPERIENCE, "includeEvidence": asks,
    });
    let call = Call::post("/is-banned").json(&body).key(key);
    workspace.app().send(&call).await.success()
}

#[tokio::test]
async fn check_includes_evidence_on_request_for_keys_that_may_read_it() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let guid = guid_of(&created(&workspace, &text_body(&case, "a")).await);
    let key = workspace.secret_key();
    for asks in [json!(true), json!(1), json!(1.0), json!("1")] {
        let seen = check(&workspace, USER, key, asks).await;
        assert_eq!(seen["isBanned"], true);
        let pieces = seen["associatedEvidence"].as_array().unwrap();
        assert_eq!(pieces.len(), 1);
        assert_eq!(guid_of(&pieces[0]), guid);
        assert_eq!(pieces[0].get("streamUri"), None);
    }
    let nothing = check(&workspace, USER + 1, key, json!(true)).await;
    assert_eq!(nothing["associatedEvidence"], json!([]));

    let bans = workspace
        .make_key(KeySpec::scopes(&KeyScope::DEFAULT))
        .await;
    for key in [bans.as_str(), workspace.public_key()] {
        let seen = check(&workspace, USER, key, json!(true)).await;
        assert_eq!(seen.get("associatedEvidence"), None);
    }
    for asks in [json!(false), json!(0), json!("yes"), json!({}), Value::Null] {
        let seen = check(&workspace, USER, key, asks).await;
        assert_eq!(seen["isBanned"], true);
        assert_eq!(seen.get("associatedEvidence"), None);
    }
    let body = json!({ "userId": USER, "experienceId": EXPERIENCE });
    let call = Call::post("/is-banned")
        .json(&body)
        .query("includeEvidence", 1);
    let seen = workspace.send(call).await.success();
    assert_eq!(seen["associatedEvidence"].as_array().unwrap().len(), 1);
}
