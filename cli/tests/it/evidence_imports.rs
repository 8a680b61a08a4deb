//! `portcullis evidence export` and `import` between two workspaces.

use std::path::Path;

use crate::evidence::{PNG, add, ban, list};
use crate::harness::stderr;
use crate::stack::Operator;
use end_to_end::{Call, TestApp, Workspace};
use serde_json::{Value, json};

/// The evidence for a ban as the API shows it, without what a copy cannot share.
async fn shown(workspace: &Workspace<'_>, ban: &str) -> Vec<Value> {
    let list = Call::get(&format!("/bans/{ban}/evidence"));
    let mut pieces = workspace.all_pages(list).await;
    for piece in &mut pieces {
        let fields = piece.as_object_mut().unwrap();
        for own in [
            "evidenceGuid",
            "workspaceGuid",
            "worskpaceGuid",
            "created",
            "updated",
        ] {
            assert!(fields.remove(own).is_some(), "{own}");
        }
    }
    pieces
}

async fn export(operator: &Operator, directory: &str) {
    let done = operator.run(&["evidence", "export", directory]).await;
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test]
async fn evidence_follows_its_bans_into_another_workspace() {
    let app = TestApp::start().await;
    let (old, new) = (app.workspace().await, app.workspace().await);
    let (from, to) = (Operator::of(&old), Operator::of(&new));
    let ban = ban(&old, 156).await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::write(root.join("seen at spawn.png"), PNG).unwrap();
    let picture = path(&root.join("seen at spawn.png"));
    let about = ["--comment", "round 3", "--moderator", "42"];
    from.json(&[&["evidence", "add", &ban, &picture], &about[..]].concat())
        .await;
    let text = "a text, which is longer than the picture";
    let added = from
        .json(&["evidence", "add", &ban, "--text", text, "--moderator", "42"])
        .await;
    // The same text twice is two pieces, in a copy too.
    from.json(&["evidence", "add", &ban, "--text", text, "--moderator", "42"])
        .await;
    let guid = added["guid"].as_str().unwrap();
    let change = json!({ "tags": ["fly"], "customS3": true });
    let patch = Call::new("PATCH", &format!("/evidence/{guid}/metadata")).json(&change);
    old.send(patch).await.success();
    // An upload that nobody has completed has no content to copy.
    let pending = json!({
        "caseId": ban, "evidenceType": "File", "fileName": "a.txt", "contentType": "text/plain",
        "size": 1, "sha256": "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
    });
    let create = Call::post("/evidence/create").json(&pending);
    old.send(create).await.success();

    let (bans, pieces) = (path(&root.join("bans.json")), path(&root.join("evidence")));
    export(&from, &pieces).await;
    let import = ["evidence", "import", &pieces];
    let early = to.run(&import).await;
    assert_eq!(early.status.code(), Some(1));
    let said = stderr(&early);
    assert!(said.contains("import the bans first"), "{said}");

    from.run(&["export", &bans]).await;
    to.json(&["import", &bans]).await;
    let preview = [&import[..], &["--dry-run"]].concat();
    assert_eq!(to.json(&preview).await["added"], 3);
    assert_eq!(list(&to, &ban).await, Vec::<Value>::new());
    let counts = to.json(&import).await;
    let expected = json!({
        "added": 3, "alreadyThere": 0, "withoutContent": 1, "withoutBan": 0, "refused": 0,
    });
    assert_eq!(counts, expected);

    let mut before = shown(&old, &ban).await;
    before.retain(|piece| piece["state"] == "available");
    let mut after = shown(&new, &ban).await;
    for piece in &mut after {
        let origin = piece["metadata"].as_object_mut().unwrap();
        let origin = origin.remove("imported").unwrap();
        assert_eq!(origin["createdBy"], "42");
        assert!(origin["created"].is_string() && origin["evidenceGuid"].is_string());
    }
    for pieces in [&mut before, &mut after] {
        pieces.sort_by_key(Value::to_string);
    }
    assert_eq!(after, before);
    let texts = list(&to, &ban).await;
    let copy = texts.iter().find(|piece| piece["fileName"].is_null());
    let copy = copy.unwrap()["guid"].as_str().unwrap();
    let copy = to.json(&["evidence", "show", copy]).await;
    assert_eq!(copy["text"], text);

    // Both commands again change nothing.
    let counts = to.json(&import).await;
    assert_eq!(
        (&counts["added"], &counts["alreadyThere"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(list(&to, &ban).await.len(), 3);
}

#[tokio::test]
async fn import_refuses_what_an_export_did_not_write() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = ban(&workspace, 156).await;
    let operator = Operator::of(&workspace);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::write(root.join("chat.txt"), "they said it").unwrap();
    let added = add(&operator, &ban, &root.join("chat.txt")).await;
    let target = root.join("evidence");
    let to = path(&target);
    export(&operator, &to).await;
    let guid = added[0]["guid"].as_str().unwrap();
    operator.json(&["evidence", "remove", guid, "--yes"]).await;

    let index = target.join("evidence.jsonl");
    let line: Value = serde_json::from_str(&std::fs::read_to_string(&index).unwrap()).unwrap();
    let file = target.join(line["path"].as_str().unwrap());
    let import = ["evidence", "import", &to];
    let with = |field: &str, value: Value| {
        let mut line = line.clone();
        line[field] = value;
        line
    };
    let changed = "its file was changed since the export";
    for (line, why) in [
        (
            with("path", json!("../chat.txt")),
            "not a name in the directory",
        ),
        (
            with("path", json!(path(&root.join("chat.txt")))),
            "not a name in the directory",
        ),
        (with("path", json!("missing.txt")), "No such file"),
        (
            with(
                "sha256",
                json!("ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="),
            ),
            changed,
        ),
        (with("fileName", json!("a/b.txt")), "its name must be"),
        (
            with("metadata", json!({ "a": "x".repeat(5000) })),
            "its metadata would be",
        ),
    ] {
        std::fs::write(&index, format!("{line}\n")).unwrap();
        let done = operator.run(&import).await;
        let said = stderr(&done);
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.contains(why), "{why}: {said}");
    }
    assert_eq!(list(&operator, &ban).await, Vec::<Value>::new());
    for broken in ["{", "{}", "[]"] {
        std::fs::write(&index, broken).unwrap();
        let done = operator.run(&import).await;
        assert!(stderr(&done).contains("line 1 of"), "{}", stderr(&done));
    }
    std::fs::write(&index, format!("{line}\n")).unwrap();
    std::fs::write(&file, "they said more").unwrap();
    let done = operator.run(&import).await;
    assert!(stderr(&done).contains(changed), "{}", stderr(&done));
    std::fs::write(&file, "they said it").unwrap();
    assert_eq!(operator.json(&import).await["added"], 1);
}
