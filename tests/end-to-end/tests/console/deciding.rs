//! Ban, edit, lift and undo, alone and against another moderator.

use end_to_end::{Ban, Browser, TestApp, Unban, Workspace};
use local_stack::discord::ADA;
use serde_json::Value;
use shared::domain::members::MemberPermission::{Administrator, ManageBans};
use shared::domain::members::{ReasonPreset, ReasonPresets};

const EXPERIENCE: u64 = 75_521_396_999_004;

const SPAM: [(&str, &str); 4] = [
    ("scope", "experience"),
    ("experience", "75521396999004"),
    ("length", "7d"),
    ("public_reason", "Spam"),
];

/// A workspace with one linked experience.
async fn linked(app: &TestApp) -> Workspace<'_> {
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    app.settle().await;
    workspace
}

/// The history of a user's newest ban.
async fn events(workspace: &Workspace<'_>, user: u64) -> Vec<Value> {
    let list = end_to_end::Call::get("/bans").query("userId", user);
    let list = workspace.send(list).await.success();
    let guid = list["list"][0]["guid"].as_str().unwrap().to_owned();
    let history = workspace
        .send(end_to_end::Call::get(&format!("/bans/{guid}")))
        .await;
    history.success()["events"].as_array().unwrap().clone()
}

/// The path of the form that lifts the ban on a player's page.
async fn lift_path(browser: &mut Browser, user: u64) -> String {
    let page = browser.get(&format!("/console/players/{user}")).await.text;
    let (start, _) = page.split_once("/lift?user=").expect("a button");
    let guid = start.rsplit('/').next().unwrap();
    format!("/console/bans/{guid}/lift")
}

#[tokio::test]
async fn player_is_banned_edited_lifted_and_each_is_undone() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let made = ada
        .submit("/console/ban?user=156", "/console/ban", &SPAM)
        .await;
    let page = ada.follow(&made).await;
    assert!(
        page.text
            .contains("@builderman is banned in experience 75521396999004 until"),
        "{page}"
    );
    let ban = workspace.check(156, EXPERIENCE).await;
    assert_eq!(
        (&ban["isBanned"], &ban["privateReason"]),
        (&Value::from(true), &Value::from("Spam"))
    );

    // Undo the ban, and undo nothing twice.
    let undo = undo_path(&page.text);
    let undone = ada.submit_shown(&page, &undo, &[]).await;
    let after = ada.follow(&undone).await;
    assert!(
        after.text.contains("Undone: The ban of @builderman"),
        "{after}"
    );
    assert_eq!(workspace.check(156, EXPERIENCE).await["isBanned"], false);
    let again = ada.submit_shown(&page, &undo, &[]).await;
    assert_eq!(again.status, 303, "{again}");
    assert_eq!(events(&workspace, 156).await.len(), 2);

    // Ban, edit, undo the edit.
    let made = ada
        .submit("/console/ban?user=157", "/console/ban", &SPAM)
        .await;
    let page = ada.follow(&made).await.text;
    let edit = page
        .split('"')
        .find(|it| it.starts_with("/console/ban?edit="))
        .unwrap();
    let edit = edit.replace("&#38;", "&").replace("&amp;", "&");
    let fields = [("length", "forever"), ("public_reason", "More spam")];
    let edited = ada.submit(&edit, "/console/ban", &fields).await;
    let page = ada.follow(&edited).await;
    let ban = workspace.check(157, EXPERIENCE).await;
    assert_eq!(
        (&ban["publicReason"], &ban["expires"]),
        (&Value::from("More spam"), &Value::from(0))
    );
    let undone = ada.submit_shown(&page, &undo_path(&page.text), &[]).await;
    assert_eq!(undone.status, 303, "{undone}");
    assert_eq!(
        workspace.check(157, EXPERIENCE).await["publicReason"],
        "Spam"
    );

    // Lift for a reason, undo the lift.
    let lift = lift_path(&mut ada, 157).await;
    let refused = ada.submit(&lift, &lift, &[("reason", " ")]).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert!(refused.text.contains("Say why"), "{refused}");
    let lifted = ada
        .submit_shown(&refused, &lift, &[("reason", "Appeal by mail")])
        .await;
    let page = ada.follow(&lifted).await;
    assert_eq!(workspace.check(157, EXPERIENCE).await["isBanned"], false);
    assert!(page.text.contains("Appeal by mail"), "{page}");
    let undone = ada.submit_shown(&page, &undo_path(&page.text), &[]).await;
    assert_eq!(undone.status, 303, "{undone}");
    assert_eq!(workspace.check(157, EXPERIENCE).await["isBanned"], true);

    let events = events(&workspace, 157).await;
    for event in &events {
        assert_eq!(event["actor"]["type"], "member", "{event}");
        assert_eq!(event["actor"]["channel"], "console", "{event}");
    }
}

