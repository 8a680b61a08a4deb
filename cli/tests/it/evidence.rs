//! Tests of `portcullis evidence`.

use std::path::Path;

use crate::harness::{stderr, stdout};
use crate::stack::Operator;
use end_to_end::{Ban, Call, TestApp, Workspace};
use serde_json::{Value, json};

const USER: u64 = 156;

/// The shortest beginning of a PNG that is recognised.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// Bans a user and returns the GUID of the ban.
pub async fn ban(workspace: &Workspace<'_>, user: u64) -> String {
    let ban = workspace.ban_shown(Ban::of(user, 11)).await;
    ban["guid"].as_str().unwrap().to_owned()
}

pub async fn add(operator: &Operator, ban: &str, path: &Path) -> Value {
    let path = path.display().to_string();
    operator.json(&["evidence", "add", ban, &path]).await
}

pub async fn list(operator: &Operator, ban: &str) -> Vec<Value> {
    let list = operator.json(&["evidence", "list", ban]).await;
    list.as_array().unwrap().clone()
}

#[tokio::test]
async fn directory_is_added_once_and_each_file_is_what_the_api_shows() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = ban(&workspace, USER).await;
    let operator = Operator::of(&workspace);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("more")).unwrap();
    std::fs::write(root.join("seen.png"), PNG).unwrap();
    std::fs::write(root.join("more/chat log.txt"), "they said it").unwrap();
    std::fs::write(root.join("more/again.txt"), "they said it").unwrap();
    let path = root.display().to_string();
    let preview = ["evidence", "add", &ban, &path, "--dry-run"];
    assert_eq!(operator.json(&preview).await[0]["outcome"], "wouldAdd");
    assert_eq!(list(&operator, &ban).await, Vec::<Value>::new());

    let comment = ["--comment", "round 3", "--moderator", "1"];
    let arguments = [&["evidence", "add", &ban, &path], &comment[..]].concat();
    let added = operator.json(&arguments).await;
    let outcomes = added.as_array().unwrap().iter().map(|it| &it["outcome"]);
    let outcomes: Vec<_> = outcomes.collect();
    assert_eq!(outcomes, ["added", "alreadyThere", "added"]);
    let again = add(&operator, &ban, root).await;
    let again = again.as_array().unwrap();
    assert!(again.iter().all(|it| it["outcome"] == "alreadyThere"));

    let listed = list(&operator, &ban).await;
    assert_eq!(listed.len(), 2);
    for piece in &listed {
        assert_eq!(piece["state"], "available", "{piece}");
        assert_eq!(
            (&piece["ban"], &piece["userId"]),
            (&json!(ban), &json!(USER))
        );
    }
    let guid = listed[0]["guid"].as_str().unwrap();
    let shown = operator.json(&["evidence", "show", guid]).await;
    let call = Call::get(&format!("/evidence/{guid}/metadata"));
    let by_api = workspace.send(call).await.success();
    for field in [
        "sha256",
        "size",
        "contentType",
        "fileName",
        "metadata",
        "createdBy",
    ] {
        assert_eq!(shown[field], by_api[field], "{field}");
    }
    assert_eq!(shown["metadata"]["comment"], "round 3");
    assert_eq!(shown["createdBy"], "1");
}

#[tokio::test]
async fn unacceptable_files_fail_the_command_after_the_others_are_added() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = ban(&workspace, USER).await;
    let operator = Operator::of(&workspace);
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("a.html", "<p>"),
        ("b.png", "no picture"),
        ("c.txt", "text"),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let path = folder.path().display().to_string();
    let done = operator.run(&["evidence", "add", &ban, &path]).await;
    assert_eq!(done.status.code(), Some(1));
    let printed = stdout(&done);
    assert!(printed.contains("content is not image/png"), "{printed}");
    assert!(stderr(&done).contains("2 of 3 files were refused"));
    assert_eq!(list(&operator, &ban).await.len(), 1);

    let unknown = operator.run(&["evidence", "add", "1", &path]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("ban"), "{}", stderr(&unknown));
}

#[tokio::test]
async fn text_is_added_shown_and_removed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = ban(&workspace, USER).await;
    let operator = Operator::of(&workspace);
    let link = "see https://cdn.discordapp.com/attachments/1/2/a.png?ex=66000000&is=1&hm=a";
    let text = ["evidence", "add", &ban, "--text", link];
    let done = operator.run(&[&text[..], &["--json"]].concat()).await;
    assert!(stderr(&done).contains("warning: "), "{}", stderr(&done));
    let added: Value = serde_json::from_slice(&done.stdout).unwrap();
    let guid = added["guid"].as_str().unwrap();
    let shown = operator.json(&["evidence", "show", guid]).await;
    assert_eq!(shown["text"], link);
    assert_eq!(shown["createdBy"], "operator");

    // Another workspace neither sees nor removes it.
    let other = app.workspace().await;
    let stranger = Operator::of(&other);
    for verb in [&["show"][..], &["get", "--yes"], &["remove", "--yes"]] {
        let arguments = [&["evidence"], verb, &[guid]].concat();
        let refused = stranger.run(&arguments).await;
        assert_eq!(refused.status.code(), Some(1), "{verb:?}");
    }

    let remove = ["evidence", "remove", guid];
    assert_eq!(operator.run(&remove).await.status.code(), Some(1));
    operator.json(&[&remove[..], &["--dry-run"]].concat()).await;
    assert_eq!(list(&operator, &ban).await.len(), 1);
    operator.json(&[&remove[..], &["--yes"]].concat()).await;
    assert_eq!(list(&operator, &ban).await, Vec::<Value>::new());
}

#[tokio::test]
async fn retention_of_evidence_is_a_setting_of_the_workspace() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let set = async |days| {
        let set = ["workspace", "set", "--evidence-days", days];
        operator.json(&set).await["evidenceDays"].clone()
    };
    assert_eq!(set("30").await, 30);
    assert_eq!(set("none").await, Value::Null);
    let refused = ["workspace", "set", "--evidence-days", "0"];
    assert_eq!(operator.run(&refused).await.status.code(), Some(2));
}
