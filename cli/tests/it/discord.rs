//! Tests of `portcullis discord setup`, and of what `doctor` says of it.

use crate::harness::{stderr, stdout};
use crate::stack::Operator;
use end_to_end::{TestApp, Workspace};
use local_stack::discord::{
    APPLICATION, BOT_TOKEN_SECRET, CLIENT_SECRET_SECRET, DiscordFault, GUILD, caller,
};
use local_stack::faults::Rule;
use serde_json::{Value, json};
use shared::domain::discord::COMMANDS;

const SETUP: [&str; 3] = ["discord", "setup", "--yes"];
const TOKEN: &str = local_stack::discord::BOT_TOKEN;

/// The command as it finds the services of `make dev`.
async fn at_home(app: &TestApp) -> (Workspace<'_>, Operator) {
    let api = format!("{}/api/v1", app.address());
    let services = [
        &*api,
        app.roblox().endpoint(),
        app.secrets().endpoint(),
        app.objects(),
        app.discord().endpoint(),
    ];
    let table = &app.tables().workspaces;
    let written = local_stack::seed::addresses(app.database(), table, services).await;
    written.unwrap();
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace).without_addresses();
    (workspace, operator)
}

/// An app whose stack has the application.
pub async fn with_application() -> TestApp {
    let app = TestApp::start().await;
    let application = APPLICATION.to_string();
    let key = caller::public_key().unwrap();
    app.control()
        .set_parameter("DiscordApplicationId", &application);
    app.control().set_parameter("DiscordPublicKey", &key);
    app
}

/// Runs a command that must fail, and returns its message.
pub async fn refused(operator: &Operator, arguments: &[&str]) -> String {
    let done = operator.run(arguments).await;
    let said = stderr(&done);
    assert_eq!(done.status.code(), Some(1), "{arguments:?}: {said}");
    assert_eq!(stdout(&done), "");
    assert!(!said.contains(TOKEN), "{said}");
    said
}

/// How often commands were registered, and how often the endpoint was set.
fn changes(app: &TestApp) -> (usize, usize) {
    let calls = app.discord().exchanges();
    let count = |method: &str| calls.iter().filter(|call| call.method == method).count();
    (count("PUT"), count("PATCH"))
}

fn endpoint(app: &TestApp) -> String {
    format!("{}/discord/interactions", app.address())
}

/// The results of doctor's checks of Discord by their names, and all details.
async fn doctor(operator: &Operator) -> (Value, String) {
    doctor_with(operator, &[]).await
}

async fn doctor_with(operator: &Operator, options: &[&str]) -> (Value, String) {
    let done = operator
        .run(&[options, &["doctor", "--json"]].concat())
        .await;
    let found: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
    let is_ours = |one: &&Value| one["check"].as_str().unwrap().starts_with("Discord");
    let found: Vec<_> = found.iter().filter(is_ours).collect();
    let mut results = json!({});
    for one in &found {
        results[one["check"].as_str().unwrap()] = one["result"].clone();
    }
    let text = json!(found).to_string();
    assert!(!text.contains(TOKEN), "{text}");
    (results, text)
}

#[tokio::test]
async fn first_run_sets_everything_up_and_the_second_changes_nothing() {
    let app = TestApp::start().await;
    let (_, operator) = at_home(&app).await;
    let planned = operator.json(&["discord", "setup", "--dry-run"]).await;
    assert_eq!(planned["commands"], "pending");
    assert_eq!(planned["endpoint"], "pending");
    let cancelled = operator.answering("n\n", &["discord", "setup"]).await;
    let said = stderr(&cancelled);
    assert!(said.contains("add addplace"), "{said}");
    assert!(said.contains("Cancelled"), "{said}");
    assert_eq!(changes(&app), (0, 0));

    let done = operator.json(&SETUP).await;
    assert_eq!(done["applicationId"], APPLICATION.to_string());
    assert_eq!(done["commands"], "changed");
    assert_eq!(done["added"].as_array().unwrap().len(), COMMANDS.len());
    assert_eq!(done["endpoint"], "changed");
    assert_eq!(done["endpointUrl"], endpoint(&app));
    let link = done["installLink"].as_str().unwrap();
    let asked = "&scope=bot+applications.commands&permissions=0";
    assert!(link.ends_with(&format!("{APPLICATION}{asked}")), "{link}");
    assert_eq!(app.discord().endpoint_url(), Some(endpoint(&app)));
    assert_eq!(app.discord().commands().len(), COMMANDS.len());

    let again = operator.run(&["discord", "setup"]).await;
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stderr(&again).contains("nothing to change"));
    assert!(stdout(&again).contains("unchanged"), "{}", stdout(&again));
    assert_eq!(changes(&app), (1, 1));
}

