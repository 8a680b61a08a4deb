//! The documented payloads of requests and responses.

use end_to_end::{Ban, Call, TestApp, key_order, repository};
use serde_json::Value;

fn fixture(name: &str) -> String {
    std::fs::read_to_string(repository("tests/end-to-end/fixtures").join(name)).unwrap()
}

/// The only item of a list, as it was written.
fn item(text: &str) -> String {
    let text = text.trim();
    let text = text
        .strip_prefix(r#"{"list":["#)
        .and_then(|text| text.strip_suffix("]}"));
    text.expect("a list and nothing else").to_owned()
}

#[tokio::test]
async fn the_documented_ban_request_is_accepted_verbatim() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let body = fixture("ban-async.json");
    workspace
        .send(Call::post("/ban-async").body(body))
        .await
        .assert_ok();
    let ban = workspace.check(1, 1).await;
    assert_eq!(ban["isBanned"], true);
    assert_eq!(ban["moderatorId"], 1);
    assert_eq!(ban["isGlobal"], false);
    assert_eq!(ban["privateReason"], "text");
    assert_eq!(ban["publicReason"], "text");
    let lasts = ban["expires"].as_u64().unwrap() - ban["created"].as_u64().unwrap();
    assert_eq!(lasts, 7 * 86_400);
}

#[tokio::test]
async fn pending_bans_match_the_documented_example() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let documented = item(&fixture("pending-bans.json"));
    let example: Value = serde_json::from_str(&documented).unwrap();
    let experience = example["experienceId"].as_u64().unwrap();

    // The documented ban, made here; everything but names and times must come back.
    let ban = Ban::of(example["robloxId"].as_u64().unwrap(), experience)
        .permanent()
        .moderator(example["moderatorId"].as_u64().unwrap())
        .with("banPrivateReason", example["privateReason"].clone())
        .with("banPublicReason", example["publicReason"].clone());
    workspace.ban(ban).await;
    workspace.await_pending_bans(experience, &[1]).await;
    let pending = Call::get("/pending-bans").query("experienceId", experience);
    let written = item(&workspace.send(pending).await.text);

    // One field is new; it comes last.
    let mut expected = key_order(&documented);
    expected.push("revision".to_owned());
    assert_eq!(key_order(&written), expected);
    let written: Value = serde_json::from_str(&written).unwrap();
    for (field, example) in example.as_object().unwrap() {
        let ours = &written[field];
        let same_type = match example {
            Value::Bool(_) => ours.is_boolean(),
            Value::Number(_) => ours.is_u64(),
            Value::String(_) => ours.is_string(),
            _ => false,
        };
        assert!(same_type, "{field}: {ours} is not like {example}");
        if !["guid", "workspaceGuid", "created", "updated", "uid"].contains(&field.as_str()) {
            assert_eq!(ours, example, "{field}");
        }
    }
    assert_eq!(
        written["guid"].as_str().unwrap().len(),
        "633197862920433664".len()
    );
}
