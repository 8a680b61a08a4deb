//! Interrupted and repeated transfers of `portcullis evidence`.

use std::path::Path;
use std::time::Duration;

use crate::evidence::{PNG, add, ban, list};
use crate::harness::stderr;
use crate::stack::Operator;
use end_to_end::{Call, TestApp, eventually};
use serde_json::{Value, json};

/// A text file of this many bytes.
fn write(path: &Path, bytes: usize, seed: usize) -> Vec<u8> {
    let line = |number: usize| format!("{seed} {number}: they said it again\n");
    let text: String = (0..).map(line).take(bytes / 20).collect();
    let text = &text.as_bytes()[..bytes];
    std::fs::write(path, text).unwrap();
    text.to_vec()
}

#[tokio::test]
async fn interrupted_download_continues_and_a_wrong_one_is_discarded() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = ban(&workspace, 156).await;
    let operator = Operator::of(&workspace);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("log.txt");
    let content = write(&source, 3_000_000, 0);
    let added = add(&operator, &ban, &source).await;
    let guid = added[0]["guid"].as_str().unwrap();

    let target = folder.path().join("saved.txt");
    let part = folder.path().join("saved.txt.part");
    let to = target.display().to_string();
    let get = ["evidence", "get", guid, "--to", &to];
    std::fs::write(&part, &content[..1_000_000]).unwrap();
    let done = operator.run(&get).await;
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(std::fs::read(&target).unwrap(), content);
    assert!(!part.exists());
    let unasked = operator.run(&get).await;
    assert_eq!(unasked.status.code(), Some(1), "it exists");

    // A download continues the part unchanged, so a wrong one shows in the hash.
    std::fs::remove_file(&target).unwrap();
    std::fs::write(&part, vec![b'x'; 1_000_000]).unwrap();
    let wrong = operator.run(&get).await;
    assert!(
        stderr(&wrong).contains("recorded hash"),
        "{}",
        stderr(&wrong)
    );
    assert!(!part.exists() && !target.exists());
    assert_eq!(operator.run(&get).await.status.code(), Some(0));
    // A complete part needs no download.
    std::fs::rename(&target, &part).unwrap();
    assert_eq!(operator.run(&get).await.status.code(), Some(0));
    assert_eq!(std::fs::read(&target).unwrap(), content);
}

#[tokio::test]
async fn upload_that_was_begun_is_finished() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = ban(&workspace, 156).await;
    let operator = Operator::of(&workspace);
    let folder = tempfile::tempdir().unwrap();
    // One run ends before the upload, the other one after it.
    for (name, is_uploaded) in [("a.txt", false), ("b.txt", true)] {
        let source = folder.path().join(name);
        let content = write(&source, 5000, name.len() + usize::from(is_uploaded));
        let body = declaration(&ban, name, &content);
        let begun = workspace
            .send(Call::post("/evidence/create").json(&body))
            .await;
        let begun = begun.success();
        if is_uploaded {
            let answer = app.upload(&begun["upload"], &content).await;
            assert_eq!(answer.status, 200);
        }
        let added = add(&operator, &ban, &source).await;
        assert_eq!(added[0]["outcome"], "added");
        assert_eq!(added[0]["guid"], begun["evidenceGuid"]);
    }
    let listed = list(&operator, &ban).await;
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|piece| piece["state"] == "available"));
}

/// The body that creates a piece for a text file.
fn declaration(ban: &str, name: &str, content: &[u8]) -> Value {
    json!({
        "caseId": ban, "evidenceType": "File", "fileName": name,
        "contentType": "text/plain", "size": content.len(), "sha256": sha256(content),
    })
}