#[tokio::test]
async fn only_what_differs_is_changed_and_a_lost_command_is_announced() {
    let app = TestApp::start().await;
    let (_, operator) = at_home(&app).await;
    operator.json(&SETUP).await;
    let before = app.discord().commands();
    let mut others = before.clone();
    others[0]["description"] = json!("Another");
    others.push(json!({ "name": "gameban", "description": "Someone else's" }));
    app.discord().set_commands(&others);
    let (results, text) = doctor(&operator).await;
    assert_eq!(results["Discord commands"], "failed");
    assert!(text.contains("change ban; remove gameban"), "{text}");
    let done = operator.run(&[&SETUP[..], &["--json"]].concat()).await;
    let said = stderr(&done);
    assert!(said.contains("lost with them: gameban"), "{said}");
    let done: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(done["changed"], json!(["ban"]));
    assert_eq!(done["endpoint"], "unchanged");
    assert_eq!(changes(&app), (2, 1));
    let ids = |all: &[Value]| all.iter().map(|it| it["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&app.discord().commands()), ids(&before));
}

#[tokio::test]
async fn wrong_settings_are_named_with_what_to_do() {
    let app = TestApp::start().await;
    let (_, operator) = at_home(&app).await;
    app.discord().set_public_key(&"ab".repeat(32));
    let said = refused(&operator, &SETUP).await;
    let advice = format!("--parameter DiscordPublicKey={}", "ab".repeat(32));
    assert!(said.contains(&advice), "{said}");
    assert_eq!(doctor(&operator).await.0["Discord application"], "failed");

    app.secrets().set(BOT_TOKEN_SECRET, "another-token");
    let said = refused(&operator, &SETUP).await;
    assert!(
        said.contains("aws secretsmanager put-secret-value"),
        "{said}"
    );
    assert!(!said.contains("another-token"), "{said}");
    assert_eq!(doctor(&operator).await.0["Discord bot token"], "failed");

    app.secrets().remove(BOT_TOKEN_SECRET);
    app.secrets().remove(CLIENT_SECRET_SECRET);
    let said = refused(&operator, &SETUP).await;
    let advice = "aws secretsmanager create-secret --region us-east-1 --name \
                  portcullis/local/discord-bot-token --secret-string file:///dev/stdin";
    assert!(said.contains(advice), "{said}");
    let (results, text) = doctor(&operator).await;
    assert_eq!(results["Discord bot token"], "failed");
    assert_eq!(results["Discord client secret"], "failed");
    assert!(text.contains("create-secret"), "{text}");
    assert_eq!(changes(&app), (0, 0));
}

#[tokio::test]
async fn short_rate_limit_is_waited_for_and_a_long_one_reported() {
    let app = TestApp::start().await;
    let (_, operator) = at_home(&app).await;
    let limit = |seconds| Rule::from(DiscordFault::TooMany(seconds));
    app.discord().fail(limit(0.1).on("PUT").times(2));
    assert_eq!(operator.json(&SETUP).await["commands"], "changed");
    assert_eq!(changes(&app), (3, 1));
    app.discord().fail(limit(299.5));
    let said = refused(&operator, &SETUP).await;
    assert!(said.contains("try again in 300 s"), "{said}");
    let (results, _) = doctor(&operator).await;
    assert_eq!(results["Discord bot token"], "warning");
}

#[tokio::test]
async fn parameters_of_the_stack_are_checked_and_a_wrong_endpoint_is_refused() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let setup = [&["--stack", "local"], &SETUP[..]].concat();
    let control = app.control();
    let said = refused(&operator, &SETUP).await;
    assert!(said.contains("use --stack"), "{said}");
    let said = refused(&operator, &setup).await;
    assert!(said.contains("DiscordApplicationId=ID"), "{said}");
    control.set_parameter("DiscordApplicationId", "613425648685547999");
    let said = refused(&operator, &setup).await;
    let advice = format!("--parameter DiscordApplicationId={APPLICATION}");
    assert!(said.contains(&advice), "{said}");
    control.set_parameter("DiscordApplicationId", &APPLICATION.to_string());
    let key = caller::public_key().unwrap();
    let said = refused(&operator, &setup).await;
    let advice = format!("--parameter DiscordPublicKey={key}");
    assert!(said.contains(&advice), "{said}");
    let (results, _) = doctor_with(&operator, &setup[..2]).await;
    let signing_in_only = json!({
        "Discord client secret": "ok", "Discord bot token": "ok", "Discord application": "ok",
        "Discord commands": "ok",
    });
    assert_eq!(results, signing_in_only);
    control.set_parameter("DiscordPublicKey", &key);
    let said = refused(&operator, &setup).await;
    assert!(said.contains("DiscordInteractionsUrl"), "{said}");

    let wrong = format!("{}/api/v1/is-banned", app.address());
    control.set_output("DiscordInteractionsUrl", &wrong);
    let said = refused(&operator, &setup).await;
    assert!(said.contains("could not be verified"), "{said}");
    assert_eq!(app.discord().endpoint_url(), None);
    control.set_output("DiscordInteractionsUrl", &endpoint(&app));
    let done = operator.json(&setup).await;
    assert_eq!(done["commands"], "unchanged");
    assert_eq!(done["endpoint"], "changed");
}

#[tokio::test]
async fn doctor_follows_the_setup_and_finds_guilds_without_the_bot() {
    let app = TestApp::start().await;
    let (workspace, operator) = at_home(&app).await;
    let guild = GUILD.to_string();
    let (results, text) = doctor(&operator).await;
    assert_eq!(
        results,
        json!({
            "Discord client secret": "ok", "Discord bot token": "ok", "Discord application": "ok",
            "Discord endpoint": "failed", "Discord commands": "failed", "Discord guilds": "warning",
        }),
        "{text}"
    );
    operator.json(&SETUP).await;
    workspace.link_guild(GUILD).await;
    let check = format!("Discord guild {guild}");
    let (results, text) = doctor(&operator).await;
    let all = results.as_object().unwrap();
    assert!(all.values().all(|result| result == "ok"), "{text}");
    assert!(all.contains_key(&check), "{text}");
    app.discord().set_bot(GUILD, false);
    let (results, text) = doctor(&operator).await;
    assert_eq!(results[&check], "failed");
    assert!(text.contains("oauth2/authorize"), "{text}");
}

#[tokio::test]
async fn guild_is_watched_and_doctor_finds_what_prevents_it() {
    let app = TestApp::start().await;
    let (workspace, operator) = at_home(&app).await;
    operator.json(&SETUP).await;
    let (guild, of) = (GUILD.to_string(), workspace.guid());
    let watch =
        |state: &'static str| ["discord", "watch", &guild, state, "-w", &of].map(str::to_owned);
    let run = async |arguments: [String; 6]| {
        let arguments = arguments.each_ref().map(String::as_str);
        operator.run(&arguments).await
    };
    let refused = run(watch("on")).await;
    assert!(
        stderr(&refused).contains("discord link"),
        "{}",
        stderr(&refused)
    );
    workspace.link_guild(GUILD).await;
    assert!(stdout(&run(watch("on")).await).contains("read until"));
    let list = ["discord", "list", "-w", &of];
    let listed = operator.json(&list).await[0].clone();
    assert_eq!(listed["guildId"], json!(guild));
    assert!(listed["watch"]["readUntil"].is_string(), "{listed}");

    let check = format!("Discord audit log of guild {guild}");
    let (results, text) = doctor(&operator).await;
    assert_eq!(results[&check], "ok", "{text}");
    app.discord().set_bot_permissions(GUILD, 0);
    app.run_schedule("watch-guilds", "EachMinute").await;
    let (results, text) = doctor(&operator).await;
    assert_eq!(results[&check], "failed");
    assert!(text.contains("View Audit Log"), "{text}");
    let listed = operator.json(&list).await[0].clone();
    assert_eq!(listed["watch"]["failing"]["why"], "no_permission");
    assert!(stdout(&operator.run(&list).await).contains("lacks the permission View Audit Log"));

    run(watch("off")).await;
    let listed = operator.json(&list).await[0].clone();
    assert_eq!(listed.get("watch"), None, "{listed}");
}

#[tokio::test]
async fn rules_of_a_watched_guild_are_turned_on_and_off() {
    let app = TestApp::start().await;
    let (workspace, operator) = at_home(&app).await;
    let (guild, of) = (GUILD.to_string(), workspace.guid());
    workspace.link_guild(GUILD).await;
    let turn = async |rule: &str, state: &str| {
        let arguments = ["discord", "ban-rule", &guild, rule, state, "-w", &of];
        operator.run(&arguments).await
    };
    let listed = async || operator.json(&["discord", "list", "-w", &of]).await[0].clone();
    let refused = turn("in-game", "on").await;
    assert!(
        stderr(&refused).contains("discord watch"),
        "{}",
        stderr(&refused)
    );
    workspace.watch_guild(GUILD).await;
    for (rule, field) in [("in-game", "bansInGame"), ("in-guild", "bansInGuild")] {
        assert_eq!(listed().await["watch"].get(field), None, "off by default");
        turn(rule, "on").await;
        assert_eq!(listed().await["watch"][field], json!({}));
        turn(rule, "off").await;
        assert_eq!(listed().await["watch"].get(field), None);
        turn(rule, "on").await;
    }
    for state in ["off", "on"] {
        operator
            .run(&["discord", "watch", &guild, state, "-w", &of])
            .await;
    }
    assert_eq!(listed().await["watch"].get("bansInGame"), None);
}
