//! `/discordban` and `/discordunban`.

use end_to_end::discord::{OnDiscord, Shown};
use end_to_end::{Call, TestApp, Workspace, eventually, guild_bans_contract};
use local_stack::discord::{
    ADA, APPLICATION, DiscordFault, GUILD, KIM, MODERATORS, NOOR, demo_guild,
};
use local_stack::fault_proxy::Fault;
use local_stack::faults::Rule;
use serde_json::{Value, json};
use shared::domain::members::MemberPermission::{ManageGlobalBans, ModerateDiscord};

use crate::with_ada;

/// A Discord user who is in no guild.
const STRANGER: u64 = 80_351_110_224_678_990;

/// A Roblox user.
const PLAYER: u64 = 8_123_456_701;

async fn ban(by: OnDiscord<'_>, user: u64) -> Shown {
    let user = user.to_string();
    let options = [
        ("reason", "Raid: näsße @everyone"),
        ("userid", user.as_str()),
    ];
    by.command("discordban", &options).await
}

async fn unban(by: OnDiscord<'_>, user: u64) -> Shown {
    let user = user.to_string();
    let options = [("userid", user.as_str()), ("reason", "A mistake")];
    by.command("discordunban", &options).await
}

/// The reason that Discord stores with a ban; none if the user is not banned.
pub fn banned(app: &TestApp, user: u64) -> Option<String> {
    let guild = app.discord().guild(GUILD).unwrap();
    guild
        .bans
        .get(&user)
        .cloned()
        .map(Option::unwrap_or_default)
}

/// The events about guilds in the log, once there are this many.
pub async fn events(workspace: &Workspace<'_>, count: usize) -> Vec<Value> {
    events_of(workspace, "DISCORD_", count).await
}

/// The events whose names begin so, once there are this many.
pub async fn events_of(workspace: &Workspace<'_>, name: &str, count: usize) -> Vec<Value> {
    workspace.app().quiet().await;
    eventually("the events are logged", async || {
        let answer = workspace.send(Call::get("/events")).await;
        // A busy machine is no failure of this test.
        if answer.status == 503 {
            return None;
        }
        let mut list = answer.list();
        list.retain(|it| it["event"].as_str().unwrap().starts_with(name));
        (list.len() == count).then_some(list)
    })
    .await
}

/// Asserts that Discord's description accepts every call about bans and audit logs.
pub fn assert_described(app: &TestApp) {
    let exchanges = app.discord().exchanges();
    let about = exchanges
        .iter()
        .filter(|it| it.path.contains("/bans/") || it.path.contains("/audit-logs"));
    let mut count = 0;
    for exchange in about {
        let problems = guild_bans_contract().problems(exchange);
        assert_eq!(problems, [""; 0], "{} {}", exchange.method, exchange.path);
        count += 1;
    }
    assert!(count > 0);
}

