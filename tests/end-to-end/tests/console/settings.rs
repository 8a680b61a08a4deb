//! Settings: members, rules, keys, reasons and protected users, for administrators alone.

mod workspace;

use end_to_end::{ApiResponse, Ban, Call, TestApp, Workspace};
use shared::domain::members::MemberPermission::{
    Administrator, ManageBans, ManageGlobalBans, ModerateDiscord, View,
};
use shared::domain::members::{MemberId, MemberPermission};

const EXPERIENCE: u64 = 75_521_396_999_004;

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

const PAGES: [&str; 5] = [
    "/console/settings",
    "/console/settings/members",
    "/console/settings/keys",
    "/console/settings/presets",
    "/console/settings/protected",
];

/// Actions with fields that would succeed for an administrator.
const ACTIONS: [(&str, &[(&str, &str)]); 8] = [
    ("/console/settings/members", &[("name", "Mallory")]),
    (
        "/console/settings/rules",
        &[
            ("rule-permission", "administrator"),
            ("basis", "roblox-user"),
            ("value", "156"),
        ],
    ),
    (
        "/console/settings/keys",
        &[
            ("name", "Stolen"),
            ("kind", "secret"),
            ("scope", "bans:write"),
        ],
    ),
    (
        "/console/settings/presets",
        &[("name", "Spam"), ("public_reason", "Spam")],
    ),
    ("/console/settings/presets/remove", &[("name", "Spam")]),
    (
        "/console/settings/presets/compulsory",
        &[("compulsory", "on")],
    ),
    ("/console/settings/protected", &[("user", "156")]),
    ("/console/settings/protected/156/remove", &[]),
];

fn member_page(id: MemberId) -> String {
    format!("/console/settings/members/{id}")
}

