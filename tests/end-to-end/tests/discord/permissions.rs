//! Who may do what, by the signed interaction.

use std::num::NonZeroU32;

use end_to_end::{Ban, TestApp};
use local_stack::discord::{ADA, ADMINISTRATORS, GUILD, KIM, MODERATORS, NOOR, demo_guild};
use local_stack::roblox::Group;
use serde_json::json;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;
use shared::domain::members::MemberPermission::{Administrator, ManageBans, View};
use shared::domain::members::{DiscordId, PermissionBasis};

use crate::{EXPERIENCE, with_ada};

const BAN: [(&str, &str); 2] = [("user", "156"), ("reason", "Spam")];

#[tokio::test]
async fn each_command_needs_its_permission() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[View]).await;
    for (command, options) in [
        ("ban", &BAN[..]),
        ("unban", &BAN[..]),
        ("addplace", &[("placeid", "7")][..]),
        ("removeplace", &[("placeid", "7")][..]),
        ("newapikey", &[][..]),
    ] {
        let shown = ada.command(command, options).await;
        shown.says("You lack the permission");
        assert_eq!(shown.0["flags"], 64);
    }
    for command in ["check", "history"] {
        ada.command(command, &[("user", "156")])
            .await
            .does_not_say("You lack");
    }
    assert_eq!(workspace.bans().await, [] as [serde_json::Value; 0]);
    assert_eq!(
        app.store()
            .keys(workspace.id().prefix())
            .await
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn role_and_permission_of_the_interaction_count_at_once() {
    let app = TestApp::builder().with_faults().start().await;
    let (workspace, ada) = with_ada(&app, &[]).await;
    workspace.add_role_rule(ManageBans, GUILD, MODERATORS).await;
    ada.command("ban", &BAN).await.says("\"title\":\"Banned\"");
    app.discord().set_roles(GUILD, ADA, &[]);
    ada.command("check", &BAN[..1]).await.says("You lack");
    app.discord().set_roles(GUILD, ADA, &[ADMINISTRATORS]);
    ada.command("check", &BAN[..1]).await.says("You lack");

    // The owner, by a rule about a permission that they have without a role.
    let guild = GUILD.to_string().parse().unwrap();
    let may_ban = PermissionBasis::GuildPermission { guild, bit: 2 };
    workspace.add_rule(Administrator, may_ban).await;
    workspace.add_on_discord("Kim", KIM, &[]).await;
    let kim = app.on_discord(GUILD, KIM);
    kim.command("addplace", &[("placeid", "7")])
        .await
        .says("is linked");
    workspace.add_on_discord("Noor", NOOR, &[]).await;
    let noor = app.on_discord(GUILD, NOOR);
    noor.command("check", &BAN[..1]).await.says("You lack");
    // Nobody asked Discord.
    assert_eq!(app.discord().exchanges(), []);
}

#[tokio::test]
async fn strangers_and_removed_members_learn_who_can_help() {
    let app = TestApp::start().await;
    let (workspace, ada) = with_ada(&app, &[ManageBans]).await;
    let noor = app.on_discord(GUILD, NOOR);
    let shown = noor.command("check", &BAN[..1]).await;
    shown.says("ask an administrator");
    shown.says(&NOOR.to_string());
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let member = store.members(prefix).await.unwrap()[0].id;
    let remove = |member: &mut shared::domain::members::Member| {
        member.removed = Some(UnixSeconds(1));
    };
    let removed = store.change_member(prefix, member, remove).await;
    removed.unwrap().unwrap().unwrap();
    ada.command("ban", &BAN).await.says("has removed you");
    assert_eq!(workspace.bans().await, [] as [serde_json::Value; 0]);
}

#[tokio::test]
async fn guild_belongs_to_one_workspace() {
    let app = TestApp::builder().with_faults().start().await;
    let (first, ada) = with_ada(&app, &[ManageBans]).await;
    let second = app.workspace().await;
    second.link(EXPERIENCE).await;
    let other = 613_425_648_685_547_777;
    app.discord().set_guild(other, demo_guild());
    second.link_guild(other).await;
    let id = |id: u64| DiscordId::new(id).unwrap();
    let store = app.store();
    let taken = store.link_guild(second.id().prefix(), id(GUILD), UnixSeconds(1));
    assert!(taken.await.unwrap().is_err());

    ada.command("ban", &BAN).await;
    assert!(first.is_banned(156, EXPERIENCE).await);
    assert!(!second.is_banned(156, EXPERIENCE).await);
    // A member of the first is nobody in the second.
    let there = app.on_discord(other, ADA);
    there
        .command("ban", &BAN)
        .await
        .says("You are not a member");
    second.add_on_discord("Ada", ADA, &[View]).await;
    there.command("ban", &BAN).await.says("You lack");
    there
        .command("check", &BAN[..1])
        .await
        .says("\"title\":\"Not banned\"");

    assert_eq!(
        store.guilds(first.id().prefix()).await.unwrap(),
        [id(GUILD)]
    );
    assert!(
        !store
            .unlink_guild(second.id().prefix(), id(GUILD))
            .await
            .unwrap()
    );
    assert!(
        store
            .unlink_guild(first.id().prefix(), id(GUILD))
            .await
            .unwrap()
    );
    ada.command("ban", &BAN)
        .await
        .says("not linked to a workspace");
    second.link_guild(GUILD).await;
}

#[tokio::test]
async fn protected_players_and_caps_count() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app
        .workspace_with(|settings| settings.moderator_bans_per_hour = NonZeroU32::new(1))
        .await;
    workspace.link(EXPERIENCE).await;
    workspace.link_guild(GUILD).await;
    let ada_id = workspace.add_on_discord("Ada", ADA, &[ManageBans]).await;
    let ada = app.on_discord(GUILD, ADA);
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let roblox = UserId::new(77);
    let link = |member: &mut shared::domain::members::Member| member.roblox = roblox;
    let linked = store.change_member(prefix, ada_id, link).await;
    linked.unwrap().unwrap().unwrap();
    let protecting = store.protect(prefix, UserId::new(1).unwrap(), UnixSeconds(1));
    protecting.await.unwrap();
    ada.command("ban", &[("user", "1"), ("reason", "x")])
        .await
        .says("protected");
    ada.command("ban", &BAN).await.says("\"title\":\"Banned\"");
    // The moderator of the ban is the member's Roblox account.
    assert_eq!(
        workspace.check(156, EXPERIENCE).await["moderatorId"],
        json!(77)
    );
    ada.command("ban", &[("user", "157"), ("reason", "x")])
        .await
        .says("Try again in");
    workspace.ban(Ban::of(158, EXPERIENCE).permanent()).await;
}