#[tokio::test]
async fn ban_and_its_end_are_made_at_discord_and_logged() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ModerateDiscord]).await;
    let noor = NOOR.to_string();
    let link = Call::new("PUT", &format!("/links/roblox/{PLAYER}"));
    let link = link.json(&json!({ "discordId": noor }));
    workspace.send(link).await.success();
    let options = [
        ("reason", "Raid"),
        ("member", noor.as_str()),
        ("delete_messages", "1d"),
    ];
    let shown = ada.command("discordban", &options).await;
    shown.says("\"title\":\"Banned on Discord\"");
    let id = app.discord().guild(GUILD).unwrap().audit_log[0].id;
    assert!(
        banned(&app, NOOR)
            .unwrap()
            .starts_with("Raid (by Ada) [portcullis "),
        "{id}"
    );
    let calls = app.discord().exchanges();
    let put = calls.iter().find(|it| it.method == "PUT").unwrap();
    let sent: Value = serde_json::from_slice(&put.body).unwrap();
    assert_eq!(sent, json!({ "delete_message_seconds": 86_400 }));

    unban(ada, NOOR)
        .await
        .says("\"title\":\"Unbanned on Discord\"");
    assert_eq!(banned(&app, NOOR), None);
    unban(ada, NOOR).await.says("is not banned");
    ban(ada, STRANGER).await.says("knows no user");
    app.discord().set_user(STRANGER, "stranger", None);
    ban(ada, STRANGER).await.says("näsße \\\\@everyone");
    assert!(
        banned(&app, STRANGER)
            .unwrap()
            .starts_with("Raid: näsße @everyone (by Ada)")
    );

    let logged = events(&workspace, 3).await;
    let names: Vec<_> = logged
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["DISCORD_BANNED", "DISCORD_UNBANNED", "DISCORD_BANNED"]
    );
    assert_eq!(
        logged[0]["data"],
        json!({
            "guildId": GUILD.to_string(), "discordId": noor, "byDiscordId": ADA.to_string(),
            "source": "command",
        })
    );
    assert_eq!(
        (&logged[0]["robloxId"], &logged[0]["reason"]),
        (&json!(PLAYER), &json!("Raid"))
    );
    assert_eq!(logged[2].get("robloxId"), None);
    let actor = &logged[0]["actor"];
    assert_eq!(
        (&actor["type"], &actor["channel"]),
        (&json!("member"), &json!("discord"))
    );
    assert_described(&app);
    // Neither the token nor the reason is logged.
    for function in ["discord-interactions", "discord-worker"] {
        for line in app.runtime().logs(function) {
            assert!(!line.text.contains("Raid"), "{}", line.text);
        }
    }
}

#[tokio::test]
async fn erasing_a_linked_player_removes_the_event() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ModerateDiscord]).await;
    let link = Call::new("PUT", &format!("/links/roblox/{PLAYER}"));
    let link = link.json(&json!({ "discordId": NOOR.to_string() }));
    workspace.send(link).await.success();
    ban(ada, NOOR).await.says("Banned on Discord");
    events(&workspace, 1).await;
    let user = shared::domain::ids::UserId::new(PLAYER).unwrap();
    let source = shared::store::ErasureSource::Operator;
    let erasing = app
        .store()
        .erase_user(workspace.id().prefix(), user, source);
    erasing.await.unwrap();
    events(&workspace, 0).await;
    for item in workspace.stored().await {
        assert!(!item.to_string().contains(&NOOR.to_string()), "{item}");
    }
}

#[tokio::test]
async fn nobody_bans_beyond_their_permissions_and_roles() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ModerateDiscord]).await;
    workspace
        .add_on_discord("Noor", NOOR, &[ManageGlobalBans])
        .await;
    let noor = app.on_discord(GUILD, NOOR);
    ban(noor, STRANGER).await.says("moderate_discord");
    unban(noor, STRANGER).await.says("moderate_discord");
    ban(ada, ADA).await.says("cannot ban yourself");
    ban(ada, APPLICATION).await.says("its own bot");
    ban(ada, KIM).await.says("owner of the server");
    app.discord().set_roles(GUILD, NOOR, &[MODERATORS]);
    ban(ada, NOOR).await.says("highest role is below yours");
    // The owner may.
    workspace
        .add_on_discord("Kim", KIM, &[ModerateDiscord])
        .await;
    ban(app.on_discord(GUILD, KIM), NOOR)
        .await
        .says("Banned on Discord");

    let id = STRANGER.to_string();
    for (options, says) in [
        (vec![("reason", "x")], "Say who"),
        (
            vec![("reason", "x"), ("userid", &id), ("member", &id)],
            "not both",
        ),
        (
            vec![("reason", "x"), ("userid", "stranger")],
            "Copy User ID",
        ),
        (vec![("reason", " "), ("userid", &id)], "Say why"),
        (
            vec![("reason", "a\u{202e}b"), ("userid", &id)],
            "The reason must not",
        ),
        (
            vec![("reason", "x"), ("userid", &id), ("delete_messages", "8d")],
            "at most 7 days",
        ),
    ] {
        ada.command("discordban", &options).await.says(says);
    }
    assert_eq!(banned(&app, STRANGER), None);
    events(&workspace, 1).await;
}