fn sha256(content: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(content))
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_addition_is_completed_without_duplicates() {
    const FILES: usize = 40;
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = ban(&workspace, 156).await;
    let operator = Operator::of(&workspace);
    let folder = tempfile::tempdir().unwrap();
    for number in 0..FILES {
        write(
            &folder.path().join(format!("{number:02}.txt")),
            1000,
            number,
        );
    }
    let path = folder.path().display().to_string();
    let mut first = operator.spawn(&["evidence", "add", &ban, &path]);
    eventually("some files are added", async || {
        (list(&operator, &ban).await.len() > 2).then_some(())
    })
    .await;
    first.kill().unwrap();
    first.wait().unwrap();
    let before = list(&operator, &ban).await.len();
    assert!(before < FILES, "the first run is over already");
    tokio::time::sleep(Duration::from_millis(100)).await;
    add(&operator, &ban, folder.path()).await;
    let listed = list(&operator, &ban).await;
    assert_eq!(listed.len(), FILES);
    assert!(listed.iter().all(|piece| piece["state"] == "available"));
}

#[tokio::test]
async fn export_writes_each_piece_and_an_index_and_continues() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("picture.png");
    std::fs::write(&picture, PNG).unwrap();
    let mut texts = Vec::new();
    for user in [1, 2, 3] {
        let ban = ban(&workspace, user).await;
        if user == 3 {
            let pending = declaration(&ban, "c.txt", b"never uploaded");
            let begun = Call::post("/evidence/create").json(&pending);
            workspace.send(begun).await.success();
        }
        if user < 3 {
            add(&operator, &ban, &picture).await;
            let text = format!("text about {user}");
            operator
                .json(&["evidence", "add", &ban, "--text", &text])
                .await;
            texts.push(text);
        }
    }
    let target = folder.path().join("export");
    let to = target.display().to_string();
    let export = ["evidence", "export", &to];
    let index = || -> Vec<Value> {
        let lines = std::fs::read_to_string(target.join("evidence.jsonl")).unwrap();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    };
    let done = operator.run(&export).await;
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let exported = index();
    assert_eq!(exported.len(), 5);
    let (pending, exported_files) = exported.split_first().unwrap();
    assert_eq!(
        (&pending["state"], &pending["path"]),
        (&json!("pending"), &Value::Null)
    );
    let content = |piece: &Value| std::fs::read(target.join(piece["path"].as_str().unwrap()));
    for piece in exported_files {
        let bytes = content(piece).unwrap();
        assert_eq!(piece["size"], bytes.len());
        let is_known = bytes == PNG || texts.iter().any(|text| text.as_bytes() == bytes);
        assert!(is_known, "{piece}");
    }

    let lost = target.join(exported[1]["path"].as_str().unwrap());
    let kept = target.join(exported[2]["path"].as_str().unwrap());
    let modified = |path: &Path| path.metadata().unwrap().modified().unwrap();
    let before = modified(&kept);
    std::fs::remove_file(&lost).unwrap();
    std::fs::remove_file(target.join("evidence.jsonl")).unwrap();
    let again = operator.run(&export).await;
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_eq!(index(), exported);
    assert!(lost.exists());
    assert_eq!(modified(&kept), before);
    let all = operator.json(&["evidence", "list"]).await;
    assert_eq!(all.as_array().unwrap().len(), 5);
}

/// Runs the command and returns the most memory that it held, in MiB.
async fn peak(operator: &Operator, arguments: &[&str]) -> usize {
    let mut child = operator.spawn(arguments);
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        peak = kib.map_or(peak, |kib: usize| kib / 1024);
        if let Some(done) = child.try_wait().unwrap() {
            assert!(done.success(), "{arguments:?}");
            return peak;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn largest_file_is_streamed_both_ways() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = ban(&workspace, 156).await;
    let operator = Operator::of(&workspace);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("log.txt");
    let content = vec![b'x'; 100 << 20];
    std::fs::write(&source, &content).unwrap();
    let from = source.display().to_string();
    let up = peak(&operator, &["evidence", "add", &ban, &from]).await;
    let listed = list(&operator, &ban).await;
    let guid = listed[0]["guid"].as_str().unwrap();
    let to = folder.path().join("saved.txt").display().to_string();
    let down = peak(&operator, &["evidence", "get", guid, "--to", &to]).await;
    assert!(std::fs::read(&to).unwrap() == content);
    assert!(up < 64 && down < 64, "{up} MiB up, {down} MiB down");
}
