//! The activity: what was done, by whom, and the way to undo it.

use end_to_end::{ApiResponse, Ban, TestApp, Unban};
use shared::domain::members::MemberPermission::{Administrator, ManageBans, View};

const EXPERIENCE: u64 = 75_521_396_999_004;

/// What a hostile caller sends as a reason.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

fn players(page: &ApiResponse) -> Vec<u64> {
    let links = page
        .text
        .split("class=\"who\" href=\"/console/players/")
        .skip(1);
    let ids = links.map(|link| link.split('"').next().unwrap().parse().unwrap());
    ids.collect()
}

#[tokio::test]
async fn newest_comes_first_and_filters_find_the_rest() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let mut ada = workspace.signed_in("Ada <b>", &[Administrator]).await;
    let empty = ada.get("/console/activity").await;
    assert!(empty.text.contains("Nothing has happened yet"), "{empty}");

    workspace
        .ban(
            Ban::of(156, EXPERIENCE)
                .reasons(HOSTILE, HOSTILE)
                .permanent(),
        )
        .await;
    workspace.unban(Unban::of(156, EXPERIENCE)).await;
    let fields = [
        ("scope", "experience"),
        ("experience", "75521396999004"),
        ("length", "7d"),
        ("public_reason", "Spam"),
    ];
    ada.submit("/console/ban?user=157", "/console/ban", &fields)
        .await;
    app.settle().await;

    let page = ada.get("/console/activity").await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(players(&page), [157, 156, 156]);
    for part in [
        "Ada &#60;b&#62;",
        "Key ",
        "Lifted in experience",
        "Undo from here",
    ] {
        assert!(page.text.contains(part), "{part} in {page}");
    }
    assert!(!page.text.contains("<img"), "{page}");
    let member = page.text.split("<option value=\"mem_").nth(1).unwrap();
    let member = format!("mem_{}", member.split('"').next().unwrap());
    for (query, expected) in [
        ("channel=console".to_owned(), vec![157]),
        ("channel=api".to_owned(), vec![156, 156]),
        ("verb=lifted".to_owned(), vec![156]),
        (format!("by={member}"), vec![157]),
        ("from=2020-01-01&to=2020-01-02".to_owned(), vec![]),
        ("from=2020-01-01".to_owned(), vec![157, 156, 156]),
    ] {
        let page = ada.get(&format!("/console/activity?{query}")).await;
        assert_eq!(page.status, 200, "{page}");
        assert_eq!(players(&page), expected, "{query}");
    }
    let filtered = ada.get("/console/activity?verb=imported").await;
    for part in ["Nothing fits", "data-filtered=\"true\"", "Clear filters"] {
        assert!(filtered.text.contains(part), "{part} in {filtered}");
    }
    assert_eq!(ada.get("/console/activity?cursor=AAAA").await.status, 400);

    // One's own decision leads to its Undo.
    let undo = page
        .text
        .split('"')
        .find(|it| it.contains("?done="))
        .unwrap();
    let player = ada.get(undo).await;
    assert!(player.text.contains("action=\"/console/undo/"), "{player}");
}

#[tokio::test]
async fn older_entries_follow_on_the_next_page() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=60 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    app.settle().await;
    let mut vera = workspace.signed_in("Vera", &[View]).await;
    let page = vera.get("/console/activity").await;
    assert_eq!(players(&page), (11..=60).rev().collect::<Vec<_>>());
    let next = page
        .text
        .split('"')
        .find(|it| it.contains("cursor="))
        .unwrap();
    let next = vera.get(&next.replace("&#38;", "&")).await;
    assert_eq!(players(&next), (1..=10).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn who_it_was_and_why_a_ban_ended_is_for_moderators() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    app.settle().await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let player = ada.get("/console/players/156").await.text;
    let (start, _) = player.split_once("/lift?user=").unwrap();
    let lift = format!("/console/bans/{}/lift", start.rsplit('/').next().unwrap());
    let reason = [("reason", "Seen by the owner")];
    ada.submit(&lift, &lift, &reason).await;
    app.settle().await;
    let seen = ada.get("/console/activity").await;
    assert!(seen.text.contains("Seen by the owner"), "{seen}");
    assert!(!seen.text.contains("Undo from here"), "{seen}");
    let mut vera = workspace.signed_in("Vera", &[View]).await;
    let seen = vera.get("/console/activity").await;
    assert_eq!(players(&seen), [156, 156]);
    for secret in ["Seen by the owner", "Ada", "name=\"by\""] {
        assert!(!seen.text.contains(secret), "{secret} in {seen}");
    }
}

#[tokio::test]
async fn another_workspace_sees_nothing() {
    let app = TestApp::start().await;
    let (first, second) = (app.workspace().await, app.workspace().await);
    first.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    for user in 1..=60 {
        second.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    app.settle().await;
    let mut mallory = second.signed_in("Mallory", &[Administrator]).await;
    let page = mallory.get("/console/activity").await;
    assert!(!players(&page).contains(&156), "{page}");
    let cursor = page
        .text
        .split('"')
        .find(|it| it.contains("cursor="))
        .unwrap();
    let cursor = cursor.replace("&#38;", "&");
    let mut ada = first.signed_in("Ada", &[Administrator]).await;
    assert_eq!(ada.get(&cursor).await.status, 400);
}
