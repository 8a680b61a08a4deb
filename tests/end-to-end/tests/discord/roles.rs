//! `/update`: the rules give and take roles.

use end_to_end::discord::OnDiscord;
use end_to_end::{Ban, TestApp, Unban, Workspace};
use local_stack::discord::{ADMINISTRATORS, DiscordFault, GUILD, KIM, MODERATORS, NOOR, VERIFIED};
use local_stack::faults::Rule;
use local_stack::roblox::{Fault, FaultRule};
use shared::domain::members::MemberPermission::{Administrator, ManageBans, ModerateDiscord};
use shared::domain::role_rules::RoleBasis::{Banned, Linked};

use crate::ruled::{
    PLAYER, add_rule, assert_calls_are_described, calls, confirm, link, of_group, with_group,
};
use crate::{EXPERIENCE, with_ada};

/// A workspace, and Noor, whose account is linked.
async fn with_noor(app: &TestApp) -> (Workspace<'_>, OnDiscord<'_>) {
    let (workspace, _) = with_ada(app, &[ManageBans]).await;
    link(&workspace, PLAYER, NOOR).await;
    (workspace, app.on_discord(GUILD, NOOR))
}

fn roles(app: &TestApp) -> Vec<u64> {
    app.discord().roles_of(GUILD, NOOR)
}

#[tokio::test]
async fn everyone_updates_their_own_roles_and_a_repeat_only_reads() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, noor) = with_noor(&app).await;
    noor.command("update", &[])
        .await
        .says("No rule gives roles");
    let linked = add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    let banned = add_rule(&workspace, GUILD, ADMINISTRATORS, Banned).await;
    noor.command("update", &[])
        .await
        .says("+ <@&613425648685547602>: linked account");
    assert_eq!(roles(&app), [VERIFIED]);

    workspace.ban(Ban::of(PLAYER, EXPERIENCE).permanent()).await;
    let shown = noor.command("update", &[]).await;
    shown.says("+ <@&613425648685547600>: banned in game");
    shown.does_not_say("linked account");
    assert_eq!(roles(&app), [ADMINISTRATORS, VERIFIED]);
    let before = app.discord().exchanges().len();
    noor.command("update", &[]).await.says("Nothing to change");
    assert_eq!(calls(&app, before), [("GET".to_owned(), 200)]);

    workspace.unban(Unban::of(PLAYER, EXPERIENCE)).await;
    noor.command("update", &[])
        .await
        .says("- <@&613425648685547600>: not banned in game");
    assert_eq!(roles(&app), [VERIFIED]);
    assert_eq!(
        app.discord().reasons(),
        [
            format!("Portcullis rule {linked}: linked account"),
            format!("Portcullis rule {banned}: banned in game"),
            format!("Portcullis rule {banned}: not banned in game"),
        ]
    );
    assert_calls_are_described(&app);
}

#[tokio::test]
async fn roles_that_no_rule_names_are_not_touched() {
    let app = TestApp::start().await;
    let (workspace, _) = with_ada(&app, &[]).await;
    add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    app.discord()
        .set_roles(GUILD, NOOR, &[MODERATORS, VERIFIED]);
    let noor = app.on_discord(GUILD, NOOR);
    noor.command("update", &[]).await.says("not linked account");
    assert_eq!(roles(&app), [MODERATORS]);
}

#[tokio::test]
async fn another_person_is_updated_by_who_moderates_discord() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, noor) = with_noor(&app).await;
    add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    let named = [("member", &*NOOR.to_string())];
    let ada = app.on_discord(GUILD, local_stack::discord::ADA);
    ada.command("update", &named)
        .await
        .says("You lack the permission `moderate_discord`");
    let kim = app.on_discord(GUILD, KIM);
    kim.command("update", &named)
        .await
        .says("You are not a member");
    assert_eq!(roles(&app), [0; 0]);
    workspace
        .add_on_discord("Kim", KIM, &[ModerateDiscord])
        .await;
    kim.command("update", &named).await.says("linked account");
    assert_eq!(roles(&app), [VERIFIED]);
    // For themselves, they need nothing.
    noor.command("update", &named)
        .await
        .says("Nothing to change");
}

