//! Signing in with Discord.

use std::time::Duration;

use end_to_end::{ApiResponse, Browser, TestApp, Workspace, discord_contract};
use local_stack::discord::{
    ADA, ADMINISTRATORS, BOT_TOKEN, CLIENT_SECRET, CLIENT_SECRET_SECRET, DiscordFault, GUILD, KIM,
    MODERATORS, NOOR, demo_guild,
};
use local_stack::faults::Rule;
use serde_json::json;
use shared::domain::members::MemberPermission::{Administrator, ManageBans, View};
use shared::domain::members::{Member, PermissionBasis};

/// A workspace in which the guild's moderators may ban.
async fn moderated(app: &TestApp) -> Workspace<'_> {
    let workspace = app.workspace().await;
    workspace.add_role_rule(ManageBans, GUILD, MODERATORS).await;
    workspace
}

async fn members(workspace: &Workspace<'_>) -> Vec<Member> {
    let store = workspace.app().store();
    store.members(workspace.id().prefix()).await.unwrap()
}

fn assert_signed_in(browser: &Browser, answer: &ApiResponse) {
    assert_eq!(answer.status, 303, "{answer}");
    assert_eq!(answer.header("location"), Some("/console/bans"));
    assert!(browser.cookie.is_some());
    assert_eq!(browser.discord_cookie, None);
}

/// Asserts a page that says something and leads back.
fn assert_not_signed_in(browser: &Browser, answer: &ApiResponse, status: u16, says: &str) {
    assert_eq!(answer.status, status, "{answer}");
    assert!(answer.text.contains(says), "{says}: {answer}");
    assert!(answer.text.contains("/console/sign-in"), "{answer}");
    assert_eq!(browser.cookie, None);
}

/// All items of both tables, and all that the console has logged.
async fn everything_kept(app: &TestApp) -> String {
    let mut kept = String::new();
    let tables = app.tables();
    for table in [&tables.workspaces, &tables.bans] {
        let scan = json!({ "TableName": table });
        kept += &app
            .database()
            .call("Scan", &scan)
            .await
            .unwrap()
            .to_string();
    }
    for line in app.runtime().logs("console") {
        kept += &line.text;
    }
    kept
}

#[tokio::test]
async fn role_makes_a_member_who_may_do_what_the_rule_gives() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = moderated(&app).await;
    let mut browser = workspace.browser();
    let page = browser.get("/console/sign-in").await;
    assert!(page.text.contains("href=\"/console/discord\""), "{page}");
    let back = browser.ask_discord(&app, Some(ADA)).await;
    let state = browser.discord_cookie.clone().unwrap();
    let answer = browser.get(&back).await;
    assert_signed_in(&browser, &answer);
    let page = browser.follow(&answer).await;
    assert_eq!(page.status, 200, "{page}");
    assert!(page.text.contains("Ada") && page.text.contains("Bans in experiences"));
    let members = members(&workspace).await;
    let [member] = members.as_slice() else {
        panic!("{members:?}")
    };
    assert_eq!(
        (member.name.as_str(), member.granted.is_empty()),
        ("Ada", true)
    );
    assert_eq!(member.discord.unwrap().to_string(), ADA.to_string());

    // The second time they are a member.
    let answer = workspace.browser().sign_in_with_discord(&app, ADA).await;
    assert_eq!(answer.status, 303, "{answer}");
    assert_eq!(self::members(&workspace).await.len(), 1);

    let kept = everything_kept(&app).await;
    assert!(kept.contains("/console/discord/callback"), "{kept}");
    let code = back.split("code=").nth(1).unwrap();
    let code = code.split('&').next().unwrap();
    let state = state.split_once('=').unwrap().1;
    let tokens = app.discord().tokens();
    assert_eq!(tokens.len(), 2);
    let secrets = [CLIENT_SECRET, BOT_TOKEN, code, state];
    for secret in secrets.into_iter().chain(tokens.iter().map(String::as_str)) {
        assert!(!kept.contains(secret), "{secret}");
    }
    for exchange in app.discord().exchanges() {
        let problems = discord_contract().problems(&exchange);
        assert_eq!(problems, [""; 0], "{} {}", exchange.method, exchange.path);
    }
}

