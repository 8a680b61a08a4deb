//! Rules carry bans from the game to a guild.

use end_to_end::{Ban, TestApp, Unban, Workspace};
use local_stack::discord::{DiscordFault, FakeAuditEntry, GUILD, NOOR, demo_guild};
use local_stack::fault_proxy::Fault;
use local_stack::faults::Rule;
use serde_json::{Value, json};
use shared::domain::discord::GuildRule::{BansInGame, BansInGuild};
use shared::domain::discord::{GuildRules, RuleFault};

use crate::EXPERIENCE;
use crate::guild_bans::{assert_described, banned, events};
use crate::guild_rules::{decisions, progress, ruled, run, run_twice, skipped, write};
use crate::ruled::{PLAYER, id, link, unlink};

/// Another guild.
const OTHER: u64 = 613_425_648_685_547_777;

fn global() -> Ban {
    Ban::of(PLAYER, EXPERIENCE).permanent().global()
}

fn unban() -> Unban {
    Unban::of(PLAYER, EXPERIENCE)
}

/// The changes of bans that Discord was asked for, as method and status.
fn changes(app: &TestApp) -> Vec<(String, u16)> {
    let all = app.discord().exchanges().into_iter();
    let of_bans = all.filter(|it| it.path.contains("/bans/") && it.method != "GET");
    of_bans.map(|it| (it.method, it.status)).collect()
}

fn put() -> (String, u16) {
    ("PUT".to_owned(), 204)
}

fn delete() -> (String, u16) {
    ("DELETE".to_owned(), 204)
}

#[tokio::test]
async fn global_ban_and_its_end_are_made_in_the_guild_once() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = ruled(&app, &[BansInGuild]).await;
    workspace.ban(global()).await;
    run(&app).await;
    let reason = banned(&app, NOOR).unwrap();
    assert!(
        reason.starts_with("Banned in game. [portcullis ban "),
        "{reason}"
    );
    // Neither a run without news nor the rule's own entry in the audit log is a cause.
    run_twice(&app).await;
    workspace.unban(unban()).await;
    run_twice(&app).await;
    assert_eq!(banned(&app, NOOR), None);
    assert_eq!(changes(&app), [put(), delete()]);
    let logged = events(&workspace, 2).await;
    let said = |at: usize, field: &str| logged[at][field].as_str().unwrap().to_owned();
    let said = [0, 1].map(|at| (said(at, "event"), said(at, "reason")));
    let expected = [
        ("DISCORD_BANNED", "Banned in game."),
        ("DISCORD_UNBANNED", "The ban in game has ended."),
    ];
    assert_eq!(
        said,
        expected.map(|(event, reason)| (event.to_owned(), reason.to_owned()))
    );
    for event in &logged {
        let data = json!({
            "guildId": GUILD.to_string(), "discordId": NOOR.to_string(), "source": "rule",
        });
        assert_eq!(
            (&event["data"], &event["robloxId"]),
            (&data, &json!(PLAYER))
        );
        let actor = &event["actor"];
        assert_eq!(
            (&actor["type"], &actor["key"]),
            (&json!("system"), &json!(GuildRules::actor(id(GUILD))))
        );
    }
    assert_described(&app);
}

#[tokio::test]
async fn only_global_bans_of_proven_links_are_carried_over() {
    let app = TestApp::start().await;
    let workspace = ruled(&app, &[BansInGuild]).await;
    workspace.ban(Ban::of(PLAYER, EXPERIENCE).permanent()).await;
    workspace.unban(unban()).await;
    workspace
        .ban(Ban::of(PLAYER + 1, EXPERIENCE).permanent().global())
        .await;
    run(&app).await;
    unlink(&workspace, PLAYER).await;
    workspace.link_accounts(PLAYER, NOOR).await;
    workspace.ban(global()).await;
    run(&app).await;
    assert_eq!(changes(&app), []);
    events(&workspace, 0).await;
}

#[tokio::test]
async fn ban_of_others_in_the_guild_stays_unchanged() {
    let app = TestApp::start().await;
    let workspace = ruled(&app, &[BansInGuild]).await;
    let noor = NOOR.to_string();
    let options = [("reason", "Raid"), ("userid", noor.as_str())];
    let ada = app.on_discord(GUILD, local_stack::discord::ADA);
    ada.command("discordban", &options).await.says("on Discord");
    workspace.ban(global()).await;
    run(&app).await;
    workspace.unban(unban()).await;
    run(&app).await;
    assert!(banned(&app, NOOR).unwrap().starts_with("Raid"));
    assert_eq!(changes(&app), [put()]);
    events(&workspace, 1).await;
}

