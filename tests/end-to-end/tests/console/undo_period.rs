//! Undo of what a key or a member decided in a period.

use end_to_end::{ApiResponse, Ban, Browser, Call, TestApp, Unban, Workspace};
use serde_json::Value;
use shared::domain::members::MemberPermission::{Administrator, ManageBans};

const EXPERIENCE: u64 = 75_521_396_999_004;

const SPAM: [(&str, &str); 4] = [
    ("scope", "experience"),
    ("experience", "75521396999004"),
    ("length", "7d"),
    ("public_reason", "Spam"),
];

fn has_all(page: &ApiResponse, parts: &[&str]) {
    for part in parts {
        assert!(page.text.contains(part), "{part} in {page}");
    }
}

/// The value of the option with this title.
fn option(page: &ApiResponse, title: &str) -> String {
    let options = page.text.split("<option value=\"").skip(1);
    let mut pairs = options.filter_map(|option| option.split_once('"'));
    let (value, _) = pairs
        .find(|(_, rest)| {
            rest.split('>')
                .nth(1)
                .is_some_and(|it| it.starts_with(title))
        })
        .unwrap_or_else(|| panic!("no {title} in {page}"));
    value.to_owned()
}

/// The dry run for an actor, over the last hour.
async fn preview(browser: &mut Browser, by: &str) -> ApiResponse {
    let form = browser.get("/console/undo").await;
    assert_eq!(form.status, 200, "{form}");
    let fields = [("by", by), ("from", typed_from(&form)), ("to", "")];
    browser.submit_shown(&form, "/console/undo", &fields).await
}

/// The beginning of the period that a form suggests.
fn typed_from(form: &ApiResponse) -> &str {
    let from = form.text.split_once("type=\"datetime-local\" value=\"");
    from.unwrap().1.split('"').next().unwrap()
}

async fn run(browser: &mut Browser, page: &ApiResponse, number: &str) -> ApiResponse {
    let number = [("confirm", number)];
    browser
        .submit_shown(page, "/console/undo/run", &number)
        .await
}

/// The newest event of a user's newest ban.
async fn last_event(workspace: &Workspace<'_>, user: u64) -> Value {
    let list = workspace
        .send(Call::get("/bans").query("userId", user))
        .await
        .success();
    let guid = list["list"][0]["guid"].as_str().unwrap().to_owned();
    let history = workspace
        .send(Call::get(&format!("/bans/{guid}")))
        .await
        .success();
    let mut events = history["events"].as_array().unwrap().clone();
    events.sort_by_key(|event| event["created"].as_u64());
    events.pop().unwrap()
}

#[tokio::test]
async fn decisions_of_a_key_are_previewed_confirmed_undone_and_that_is_reversed() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let mut bob = workspace.signed_in("Bob", &[ManageBans]).await;
    for user in 10..15 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    // Bob has decided since about one of them.
    workspace.unban(Unban::of(14, EXPERIENCE)).await;
    bob.submit("/console/ban?user=14", "/console/ban", &SPAM)
        .await;
    app.settle().await;

    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let page = preview(&mut ada, &workspace.key_id(workspace.secret_key())).await;
    assert_eq!(page.status, 200, "{page}");
    has_all(
        &page,
        &[
            "4 players get",
            "Lift the ban in experience 75521396999004",
            "1 more player stays",
            "works and may decide again",
            "Undo for 4 players",
        ],
    );
    assert!(workspace.is_banned(10, EXPERIENCE).await);

    let refused = run(&mut ada, &page, "5").await;
    assert_eq!(refused.status, 422, "{refused}");
    has_all(&refused, &["Type 4 exactly"]);
    assert!(workspace.is_banned(10, EXPERIENCE).await);

    let done = run(&mut ada, &refused, "4").await;
    has_all(&done, &["<strong>4</strong> Lifted", "4 of 4 players"]);
    assert!(!workspace.is_banned(10, EXPERIENCE).await);
    assert!(workspace.is_banned(14, EXPERIENCE).await);
    let event = last_event(&workspace, 10).await;
    let actor = &event["actor"];
    assert_eq!(actor["channel"], "console", "{event}");
    assert!(
        actor["principal"].as_str().unwrap().starts_with("mem_"),
        "{event}"
    );

    // Sent again, it decides nothing more.
    let again = run(&mut ada, &refused, "4").await;
    has_all(&again, &["<strong>4</strong> Nothing to undo"]);

    // The player's page names the member.
    let player = ada.get("/console/players/10").await;
    has_all(&player, &["Ada, by undo"]);

    // The undo can be undone.
    app.settle().await;
    let link = done
        .text
        .split('"')
        .find(|it| it.starts_with("/console/undo?by=undo-"));
    let form = ada.get(&link.unwrap().replace("&#38;", "&")).await;
    let by = option(&form, "Run undo-");
    let fields = [("by", by.as_str()), ("from", typed_from(&form)), ("to", "")];
    let page = ada.submit_shown(&form, "/console/undo", &fields).await;
    has_all(&page, &["Ban again in experience", "Undo for 4 players"]);
    let done = run(&mut ada, &page, "4").await;
    has_all(&done, &["<strong>4</strong> Banned again"]);
    assert!(workspace.is_banned(10, EXPERIENCE).await);
}

