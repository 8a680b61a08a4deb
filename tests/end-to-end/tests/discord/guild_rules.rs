//! Rules carry bans from a guild to the game.

use end_to_end::{Ban, TestApp, Unban, Workspace};
use local_stack::discord::{ADA, FakeAuditEntry, GUILD, KIM, NOOR, demo_guild};
use local_stack::fault_proxy::Fault;
use local_stack::faults::Rule;
use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::discord::{GuildRule, GuildRules, RuleFault, RuleProgress};
use shared::domain::ids::UserId;
use shared::domain::members::MemberPermission::ModerateDiscord;

use crate::guild_bans::events_of;
use crate::ruled::{PLAYER, id, link, unlink};
use crate::{EXPERIENCE, with_ada};

/// Another guild.
const OTHER: u64 = 613_425_648_685_547_777;

/// A workspace with an experience, a watched guild with these rules, and a proven link.
pub async fn ruled<'a>(app: &'a TestApp, rules: &[GuildRule]) -> Workspace<'a> {
    let (workspace, _) = with_ada(app, &[ModerateDiscord]).await;
    workspace.watch_guild(GUILD).await;
    link(&workspace, PLAYER, NOOR).await;
    app.settle().await;
    for rule in rules {
        turn(&workspace, *rule, true).await;
    }
    workspace
}

async fn turn(workspace: &Workspace<'_>, rule: GuildRule, on: bool) {
    let store = workspace.app().store();
    let turned = store.turn_guild_rule(workspace.id().prefix(), id(GUILD), rule, on);
    assert!(turned.await.unwrap(), "the guild is watched");
}

/// Runs the schedule once everything that happened is in the event log, and everything that it did.
pub async fn run(app: &TestApp) {
    app.settle().await;
    app.run_schedule("watch-guilds", "EachMinute").await;
    app.settle().await;
}

/// Reads the audit log, and then follows its events.
pub async fn run_twice(app: &TestApp) {
    run(app).await;
    run(app).await;
}

pub fn write(app: &TestApp, entry: fn(Option<u64>, u64, Option<&str>) -> FakeAuditEntry) {
    app.discord()
        .write_audit_log(GUILD, entry(Some(KIM), NOOR, Some("Spam")));
}

/// The decisions on bans in game, oldest first, each with its actor, once there are this many.
pub async fn decisions(workspace: &Workspace<'_>, count: usize) -> Vec<(String, String)> {
    let events = events_of(workspace, "GAME_", count).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let named = events
        .iter()
        .map(|it| (text(&it["event"]), text(&it["actor"]["key"])));
    named.collect()
}

fn by_rule(event: &str) -> (String, String) {
    (event.to_owned(), GuildRules::actor(id(GUILD)))
}

pub async fn progress(workspace: &Workspace<'_>) -> GuildRules {
    let store = workspace.app().store();
    let watched = store.watched_guilds_of(workspace.id().prefix());
    watched.await.unwrap()[0].watch.rules
}

pub fn skipped(progress: Option<RuleProgress>) -> Option<RuleFault> {
    progress.unwrap().skipped.map(|skipped| skipped.why)
}

#[tokio::test]
async fn ban_in_the_guild_bans_the_linked_player_in_game_once() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = ruled(&app, &[GuildRule::BansInGame]).await;
    write(&app, FakeAuditEntry::banned);
    run_twice(&app).await;
    let ban = workspace.check(PLAYER, EXPERIENCE).await;
    assert_eq!(
        (&ban["isBanned"], &ban["publicReason"]),
        (
            &json!(true),
            &json!("Banned from the community's Discord server.")
        )
    );
    assert_eq!(decisions(&workspace, 1).await, [by_rule("GAME_BANNED")]);
    let events = events_of(&workspace, "GAME_", 1).await;
    let actor = &events[0]["actor"];
    assert_eq!(
        (&actor["type"], &actor["channel"]),
        (&json!("system"), &json!("discord"))
    );

    // A second entry changes nothing, and neither does a run without news.
    write(&app, FakeAuditEntry::banned);
    run_twice(&app).await;
    run(&app).await;
    write(&app, FakeAuditEntry::unbanned);
    run_twice(&app).await;
    assert!(!workspace.is_banned(PLAYER, EXPERIENCE).await);
    let both = [by_rule("GAME_BANNED"), by_rule("GAME_UNBANNED")];
    assert_eq!(decisions(&workspace, 2).await, both);
    // Nobody was banned or unbanned at Discord.
    assert_eq!(app.discord().guild(GUILD).unwrap().bans.len(), 0);
}

#[tokio::test]
async fn command_on_discord_is_a_cause_too() {
    let app = TestApp::start().await;
    let workspace = ruled(&app, &[GuildRule::BansInGame]).await;
    let noor = NOOR.to_string();
    let ada = app.on_discord(GUILD, ADA);
    for command in ["discordban", "discordunban"] {
        let options = [("reason", "Raid"), ("userid", noor.as_str())];
        ada.command(command, &options).await.says("on Discord");
        run(&app).await;
    }
    let both = [by_rule("GAME_BANNED"), by_rule("GAME_UNBANNED")];
    assert_eq!(decisions(&workspace, 2).await, both);
}