#[tokio::test]
async fn guild_permission_user_and_owner_make_members_too() {
    let app = TestApp::builder().with_faults().start().await;
    let id = |id: u64| id.to_string().parse().unwrap();
    let by_permission = app.workspace().await;
    let (guild, user) = (id(GUILD), id(NOOR));
    let may_ban = PermissionBasis::GuildPermission { guild, bit: 2 };
    by_permission.add_rule(ManageBans, may_ban).await;
    let mut browser = by_permission.browser();
    let nobody = browser.sign_in_with_discord(&app, NOOR).await;
    assert_not_signed_in(&browser, &nobody, 403, "You have no access");
    for user in [ADA, KIM] {
        let mut browser = by_permission.browser();
        let answer = browser.sign_in_with_discord(&app, user).await;
        assert_signed_in(&browser, &answer);
    }
    let by_user = app.workspace().await;
    by_user
        .add_rule(View, PermissionBasis::DiscordUser { user })
        .await;
    let mut browser = by_user.browser();
    let answer = browser.sign_in_with_discord(&app, NOOR).await;
    assert_signed_in(&browser, &answer);
    let page = browser.follow(&answer).await;
    assert!(page.text.contains("noor") && page.text.contains("Sees bans"));
    assert_eq!(members(&by_permission).await.len(), 2);
    for exchange in app.discord().exchanges() {
        let problems = discord_contract().problems(&exchange);
        assert_eq!(problems, [""; 0], "{} {}", exchange.method, exchange.path);
    }
}

#[tokio::test]
async fn refusal_at_discord_leads_back() {
    let app = TestApp::start().await;
    let workspace = moderated(&app).await;
    let mut browser = workspace.browser();
    let back = browser.ask_discord(&app, None).await;
    let answer = browser.get(&back).await;
    assert_not_signed_in(&browser, &answer, 403, "You are not signed in");
    assert_eq!(browser.discord_cookie, None);
    let answer = browser.sign_in_with_discord(&app, ADA).await;
    assert_signed_in(&browser, &answer);
}

#[tokio::test]
async fn sign_in_of_another_browser_is_refused() {
    let app = TestApp::start().await;
    let workspace = moderated(&app).await;
    let mut mallory = workspace.browser();
    let forged = mallory.ask_discord(&app, Some(KIM)).await;
    // The victim follows the attacker's link, with a sign-in in progress and without one.
    let mut victim = workspace.browser();
    let answer = victim.get(&forged).await;
    assert_not_signed_in(&victim, &answer, 400, "This sign-in has ended");
    let own = victim.ask_discord(&app, Some(ADA)).await;
    let answer = victim.get(&forged).await;
    assert_not_signed_in(&victim, &answer, 400, "This sign-in has ended");
    let answer = victim.get(&own).await;
    assert_signed_in(&victim, &answer);

    for path in [
        "/console/discord/callback",
        "/console/discord/callback?code=x&state=",
        "/console/discord/callback?code=x&state=9999999999.x",
    ] {
        let mut browser = workspace.browser();
        let answer = browser.get(path).await;
        assert_not_signed_in(&browser, &answer, 400, "This sign-in has ended");
    }
}

#[tokio::test]
async fn sign_in_works_once_and_for_ten_minutes() {
    let app = TestApp::builder().moving_clock().start().await;
    let workspace = moderated(&app).await;
    let start = Duration::from_secs(2_000_000_000);
    app.set_clock(start);
    let mut browser = workspace.browser();
    let late = browser.ask_discord(&app, Some(ADA)).await;
    app.set_clock(start + Duration::from_secs(601));
    let answer = browser.get(&late).await;
    assert_not_signed_in(&browser, &answer, 400, "This sign-in has ended");

    let back = browser.ask_discord(&app, Some(ADA)).await;
    let kept = browser.discord_cookie.clone();
    let answer = browser.get(&back).await;
    assert_signed_in(&browser, &answer);
    browser.cookie = None;
    let answer = browser.get(&back).await;
    assert_not_signed_in(&browser, &answer, 400, "This sign-in has ended");
    // Even with the cookie of then, the code is used up.
    browser.discord_cookie = kept;
    let answer = browser.get(&back).await;
    assert_not_signed_in(&browser, &answer, 400, "This sign-in has ended");
}

