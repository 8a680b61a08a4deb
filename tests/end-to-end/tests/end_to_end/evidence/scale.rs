//! A user with 10,000 pieces of evidence, and a file of the largest size.

use end_to_end::{Call, TestApp, Workspace};
use serde_json::{Value, json};

use super::{about, case, complete, counted, created, file_body, guid_of, stored, text_body};
use crate::costs::{cost, warm};
use crate::routes::{EXPERIENCE, USER};

/// The guid of a ban with this many texts as evidence: copies of one, older than it.
async fn with_evidence(workspace: &Workspace<'_>, count: u64) -> String {
    let case = case(workspace).await;
    let guid = guid_of(&created(workspace, &text_body(&case, "a")).await);
    let number: u64 = guid.parse().unwrap();
    let mut copies = Vec::new();
    for kind in ["evidence", "evidence-entry"] {
        let original = stored(workspace, kind).await.remove(0).to_string();
        assert!(original.contains(&guid), "{original}");
        for age in 1..count {
            let copy = original.replace(&guid, &(number - (age << 22)).to_string());
            copies.push(serde_json::from_str::<Value>(&copy).unwrap());
        }
    }
    workspace.app().put_items(copies).await;
    case
}

#[tokio::test]
async fn all_of_10000_pieces_are_listed_once_by_pages_of_constant_cost() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let case = with_evidence(&workspace, 10_000).await;
    let list = Call::get(&format!("/bans/{case}/evidence"))
        .query("userId", USER)
        .query("limit", 100);
    let (mut pages, mut guids, mut cursor) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let call = match &cursor {
            Some(cursor) => list.clone().query("cursor", cursor),
            None => list.clone(),
        };
        let page = workspace.send(call).await;
        let answer = page.success();
        guids.extend(answer["list"].as_array().unwrap().iter().map(guid_of));
        pages.push(cost(&workspace, "ban-evidence", &page).await);
        cursor = page.next_cursor();
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(guids.len(), 10_000);
    assert!(guids.is_sorted_by(|newer, older| {
        newer.parse::<u64>().unwrap() > older.parse::<u64>().unwrap()
    }));
    // The first page finds the key uncached, and an empty last page reads less.
    let full = &pages[1..100];
    assert!(full.iter().all(|page| page == &full[0]), "{full:?}");
    let check = json!({ "userId": USER, "experienceId": EXPERIENCE });
    let check = Call::post("/is-banned").json(&check);
    let spent = warm(&workspace, "is-banned", &check).await;
    assert_eq!(spent, (2.0, 0.0, 1));
}

/// The most memory that each running instance of these functions has held, in KiB.
#[cfg(target_os = "linux")]
fn peaks() -> Vec<(String, u64)> {
    let own = format!("PPid:\t{}", std::process::id());
    let mut peaks = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let process = entry.path();
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        let Ok(program) = std::fs::read_link(process.join("exe")) else {
            continue;
        };
        let Some(name) = program.file_name() else {
            continue;
        };
        let name = name.to_string_lossy().into_owned();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let is_own = status.lines().any(|line| line == own);
        if let (true, true, Some(line)) = (is_own, name.contains("evidence"), line) {
            let kib = line.split_whitespace().next().unwrap();
            peaks.push((name, kib.parse().unwrap()));
        }
    }
    peaks.sort();
    peaks
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn file_of_100_mib_takes_no_memory_of_any_function() {
    const MOST: u64 = 40 * 1024;
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let case = case(&workspace).await;
    let through = async |bytes: &[u8]| {
        let piece = created(&workspace, &file_body(&case, "text/plain", bytes)).await;
        assert_eq!(app.upload(&piece["upload"], bytes).await.status, 200);
        let guid = guid_of(&piece);
        complete(&workspace, &guid).await.success();
        let shown = workspace.send(about("GET", &guid, "")).await.success();
        let file = app.fetch(shown["streamUri"].as_str().unwrap()).await;
        assert!(file.text.as_bytes() == bytes, "the file has other bytes");
        workspace.send(about("DELETE", &guid, "")).await.assert_ok();
    };
    through(b"a small file").await;
    let small = peaks();
    through(&vec![b'x'; 100 << 20]).await;
    let large = peaks();
    let names: Vec<_> = large.iter().map(|(name, _)| name.as_str()).collect();
    let called = [
        "evidence-complete",
        "evidence-create",
        "evidence-delete",
        "evidence-get",
    ];
    assert_eq!(names, called);
    assert!(large.iter().all(|(_, peak)| *peak < MOST), "{large:?}");
    for ((name, before), (_, after)) in small.iter().zip(&large) {
        assert!(after - before < 2048, "{name}: {before} to {after} KiB");
    }
    assert_eq!(counted(&workspace).await, 0);
}
