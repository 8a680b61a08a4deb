//! Many players at once: the preview, the typed number, batches that are never decided twice, and the
//! undo of a run.

use std::num::NonZeroU32;

use end_to_end::{ApiResponse, Ban, Browser, TestApp, Unban, Workspace};
use local_stack::fault_proxy::{Fault, Rule};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;
use shared::domain::members::MemberPermission::{Administrator, ManageBans};

const EXPERIENCE: u64 = 75_521_396_999_004;

const RAID: [(&str, &str); 4] = [
    ("scope", "experience"),
    ("experience", "75521396999004"),
    ("length", "7d"),
    ("public_reason", "Raid"),
];

/// A workspace with one linked experience.
async fn linked(app: &TestApp) -> Workspace<'_> {
    let workspace = app.workspace().await;
    link(&workspace).await;
    workspace
}

async fn link(workspace: &Workspace<'_>) {
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
}

/// The preview of a ban of these players.
async fn preview(browser: &mut Browser, users: &str) -> ApiResponse {
    let mut fields = RAID.to_vec();
    fields.push(("users", users));
    let page = browser.submit("/console/many", "/console/many", &fields);
    page.await
}

async fn confirm(browser: &mut Browser, page: &ApiResponse, number: &str) -> ApiResponse {
    let number = [("confirm", number)];
    browser
        .submit_shown(page, "/console/many/run", &number)
        .await
}

fn ids(users: impl Iterator<Item = u64>) -> String {
    users
        .map(|user| user.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

fn has_all(page: &ApiResponse, parts: &[&str]) {
    for part in parts {
        assert!(page.text.contains(part), "{part} in {page}");
    }
}

#[tokio::test]
async fn preview_names_what_would_happen_and_writes_nothing() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = linked(&app).await;
    workspace.ban(Ban::of(11, EXPERIENCE).permanent()).await;
    let protected = UserId::new(12).unwrap();
    let now = UnixSeconds(end_to_end::now());
    let prefix = workspace.id().prefix();
    app.store().protect(prefix, protected, now).await.unwrap();
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let pasted = "10, 11;12\n10 <img src=x>\nhttps://www.roblox.com/users/13/profile";
    let page = preview(&mut ada, pasted).await;
    assert_eq!(page.status, 200, "{page}");
    has_all(
        &page,
        &[
            "Ban 2 players?",
            "<strong>2</strong> Would be banned",
            "<strong>1</strong> Already banned",
            "<strong>1</strong> Protected",
            "<strong>2</strong> Unknown",
            "<strong>1</strong> Duplicate",
            "Banned in experience 75521396999004 by API",
            "2 players will be banned in experience 75521396999004 until",
        ],
    );
    assert!(!page.text.contains("<img"), "{page}");
    assert_eq!(workspace.bans().await.len(), 2);

    // A wrong number decides nothing, and keeps what was typed.
    let refused = confirm(&mut ada, &page, "3").await;
    assert_eq!(refused.status, 422, "{refused}");
    has_all(&refused, &["Type 2 exactly", "value=\"3\""]);
    assert_eq!(workspace.bans().await.len(), 2);

    // A wrong field keeps the pasted players.
    let mut fields = RAID.to_vec();
    fields[3].1 = "";
    fields.push(("users", "20 21"));
    let wrong = ada.submit("/console/many", "/console/many", &fields).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    has_all(&wrong, &["Say why", ">\n20 21</textarea>"]);
}

#[tokio::test]
async fn run_continues_page_by_page_and_is_undone_as_a_whole() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let page = preview(&mut ada, &ids(1000..1230)).await;
    let first = confirm(&mut ada, &page, "230").await;
    assert_eq!(first.status, 200, "{first}");
    has_all(
        &first,
        &[
            "100 of 230 players",
            "data-continue",
            "Banning: 130 players left",
        ],
    );

    // The first page sent again decides nothing twice, and says the same.
    let again = confirm(&mut ada, &page, "230").await;
    has_all(
        &again,
        &["100 of 230 players", "<strong>100</strong> Banned"],
    );
    let stopped = [("stop", "1")];
    let stopped = ada
        .submit_shown(&again, "/console/many/run", &stopped)
        .await;
    has_all(
        &stopped,
        &["Stopped: 100 players banned", "Undo for 100 players"],
    );
    assert!(!stopped.text.contains("data-continue"), "{stopped}");

    let second = ada.submit_shown(&stopped, "/console/many/run", &[]).await;
    let last = ada.submit_shown(&second, "/console/many/run", &[]).await;
    has_all(
        &last,
        &[
            "230 players banned",
            "<strong>230</strong> Banned",
            "Undo for 230 players",
        ],
    );
    assert_eq!(workspace.bans().await.len(), 231);
    assert!(workspace.is_banned(1229, EXPERIENCE).await);

    // Someone else lifts one meanwhile: that decision stays.
    workspace.unban(Unban::of(1000, EXPERIENCE)).await;
    let unconfirmed = [("confirm", "23")];
    let refused = ada
        .submit_shown(&last, "/console/many/undo", &unconfirmed)
        .await;
    assert_eq!(refused.status, 422, "{refused}");
    let number = [("confirm", "230")];
    let mut page = ada
        .submit_shown(&refused, "/console/many/undo", &number)
        .await;
    for _ in 0..2 {
        page = ada.submit_shown(&page, "/console/many/undo", &[]).await;
    }
    has_all(
        &page,
        &[
            "The run is undone",
            "<strong>229</strong> Lifted",
            "<strong>1</strong> Not undone: changed since",
        ],
    );
    assert!(!workspace.is_banned(1229, EXPERIENCE).await);
    assert!(workspace.is_banned(1, EXPERIENCE).await);
}