#[tokio::test]
async fn settings_are_for_administrators_alone() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for path in PAGES {
        assert_eq!(workspace.browser().get(path).await.status, 401, "{path}");
    }
    for permission in [View, ManageBans, ManageGlobalBans, ModerateDiscord] {
        let mut browser = workspace
            .signed_in(permission.as_str(), &[permission])
            .await;
        for path in PAGES {
            let page = browser.get(path).await;
            assert_eq!(page.status, 403, "{permission} {path}: {page}");
        }
        for (path, fields) in ACTIONS {
            let refused = browser.post_own(path, fields).await;
            assert_eq!(refused.status, 403, "{permission} {path}: {refused}");
        }
    }
    let prefix = workspace.id().prefix();
    let store = app.store();
    assert_eq!(store.permission_rules(prefix).await.unwrap(), []);
    assert_eq!(store.protected_users(prefix).await.unwrap(), []);
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    for path in &PAGES[1..] {
        assert_eq!(ada.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn forms_of_other_sites_and_sessions_change_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    for (path, fields) in ACTIONS {
        let without_token = ada.post(path, fields).await;
        assert_eq!(without_token.status, 403, "{path}: {without_token}");
    }
    ada.site = "cross-site";
    for (path, fields) in ACTIONS {
        let elsewhere = ada.post_own(path, fields).await;
        assert_eq!(elsewhere.status, 403, "{path}: {elsewhere}");
    }
    let prefix = workspace.id().prefix();
    assert_eq!(app.store().members(prefix).await.unwrap().len(), 1);
    assert_eq!(app.store().protected_users(prefix).await.unwrap(), []);
}

#[tokio::test]
async fn member_is_added_invited_changed_removed_and_restored() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let list = "/console/settings/members";
    let wrong = ada
        .submit(list, list, &[("name", HOSTILE), ("discord", "12")])
        .await;
    assert_eq!(wrong.status, 422, "{wrong}");
    assert!(wrong.text.contains("17 to 19 digits") && !wrong.text.contains("<img"));
    let fields = [
        ("name", HOSTILE),
        ("permission", "view"),
        ("roblox", "156"),
        ("discord", ""),
    ];
    let added = ada.submit_shown(&wrong, list, &fields).await;
    let page = ada.follow(&added).await;
    assert!(
        page.text.contains("is a member") && !page.text.contains("<img"),
        "{page}"
    );
    let again = ada.submit_shown(&wrong, list, &fields).await;
    assert_eq!(again.status, 303, "a double click adds one member: {again}");
    let prefix = workspace.id().prefix();
    let members = app.store().members(prefix).await.unwrap();
    assert_eq!(members.len(), 2);
    let id = members
        .iter()
        .find(|it| it.name.as_str() == HOSTILE)
        .unwrap()
        .id;

    // Another member cannot have the same Roblox user.
    let taken = ada
        .submit(list, list, &[("name", "Other"), ("roblox", "156")])
        .await;
    assert_eq!(taken.status, 409, "{taken}");
    assert!(taken.text.contains("Another member has"), "{taken}");

    let path = member_page(id);
    let invited = ada.submit(&path, &format!("{path}/invite"), &[]).await;
    let link = invited
        .text
        .split('>')
        .find(|it| it.contains("/console/sign-in/"));
    let link = link.expect("a link").split('<').next().unwrap();
    let link = link.strip_prefix(app.address()).expect("our own address");
    let mut member = workspace.browser();
    assert_eq!(member.post(link, &[]).await.status, 303);
    assert_eq!(member.get("/console/ban?user=9").await.status, 403);

    let fields = [
        ("name", "Kim"),
        ("permission", "manage_bans"),
        ("roblox", "157"),
    ];
    let saved = ada.submit(&path, &path, &fields).await;
    let page = ada.follow(&saved).await;
    assert!(page.text.contains("Saved"), "{page}");
    assert_eq!(member.get("/console/ban?user=9").await.status, 200);

    let removed = ada.submit(&path, &format!("{path}/remove"), &[]).await;
    let page = ada.follow(&removed).await;
    assert!(page.text.contains("Kim is removed"), "{page}");
    assert_eq!(member.get("/console/bans").await.status, 401);
    let refused = ada.post_own(&format!("{path}/invite"), &[]).await;
    assert_eq!(refused.status, 409, "{refused}");
    let shown = ada.get("/console/settings/members?state=removed").await;
    assert!(shown.text.contains("Kim"), "{shown}");
    let restored = ada
        .submit_shown(&page, &format!("{path}/restore"), &[])
        .await;
    assert_eq!(restored.status, 303, "{restored}");
    assert_eq!(
        member.get("/console/bans").await.status,
        401,
        "sessions stay ended"
    );
    let member = app.store().member(prefix, id).await.unwrap().unwrap();
    assert!(member.removed.is_none() && member.granted.allows(ManageBans));
}

#[tokio::test]
async fn last_administrator_stays_unless_their_name_is_typed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let id = workspace.add_member("Ada", &[Administrator]).await;
    let mut ada = workspace.browser();
    ada.post(&workspace.invite(id).await, &[]).await;
    let path = member_page(id);
    let fields = [("name", "Ada"), ("permission", "view")];
    let remove = format!("{path}/remove");
    for (action, fields) in [(&path, &fields[..]), (&remove, &[])] {
        let asked = ada.submit(&path, action, fields).await;
        assert_eq!(asked.status, 422, "{asked}");
        assert!(asked.text.contains("last administrator"), "{asked}");
    }
    let member = app.store().member(workspace.id().prefix(), id);
    assert!(member.await.unwrap().unwrap().granted.allows(Administrator));

    // With a second one, and alone with the typed name.
    let kim = workspace.add_member("Kim", &[Administrator]).await;
    let of_kim = member_page(kim);
    let viewer = [("name", "Kim"), ("permission", "view")];
    assert_eq!(ada.submit(&of_kim, &of_kim, &viewer).await.status, 303);
    let typed = [fields[0], fields[1], ("confirm", "Ada")];
    let saved = ada.submit(&path, &path, &typed).await;
    assert_eq!(saved.status, 303, "{saved}");
    assert_eq!(ada.get(&path).await.status, 403);
}

