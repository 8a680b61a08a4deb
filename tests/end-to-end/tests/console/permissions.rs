//! What each permission opens: every page, for every permission and for nobody.

use end_to_end::{Ban, Browser, TestApp, Workspace};
use shared::domain::members::MemberPermission::{
    self, Administrator, ManageBans, ManageGlobalBans, View,
};

const EXPERIENCE: u64 = 75_521_396_999_004;

/// A guid that no ban has.
const NO_BAN: &str = "633197862920433664";

/// The statuses of a page for nobody, without a permission, and for each permission in the order of
/// [`MemberPermission::ALL`].
type Matrix = [(&'static str, [u16; 7]); 13];

const SEES: [u16; 7] = [401, 403, 200, 200, 200, 200, 200];

const BANS: [u16; 7] = [401, 403, 403, 200, 200, 403, 200];

const ADMINISTERS: [u16; 7] = [401, 403, 403, 403, 403, 403, 200];

const PAGES: Matrix = [
    ("/console/bans", SEES),
    ("/console/players/156", SEES),
    ("/console/players", SEES),
    (
        "/console/players?q=156",
        [401, 403, 303, 303, 303, 303, 303],
    ),
    ("/console/ban", BANS),
    ("/console/ban?user=157", BANS),
    ("/console/bans/LOCAL/lift?user=156", BANS),
    (
        "/console/bans/GLOBAL/lift?user=158",
        [401, 403, 403, 403, 200, 403, 200],
    ),
    ("/console/activity", SEES),
    ("/console/many", BANS),
    ("/console/many?action=lift", BANS),
    ("/console/undo", ADMINISTERS),
    ("/console/nothing", [404; 7]),
];

async fn browsers(workspace: &Workspace<'_>) -> Vec<(Option<MemberPermission>, Browser)> {
    let mut browsers = vec![
        (None, workspace.browser()),
        (None, workspace.signed_in("Nobody in particular", &[]).await),
    ];
    for permission in MemberPermission::ALL {
        let browser = workspace
            .signed_in(permission.as_str(), &[permission])
            .await;
        browsers.push((Some(permission), browser));
    }
    browsers
}

async fn guid(workspace: &Workspace<'_>, ban: Ban) -> String {
    workspace.ban_shown(ban).await["guid"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn every_page_demands_its_permission() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let local = guid(&workspace, Ban::of(156, EXPERIENCE).permanent()).await;
    let global = guid(&workspace, Ban::of(158, EXPERIENCE).permanent().global()).await;
    app.settle().await;
    let mut browsers = browsers(&workspace).await;
    for (path, expected) in PAGES {
        let path = path.replace("LOCAL", &local).replace("GLOBAL", &global);
        for ((permission, browser), expected) in browsers.iter_mut().zip(expected) {
            let page = browser.get(&path).await;
            assert_eq!(page.status, expected, "{path} for {permission:?}: {page}");
        }
    }
}

#[tokio::test]
async fn every_action_demands_its_permission() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    app.settle().await;
    let name = app
        .store()
        .workspace(workspace.id().prefix())
        .await
        .unwrap()
        .unwrap()
        .name;
    for (user, (permission, mut browser)) in (200..).zip(browsers(&workspace).await.split_off(2)) {
        let permission = permission.unwrap();
        let may_ban = matches!(permission, ManageBans | ManageGlobalBans | Administrator);
        let may_ban_globally = matches!(permission, ManageGlobalBans | Administrator);
        let id = user.to_string();
        let local = [
            ("user", id.as_str()),
            ("scope", "experience"),
            ("experience", "75521396999004"),
            ("length", "1d"),
            ("public_reason", "Spam"),
        ];
        let made = browser.post_own("/console/ban", &local).await;
        let expected = if may_ban { 303 } else { 403 };
        assert_eq!(made.status, expected, "{permission}: {made}");
        let check = workspace.check(user, EXPERIENCE).await;
        assert_eq!(check["isBanned"], may_ban, "{permission}");

        let global = [
            ("user", id.as_str()),
            ("scope", "global"),
            ("length", "1d"),
            ("public_reason", "Spam"),
            ("workspace", &name),
        ];
        let made = browser.post_own("/console/ban", &global).await;
        let expected = match (may_ban, may_ban_globally) {
            (_, true) => 303,
            (true, false) => 422,
            (false, false) => 403,
        };
        assert_eq!(made.status, expected, "{permission}: {made}");
        let elsewhere = workspace.check(user, 7).await;
        assert_eq!(elsewhere["isBanned"], may_ban_globally, "{permission}");

        if permission != Administrator {
            for path in ["/console/undo", "/console/undo/run"] {
                let refused = browser.post_own(path, &[("by", "operator")]).await;
                assert_eq!(refused.status, 403, "{permission} {path}: {refused}");
            }
        }
        if !may_ban {
            let lift = format!("/console/bans/{NO_BAN}/lift");
            let undo = format!("/console/undo/{NO_BAN}-1");
            let many = ["", "/run", "/undo"].map(|it| format!("/console/many{it}"));
            for path in many.into_iter().chain([lift, undo]) {
                let refused = browser
                    .post_own(&path, &[("user", id.as_str()), ("reason", "x")])
                    .await;
                assert_eq!(refused.status, 403, "{permission} {path}: {refused}");
            }
        }
    }
}

#[tokio::test]
async fn private_reasons_and_moderators_are_for_moderators() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(156, EXPERIENCE).reasons("Seen by the owner", "Spam");
    workspace.ban(ban.permanent()).await;
    app.settle().await;
    let mut viewer = workspace.signed_in("Vera", &[View]).await;
    let mut moderator = workspace.signed_in("Mo", &[ManageBans]).await;
    for path in [
        "/console/bans",
        "/console/players/156",
        "/console/bans?q=owner",
    ] {
        let seen = viewer.get(path).await;
        assert_eq!(seen.status, 200, "{seen}");
        assert!(!seen.text.contains("Seen by the owner"), "{path}");
        assert!(!seen.text.contains(">Moderator<"), "{path}");
    }
    let seen = moderator.get("/console/players/156").await;
    assert!(seen.text.contains("Seen by the owner"), "{seen}");
    let found = moderator.get("/console/bans?q=owner").await;
    assert!(found.text.contains("@builderman"), "{found}");
}

#[tokio::test]
async fn member_of_another_workspace_sees_and_changes_nothing() {
    let app = TestApp::start().await;
    let first = app.workspace().await;
    let second = app.workspace().await;
    let guid = guid(&first, Ban::of(156, EXPERIENCE).permanent()).await;
    app.settle().await;
    let mut stranger = second.signed_in("Mallory", &[Administrator]).await;
    let list = stranger.get("/console/bans?state=all").await;
    assert!(!list.text.contains("players/156"), "{list}");
    let player = stranger.get("/console/players/156").await;
    assert!(
        player.text.contains("Never banned in this workspace"),
        "{player}"
    );
    for path in [
        format!("/console/bans/{guid}"),
        format!("/console/bans/{guid}/lift"),
    ] {
        assert_eq!(stranger.get(&path).await.status, 404, "{path}");
    }
    let fields = [("user", "156"), ("reason", "x"), ("seen", "1")];
    let lifted = stranger
        .post_own(&format!("/console/bans/{guid}/lift"), &fields)
        .await;
    assert_eq!(lifted.status, 409, "{lifted}");
    assert_eq!(first.check(156, EXPERIENCE).await["isBanned"], true);
}
