//! Linked experiences: what is pending, and linking and unlinking by administrators.

use end_to_end::{Ban, TestApp};
use shared::domain::members::MemberPermission::{Administrator, ManageGlobalBans, View};

const EXPERIENCE: u64 = 75_521_396_999_004;

const LIST: &str = "/console/experiences";

const UNLINK: &str = "/console/experiences/75521396999004/unlink";

#[tokio::test]
async fn list_shows_what_is_pending() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let mut vera = workspace.signed_in("Vera", &[View]).await;
    let empty = vera.get(LIST).await;
    assert!(
        empty.text.contains("No experience is linked yet"),
        "{empty}"
    );
    assert!(!empty.text.contains("data-testid=\"link\""), "{empty}");
    for user in 1..=3 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    app.settle().await;
    let page = vera.get(LIST).await;
    assert_eq!(page.status, 200, "{page}");
    for part in [
        "Needs attention",
        "never asked for pending bans",
        "data-label=\"Pending bans\">3<",
    ] {
        assert!(page.text.contains(part), "{part} in {page}");
    }
    workspace.pending_bans(EXPERIENCE).await;
    let page = vera.get(LIST).await;
    assert!(page.text.contains(">Pending<"), "{page}");
}

#[tokio::test]
async fn only_administrators_link_and_unlink() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    app.settle().await;
    let mut moderator = workspace.signed_in("Mo", &[ManageGlobalBans]).await;
    assert_eq!(moderator.get(UNLINK).await.status, 403);
    let page = moderator.get(LIST).await;
    let (_, token) = page.text.split_once("name=\"csrf\" value=\"").unwrap();
    let token = token.split('"').next().unwrap().to_owned();
    let place = ("place", "75521396999004");
    for path in [LIST, UNLINK] {
        let refused = moderator.post(path, &[("csrf", &token), place]).await;
        assert_eq!(refused.status, 403, "{path}: {refused}");
    }
    let links = app.store().links(workspace.id().prefix()).await.unwrap();
    assert_eq!(links.len(), 1);
}

#[tokio::test]
async fn experience_is_linked_and_unlinked_by_its_place_id() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let wrong = ada.submit(LIST, LIST, &[("place", "arena <b>")]).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    assert!(wrong.text.contains("arena &#60;b&#62;"), "{wrong}");
    let linked = ada.submit_shown(&wrong, LIST, &[("place", "7")]).await;
    let page = ada.follow(&linked).await;
    assert!(page.text.contains("Experience 7 is linked"), "{page}");

    for user in 1..=30 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    app.settle().await;
    let asked = ada.get(UNLINK).await;
    assert!(asked.text.contains("30 pending bans"), "{asked}");
    let refused = ada.submit_shown(&asked, UNLINK, &[("place", "7")]).await;
    assert_eq!(refused.status, 422, "{refused}");
    let place = ("place", "75521396999004");
    let unlinked = ada.submit_shown(&refused, UNLINK, &[place]).await;
    let page = ada.follow(&unlinked).await;
    assert!(page.text.contains("is unlinked"), "{page}");
    let links = app.store().links(workspace.id().prefix()).await.unwrap();
    assert_eq!(links.len(), 1);
    assert_eq!(ada.get(UNLINK).await.status, 404);
}

#[tokio::test]
async fn experiences_of_another_workspace_cannot_be_seen_or_unlinked() {
    let app = TestApp::start().await;
    let first = app.workspace().await;
    first.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    app.settle().await;
    let second = app.workspace().await;
    let mut stranger = second.signed_in("Mallory", &[Administrator]).await;
    let list = stranger.get(LIST).await;
    assert!(!list.text.contains("75521396999004"), "{list}");
    assert_eq!(stranger.get(UNLINK).await.status, 404);
    let links = app.store().links(first.id().prefix()).await.unwrap();
    assert_eq!(links.len(), 1);
}