#[tokio::test]
async fn second_administrator_sees_what_the_first_saved() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let id = workspace.add_member("Vera", &[View]).await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let mut kim = workspace.signed_in("Kim", &[Administrator]).await;
    let path = member_page(id);
    let opened = kim.get(&path).await;
    let first = [("name", "Vera V."), ("permission", "manage_bans")];
    assert_eq!(ada.submit(&path, &path, &first).await.status, 303);
    let second = [("name", "Vera W."), ("permission", "view")];
    let superseded = kim.submit_shown(&opened, &path, &second).await;
    assert_eq!(superseded.status, 409, "{superseded}");
    for part in ["another administrator", "Vera V.", "Vera W."] {
        assert!(superseded.text.contains(part), "{part} in {superseded}");
    }
    let saved = kim.submit_shown(&superseded, &path, &second).await;
    assert_eq!(saved.status, 303, "{saved}");
}

#[tokio::test]
async fn rule_gives_a_permission_until_it_is_removed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let list = "/console/settings/members";
    let rules = "/console/settings/rules";
    let rule = [
        ("rule-permission", "manage_bans"),
        ("basis", "roblox-user"),
        ("value", "156"),
    ];
    let wrong = ada
        .submit(list, rules, &[rule[0], rule[1], ("value", "nobody")])
        .await;
    assert_eq!(wrong.status, 422, "{wrong}");
    assert!(wrong.text.contains("value=\"nobody\""), "{wrong}");
    let added = ada.submit(list, rules, &rule).await;
    let page = ada.follow(&added).await;
    assert!(page.text.contains("Roblox user 156"), "{page}");
    let prefix = workspace.id().prefix();
    let stored = app.store().permission_rules(prefix).await.unwrap();
    let remove = format!("/console/settings/rules/{}/remove", stored[0].id);
    assert_eq!(ada.submit_shown(&page, &remove, &[]).await.status, 303);
    assert_eq!(app.store().permission_rules(prefix).await.unwrap(), []);
}

/// Adds a member, a rule and a key to a workspace; returns the paths that would change them.
async fn changes(workspace: &Workspace<'_>) -> Vec<String> {
    let member = member_page(workspace.add_member("Vera", &[View]).await);
    let mut own = workspace.signed_in("Kim", &[Administrator]).await;
    let key = [
        ("name", "Servers"),
        ("kind", "secret"),
        ("scope", "bans:read"),
    ];
    let keys = "/console/settings/keys";
    assert_eq!(own.submit(keys, keys, &key).await.status, 200);
    let stored = workspace.app().store().keys(workspace.id().prefix());
    let stored = stored.await.unwrap();
    let key = stored.iter().find(|it| it.name == "Servers").unwrap();
    vec![
        format!("{member}/invite"),
        format!("{member}/remove"),
        member,
        format!("{keys}/{}/revoke", key.key_id),
    ]
}

#[tokio::test]
async fn administrator_of_another_workspace_changes_nothing() {
    let app = TestApp::start().await;
    let first = app.workspace().await;
    let second = app.workspace().await;
    let mut stranger = second.signed_in("Mallory", &[Administrator]).await;
    for path in changes(&first).await {
        let fields = [("name", "Servers"), ("permission", "administrator")];
        let refused = stranger.post_own(&path, &fields).await;
        assert_eq!(refused.status, 404, "{path}: {refused}");
    }
    let members = app.store().members(first.id().prefix()).await.unwrap();
    let vera = members
        .iter()
        .find(|it| it.name.as_str() == "Vera")
        .unwrap();
    assert!(vera.removed.is_none() && !vera.granted.allows(MemberPermission::Administrator));
}
