//! `portcullis permission`: what members may do, granted manually or by rules.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::members::{
    DiscordId, Member, MemberPermission, PermissionBasis, PermissionRule, RuleId,
};
use shared::domain::user_reference::UserReference;
use shared::store::{Store, Workspace};

use super::member::{self, change, discord, find, roblox_user};
use super::workspace;
use crate::arguments::{UsageError, WorkspaceArg, user};
use crate::names::UserNames;
use crate::output::{Output, Printable};

const EXAMPLES: &str = "\
Examples:
  portcullis permission grant manage_bans --member Ada
  portcullis permission grant manage_bans --discord-role 613425648685547541/613425648685547000
  portcullis permission grant administrator --guild-permission 613425648685547541/administrator
  portcullis permission list
  portcullis permission revoke manage_bans --member Ada
  portcullis permission revoke --rule 1f2e3d4c

Permissions: view (see bans and history), manage_bans (make, change and lift Experience bans), \
manage_global_bans (also Global ones), moderate_discord, administrator (all of these, plus members, keys, \
webhooks and settings). A rule by a Discord role or a Discord permission needs the console's Discord \
application. A permission ends within five minutes after its basis.";

/// Discord's permissions that a rule can use, with their bits.
const GUILD_PERMISSIONS: [(&str, u8); 6] = [
    ("kick_members", 1),
    ("ban_members", 2),
    ("administrator", 3),
    ("manage_guild", 5),
    ("manage_roles", 28),
    ("moderate_members", 40),
];

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
    "guild_permission", "roblox_user"])]
pub struct GrantArgs {
    permission: MemberPermission,
    /// A member, by name or id.
    #[arg(long)]
    member: Option<String>,
    /// The member with this Discord account.
    #[arg(long, value_name = "ID", value_parser = discord)]
    discord_user: Option<DiscordId>,
    /// All with this role in a Discord guild.
    #[arg(long, value_name = "GUILD/ROLE", value_parser = role)]
    discord_role: Option<(DiscordId, DiscordId)>,
    /// All with this permission in a Discord guild.
    #[arg(long, value_name = "GUILD/NAME", value_parser = guild_permission)]
    guild_permission: Option<(DiscordId, u8)>,
    /// The member with this Roblox user.
    #[arg(long, value_name = "USER", value_parser = user)]
    roblox_user: Option<UserReference>,
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

fn role(text: &str) -> Result<(DiscordId, DiscordId), String> {
    let (guild, role) = text
        .split_once('/')
        .ok_or("expected the ids of the guild and the role, as GUILD/ROLE")?;
    Ok((discord(guild)?, discord(role)?))
}

fn guild_permission(text: &str) -> Result<(DiscordId, u8), String> {
    let names: Vec<_> = GUILD_PERMISSIONS.iter().map(|(name, _)| *name).collect();
    let expected = || format!("expected GUILD/NAME with a name of {}", names.join(", "));
    let (guild, name) = text.split_once('/').ok_or_else(expected)?;
    let known = GUILD_PERMISSIONS.iter().find(|(known, _)| *known == name);
    let (_, bit) = known.ok_or_else(expected)?;
    Ok((discord(guild)?, *bit))
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
        let to = match &rule.basis {
            PermissionBasis::DiscordUser { user } => format!("Discord user {user}"),
            PermissionBasis::DiscordRole { guild, role } => {
                format!("role {role} in Discord guild {guild}")
            }
            PermissionBasis::GuildPermission { guild, bit } => {
                let named = GUILD_PERMISSIONS.iter().find(|(_, known)| known == bit);
                let name = named.map_or("unknown", |(name, _)| *name);
                format!("Discord permission {name} in guild {guild}")
            }
            PermissionBasis::RobloxUser { user } => format!("Roblox user {user}"),
        };
        Self {
            permission: rule.permission,
            to,
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
    let basis = if let Some(user) = args.discord_user {
        PermissionBasis::DiscordUser { user }
    } else if let Some((guild, role)) = args.discord_role {
        PermissionBasis::DiscordRole { guild, role }
    } else if let Some((guild, bit)) = args.guild_permission {
        PermissionBasis::GuildPermission { guild, bit }
    } else if let Some(user) = roblox_user(store, names, args.roblox_user.as_ref()).await? {
        PermissionBasis::RobloxUser { user }
    } else {
        bail!(UsageError("no basis given".to_owned()));
    };
    let rule = PermissionRule {
        id: RuleId::random(),
        permission,
        basis,
        added: UnixMillis::now().seconds(),
    };
    let add = |rules: &mut Vec<PermissionRule>| {
        let is_same =
            |known: &PermissionRule| known.permission == permission && known.basis == rule.basis;
        if !rules.iter().any(is_same) && rules.len() < PermissionRule::MOST {
            rules.push(rule.clone());
        }
    };
    let rules = store.change_rules(workspace.guid.prefix(), add).await?;
    let is_there = |known: &PermissionRule| known.basis == rule.basis;
    if !rules.iter().any(is_there) {
        bail!("a workspace has at most {} rules", PermissionRule::MOST);
    }
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
