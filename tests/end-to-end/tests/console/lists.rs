//! The list of bans and the pages of players.

use end_to_end::{Ban, TestApp, Unban};
use local_stack::roblox::{Fault, FaultRule};
use shared::domain::members::MemberPermission::{ManageBans, View};

const EXPERIENCE: u64 = 75_521_396_999_004;

/// What a hostile caller sends as a reason.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

#[tokio::test]
async fn list_shows_bans_in_force_and_others_on_request() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let mut vera = workspace.signed_in("Vera", &[View]).await;
    let empty = vera.get("/console/bans").await;
    assert!(empty.text.contains("No bans yet"), "{empty}");

    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    workspace
        .ban(Ban::of(157, EXPERIENCE).permanent().global())
        .await;
    workspace.ban(Ban::of(158, EXPERIENCE).permanent()).await;
    workspace.unban(Unban::of(158, EXPERIENCE)).await;
    app.settle().await;
    for (query, shown) in [
        ("", vec![157, 156]),
        ("?state=all", vec![158, 157, 156]),
        ("?state=ended", vec![158]),
        ("?scope=global", vec![157]),
        (
            "?experience=75521396999004&state=all&scope=experience",
            vec![158, 156],
        ),
        ("?q=nothing+like+this", vec![]),
    ] {
        let page = vera.get(&format!("/console/bans{query}")).await;
        assert_eq!(page.status, 200, "{page}");
        let links = page
            .text
            .split("class=\"who\" href=\"/console/players/")
            .skip(1);
        let users = links.map(|link| link.split('#').next().unwrap().parse().unwrap());
        assert_eq!(users.collect::<Vec<u64>>(), shown, "{query}");
    }
    let filtered = vera.get("/console/bans?q=nothing").await;
    assert!(filtered.text.contains("No ban fits"), "{filtered}");
    assert!(
        filtered.text.contains("data-filtered=\"true\""),
        "{filtered}"
    );
    let forged = vera.get("/console/bans?cursor=AAAA").await;
    assert_eq!(forged.status, 400, "{forged}");
}

#[tokio::test]
async fn fifty_bans_are_a_page_and_the_next_ones_follow() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=60 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    app.settle().await;
    let mut vera = workspace.signed_in("Vera", &[View]).await;
    let page = vera.get("/console/bans").await;
    assert_eq!(page.text.matches("class=\"who\"").count(), 50);
    let next = page
        .text
        .split('"')
        .find(|it| it.contains("cursor="))
        .unwrap();
    let next = vera.get(&next.replace("&amp;", "&")).await;
    assert_eq!(next.text.matches("class=\"who\"").count(), 10, "{next}");
}

#[tokio::test]
async fn hostile_reasons_are_shown_as_text() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(156, EXPERIENCE).reasons(HOSTILE, HOSTILE);
    workspace.ban(ban.permanent()).await;
    app.settle().await;
    let mut mo = workspace.signed_in("Mo \"><script>", &[ManageBans]).await;
    for path in [
        "/console/bans",
        "/console/players/156",
        "/console/ban?user=156",
        "/console/bans?q=%3Cimg+src",
        "/console/players?q=%22%3E%3Cscript%3E",
    ] {
        let page = mo.get(path).await;
        assert!(!page.text.contains("<img"), "{path}");
        assert!(!page.text.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn search_leads_to_players_and_bans() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = workspace
        .ban_shown(Ban::of(156, EXPERIENCE).permanent())
        .await;
    let guid = ban["guid"].as_str().unwrap();
    app.settle().await;
    let mut vera = workspace.signed_in("Vera", &[View]).await;
    let of_ban = format!("/console/players/156#ban-{guid}");
    for (typed, target) in [
        ("156", "/console/players/156"),
        (
            "https%3A%2F%2Fwww.roblox.com%2Fusers%2F156%2Fprofile",
            "/console/players/156",
        ),
        (guid, of_ban.as_str()),
    ] {
        let found = vera.get(&format!("/console/players?q={typed}")).await;
        assert_eq!(
            (found.status, found.header("location")),
            (303, Some(target)),
            "{found}"
        );
    }
    assert_eq!(vera.get("/console/players?q=two+words").await.status, 404);
}

#[tokio::test]
async fn player_page_shows_where_the_ban_is_applied() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    workspace.ban(Ban::of(1, 7).permanent()).await;
    workspace
        .ban(Ban::of(156, EXPERIENCE).permanent().global().applied())
        .await;
    app.settle().await;
    let mut vera = workspace.signed_in("Vera", &[View]).await;
    let page = vera.get("/console/players/156").await;
    for part in ["1 of 2 applied", "Ban pending", "Banned everywhere"] {
        assert!(page.text.contains(part), "{part} in {page}");
    }
    let list = vera.get("/console/bans?scope=global").await;
    assert!(list.text.contains("1 of 2 applied"), "{list}");
}

#[tokio::test]
async fn players_are_found_and_shown_by_name() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(158, EXPERIENCE).permanent()).await;
    app.settle().await;
    app.roblox().set_user(158, "Newname", "<b>Display</b>");
    let mut mo = workspace.signed_in("Mo", &[ManageBans]).await;
    let list = mo.get("/console/bans").await;
    assert!(list.text.contains("@Newname"), "{list}");
    let player = mo.get("/console/players/158").await;
    assert!(
        player.text.contains("<title>@Newname · Portcullis</title>"),
        "{player}"
    );
    assert!(player.text.contains("&#60;b&#62;Display"), "{player}");
    let found = mo.get("/console/players?q=%40newNAME").await;
    assert_eq!(
        found.header("location"),
        Some("/console/players/158"),
        "{found}"
    );
    let form = mo.get("/console/ban?user=newname").await;
    assert!(form.text.contains("<bdi>@Newname</bdi>"), "{form}");
    // The present owner of a previous name may be someone else.
    let previous = mo.get("/console/ban?user=user_158").await;
    assert_eq!(previous.status, 404, "{previous}");
    assert!(previous.text.contains("ambiguous"), "{previous}");
}

#[tokio::test]
async fn pages_without_names_show_ids() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(158, EXPERIENCE).permanent()).await;
    app.settle().await;
    app.roblox().fail(FaultRule::from(Fault::Status(503)));
    let mut mo = workspace.signed_in("Mo", &[ManageBans]).await;
    let list = mo.get("/console/bans").await;
    assert!(list.text.contains("Player 158"), "{list}");
    let typed = mo.get("/console/ban?user=someone").await;
    assert!(typed.text.contains("Roblox cannot be reached"), "{typed}");
}