#[tokio::test]
async fn double_click_and_reload_ban_once() {
    let app = TestApp::builder().instances(2).start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let page = preview(&mut ada, &ids(10..40)).await;
    let mut second = ada.clone();
    let answers = tokio::join!(
        confirm(&mut ada, &page, "30"),
        confirm(&mut second, &page, "30"),
    );
    for answer in [&answers.0, &answers.1] {
        assert_eq!(answer.status, 200, "{answer}");
        has_all(answer, &["<strong>30</strong> Banned"]);
    }
    assert_eq!(workspace.bans().await.len(), 31);

    // Lifted by another moderator meanwhile: a reload does not ban again.
    workspace.unban(Unban::of(10, EXPERIENCE)).await;
    confirm(&mut ada, &page, "30").await;
    assert!(!workspace.is_banned(10, EXPERIENCE).await);
}

#[tokio::test]
async fn unprocessed_players_are_offered_again() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let page = preview(&mut ada, &ids(10..40)).await;
    let fault = Rule::from(Fault::ServerError).on("TransactWriteItems");
    app.faults().inject(fault.after(5));
    let broken = confirm(&mut ada, &page, "30").await;
    assert_eq!(broken.status, 200, "{broken}");
    has_all(&broken, &["The database was busy", "not decided about yet"]);
    assert!(!broken.text.contains("data-continue"), "{broken}");
    app.faults().clear();
    let done = ada.submit_shown(&broken, "/console/many/run", &[]).await;
    has_all(&done, &["<strong>30</strong> Banned", "30 players banned"]);
    assert_eq!(workspace.bans().await.len(), 31);
}

#[tokio::test]
async fn second_moderator_sees_what_the_first_did_after_the_preview() {
    let app = TestApp::start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let mut bob = workspace.signed_in("Bob", &[ManageBans]).await;
    let of_bob = preview(&mut bob, "10 11").await;
    let of_ada = preview(&mut ada, "11 12").await;
    confirm(&mut ada, &of_ada, "2").await;
    let done = confirm(&mut bob, &of_bob, "2").await;
    has_all(
        &done,
        &[
            "<strong>1</strong> Banned",
            "<strong>1</strong> Already banned",
            "Banned in experience 75521396999004 by Ada",
            "Undo for 1 player",
        ],
    );
    // The undo of Bob keeps the ban of Ada.
    let number = [("confirm", "1")];
    bob.submit_shown(&done, "/console/many/undo", &number).await;
    assert!(!workspace.is_banned(10, EXPERIENCE).await);
    assert!(workspace.is_banned(11, EXPERIENCE).await);
}

