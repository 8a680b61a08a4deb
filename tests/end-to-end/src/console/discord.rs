//! Signing in with the fake Discord, and rules by its accounts.

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{GroupId, UserId};
use shared::domain::members::{
    Member, MemberId, MemberPermission, PermissionBasis, PermissionRule, RuleId,
};
use shared::domain::rules::group_roles::Rank;

use super::Browser;
use crate::app::TestApp;
use crate::response::ApiResponse;
use crate::workspace::{Workspace, now};

impl Workspace<'_> {
    /// Gives a permission to all who fulfil a basis.
    pub async fn add_rule(&self, permission: MemberPermission, basis: PermissionBasis) {
        let rule = PermissionRule {
            id: RuleId::random(),
            permission,
            basis,
            added: UnixSeconds(now()),
        };
        let add = |rules: &mut Vec<_>| rules.push(rule.clone());
        let prefix = self.id().prefix();
        let added = self.app().store().change_rules(prefix, add).await;
        added.expect("a rule");
    }

    /// The same for a rank in a Roblox group.
    pub async fn add_rank_rule(&self, permission: MemberPermission, group: u64, rank: u64) {
        let basis = PermissionBasis::RobloxGroup {
            group: GroupId::new(group).expect("a group"),
            rank: Rank::new(rank).expect("a rank"),
        };
        self.add_rule(permission, basis).await;
    }

    /// Notes the Roblox account of a member, as an administrator does.
    pub async fn set_roblox(&self, member: MemberId, user: u64) {
        let set = |member: &mut Member| member.roblox = UserId::new(user);
        let prefix = self.id().prefix();
        let changed = self.app().store().change_member(prefix, member, set).await;
        changed
            .expect("a change")
            .expect("a member")
            .expect("no conflict");
    }

    /// The same for a role in a guild.
    pub async fn add_role_rule(&self, permission: MemberPermission, guild: u64, role: u64) {
        let id = |id: u64| id.to_string().parse().expect("a Discord id");
        let (guild, role) = (id(guild), id(role));
        let basis = PermissionBasis::DiscordRole { guild, role };
        self.add_rule(permission, basis).await;
    }
}

impl Browser {
    /// Goes to Discord's page and presses the button of a user, or the one to refuse. Returns where Discord
    /// sends the browser back to.
    pub async fn ask_discord(&mut self, app: &TestApp, user: Option<u64>) -> String {
        let left = self.get("/console/discord").await;
        assert_eq!(left.status, 303, "{left}");
        let page = left.header("location").expect("a location");
        let (page, query) = page.split_once('?').expect("a query");
        let shown = app.fetch(&format!("{page}?{query}")).await;
        assert_eq!(shown.status, 200, "{shown}");
        let user = user.map_or_else(String::new, |user| user.to_string());
        let button = format!("data-testid=\"{user}\"");
        assert!(shown.text.contains(&button), "{shown}");
        let choice = format!("{page}/choice?user={user}&{query}");
        let choice = app.fetch(&choice).await;
        assert_eq!(choice.status, 302, "{choice}");
        let back = choice.header("location").expect("a location");
        let path = back.strip_prefix(&self.address);
        path.expect("a way back to the console").to_owned()
    }

    /// Signs in as a user of the fake Discord.
    pub async fn sign_in_with_discord(&mut self, app: &TestApp, user: u64) -> ApiResponse {
        let back = self.ask_discord(app, Some(user)).await;
        self.get(&back).await
    }
}