#[tokio::test]
async fn both_rules_make_no_loop() {
    let app = TestApp::start().await;
    let workspace = ruled(&app, &[BansInGame, BansInGuild]).await;
    workspace.ban(global()).await;
    for _ in 0..4 {
        run(&app).await;
    }
    // A person lifts the rule's ban at Discord: the ban in game is not the rule's.
    write(&app, FakeAuditEntry::unbanned);
    for _ in 0..4 {
        run(&app).await;
    }
    workspace.unban(unban()).await;
    for _ in 0..4 {
        run(&app).await;
    }
    decisions(&workspace, 2).await;
    assert_eq!(changes(&app), [put(), delete()]);
    events(&workspace, 3).await;

    // The other way round.
    for entry in [FakeAuditEntry::banned, FakeAuditEntry::unbanned] {
        write(&app, entry);
        for _ in 0..4 {
            run(&app).await;
        }
    }
    decisions(&workspace, 4).await;
    assert_eq!(changes(&app).len(), 2);
    events(&workspace, 5).await;
}

#[tokio::test]
async fn what_discord_refuses_is_left_out_with_the_reason() {
    let app = TestApp::start().await;
    let workspace = ruled(&app, &[BansInGuild]).await;
    app.discord().set_bot_permissions(GUILD, 0);
    workspace.ban(global()).await;
    run(&app).await;
    let rules = progress(&workspace).await;
    assert_eq!(skipped(rules.bans_in_guild), Some(RuleFault::NoPermission));
    app.discord().set_bot_permissions(GUILD, u64::MAX);
    run(&app).await;
    assert_eq!(banned(&app, NOOR), None);
    workspace.unban(unban()).await;
    workspace.ban(global()).await;
    run(&app).await;
    assert!(banned(&app, NOOR).is_some(), "the rule continues");
    events(&workspace, 1).await;
}

#[tokio::test]
async fn outage_is_waited_for_and_holds_up_no_other_guild() {
    let app = TestApp::start().await;
    let first = ruled(&app, &[BansInGame, BansInGuild]).await;
    let second = app.workspace().await;
    second.link(EXPERIENCE).await;
    app.discord().set_guild(OTHER, demo_guild());
    second.link_guild(OTHER).await;
    second.watch_guild(OTHER).await;
    link(&second, PLAYER, NOOR).await;
    app.settle().await;
    let turned = app
        .store()
        .turn_guild_rule(second.id().prefix(), id(OTHER), BansInGuild, true);
    assert!(turned.await.unwrap());
    let fault = Rule::from(DiscordFault::Html(502)).on(format!("guilds/{GUILD}/"));
    app.discord().fail(fault);
    for workspace in [&first, &second] {
        workspace.ban(global()).await;
    }
    run(&app).await;
    let waiting = progress(&first).await.bans_in_guild.unwrap().waiting;
    assert_eq!(
        waiting.map(|waiting| waiting.why),
        Some(RuleFault::NoAnswer)
    );
    assert_eq!(banned(&app, NOOR), None);
    assert_eq!(app.discord().guild(OTHER).unwrap().bans.len(), 1);
    app.discord().heal();
    run_twice(&app).await;
    assert!(banned(&app, NOOR).is_some());
    assert_eq!(progress(&first).await.bans_in_guild.unwrap().waiting, None);
    events(&first, 1).await;
    events(&second, 1).await;
    assert_eq!(skipped(progress(&first).await.bans_in_guild), None);
}

#[tokio::test]
async fn crash_between_discord_and_the_event_is_made_good_once() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace: Workspace<'_> = ruled(&app, &[BansInGuild]).await;
    for (at, banning) in [true, false].into_iter().enumerate() {
        if banning {
            workspace.ban(global()).await;
        } else {
            workspace.unban(unban()).await;
        }
        app.settle().await;
        let fault = Rule::from(Fault::Throttle).on("TransactWriteItems");
        app.faults().inject(fault);
        app.run_schedule("watch-guilds", "EachMinute").await;
        assert_eq!(
            banned(&app, NOOR).is_some(),
            banning,
            "Discord has the change"
        );
        app.faults().clear();
        events(&workspace, at).await;
        run_twice(&app).await;
        events(&workspace, at + 1).await;
    }
    let names: Vec<Value> = events(&workspace, 2).await;
    assert_eq!(names[1]["event"], "DISCORD_UNBANNED");
}