#[tokio::test]
async fn unban_in_the_guild_lifts_no_ban_of_others() {
    let app = TestApp::start().await;
    let workspace = ruled(&app, &[GuildRule::BansInGame]).await;
    let ban = || Ban::of(PLAYER, EXPERIENCE).permanent().global();
    // A moderator's ban stays unchanged.
    workspace.ban(ban()).await;
    write(&app, FakeAuditEntry::banned);
    write(&app, FakeAuditEntry::unbanned);
    run_twice(&app).await;
    assert!(workspace.is_banned(PLAYER, EXPERIENCE).await);
    decisions(&workspace, 1).await;
    workspace.unban(Unban::of(PLAYER, EXPERIENCE)).await;

    // So does one of the rule that a moderator has changed.
    write(&app, FakeAuditEntry::banned);
    run_twice(&app).await;
    workspace.ban(ban().reasons("Worse", "Worse")).await;
    write(&app, FakeAuditEntry::unbanned);
    run_twice(&app).await;
    assert!(workspace.is_banned(PLAYER, EXPERIENCE).await);
    decisions(&workspace, 4).await;
}

#[tokio::test]
async fn nobody_is_banned_without_a_proven_link_or_the_rule() {
    let app = TestApp::start().await;
    let workspace = ruled(&app, &[]).await;
    // Off by default, and what happened before a rule is no cause.
    write(&app, FakeAuditEntry::banned);
    run_twice(&app).await;
    turn(&workspace, GuildRule::BansInGame, true).await;
    run(&app).await;
    unlink(&workspace, PLAYER).await;
    write(&app, FakeAuditEntry::banned);
    run_twice(&app).await;
    workspace.link_accounts(PLAYER, NOOR).await;
    write(&app, FakeAuditEntry::banned);
    run_twice(&app).await;
    decisions(&workspace, 0).await;
    // The end of the watch is the end of its rules.
    let store = app.store();
    let prefix = workspace.id().prefix();
    assert!(store.stop_watching(prefix, id(GUILD)).await.unwrap());
    workspace.watch_guild(GUILD).await;
    assert!(progress(&workspace).await.are_off());
    let turned = store.turn_guild_rule(prefix, id(OTHER), GuildRule::BansInGame, true);
    assert!(!turned.await.unwrap(), "the guild is not watched");
}

#[tokio::test]
async fn protected_player_is_left_out_and_holds_up_nobody() {
    let app = TestApp::start().await;
    let workspace = ruled(&app, &[GuildRule::BansInGame]).await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let player = UserId::new(PLAYER).unwrap();
    let protected = store.protect(prefix, player, UnixSeconds(1));
    protected.await.unwrap();
    link(&workspace, PLAYER + 1, ADA).await;
    write(&app, FakeAuditEntry::banned);
    let next = FakeAuditEntry::banned(Some(KIM), ADA, None);
    app.discord().write_audit_log(GUILD, next);
    run_twice(&app).await;
    assert!(!workspace.is_banned(PLAYER, EXPERIENCE).await);
    assert!(workspace.is_banned(PLAYER + 1, EXPERIENCE).await);
    let rules = progress(&workspace).await;
    assert_eq!(skipped(rules.bans_in_game), Some(RuleFault::Protected));
}

#[tokio::test]
async fn player_whose_item_is_unreadable_holds_up_nobody() {
    let app = TestApp::start().await;
    let workspace = ruled(&app, &[GuildRule::BansInGame]).await;
    workspace.ban(Ban::of(PLAYER, EXPERIENCE)).await;
    app.settle().await;
    let player = format!("{}#U#{PLAYER}", workspace.prefix());
    let items = app.items(&player).await;
    let item = items.iter().find(|it| it["kind"]["S"] == "experience");
    let mut item = item.unwrap().clone();
    item["version"] = json!({ "S": "one" });
    app.put_item(&item).await;
    link(&workspace, PLAYER + 1, ADA).await;
    write(&app, FakeAuditEntry::banned);
    let next = FakeAuditEntry::banned(Some(KIM), ADA, None);
    app.discord().write_audit_log(GUILD, next);
    run_twice(&app).await;
    assert!(workspace.is_banned(PLAYER + 1, EXPERIENCE).await);
    let rules = progress(&workspace).await;
    assert_eq!(skipped(rules.bans_in_game), Some(RuleFault::Failed));
}

#[tokio::test]
async fn other_workspace_and_guild_are_not_touched() {
    let app = TestApp::start().await;
    let first = ruled(&app, &[GuildRule::BansInGame]).await;
    let second = app.workspace().await;
    second.link(EXPERIENCE).await;
    app.discord().set_guild(OTHER, demo_guild());
    second.link_guild(OTHER).await;
    second.watch_guild(OTHER).await;
    link(&second, PLAYER, NOOR).await;
    let turned =
        app.store()
            .turn_guild_rule(second.id().prefix(), id(OTHER), GuildRule::BansInGame, true);
    assert!(turned.await.unwrap());
    write(&app, FakeAuditEntry::banned);
    run_twice(&app).await;
    assert!(first.is_banned(PLAYER, EXPERIENCE).await);
    assert!(!second.is_banned(PLAYER, EXPERIENCE).await);
    decisions(&second, 0).await;
}

#[tokio::test]
async fn interrupted_run_is_repeated_and_decides_once() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = ruled(&app, &[GuildRule::BansInGame]).await;
    write(&app, FakeAuditEntry::banned);
    run(&app).await;
    // The ban is written, and how far the rule has come is not.
    let fault = Rule::from(Fault::Throttle).on("PutItem");
    app.faults().inject(fault);
    let before = progress(&workspace).await;
    app.run_schedule("watch-guilds", "EachMinute").await;
    app.faults().clear();
    assert_eq!(progress(&workspace).await, before);
    app.settle().await;
    assert!(workspace.is_banned(PLAYER, EXPERIENCE).await);
    workspace.unban(Unban::of(PLAYER, EXPERIENCE)).await;
    run(&app).await;
    assert!(!workspace.is_banned(PLAYER, EXPERIENCE).await);
    decisions(&workspace, 2).await;
}