#[tokio::test]
async fn trouble_at_discord_is_explained() {
    let app = TestApp::start().await;
    let workspace = moderated(&app).await;
    let mut browser = workspace.browser();
    for (fault, says) in [
        (DiscordFault::Html(503), "Discord does not answer"),
        (DiscordFault::TooMany(1.5), "It allows no more requests"),
        (
            DiscordFault::Delay(Duration::from_secs(4)),
            "Discord does not answer",
        ),
        (DiscordFault::Html(403), "does not accept the settings"),
    ] {
        let back = browser.ask_discord(&app, Some(ADA)).await;
        app.discord().fail(Rule::from(fault).times(1));
        let answer = browser.get(&back).await;
        assert_not_signed_in(&browser, &answer, 503, says);
        let line = app.log_of("console", &answer).await;
        assert!(line["discord"].is_string(), "{line}");
    }
    let back = browser.ask_discord(&app, Some(ADA)).await;
    app.secrets().set(CLIENT_SECRET_SECRET, "another");
    app.replace("console").await;
    let answer = browser.get(&back).await;
    assert_not_signed_in(&browser, &answer, 503, "does not accept the settings");
    let line = app.log_of("console", &answer).await;
    assert_eq!(line["discord"], "Discord rejects the secret");
    app.secrets().set(CLIENT_SECRET_SECRET, CLIENT_SECRET);
    app.replace("console").await;
    // Without the bot nobody can be recognised by a role.
    app.discord().set_bot(GUILD, false);
    let answer = browser.sign_in_with_discord(&app, ADA).await;
    assert_not_signed_in(&browser, &answer, 503, "does not accept the settings");
}

#[tokio::test]
async fn member_of_two_workspaces_chooses_one() {
    let app = TestApp::builder().with_faults().start().await;
    let first = moderated(&app).await;
    let second = app.workspace().await;
    let member = second.add_member("Ada", &[View]).await;
    let prefix = second.id().prefix();
    let link = |member: &mut Member| member.discord = ADA.to_string().parse().ok();
    let linked = app.store().change_member(prefix, member, link).await;
    linked.unwrap().unwrap().unwrap();

    let mut browser = first.browser();
    let page = browser.sign_in_with_discord(&app, ADA).await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(
        (browser.cookie.as_ref(), page.text.matches("<form").count()),
        (None, 2)
    );
    let path = format!("/console/sign-in/{prefix}.");
    let (_, rest) = page.text.split_once(&path).expect("the second workspace");
    let path = format!("{path}{}", rest.split('"').next().unwrap());
    let answer = browser.post(&path, &[]).await;
    assert_signed_in(&browser, &answer);
    let page = browser.follow(&answer).await;
    assert!(page.text.contains("Sees bans"), "{page}");
    assert_eq!(browser.post(&path, &[]).await.status, 404);
}

#[tokio::test]
async fn removed_member_does_not_come_back_by_a_role() {
    let app = TestApp::start().await;
    let workspace = moderated(&app).await;
    let mut browser = workspace.browser();
    browser.sign_in_with_discord(&app, ADA).await;
    let id = members(&workspace).await[0].id;
    let remove = |member: &mut Member| member.removed = Some(member.added);
    let prefix = workspace.id().prefix();
    let removed = app.store().change_member(prefix, id, remove).await;
    removed.unwrap().unwrap().unwrap();
    assert_eq!(browser.get("/console/bans").await.status, 401);
    let mut browser = workspace.browser();
    let answer = browser.sign_in_with_discord(&app, ADA).await;
    assert_not_signed_in(&browser, &answer, 403, "You were removed");
    assert_eq!(members(&workspace).await.len(), 1);
}

/// A signed-in member whose functions' clock the test moves.
struct Clocked<'a> {
    app: &'a TestApp,
    browser: Browser,
}

const START: u64 = 2_000_000_000;