fn undo_path(page: &str) -> String {
    let path = page.split('"').find(|it| it.starts_with("/console/undo/"));
    path.unwrap_or_else(|| panic!("no undo in {page}"))
        .to_owned()
}

#[tokio::test]
async fn linked_account_is_the_moderator_of_a_member_without_one() {
    let app = TestApp::start().await;
    let workspace = linked(&app).await;
    let ada = workspace.add_on_discord("Ada", ADA, &[ManageBans]).await;
    workspace.link_accounts(77, ADA).await;
    let mut ada = workspace.signed_in_as(ada).await;
    ada.submit("/console/ban?user=156", "/console/ban", &SPAM)
        .await;
    let ban = workspace.check(156, EXPERIENCE).await;
    assert_eq!(ban["moderatorId"], 77);
}

#[tokio::test]
async fn double_click_is_one_ban() {
    let app = TestApp::builder().instances(2).start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let page = ada.get("/console/ban?user=156").await;
    let mut second = ada.clone();
    let answers = tokio::join!(
        ada.submit_shown(&page, "/console/ban", &SPAM),
        second.submit_shown(&page, "/console/ban", &SPAM),
    );
    assert_eq!(
        (answers.0.status, answers.1.status),
        (303, 303),
        "{} {}",
        answers.0,
        answers.1
    );
    assert_eq!(answers.0.header("location"), answers.1.header("location"));
    assert_eq!(events(&workspace, 156).await.len(), 1);
}

#[tokio::test]
async fn second_moderator_sees_what_the_first_did_and_loses_nothing() {
    let app = TestApp::start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let mut bob = workspace.signed_in("Bob", &[ManageBans]).await;
    ada.submit("/console/ban?user=156", "/console/ban", &SPAM)
        .await;
    let page = ada.get("/console/players/156").await.text;
    let edit = page
        .split('"')
        .find(|it| it.starts_with("/console/ban?edit="))
        .unwrap();
    let edit = edit.replace("&amp;", "&");
    let (of_ada, of_bob) = (ada.get(&edit).await, bob.get(&edit).await);
    let lift = lift_path(&mut bob, 156).await;
    let lift_of_bob = bob.get(&lift).await;

    let first = [("length", "1d"), ("public_reason", "By Ada")];
    assert_eq!(
        ada.submit_shown(&of_ada, "/console/ban", &first)
            .await
            .status,
        303
    );
    let second = [("length", "30d"), ("public_reason", "By <Bob>")];
    let refused = bob.submit_shown(&of_bob, "/console/ban", &second).await;
    assert_eq!(refused.status, 409, "{refused}");
    for part in [
        "Someone decided first",
        "by Ada",
        "By &#60;Bob&#62;",
        "By Ada",
    ] {
        assert!(refused.text.contains(part), "{part} in {refused}");
    }
    assert_eq!(
        workspace.check(156, EXPERIENCE).await["publicReason"],
        "By Ada"
    );
    let refused_lift = bob
        .submit_shown(&lift_of_bob, &lift, &[("reason", "Mistake")])
        .await;
    assert_eq!(refused_lift.status, 409, "{refused_lift}");
    assert!(refused_lift.text.contains("Mistake"), "{refused_lift}");

    // What is shown now can be decided on.
    let saved = bob.submit_shown(&refused, "/console/ban", &second).await;
    assert_eq!(saved.status, 303, "{saved}");
    assert_eq!(
        workspace.check(156, EXPERIENCE).await["publicReason"],
        "By <Bob>"
    );

    // The edit of Ada can no longer be undone, and her link to it says so.
    let guid = lift.split('/').nth(3).unwrap();
    let overtaken = format!("/console/players/156?done={guid}-2");
    let overtaken = ada.get(&overtaken).await.text;
    assert!(
        overtaken.contains("Something else was decided since"),
        "{overtaken}"
    );
    let undo = format!("/console/undo/{guid}-2");
    let page = ada.get("/console/ban?user=156").await;
    let token = page.text.split_once("name=\"csrf\" value=\"").unwrap().1;
    let token = token.split('"').next().unwrap();
    let refused = ada.post(&undo, &[("csrf", token), ("user", "156")]).await;
    assert_eq!(refused.status, 409, "{refused}");
    assert!(refused.text.contains("Not undone"), "{refused}");
}

