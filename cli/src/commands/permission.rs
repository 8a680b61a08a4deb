//! `portcullis permission`: what members may do, granted manually or by rules.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::members::{
    BasisKind, Member, MemberPermission, PermissionBasis, PermissionRule, RuleId,
};
use shared::domain::user_reference::UserReference;
use shared::store::{Store, Workspace};

use super::member::{self, change, find, roblox_user};
use super::workspace;
use crate::arguments::{UsageError, WorkspaceArg, user};
use crate::names::UserNames;
use crate::output::{Output, Printable};

const EXAMPLES: &str = "\
Examples:
  portcullis permission grant manage_bans --member Ada
  portcullis permission grant manage_bans --discord-role 613425648685547541/613425648685547000
  portcullis permission grant administrator --guild-permission 613425648685547541/administrator
  portcullis permission grant view --roblox-group 7/200
  portcullis permission list
  portcullis permission revoke manage_bans --member Ada
  portcullis permission revoke --rule 1f2e3d4c

Permissions: view (see bans and history), manage_bans (make, change and lift Experience bans), \
manage_global_bans (also Global ones), moderate_discord, administrator (all of these, plus members, keys, \
webhooks and settings). A rule by a Discord role or a Discord permission needs the console's Discord \
application. A rule by a rank needs the member's Roblox account: set by `portcullis member`, or by a link \
that they proved and you confirmed (`portcullis link confirm`). A permission ends within five minutes after \
its basis.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum PermissionCommand {
    /// Grant a permission to a member, or by a rule to all members who fulfil it.
    Grant(GrantArgs),
    /// Revoke a permission of a member, or a rule.
    Revoke(RevokeArgs),
    /// List what is granted, and the rules.
    List(WorkspaceArg),
}

#[derive(Debug, Args)]
#[group(id = "to", required = true, multiple = false, args = ["member", "discord_user", "discord_role",
    "guild_permission", "roblox_user", "roblox_group"])]
pub struct GrantArgs {
    permission: MemberPermission,
    /// A member, by name or id.
    #[arg(long)]
    member: Option<String>,
    /// The member with this Discord account.
    #[arg(long, value_name = "ID", value_parser = discord_user)]
    discord_user: Option<PermissionBasis>,
    /// All with this role in a Discord guild.
    #[arg(long, value_name = "GUILD/ROLE", value_parser = role)]
    discord_role: Option<PermissionBasis>,
    /// All with this permission in a Discord guild.
    #[arg(long, value_name = "GUILD/NAME", value_parser = guild_permission)]
    guild_permission: Option<PermissionBasis>,
    /// The member with this Roblox user.
    #[arg(long, value_name = "USER", value_parser = user)]
    roblox_user: Option<UserReference>,
    /// All with at least this rank in a Roblox group.
    #[arg(long, value_name = "GROUP/RANK", value_parser = roblox_group)]
    roblox_group: Option<PermissionBasis>,
    #[command(flatten)]
    place: WorkspaceArg,
}

#[derive(Debug, Args)]
pub struct RevokeArgs {
    #[arg(requires = "member", required_unless_present = "rule")]
    permission: Option<MemberPermission>,
    /// A member, by name or id.
    #[arg(long, requires = "permission")]
    member: Option<String>,
    /// A rule, by its id.
    #[arg(long, value_name = "RULE", conflicts_with = "permission")]
    rule: Option<RuleId>,
    #[command(flatten)]
    place: WorkspaceArg,
}

fn discord_user(text: &str) -> Result<PermissionBasis, String> {
    PermissionBasis::parse(BasisKind::DiscordUser, text)
}

fn role(text: &str) -> Result<PermissionBasis, String> {
    PermissionBasis::parse(BasisKind::DiscordRole, text)
}

fn guild_permission(text: &str) -> Result<PermissionBasis, String> {
    PermissionBasis::parse(BasisKind::GuildPermission, text)
}

fn roblox_group(text: &str) -> Result<PermissionBasis, String> {
    PermissionBasis::parse(BasisKind::RobloxGroup, text)
}

