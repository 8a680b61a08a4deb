//! Pages end by size: Lambda accepts a response of 6 MB, and the local runtime enforces the same
//! limit.

use end_to_end::{Ban, Call, TestApp, Workspace, eventually, now};
use serde_json::{Value, json};

use crate::bulk::copy_bans;
use crate::routes::{EXPERIENCE, USER, ban_history};

/// More events with the longest reasons than fit into one response.
const EVENTS: u64 = 520;

/// More bans than fit into one response.
const BANS: usize = 1000;

/// A ban with the longest possible reasons, whose size doubles in JSON and quadruples in Lambda's.
fn longest_ban(user: u64) -> Ban {
    let [private, public] = [1000, 400].map(|length| "\"".repeat(length));
    Ban::of(user, EXPERIENCE)
        .permanent()
        .reasons(&private, &public)
}

/// A ban with many changes, all of them logged; copied instead of made by as many calls.
async fn ban_with_many_changes(workspace: &Workspace<'_>) -> String {
    let shown = workspace.ban_shown(longest_ban(USER)).await;
    let guid = shown["guid"].as_str().unwrap().to_owned();
    let prefix = workspace.prefix();
    let items = workspace.app().items(&format!("{prefix}#U#{USER}")).await;
    let is_decision = |item: &&Value| item["kind"]["S"] == "decision";
    let decision = items.iter().find(is_decision).unwrap();
    let first: u64 = decision["at_ms"]["N"].as_str().unwrap().parse().unwrap();
    for number in 1..=EVENTS {
        let mut copy = decision.clone();
        if number > 1 {
            copy["decision"]["S"] = json!("changed");
            copy["previous"] = copy["ban"].clone();
        }
        let at = first + number - 1;
        copy["number"]["N"] = json!(number.to_string());
        copy["ban"]["M"]["decisions"]["N"] = json!(number.to_string());
        copy["sk"]["S"] = json!(format!("H#{at:014}#{guid}#{number}"));
        copy["log_shard"] = json!({ "S": format!("{prefix}#{}", number % 4) });
        copy["log_position"] = json!({ "N": number.to_string() });
        copy["logged_at"] = json!({ "N": (now() * 1000).to_string() });
        workspace.app().put_item(&copy).await;
    }
    let head = json!({
        "pk": { "S": format!("{prefix}#L") }, "sk": { "S": "L" }, "kind": { "S": "log" },
        "log_position": { "N": EVENTS.to_string() },
    });
    workspace.app().put_item(&head).await;
    guid
}

/// The events of all pages of a call, and the number of pages.
async fn read(workspace: &Workspace<'_>, call: Call, field: &str) -> (Vec<String>, usize) {
    let (mut read, mut pages, mut cursor) = (Vec::new(), 0, None::<String>);
    loop {
        let mut page = call.clone();
        if let Some(cursor) = &cursor {
            page = page.query("cursor", cursor);
        }
        let answer = workspace.send(page).await;
        let body = answer.success();
        let events = body[field].as_array().unwrap();
        let ids = events.iter().map(|event| event["id"].as_str().unwrap());
        read.extend(ids.map(str::to_owned));
        pages += 1;
        let next = answer.next_cursor();
        if next.is_none() || next == cursor {
            return (read, pages);
        }
        cursor = next;
    }
}

#[tokio::test]
async fn events_and_history_too_large_for_a_response_are_paged() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let guid = ban_with_many_changes(&workspace).await;
    let expected: Vec<_> = (1..=EVENTS)
        .map(|number| format!("{guid}-{number}"))
        .collect();
    // Two pages, and an empty one at the end.
    let call = Call::get("/events").query("limit", 1000);
    assert_eq!(read(&workspace, call, "list").await, (expected.clone(), 3));
    let call = ban_history(&guid).query("limit", 1000);
    assert_eq!(
        read(&workspace, call, "events").await,
        (expected.clone(), 2)
    );

    // By count as well.
    let call = ban_history(&guid).query("limit", 130);
    assert_eq!(read(&workspace, call, "events").await, (expected, 4));
    let first = workspace.send(ban_history(&guid)).await.success();
    assert_eq!(first["events"].as_array().unwrap().len(), 100);
    assert_eq!(first["guid"], *guid);
}

#[tokio::test]
async fn lists_and_polls_too_large_for_a_response_are_paged() {
    let app = TestApp::builder().without_stream().start().await;
    for (call, is_poll) in [
        (Call::get("/bans"), false),
        (
            Call::get("/pending-bans").query("experienceId", EXPERIENCE),
            true,
        ),
    ] {
        let workspace = app.workspace().await;
        let users = 2..=u64::try_from(BANS).unwrap();
        let ban = match is_poll {
            true => longest_ban(1),
            false => longest_ban(1).applied(),
        };
        copy_bans(&workspace, ban, users).await;
        let call = call.query("limit", 1000);
        let list = eventually("all bans are listed", async || {
            let list = workspace.all_pages(call.clone()).await;
            (list.len() == BANS).then_some(list)
        })
        .await;
        let first = workspace.send(call).await.list();
        assert!((600..BANS).contains(&first.len()), "{} bans", first.len());
        assert_eq!(list[..first.len()], first);
        let mut guids: Vec<_> = list.iter().map(|ban| ban["guid"].as_str()).collect();
        guids.sort_unstable();
        guids.dedup();
        assert_eq!(guids.len(), BANS, "none comes twice");
    }
}
