//! A workspace whose rules give roles.

use end_to_end::{Call, TestApp, Workspace, discord_contract};
use local_stack::discord::GUILD;
use local_stack::roblox::Group;
use serde_json::{Value, json};
use shared::domain::account_links::LinkSide;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{GroupId, UserId};
use shared::domain::members::{DiscordId, RuleId};
use shared::domain::role_rules::{RoleBasis, RoleRule};
use shared::domain::rules::group_roles::Rank;

/// The player whom the tests link.
pub const PLAYER: u64 = 156;

/// A group in which the player has rank 20.
pub const GROUP: u64 = 7;

pub fn id(id: u64) -> DiscordId {
    DiscordId::new(id).unwrap()
}

pub fn of_group(rank: u64) -> RoleBasis {
    RoleBasis::Group {
        group: GroupId::new(GROUP).unwrap(),
        rank: Rank::new(rank).unwrap(),
    }
}

/// Adds a rule about a role of a guild.
pub async fn add_rule(
    workspace: &Workspace<'_>,
    guild: u64,
    role: u64,
    basis: RoleBasis,
) -> RuleId {
    let rule = RoleRule {
        id: RuleId::random(),
        guild: id(guild),
        role: id(role),
        basis,
        added: UnixSeconds(1),
    };
    let store = workspace.app().store();
    let added = store.add_role_rule(workspace.id().prefix(), &rule).await;
    added.unwrap().unwrap().id
}

/// Links the accounts by a code.
pub async fn link(workspace: &Workspace<'_>, player: u64, user: u64) {
    let post = |path: &str, body: Value| workspace.send(Call::post(path).json(&body));
    let made = post("/links/codes", json!({ "discordId": user.to_string() })).await;
    let code = made.success()["code"].clone();
    let redeemed = post(
        "/links/codes/redeem",
        json!({ "code": code, "userId": player }),
    );
    redeemed.await.assert_ok();
}

pub async fn unlink(workspace: &Workspace<'_>, player: u64) {
    let path = format!("/links/roblox/{player}");
    let call = Call::new("DELETE", &path);
    workspace.send(call).await.assert_ok();
}

/// An administrator confirms the link.
pub async fn confirm(workspace: &Workspace<'_>, player: u64) {
    let side = LinkSide::Roblox(UserId::new(player).unwrap());
    let store = workspace.app().store();
    let confirmed = store
        .confirm_account_link(workspace.id().prefix(), side)
        .await;
    confirmed.unwrap().unwrap();
}

/// A group in which the player has the rank 20.
pub fn with_group(app: &TestApp) {
    let roles = [(101, 1), (110, 10), (120, 20)];
    app.roblox()
        .set_group(GROUP, Group::new(&roles).with(PLAYER, &[101, 120]));
}

/// Runs the schedule once everything that happened is in the event log.
pub async fn sync(app: &TestApp) {
    app.settle().await;
    app.run_schedule("sync-roles", "EachFiveMinutes").await;
}

/// The calls about members of a guild, as method and status, since the first `after` exchanges.
pub fn calls(app: &TestApp, after: usize) -> Vec<(String, u16)> {
    let all = app.discord().exchanges().split_off(after);
    let of_members = all
        .into_iter()
        .filter(|it| it.path.contains(&format!("{GUILD}/members")));
    of_members.map(|it| (it.method, it.status)).collect()
}

/// Asserts that Discord describes all calls about guilds, and what the fake answered.
pub fn assert_calls_are_described(app: &TestApp) {
    let of_guilds = app.discord().exchanges().into_iter();
    let of_guilds = of_guilds.filter(|it| it.path.contains("/guilds/") && it.status != 502);
    for exchange in of_guilds {
        let problems = discord_contract().problems(&exchange);
        assert_eq!(problems, [""; 0], "{} {}", exchange.method, exchange.path);
    }
}