#[tokio::test]
async fn what_discord_refuses_is_said_with_the_remedy() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ModerateDiscord]).await;
    app.discord().set_bot_permissions(GUILD, 0);
    ban(ada, NOOR).await.says("*Ban Members*");
    unban(ada, NOOR).await.says("*Ban Members*");
    app.discord().set_bot(GUILD, false);
    ban(ada, NOOR).await.says("The bot is not in this server");
    app.discord().set_bot(GUILD, true);
    app.discord().set_bot_permissions(GUILD, u64::MAX);
    for (code, says) in [
        (60_003, "two-factor"),
        (30_035, "not in the server"),
        (7, "error 7"),
    ] {
        let fault = Rule::from(DiscordFault::Error(403, code));
        app.discord().fail(fault.on("PUT").times(1));
        ban(ada, NOOR).await.says(says);
    }
    assert_eq!(banned(&app, NOOR), None);
    events(&workspace, 0).await;
}

#[tokio::test]
async fn rate_limits_and_outages_are_waited_for() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ModerateDiscord]).await;
    let discord = app.discord();
    discord.fail(Rule::from(DiscordFault::TooMany(0.3)).on("PUT").times(2));
    discord.fail(Rule::from(DiscordFault::Html(502)).on("PUT").times(1));
    ban(ada, NOOR).await.says("Banned on Discord");
    discord.fail(Rule::from(DiscordFault::TooMany(0.3)).on("DELETE").times(1));
    unban(ada, NOOR).await.says("Unbanned on Discord");
    // Longer than the worker waits: Lambda repeats it.
    discord.fail(Rule::from(DiscordFault::TooMany(60.0)).on("PUT").times(1));
    ban(ada, NOOR).await.says("Banned on Discord");
    events(&workspace, 3).await;
}

#[tokio::test]
async fn repeated_interaction_acts_once() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ModerateDiscord]).await;
    let options = [
        ("reason", json!("Raid")),
        ("userid", json!(NOOR.to_string())),
    ];
    let body = ada.command_body("discordban", &options);
    let first = app.interact_to_the_end(&body).await;
    assert_eq!(app.interact_to_the_end(&body).await, first);
    unban(ada, NOOR).await.says("Unbanned on Discord");
    // It arrives once more, after the ban was lifted.
    app.defer(&body).await;
    app.background_settled().await;
    assert_eq!(banned(&app, NOOR), None);
    events(&workspace, 2).await;
}

#[tokio::test]
async fn crash_between_discord_and_the_event_loses_and_repeats_nothing() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[ModerateDiscord]).await;
    for (at, command) in ["discordban", "discordunban"].into_iter().enumerate() {
        let fault = Rule::from(Fault::Throttle);
        app.faults().inject(fault.on("TransactWriteItems").times(8));
        let options = [
            ("reason", json!("Raid")),
            ("userid", json!(NOOR.to_string())),
        ];
        let body = ada.command_body(command, &options);
        let shown = app.interact_to_the_end(&body).await;
        shown.says("on Discord");
        app.faults().clear();
        events(&workspace, at + 1).await;
    }
    let calls = app.discord().exchanges();
    let made = |method: &str| calls.iter().filter(|it| it.method == method).count();
    assert!(
        made("PUT") > 1 && made("DELETE") > 1,
        "attempts were repeated"
    );
    assert!(app.background_given_up().is_empty());
}

#[tokio::test]
async fn guild_of_another_workspace_is_not_touched() {
    let app = TestApp::start().await;
    let (first, ada) = with_ada(&app, &[ModerateDiscord]).await;
    let second = app.workspace().await;
    let other = 613_425_648_685_547_777;
    app.discord().set_guild(other, demo_guild());
    second.link_guild(other).await;
    ban(app.on_discord(other, ADA), NOOR)
        .await
        .says("You are not a member");
    ban(ada, NOOR).await.says("Banned on Discord");
    assert!(app.discord().guild(other).unwrap().bans.is_empty());
    events(&first, 1).await;
    events(&second, 0).await;
}