#[tokio::test]
async fn rank_counts_as_long_as_roblox_says_it() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, noor) = with_noor(&app).await;
    with_group(&app);
    add_rule(&workspace, GUILD, VERIFIED, of_group(20)).await;
    add_rule(&workspace, GUILD, ADMINISTRATORS, of_group(21)).await;
    noor.command("update", &[])
        .await
        .says("rank 20 or higher in Roblox group 7");
    assert_eq!(roles(&app), [VERIFIED]);

    app.discord().set_roles(GUILD, NOOR, &[ADMINISTRATORS]);
    app.roblox()
        .fail(FaultRule::next(9, Fault::Status(503)).on("groups/roles"));
    noor.command("update", &[])
        .await
        .says("Roblox did not say every rank");
    assert_eq!(roles(&app), [ADMINISTRATORS]);
}

#[tokio::test]
async fn role_that_gives_a_permission_needs_a_confirmed_link() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, noor) = with_noor(&app).await;
    workspace
        .add_role_rule(Administrator, GUILD, MODERATORS)
        .await;
    add_rule(&workspace, GUILD, MODERATORS, Linked).await;
    add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    noor.command("update", &[]).await;
    assert_eq!(roles(&app), [VERIFIED]);
    confirm(&workspace, PLAYER).await;
    noor.command("update", &[]).await;
    assert_eq!(roles(&app), [MODERATORS, VERIFIED]);
}

#[tokio::test]
async fn missing_permission_and_deleted_role_are_named_and_stop_nothing_else() {
    let app = TestApp::start().await;
    let (workspace, noor) = with_noor(&app).await;
    add_rule(&workspace, GUILD, MODERATORS, Linked).await;
    add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    app.discord().delete_role(GUILD, MODERATORS);
    let shown = noor.command("update", &[]).await;
    shown.says(
        "does not let me change <@&613425648685547601>: I need the permission *Manage Roles*",
    );
    assert_eq!(roles(&app), [VERIFIED]);
    for (permissions, is_above) in [(0, true), (1 << 28, false)] {
        app.discord().set_roles(GUILD, NOOR, &[]);
        app.discord().set_bot_role(GUILD, permissions, is_above);
        noor.command("update", &[]).await.says("Manage Roles");
        assert_eq!(roles(&app), [0; 0]);
    }
    app.discord().leave(GUILD, NOOR);
    let kim = app.on_discord(GUILD, KIM);
    workspace
        .add_on_discord("Kim", KIM, &[ModerateDiscord])
        .await;
    let shown = kim
        .command("update", &[("member", &NOOR.to_string())])
        .await;
    shown.says("Not a member of this server");
    assert_calls_are_described(&app);
}

#[tokio::test]
async fn rate_limit_is_waited_for_and_an_outage_is_named() {
    let app = TestApp::start().await;
    let (workspace, noor) = with_noor(&app).await;
    add_rule(&workspace, GUILD, VERIFIED, Linked).await;
    let fail = |fault, part: &str, times| {
        app.discord()
            .fail(Rule::from(fault).on(part.to_owned()).times(times));
    };
    fail(DiscordFault::TooMany(30.0), "/members/", 1);
    noor.command("update", &[])
        .await
        .says("Discord does not answer");
    fail(DiscordFault::Html(502), "/roles/", 1);
    noor.command("update", &[])
        .await
        .says("Discord does not answer");
    assert_eq!(roles(&app), [0; 0]);
    fail(DiscordFault::TooMany(0.2), "/members/", 1);
    fail(DiscordFault::TooMany(0.2), "/roles/", 2);
    noor.command("update", &[])
        .await
        .says("+ <@&613425648685547602>");
    assert_eq!(roles(&app), [VERIFIED]);
    app.discord().set_bot(GUILD, false);
    noor.command("update", &[])
        .await
        .says("does not let me see");
}