#[tokio::test]
async fn lift_ends_the_bans_that_were_seen_and_no_later_ones() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = linked(&app).await;
    for user in [10, 11, 12] {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let form = "/console/many?action=lift";
    let mut fields = vec![("users", "10 11 12 13"), ("reason", ""), RAID[0], RAID[1]];
    let refused = ada.submit(form, "/console/many", &fields).await;
    assert_eq!(refused.status, 422, "{refused}");
    fields[1].1 = "Wrong <b>list</b>";
    let page = ada.submit_shown(&refused, "/console/many", &fields).await;
    has_all(
        &page,
        &[
            "Lift the bans of 3 players?",
            "<strong>1</strong> Not banned",
        ],
    );
    // One is banned again before the confirmation.
    workspace.unban(Unban::of(12, EXPERIENCE)).await;
    workspace.ban(Ban::of(12, EXPERIENCE).permanent()).await;
    let done = ada
        .submit_shown(&page, "/console/many/run", &[("confirm", "3")])
        .await;
    has_all(
        &done,
        &["<strong>2</strong> Lifted", "<strong>1</strong> Not banned"],
    );
    assert!(!workspace.is_banned(10, EXPERIENCE).await);
    assert!(workspace.is_banned(12, EXPERIENCE).await);
    // The undo of a lift bans again.
    ada.submit_shown(&done, "/console/many/undo", &[("confirm", "2")])
        .await;
    assert!(workspace.is_banned(10, EXPERIENCE).await);
}

#[tokio::test]
async fn cap_of_the_moderator_is_reached_in_the_middle() {
    let app = TestApp::start().await;
    let workspace = app
        .workspace_with(|settings| settings.moderator_bans_per_hour = NonZeroU32::new(5))
        .await;
    link(&workspace).await;
    let mut ada = workspace.signed_in("Ada", &[ManageBans]).await;
    let page = preview(&mut ada, &ids(10..18)).await;
    has_all(
        &page,
        &[
            "<strong>5</strong> Would be banned",
            "<strong>3</strong> Over your limit of bans per hour",
        ],
    );
    // One more ban elsewhere, between preview and confirmation.
    let single: Vec<_> = RAID.into_iter().collect();
    let made = ada
        .submit("/console/ban?user=99", "/console/ban", &single)
        .await;
    assert_eq!(made.status, 303, "{made}");
    let done = confirm(&mut ada, &page, "5").await;
    has_all(
        &done,
        &[
            "<strong>4</strong> Banned",
            "<strong>1</strong> Limit of bans per hour reached",
            "Preview 1 player again",
        ],
    );
}

#[tokio::test]
async fn player_protected_after_the_preview_is_not_banned() {
    let app = TestApp::start().await;
    let workspace = linked(&app).await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let page = preview(&mut ada, "10 11").await;
    let (user, now) = (UserId::new(11).unwrap(), UnixSeconds(end_to_end::now()));
    let prefix = workspace.id().prefix();
    app.store().protect(prefix, user, now).await.unwrap();
    let done = confirm(&mut ada, &page, "2").await;
    has_all(
        &done,
        &["<strong>1</strong> Banned", "<strong>1</strong> Protected"],
    );
    assert!(!workspace.is_banned(11, EXPERIENCE).await);
}

#[tokio::test]
async fn global_run_requires_its_permission() {
    let app = TestApp::start().await;
    let workspace = linked(&app).await;
    let global = [
        ("scope", "global"),
        ("length", "forever"),
        ("public_reason", "Exploits"),
        ("users", "10 11"),
    ];
    let mut mo = workspace.signed_in("Mo", &[ManageBans]).await;
    let refused = mo.submit("/console/many", "/console/many", &global).await;
    assert_eq!(refused.status, 422, "{refused}");
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let page = ada.submit("/console/many", "/console/many", &global).await;
    has_all(
        &page,
        &["2 players will be banned everywhere (1 experience) permanently"],
    );
    confirm(&mut ada, &page, "2").await;
    assert!(workspace.is_banned(10, 7).await);
}