#[tokio::test]
async fn worker_asks_for_a_rank_and_a_form_does_not_wait_for_it() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link(EXPERIENCE).await;
    workspace.link_guild(GUILD).await;
    let member = workspace.add_on_discord("Ada", ADA, &[]).await;
    workspace.set_roblox(member, 157).await;
    workspace.add_rank_rule(ManageBans, 7, 200).await;
    app.roblox()
        .set_group(7, Group::new(&[(1, 200)]).with(157, &[1]));
    let ada = app.on_discord(GUILD, ADA);
    let form = ada.command_body("ban", &[("user", json!("156"))]);
    assert_eq!(app.interact(&form).await["type"], 9);
    let check = || ada.command_body("check", &[("user", json!("156"))]);
    let first = check();
    app.defer(&first).await;
    app.interact_to_the_end(&first)
        .await
        .does_not_say("You lack");
    assert_eq!(app.interact(&check()).await["type"], 4);
    ada.command("ban", &BAN).await.says("\"title\":\"Banned\"");

    // A member without the rank learns that, after one question to Roblox.
    workspace.add_rank_rule(Administrator, 7, 250).await;
    let key = ada.command("newapikey", &[]).await;
    key.says("You lack the permission");
    let refused = ada.command_body("newapikey", &[]);
    assert_eq!(app.interact(&refused).await["type"], 4);
}