#[tokio::test]
async fn member_is_undone_over_many_pages() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    let mut bob = workspace.signed_in("Bob", &[ManageBans]).await;
    let users = (1000..1150)
        .map(|user| user.to_string())
        .collect::<Vec<_>>()
        .join(" ");
    let mut fields = SPAM.to_vec();
    fields.push(("users", &users));
    let page = bob.submit("/console/many", "/console/many", &fields).await;
    let page = bob
        .submit_shown(&page, "/console/many/run", &[("confirm", "150")])
        .await;
    bob.submit_shown(&page, "/console/many/run", &[]).await;
    app.settle().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let form = ada.get("/console/undo").await;
    let page = preview(&mut ada, &option(&form, "Bob")).await;
    has_all(
        &page,
        &[
            "Undo for 150 players",
            "Bob is a member and may decide again",
        ],
    );
    let first = run(&mut ada, &page, "150").await;
    has_all(&first, &["100 of 150 players", "data-continue"]);
    assert!(workspace.is_banned(1149, EXPERIENCE).await);
    let last = ada.submit_shown(&first, "/console/undo/run", &[]).await;
    has_all(&last, &["<strong>150</strong> Lifted"]);
    assert!(!workspace.is_banned(1149, EXPERIENCE).await);
    assert!(workspace.is_banned(1, EXPERIENCE).await);
}

#[tokio::test]
async fn decision_between_preview_and_confirmation_stays() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in [10, 11] {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    app.settle().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let mut bob = workspace.signed_in("Bob", &[ManageBans]).await;
    let page = preview(&mut ada, &workspace.key_id(workspace.secret_key())).await;
    has_all(&page, &["Undo for 2 players"]);
    let player = bob.get("/console/players/10").await.text;
    let edit = player
        .split('"')
        .find(|it| it.starts_with("/console/ban?edit="))
        .unwrap();
    let edit = edit.replace("&amp;", "&");
    let terms = [("length", "1d"), ("public_reason", "By Bob")];
    let saved = bob.submit(&edit, "/console/ban", &terms).await;
    assert_eq!(saved.status, 303, "{saved}");
    let done = run(&mut ada, &page, "2").await;
    has_all(
        &done,
        &[
            "<strong>1</strong> Lifted",
            "<strong>1</strong> Nothing to undo",
        ],
    );
    assert!(workspace.is_banned(10, EXPERIENCE).await);
}

#[tokio::test]
async fn wrong_fields_are_named_and_kept() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let fields = [
        ("by", "mem_<b>"),
        ("from", "soon"),
        ("to", "2099-01-01T00:00"),
    ];
    let refused = ada.submit("/console/undo", "/console/undo", &fields).await;
    assert_eq!(refused.status, 422, "{refused}");
    has_all(
        &refused,
        &["by-error", "from-error", "to-error", "value=\"soon\""],
    );
    assert!(!refused.text.contains("<b>"), "{refused}");
    let nothing = preview(&mut ada, "operator").await;
    has_all(&nothing, &["Nothing to undo"]);
}

#[tokio::test]
async fn undo_reaches_no_other_workspace() {
    let app = TestApp::start().await;
    let (first, second) = (app.workspace().await, app.workspace().await);
    first.ban(Ban::of(10, EXPERIENCE).permanent()).await;
    second.ban(Ban::of(10, EXPERIENCE).permanent()).await;
    app.settle().await;
    let mut mallory = second.signed_in("Mallory", &[Administrator]).await;
    let by = first.key_id(first.secret_key());
    let fields = [
        ("by", by.as_str()),
        ("from", "2020-01-01T00:00"),
        ("to", ""),
    ];
    let page = mallory
        .submit("/console/undo", "/console/undo", &fields)
        .await;
    assert_eq!(page.status, 422, "{page}");
    assert!(first.is_banned(10, EXPERIENCE).await);
}