#[tokio::test]
async fn banned_player_is_refused_with_a_way_to_edit() {
    let app = TestApp::start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let page = ada.get("/console/ban?user=156").await;
    workspace.ban(Ban::of(156, EXPERIENCE).permanent()).await;
    let refused = ada.submit_shown(&page, "/console/ban", &SPAM).await;
    assert_eq!(refused.status, 409, "{refused}");
    for part in [
        "Already banned in experience",
        "Edit that ban",
        ">\nSpam</textarea>",
    ] {
        assert!(refused.text.contains(part), "{part} in {refused}");
    }
    workspace.unban(Unban::of(156, EXPERIENCE)).await;
    let made = ada.submit_shown(&refused, "/console/ban", &SPAM).await;
    assert_eq!(made.status, 303, "{made}");
}

#[tokio::test]
async fn global_ban_requires_the_name_of_the_workspace() {
    let app = TestApp::start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let mut fields = [
        ("scope", "global"),
        ("length", "forever"),
        ("public_reason", "Exploits"),
        ("workspace", "something else"),
    ];
    let refused = ada
        .submit("/console/ban?user=156", "/console/ban", &fields)
        .await;
    assert_eq!(refused.status, 422, "{refused}");
    assert!(refused.text.contains("workspace-error"), "{refused}");
    let name = app
        .store()
        .workspace(workspace.id().prefix())
        .await
        .unwrap()
        .unwrap()
        .name;
    fields[3].1 = &name;
    let made = ada.submit_shown(&refused, "/console/ban", &fields).await;
    assert_eq!(made.status, 303, "{made}");
    assert_eq!(workspace.check(156, 7).await["isBanned"], true);
}

#[tokio::test]
async fn compulsory_reason_is_demanded_and_filled_in() {
    let app = TestApp::start().await;
    let workspace = linked(&app).await;
    let preset = ReasonPreset {
        name: "Spam <b>".to_owned(),
        public_reason: "No spam, please".to_owned(),
        private_reason: String::new(),
        length: None,
    };
    let presets = ReasonPresets {
        compulsory: true,
        presets: vec![preset],
    };
    workspace.offer_reasons(&presets).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let own = ada
        .submit("/console/ban?user=156", "/console/ban", &SPAM)
        .await;
    assert_eq!(own.status, 422, "{own}");
    assert!(own.text.contains("Choose one of the reasons"), "{own}");
    let mut fields = SPAM.to_vec();
    fields[3].1 = "";
    fields.push(("preset", "Spam <b>"));
    let made = ada.submit_shown(&own, "/console/ban", &fields).await;
    assert_eq!(made.status, 303, "{made}");
    let ban = workspace.check(156, EXPERIENCE).await;
    assert_eq!(ban["publicReason"], "No spam, please");
}

#[tokio::test]
async fn protected_player_is_not_banned() {
    let app = TestApp::start().await;
    let workspace = linked(&app).await;
    let user = shared::domain::ids::UserId::new(156).unwrap();
    let now = shared::domain::clock::UnixSeconds(end_to_end::now());
    app.store()
        .protect(workspace.id().prefix(), user, now)
        .await
        .unwrap();
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let refused = ada
        .submit("/console/ban?user=156", "/console/ban", &SPAM)
        .await;
    assert_eq!(refused.status, 403, "{refused}");
    assert!(refused.text.contains("protected"), "{refused}");
    assert_eq!(workspace.check(156, EXPERIENCE).await["isBanned"], false);
}
