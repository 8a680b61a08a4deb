//! Bans in a guild that its audit log shows become events.

use std::time::Duration;

use end_to_end::{TestApp, eventually};
use local_stack::discord::{
    ADA, APPLICATION, BAN_MEMBERS, DiscordFault, FakeAuditEntry, GUILD, KIM, NOOR, demo_guild,
};
use local_stack::faults::Rule;
use serde_json::{Value, json};
use shared::domain::discord::WatchFault;
use shared::domain::members::MemberPermission::ModerateDiscord;

use crate::guild_bans::{assert_described, events};
use crate::with_ada;

const OTHER: u64 = 613_425_648_685_547_777;

async fn run(app: &TestApp) {
    app.run_schedule("watch-guilds", "EachMinute").await;
}

/// What the last run has logged.
async fn last_run(app: &TestApp) -> Value {
    eventually("the run is logged", async || {
        let logs = app.runtime().logs("watch-guilds");
        let lines = logs.iter().rev().find_map(|line| line.json());
        lines.filter(|line| line["message"] == "run")
    })
    .await
}

fn banned(by: u64, target: u64, reason: &str) -> FakeAuditEntry {
    FakeAuditEntry::banned(Some(by), target, Some(reason))
}

#[tokio::test]
async fn bans_made_at_discord_become_events_once() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ModerateDiscord]).await;
    let discord = app.discord();
    discord.write_audit_log(GUILD, banned(KIM, NOOR, "Before the watch"));
    tokio::time::sleep(Duration::from_millis(5)).await;
    workspace.watch_guild(GUILD).await;
    run(&app).await;
    events(&workspace, 0).await;

    discord.write_audit_log(GUILD, banned(KIM, NOOR, "Spam"));
    let many = FakeAuditEntry::banned(None, ADA, None);
    discord.write_audit_log(GUILD, many.copies(2));
    let late = FakeAuditEntry::unbanned(Some(KIM), NOOR, None);
    discord.write_audit_log(GUILD, late.late(Duration::from_secs(3)));
    let noor = NOOR.to_string();
    let options = [("reason", "Raid"), ("userid", noor.as_str())];
    ada.command("discordban", &options)
        .await
        .says("Banned on Discord");
    // The mark alone makes no entry ours.
    discord.write_audit_log(
        GUILD,
        banned(KIM, 777_777_777_777_777_777, "x [portcullis 1]"),
    );
    // Nor does the bot: it may belong to another program too.
    discord.write_audit_log(GUILD, banned(APPLICATION, NOOR, "AutoMod"));
    run(&app).await;
    run(&app).await;
    events(&workspace, 5).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    run(&app).await;
    run(&app).await;
    let logged = events(&workspace, 6).await;
    let of = |name: &str| -> Vec<_> {
        let named = logged.iter().filter(|it| it["event"] == name);
        named
            .map(|it| it["data"]["source"].as_str().unwrap())
            .collect()
    };
    assert_eq!(of("DISCORD_UNBANNED"), ["audit_log"]);
    assert_eq!(
        of("DISCORD_BANNED")
            .iter()
            .filter(|it| **it == "command")
            .count(),
        1
    );
    let spam = logged.iter().find(|it| it["reason"] == "Spam").unwrap();
    assert_eq!(
        spam["data"],
        json!({
            "guildId": GUILD.to_string(), "discordId": noor, "byDiscordId": KIM.to_string(),
            "source": "audit_log",
        })
    );
    assert_eq!(
        (&spam["actor"]["type"], &spam["actor"]["key"]),
        (&json!("system"), &json!("discord"))
    );
    assert_described(&app);
}

#[tokio::test]
async fn failing_guild_keeps_no_other_from_its_turn() {
    let app = TestApp::start().await;
    let first = app.workspace().await;
    let second = app.workspace().await;
    first.link_guild(GUILD).await;
    app.discord().set_guild(OTHER, demo_guild());
    second.link_guild(OTHER).await;
    first.watch_guild(GUILD).await;
    second.watch_guild(OTHER).await;
    let (discord, store) = (app.discord(), app.store());
    let state = async || store.watched_guilds_of(first.id().prefix()).await.unwrap()[0].clone();
    let failures: [(&dyn Fn(), Option<WatchFault>); 4] = [
        (
            &|| discord.set_bot_permissions(GUILD, BAN_MEMBERS),
            Some(WatchFault::NoPermission),
        ),
        (&|| discord.set_bot(GUILD, false), Some(WatchFault::NoBot)),
        (
            &|| {
                let fault = Rule::from(DiscordFault::Html(502));
                discord.fail(fault.on(GUILD.to_string()));
            },
            Some(WatchFault::NoAnswer),
        ),
        (
            &|| {
                discord.heal();
                discord.set_bot(GUILD, true);
                discord.set_bot_permissions(GUILD, u64::MAX);
            },
            None,
        ),
    ];
    discord.write_audit_log(GUILD, banned(KIM, NOOR, "First"));
    for (at, (fail, why)) in failures.into_iter().enumerate() {
        fail();
        discord.write_audit_log(OTHER, banned(KIM, NOOR, "Second"));
        let before = state().await.watch.cursor;
        run(&app).await;
        let watch = state().await.watch;
        assert_eq!(watch.failure.map(|failure| failure.why), why);
        assert_eq!(watch.cursor == before, why.is_some());
        events(&second, at + 1).await;
        events(&first, usize::from(why.is_none())).await;
    }
    assert_eq!(last_run(&app).await["guildsRead"], 2);
}

#[tokio::test]
async fn rate_limit_is_respected_until_it_ends() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link_guild(GUILD).await;
    workspace.watch_guild(GUILD).await;
    let discord = app.discord();
    discord.write_audit_log(GUILD, banned(KIM, NOOR, "Spam"));
    let fault = Rule::from(DiscordFault::TooMany(2.0)).on("audit-logs");
    discord.fail(fault.times(1));
    run(&app).await;
    run(&app).await;
    let calls = || {
        let all = discord.exchanges();
        all.iter()
            .filter(|it| it.path.contains("audit-logs"))
            .count()
    };
    assert_eq!(calls(), 1, "the second run made no call");
    tokio::time::sleep(Duration::from_secs(4)).await;
    run(&app).await;
    assert_eq!(calls(), 3);
    events(&workspace, 1).await;
}

#[tokio::test]
async fn more_entries_than_a_page_are_read() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link_guild(GUILD).await;
    workspace.watch_guild(GUILD).await;
    for user in 0..150 {
        app.discord()
            .write_audit_log(GUILD, banned(KIM, NOOR + 1_000 + user, "Raid"));
        // Ids are assigned in different milliseconds, as they are by Discord.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    run(&app).await;
    assert_eq!(last_run(&app).await["guildBansRecorded"], 150);
    run(&app).await;
    assert_eq!(last_run(&app).await.get("guildBansRecorded"), None);
}

#[tokio::test]
async fn without_a_watch_a_run_is_one_query() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link_guild(GUILD).await;
    run(&app).await;
    let line = last_run(&app).await;
    assert_eq!(
        (&line["databaseCalls"], &line["readUnits"]),
        (&json!(1), &json!(0.5))
    );
    assert!(app.discord().exchanges().is_empty());
    // The end of the link ends the watch.
    workspace.watch_guild(GUILD).await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let guild = shared::domain::members::DiscordId::new(GUILD).unwrap();
    assert!(store.unlink_guild(prefix, guild).await.unwrap());
    assert_eq!(store.watched_guilds().await.unwrap(), []);
}
