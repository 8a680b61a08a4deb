//! Permissions by a rank in a Roblox group.

use std::time::Duration;

use end_to_end::{ApiResponse, Browser, Call, TestApp, Workspace};
use local_stack::discord::ADA;
use local_stack::roblox::{Fault, FaultRule, Group};
use serde_json::json;
use shared::domain::account_links::LinkSide;
use shared::domain::ids::UserId;
use shared::domain::members::MemberId;
use shared::domain::members::MemberPermission::{Administrator, ManageBans, View};

const GROUP: u64 = 7;
const PLAYER: u64 = 8_123_456_701;
const START: u64 = 2_000_000_000;

/// The group with a role for each rank, by the rank's number.
fn with_rank(ranks: &[u64]) -> Group {
    Group::new(&[(1, 1), (200, 200), (250, 250)]).with(PLAYER, ranks)
}

/// Opens the list of bans this many seconds after the start.
async fn at(app: &TestApp, browser: &mut Browser, seconds: u64) -> ApiResponse {
    app.set_clock(Duration::from_secs(START + seconds));
    browser.get("/console/bans").await
}

async fn sign_in(workspace: &Workspace<'_>, member: MemberId) -> Browser {
    let mut browser = workspace.browser();
    let invitation = workspace.invite_at(member, START).await;
    let answer = browser.post(&invitation, &[]).await;
    assert_eq!(answer.status, 303, "{answer}");
    browser
}

async fn link(workspace: &Workspace<'_>) {
    let call = |path: &str, body| Call::post(path).json(&body);
    let discord = json!({ "discordId": ADA.to_string() });
    let made = workspace.send(call("/links/codes", discord)).await;
    let code = json!({ "code": made.success()["code"], "userId": PLAYER });
    workspace
        .send(call("/links/codes/redeem", code))
        .await
        .assert_ok();
}

async fn confirm(workspace: &Workspace<'_>) {
    let account = LinkSide::Roblox(UserId::new(PLAYER).unwrap());
    let store = workspace.app().store();
    let confirming = store.confirm_account_link(workspace.id().prefix(), account);
    confirming.await.unwrap().unwrap();
}

fn asked(app: &TestApp) -> usize {
    let calls = app.roblox().exchanges();
    let of_ranks = calls
        .iter()
        .filter(|call| call.path.ends_with("/groups/roles"));
    of_ranks.count()
}

#[tokio::test]
async fn only_a_proven_and_confirmed_link_makes_a_member_by_rank() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.add_rank_rule(ManageBans, GROUP, 200).await;
    app.roblox().set_group(GROUP, with_rank(&[1, 250]));
    let refused = async || {
        let mut browser = workspace.browser();
        let answer = browser.sign_in_with_discord(&app, ADA).await;
        assert_eq!(answer.status, 403, "{answer}");
    };
    refused().await;
    link(&workspace).await;
    refused().await;
    assert_eq!(asked(&app), 0);

    confirm(&workspace).await;
    app.roblox().set_group(GROUP, with_rank(&[1]));
    refused().await;
    let mut browser = workspace.browser();
    app.roblox().set_group(GROUP, with_rank(&[1, 250]));
    let answer = browser.sign_in_with_discord(&app, ADA).await;
    assert_eq!(answer.status, 303, "{answer}");
    let page = browser.follow(&answer).await;
    assert!(page.text.contains("Bans in experiences"), "{page}");
}

#[tokio::test]
async fn sign_in_by_rank_says_that_roblox_is_silent() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.add_rank_rule(View, GROUP, 1).await;
    link(&workspace).await;
    confirm(&workspace).await;
    app.roblox().fail(FaultRule::from(Fault::Status(500)));
    let mut browser = workspace.browser();
    let answer = browser.sign_in_with_discord(&app, ADA).await;
    assert_eq!(answer.status, 503, "{answer}");
    assert!(answer.text.contains("Roblox does not answer"), "{answer}");
    assert_eq!(answer.header("retry-after"), Some("10"));
}

#[tokio::test]
async fn lost_rank_takes_its_permission_within_five_minutes() {
    let app = TestApp::builder().moving_clock().start().await;
    app.set_clock(Duration::from_secs(START));
    let workspace = app.workspace().await;
    workspace.add_rank_rule(ManageBans, GROUP, 200).await;
    app.roblox().set_group(GROUP, with_rank(&[200]));
    let member = workspace.add_member("Ada", &[View]).await;
    workspace.set_roblox(member, PLAYER).await;
    let mut ada = sign_in(&workspace, member).await;
    let may_ban = |page: &ApiResponse| page.text.contains("Bans in experiences");
    assert!(may_ban(&at(&app, &mut ada, 1).await));
    assert!(may_ban(&at(&app, &mut ada, 200).await));
    assert_eq!(asked(&app), 1);
    app.roblox().set_group(GROUP, with_rank(&[1]));
    assert!(!may_ban(&at(&app, &mut ada, 301).await));
    app.roblox().set_group(GROUP, with_rank(&[250]));
    assert!(!may_ban(&at(&app, &mut ada, 310).await));
    assert!(may_ban(&at(&app, &mut ada, 602).await));
    assert_eq!(asked(&app), 3);
}

#[tokio::test]
async fn silent_roblox_leaves_thirty_minutes_but_none_to_administrators() {
    let app = TestApp::builder().moving_clock().start().await;
    app.set_clock(Duration::from_secs(START));
    let workspace = app.workspace().await;
    workspace.add_rank_rule(ManageBans, GROUP, 200).await;
    workspace.add_rank_rule(Administrator, GROUP, 250).await;
    app.roblox().set_group(GROUP, with_rank(&[250]));
    let member = workspace.add_member("Ada", &[View]).await;
    workspace.set_roblox(member, PLAYER).await;
    let mut ada = sign_in(&workspace, member).await;
    let shows = |page: &ApiResponse, what: &str| page.text.contains(what);
    assert!(shows(&at(&app, &mut ada, 1).await, "Administrator"));
    app.roblox().fail(FaultRule::from(Fault::Html(503)));
    let page = at(&app, &mut ada, 305).await;
    assert!(shows(&page, "Bans in experiences"), "{page}");
    let line = app.log_of("console", &page).await;
    assert_eq!(line["roblox"], "unavailable", "{line}");
    assert!(shows(
        &at(&app, &mut ada, 2_090).await,
        "Bans in experiences"
    ));
    assert!(shows(&at(&app, &mut ada, 2_110).await, "Sees bans"));
    app.roblox().heal();
    assert!(shows(&at(&app, &mut ada, 2_130).await, "Administrator"));
}