impl<'a> Clocked<'a> {
    async fn sign_in(app: &'a TestApp, workspace: &Workspace<'_>, user: u64) -> Self {
        app.set_clock(Duration::from_secs(START));
        let mut browser = workspace.browser();
        let answer = browser.sign_in_with_discord(app, user).await;
        assert_signed_in(&browser, &answer);
        Self { app, browser }
    }

    /// Opens the list of bans this many seconds after the sign-in.
    async fn at(&mut self, seconds: u64) -> ApiResponse {
        self.app.set_clock(Duration::from_secs(START + seconds));
        self.browser.get("/console/bans").await
    }

    async fn assert_may(&mut self, seconds: u64, permission: &str) {
        let page = self.at(seconds).await;
        assert!(page.text.contains(permission), "{seconds}: {page}");
    }
}

#[tokio::test]
async fn removed_role_takes_its_permission_within_five_minutes() {
    let app = TestApp::builder().moving_clock().start().await;
    let workspace = moderated(&app).await;
    let mut ada = Clocked::sign_in(&app, &workspace, ADA).await;
    let asked = app.discord().exchanges().len();
    app.discord().set_roles(GUILD, ADA, &[]);
    ada.assert_may(290, "Bans in experiences").await;
    assert_eq!(app.discord().exchanges().len(), asked, "asked too early");
    let page = ada.at(301).await;
    assert_eq!(page.status, 403, "{page}");
    app.discord().set_roles(GUILD, ADA, &[MODERATORS]);
    assert_eq!(ada.at(310).await.status, 403);
    assert_eq!(app.discord().exchanges().len(), asked + 1);
    ada.assert_may(602, "Bans in experiences").await;
    app.discord().leave(GUILD, ADA);
    assert_eq!(ada.at(903).await.status, 403);
    assert_eq!(app.discord().exchanges().len(), asked + 3);
}

#[tokio::test]
async fn new_rule_counts_at_once() {
    let app = TestApp::builder().moving_clock().start().await;
    let workspace = moderated(&app).await;
    let mut ada = Clocked::sign_in(&app, &workspace, ADA).await;
    ada.assert_may(10, "Bans in experiences").await;
    workspace
        .add_role_rule(Administrator, GUILD, MODERATORS)
        .await;
    ada.assert_may(11, "Administrator").await;
}

#[tokio::test]
async fn silent_discord_leaves_thirty_minutes_but_none_to_administrators() {
    let app = TestApp::builder().moving_clock().start().await;
    let workspace = moderated(&app).await;
    workspace
        .add_role_rule(Administrator, GUILD, ADMINISTRATORS)
        .await;
    let roles = [ADMINISTRATORS, MODERATORS];
    let both = demo_guild().member(ADA, &roles);
    app.discord().set_guild(GUILD, both);
    let mut ada = Clocked::sign_in(&app, &workspace, ADA).await;
    ada.assert_may(1, "Administrator").await;
    app.discord().fail(Rule::from(DiscordFault::Html(503)));
    ada.assert_may(290, "Administrator").await;
    ada.assert_may(303, "Bans in experiences").await;
    ada.assert_may(2_090, "Bans in experiences").await;
    assert_eq!(ada.at(2_103).await.status, 403);
    app.discord().heal();
    ada.assert_may(2_120, "Administrator").await;
}

#[tokio::test]
async fn slow_discord_does_not_hold_pages_up() {
    let app = TestApp::builder().moving_clock().start().await;
    let workspace = moderated(&app).await;
    let mut ada = Clocked::sign_in(&app, &workspace, ADA).await;
    app.discord()
        .fail(Rule::from(DiscordFault::Delay(Duration::from_secs(5))));
    let page = ada.at(400).await;
    assert_eq!(page.status, 200, "{page}");
    let line = app.log_of("console", &page).await;
    let took = line["durationMs"].as_f64().unwrap();
    assert!((1_400.0..2_500.0).contains(&took), "{line}");
    // The next page does not wait again.
    let page = ada.at(405).await;
    let line = app.log_of("console", &page).await;
    assert!(line["durationMs"].as_f64().unwrap() < 1_000.0, "{line}");
}
