//! The schedule that keeps roles in line with the rules.

use std::time::Duration;

use end_to_end::{Ban, TestApp, Unban, Workspace, eventually};
use local_stack::discord::{
    ADA, ADMINISTRATORS, DiscordFault, GUILD, KIM, MODERATORS, NOOR, VERIFIED, demo_guild,
};
use local_stack::faults::Rule;
use serde_json::{Value, json};
use shared::api::invocation::TIMEOUT;
use shared::domain::role_rules::RoleBasis::{Banned, Linked};

use crate::EXPERIENCE;
use crate::ruled::{PLAYER, add_rule, assert_calls_are_described, calls, link, sync, unlink};

/// Another guild.
const OTHER: u64 = 613_425_648_685_547_777;

async fn workspace(app: &TestApp) -> Workspace<'_> {
    let workspace = app.workspace().await;
    workspace.link(EXPERIENCE).await;
    workspace.link_guild(GUILD).await;
    workspace
}

/// The log line of the last of this many runs.
async fn line(app: &TestApp, runs: usize) -> Value {
    eventually("the run is logged", async || {
        let logs = app.runtime().logs("sync-roles");
        let lines = logs.iter().filter_map(|line| line.json());
        let mut lines: Vec<_> = lines.filter(|line| line["route"] == "sync-roles").collect();
        (lines.len() == runs).then(|| lines.pop()).flatten()
    })
    .await
}

#[tokio::test]
async fn events_of_links_and_bans_are_applied_first() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = workspace(&app).await;
    add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    add_rule(&workspace, GUILD, MODERATORS, Banned).await;
    sync(&app).await;
    let roles = || app.discord().roles_of(GUILD, NOOR);

    link(&workspace, PLAYER, NOOR).await;
    sync(&app).await;
    assert_eq!(roles(), [VERIFIED]);
    workspace.ban(Ban::of(PLAYER, EXPERIENCE).permanent()).await;
    sync(&app).await;
    assert_eq!(roles(), [MODERATORS, VERIFIED]);
    workspace.unban(Unban::of(PLAYER, EXPERIENCE)).await;
    sync(&app).await;
    assert_eq!(roles(), [VERIFIED]);
    unlink(&workspace, PLAYER).await;
    sync(&app).await;
    assert_eq!(roles(), [0; 0]);

    let line = line(&app, 5).await;
    assert_eq!(
        (&line["peopleVisited"], &line["rolesTaken"]),
        (&json!(1), &json!(1))
    );
    // Nobody is linked any more, and no event is new.
    let before = app.discord().exchanges().len();
    sync(&app).await;
    assert_eq!(calls(&app, before), []);
    assert_calls_are_described(&app);
}

#[tokio::test]
async fn linked_people_are_visited_in_turn() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = workspace(&app).await;
    for (player, user) in [(1, NOOR), (2, ADA), (17, KIM)] {
        link(&workspace, player, user).await;
    }
    // The rule is younger than the links.
    add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    sync(&app).await;
    for user in [NOOR, ADA, KIM] {
        assert!(app.discord().roles_of(GUILD, user).contains(&VERIFIED));
    }
    assert_eq!(line(&app, 1).await["rolesGiven"], 3);
    app.discord().set_roles(GUILD, ADA, &[MODERATORS]);
    sync(&app).await;
    assert_eq!(app.discord().roles_of(GUILD, ADA), [MODERATORS, VERIFIED]);
    // A person who has left is no failure.
    app.discord().leave(GUILD, KIM);
    sync(&app).await;
    let line = line(&app, 3).await;
    assert_eq!(
        (&line["peopleVisited"], &line["guildsFailed"]),
        (&json!(3), &Value::Null)
    );
}

#[tokio::test]
async fn failing_guild_stops_no_other_guild_and_no_other_workspace() {
    let app = TestApp::builder().with_faults().start().await;
    let (first, second) = (workspace(&app).await, app.workspace().await);
    app.discord().set_guild(OTHER, demo_guild());
    second.link_guild(OTHER).await;
    for workspace in [&first, &second] {
        link(workspace, PLAYER, NOOR).await;
    }
    add_rule(&first, GUILD, VERIFIED, Linked).await;
    add_rule(&second, OTHER, ADMINISTRATORS, Linked).await;
    for fault in [
        DiscordFault::Html(502),
        DiscordFault::Error(403, 50_001),
        DiscordFault::TooMany(60.0),
    ] {
        app.discord().set_roles(OTHER, NOOR, &[]);
        app.discord()
            .fail(Rule::from(fault).on(format!("guilds/{GUILD}/")));
        sync(&app).await;
        assert_eq!(app.discord().roles_of(GUILD, NOOR), [0; 0]);
        assert_eq!(app.discord().roles_of(OTHER, NOOR), [ADMINISTRATORS]);
        app.discord().heal();
    }
    assert_eq!(line(&app, 3).await["guildsFailed"], 1);
    sync(&app).await;
    assert_eq!(app.discord().roles_of(GUILD, NOOR), [VERIFIED]);
}

#[tokio::test]
async fn run_out_of_time_leaves_people_to_the_next() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = workspace(&app).await;
    add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    sync(&app).await;
    link(&workspace, PLAYER, NOOR).await;
    app.runtime()
        .set_timeout("sync-roles", Duration::from_secs(10));
    sync(&app).await;
    assert_eq!(app.discord().exchanges(), []);
    app.runtime().set_timeout("sync-roles", TIMEOUT);
    sync(&app).await;
    assert_eq!(app.discord().roles_of(GUILD, NOOR), [VERIFIED]);
}

#[tokio::test]
async fn removed_link_waits_for_discord() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = workspace(&app).await;
    add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    link(&workspace, PLAYER, NOOR).await;
    sync(&app).await;
    assert_eq!(app.discord().roles_of(GUILD, NOOR), [VERIFIED]);
    unlink(&workspace, PLAYER).await;
    app.discord().fail(Rule::from(DiscordFault::Html(502)));
    sync(&app).await;
    assert_eq!(app.discord().roles_of(GUILD, NOOR), [VERIFIED]);
    app.discord().heal();
    sync(&app).await;
    assert_eq!(app.discord().roles_of(GUILD, NOOR), [0; 0]);
}

#[tokio::test]
async fn nothing_is_read_but_the_list_of_rules_while_there_are_none() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = workspace(&app).await;
    link(&workspace, PLAYER, NOOR).await;
    sync(&app).await;
    let line = line(&app, 1).await;
    assert_eq!(line["databaseCalls"], 1, "{line}");
    assert_eq!(app.discord().exchanges(), []);
}