/// A permission that a member has, or that a rule gives.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    permission: MemberPermission,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleId>,
}

impl Grant {
    fn of_member(member: &Member) -> impl Iterator<Item = Self> + '_ {
        member.granted.iter().map(|permission| Self {
            permission,
            to: format!("member {} ({})", member.name, member.id),
            rule: None,
        })
    }

    fn of_rule(rule: &PermissionRule) -> Self {
        Self {
            permission: rule.permission,
            to: rule.basis.to_string(),
            rule: Some(rule.id.clone()),
        }
    }
}

impl Printable for Grant {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let rule = self.rule.as_ref().map(RuleId::to_string);
        vec![
            ("permission", self.permission.to_string()),
            ("to", self.to.clone()),
            (
                "rule",
                rule.unwrap_or_else(|| "granted manually".to_owned()),
            ),
        ]
    }
}

pub async fn run(
    command: PermissionCommand,
    store: &Store,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let place = match &command {
        PermissionCommand::Grant(GrantArgs { place, .. })
        | PermissionCommand::Revoke(RevokeArgs { place, .. })
        | PermissionCommand::List(place) => *place,
    };
    let workspace = workspace::find(store, place).await?;
    match command {
        PermissionCommand::Grant(args) => grant(args, store, names, &workspace).await?,
        PermissionCommand::Revoke(args) => revoke(args, store, &workspace).await?,
        PermissionCommand::List(_) => {}
    }
    let prefix = workspace.guid.prefix();
    let mut members = store.members(prefix).await?;
    members.retain(|member| member.removed.is_none());
    let rules = store.permission_rules(prefix).await?;
    let granted = members.iter().flat_map(Grant::of_member);
    let shown: Vec<_> = granted.chain(rules.iter().map(Grant::of_rule)).collect();
    output.list(
        &shown,
        "no permissions yet: see `portcullis permission grant`",
    )
}

async fn grant(
    args: GrantArgs,
    store: &Store,
    names: &UserNames,
    workspace: &Workspace,
) -> Result<()> {
    let permission = args.permission;
    if let Some(named) = &args.member {
        let id = find(store, workspace, named).await?.id;
        let grant = |member: &mut Member| {
            member.granted = std::mem::take(&mut member.granted).with(permission);
        };
        let member = change(store, workspace, id, grant).await?;
        note!(
            "{} may now: {}",
            member.name,
            member::listed(&member.granted)
        );
        return Ok(());
    }
    let roblox = roblox_user(store, names, args.roblox_user.as_ref()).await?;
    let basis = args
        .discord_user
        .or(args.discord_role)
        .or(args.guild_permission)
        .or(args.roblox_group)
        .or(roblox.map(|user| PermissionBasis::RobloxUser { user }));
    let Some(basis) = basis else {
        bail!(UsageError("no basis given".to_owned()));
    };
    let rule = PermissionRule {
        id: RuleId::random(),
        permission,
        basis,
        added: UnixMillis::now().seconds(),
    };
    store.add_rule(workspace.guid.prefix(), &rule).await??;
    Ok(())
}

async fn revoke(args: RevokeArgs, store: &Store, workspace: &Workspace) -> Result<()> {
    if let (Some(named), Some(permission)) = (&args.member, args.permission) {
        let member = find(store, workspace, named).await?;
        if !member.granted.names(permission) {
            bail!(
                "{permission} was not granted to {}: `portcullis permission list -w {}` shows what was",
                member.name,
                workspace.guid
            );
        }
        let revoke = |member: &mut Member| member.granted = member.granted.without(permission);
        change(store, workspace, member.id, revoke).await?;
        return Ok(());
    }
    let prefix = workspace.guid.prefix();
    let rule = args.rule.unwrap_or_else(RuleId::random);
    let known = store.permission_rules(prefix).await?;
    if !known.iter().any(|known| known.id == rule) {
        bail!(
            "there is no rule {rule}: `portcullis permission list -w {}` shows the rules",
            workspace.guid
        );
    }
    store
        .change_rules(prefix, |rules| rules.retain(|known| known.id != rule))
        .await?;
    Ok(())
}
