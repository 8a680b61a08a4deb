//! `portcullis discord role`: the rules that give roles.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::GroupId;
use shared::domain::members::{DiscordId, PermissionBasis, RuleId};
use shared::domain::role_rules::{RoleBasis, RoleRule, permission_roles};
use shared::domain::rules::group_roles::Rank;
use shared::integrations::discord::{DiscordError, ManagedRole};
use shared::integrations::secret_text::SecretText;
use shared::store::{Store, Workspace};

use super::DiscordContext;
use crate::arguments::WorkspaceArg;
use crate::commands::workspace;
use crate::connection::Connection;
use crate::output::{Output, Printable};
use crate::times::Time;

/// The time for each question to Discord.
const TIME_LIMIT: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  portcullis discord role add 613425648685547541/613425648685547601 --linked
  portcullis discord role add 613425648685547541/613425648685547602 --banned
  portcullis discord role add 613425648685547541/613425648685547603 --group 7 --rank 100
  portcullis discord role list
  portcullis discord role remove 1f2e3d4c

The role belongs to those who fulfil one of its rules, and is taken from other linked people. The application \
needs the permission Manage Roles in the guild, and a role above those that it gives.";

const NONE: &str = "no rule gives roles: see `portcullis discord role add`";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum RoleCommand {
    /// Give a role of a guild to all who fulfil a rule.
    Add(RoleAddArgs),
    /// List the rules.
    List(WorkspaceArg),
    /// Remove a rule. Those who have its role keep it.
    Remove(RoleRemoveArgs),
}

#[derive(Debug, Args)]
#[group(id = "who", required = true, multiple = false, args = ["linked", "banned", "group"])]
pub struct RoleAddArgs {
    /// The ids of the guild and its role. *Developer Mode* on Discord adds *Copy Role ID* to its menu.
    #[arg(value_name = "GUILD/ROLE", value_parser = guild_role)]
    role: (DiscordId, DiscordId),
    /// Those whose account is linked.
    #[arg(long)]
    linked: bool,
    /// Those whose linked player has a ban in force.
    #[arg(long)]
    banned: bool,
    /// Those whose linked player has a rank in this Roblox group.
    #[arg(long, value_name = "ID", value_parser = group, requires = "rank")]
    group: Option<GroupId>,
    /// The lowest rank, 1 to 254.
    #[arg(long, requires = "group")]
    rank: Option<Rank>,
    #[command(flatten)]
    place: WorkspaceArg,
}

#[derive(Debug, Args)]
pub struct RoleRemoveArgs {
    /// The rule's id, as `portcullis discord role list` shows it.
    rule: RuleId,
    #[command(flatten)]
    place: WorkspaceArg,
}

fn guild_role(text: &str) -> Result<(DiscordId, DiscordId), String> {
    let ids = text.split_once('/');
    let ids = ids.and_then(|(guild, role)| Some((guild.parse().ok()?, role.parse().ok()?)));
    ids.ok_or_else(|| "expected the ids of the guild and the role, as GUILD/ROLE".to_owned())
}

fn group(text: &str) -> Result<GroupId, String> {
    let wrong = |_| "expected a Roblox group id, a number from 1 to 2^53 - 1".to_owned();
    text.parse().map_err(wrong)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RoleRuleSummary {
    rule: RuleId,
    guild_id: DiscordId,
    role_id: DiscordId,
    #[serde(flatten)]
    basis: RoleBasis,
    added: Time,
}

impl From<RoleRule> for RoleRuleSummary {
    fn from(rule: RoleRule) -> Self {
        Self {
            rule: rule.id,
            guild_id: rule.guild,
            role_id: rule.role,
            basis: rule.basis,
            added: Time(rule.added),
        }
    }
}

impl Printable for RoleRuleSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("rule", self.rule.to_string()),
            ("guild", self.guild_id.to_string()),
            ("role", self.role_id.to_string()),
            ("who", self.basis.to_string()),
            ("added", self.added.shown()),
        ]
    }
}

pub async fn run(command: RoleCommand, located: &Connection, output: Output) -> Result<()> {
    let store = &located.store();
    match command {
        RoleCommand::Add(args) => {
            let workspace = workspace::find(store, args.place).await?;
            add(args, located, store, &workspace, output).await
        }
        RoleCommand::List(place) => {
            let prefix = workspace::find(store, place).await?.guid.prefix();
            let rules = store.role_rules(prefix).await?.into_iter();
            let shown: Vec<_> = rules.map(RoleRuleSummary::from).collect();
            output.list(&shown, NONE)
        }
        RoleCommand::Remove(args) => {
            let workspace = workspace::find(store, args.place).await?;
            let is_meant = |rule: &RoleRule| rule.id == args.rule;
            let removing = store.remove_role_rule(workspace.guid.prefix(), is_meant);
            let removed = removing.await?.with_context(|| {
                format!(
                    "there is no rule {}: `portcullis discord role list -w {}` shows the rules",
                    args.rule, workspace.guid
                )
            })?;
            output.one(&RoleRuleSummary::from(removed))
        }
    }
}

async fn add(
    args: RoleAddArgs,
    located: &Connection,
    store: &Store,
    workspace: &Workspace,
    output: Output,
) -> Result<()> {
    let (guild, role) = args.role;
    let prefix = workspace.guid.prefix();
    let basis = match (args.group, args.rank) {
        (Some(group), Some(rank)) => RoleBasis::Group { group, rank },
        _ if args.banned => RoleBasis::Banned,
        _ => RoleBasis::Linked,
    };
    if !store.guilds(prefix).await?.contains(&guild) {
        bail!(
            "guild {guild} is not linked to the workspace: `portcullis discord link {guild} -w {}` links it",
            workspace.guid
        );
    }
    let context = DiscordContext::open(located, TIME_LIMIT).await?;
    let token = context.token().await?;
    let seen = look(&context, &token, guild).await?;
    usable(&seen, guild, role).map_err(|why| anyhow::anyhow!("{why}"))?;
    let new = RoleRule {
        id: RuleId::random(),
        guild,
        role,
        basis,
        added: UnixMillis::now().seconds(),
    };
    let added = store.add_role_rule(prefix, &new).await??;
    if gives_permission(&context, &token, store, workspace, &new).await? {
        warning!(
            "the role gives a permission in the workspace, so only links that are proven and confirmed count: \
             `portcullis link confirm`"
        );
    }
    output.one(&RoleRuleSummary::from(added))
}

/// The roles of a guild, and those of the bot in it.
struct SeenGuild {
    roles: Vec<ManagedRole>,
    of_bot: Vec<DiscordId>,
}

async fn look(context: &DiscordContext, token: &SecretText, guild: DiscordId) -> Result<SeenGuild> {
    let explained = |error| match error {
        DiscordError::Refused { .. } => anyhow::anyhow!(
            "the bot is not in guild {guild}: an administrator of the guild adds it with {}",
            context.discord.install_link()
        ),
        error => context.explained(error),
    };
    let discord = &context.discord;
    let roles = discord
        .managed_roles(token, guild)
        .await
        .map_err(explained)?;
    let bot = discord.bot_user(token).await.map_err(explained)?;
    let member = discord
        .guild_member(token, guild, bot)
        .await
        .map_err(explained)?;
    Ok(SeenGuild {
        roles,
        of_bot: member.map(|member| member.roles).unwrap_or_default(),
    })
}

/// Fails unless the bot can give the role; the error says what to change on Discord.
fn usable(seen: &SeenGuild, guild: DiscordId, role: DiscordId) -> Result<(), String> {
    const ADMINISTRATOR: u64 = 1 << 3;
    const MANAGE_ROLES: u64 = 1 << 28;
    let found = seen
        .roles
        .iter()
        .find(|known| known.id == role && role != guild);
    let Some(found) = found else {
        return Err(format!(
            "guild {guild} has no role {role} that can be given"
        ));
    };
    if found.is_managed {
        return Err(format!(
            "the role {} belongs to an integration, and nobody can give it: choose another one",
            found.name
        ));
    }
    let own = seen
        .roles
        .iter()
        .filter(|known| seen.of_bot.contains(&known.id));
    let own: Vec<_> = own.collect();
    let everyone = seen.roles.iter().filter(|known| known.id == guild);
    let granted = own
        .iter()
        .copied()
        .chain(everyone)
        .fold(0, |all, role| all | role.permissions);
    if granted & (ADMINISTRATOR | MANAGE_ROLES) == 0 {
        return Err(format!(
            "the application lacks the permission Manage Roles (MANAGE_ROLES) in guild {guild}: give it to the \
             application's role under Server Settings, Roles"
        ));
    }
    // Of two roles at the same position, the older one is above.
    let height = |role: &ManagedRole| (role.position, std::cmp::Reverse(role.id));
    if own.iter().any(|own| height(own) > height(found)) {
        return Ok(());
    }
    Err(format!(
        "the role {} is not below a role of the application: drag the application's role above it under Server \
         Settings, Roles",
        found.name
    ))
}

async fn gives_permission(
    context: &DiscordContext,
    token: &SecretText,
    store: &Store,
    workspace: &Workspace,
    rule: &RoleRule,
) -> Result<bool> {
    let permissions = store.permission_rules(workspace.guid.prefix()).await?;
    let mut bases = permissions.iter().map(|rule| &rule.basis);
    let seen = if bases.any(|basis| matches!(basis, PermissionBasis::GuildPermission { .. })) {
        let guild = context.discord.guild(token, rule.guild).await;
        Some(guild.map_err(|error| context.explained(error))?)
    } else {
        None
    };
    let found = permission_roles(&permissions, rule.guild, seen.as_ref());
    Ok(found.contains(&rule.role))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> DiscordId {
        DiscordId::new(80_351_110_224_678_912 + number).unwrap()
    }

    fn role(number: u64, permissions: u64, position: u64) -> ManagedRole {
        ManagedRole {
            id: id(number),
            name: format!("R{number}"),
            permissions,
            position,
            is_managed: number == 9,
        }
    }

    /// Guild 0, in which the bot has role 5.
    fn refusal(bits: u64, of: u64) -> Option<String> {
        let everyone = role(0, 1 << 10, 0);
        let roles = vec![
            everyone,
            role(1, 0, 1),
            role(4, 0, 3),
            role(5, bits, 3),
            role(6, 0, 3),
            role(7, 0, 4),
            role(9, 0, 1),
        ];
        let seen = SeenGuild {
            roles,
            of_bot: vec![id(5)],
        };
        usable(&seen, id(0), id(of)).err()
    }

    #[test]
    fn role_must_exist_be_free_and_lie_below_the_application() {
        for (bits, of, expected) in [
            (1 << 28, 1, None),
            (1 << 3, 1, None),
            (1 << 28, 6, None),
            (1 << 27, 1, Some("MANAGE_ROLES")),
            (1 << 28, 0, Some("no role")),
            (1 << 28, 2, Some("no role")),
            (1 << 28, 9, Some("integration")),
            (1 << 28, 4, Some("not below")),
            (1 << 28, 5, Some("not below")),
            (1 << 28, 7, Some("not below")),
        ] {
            let refusal = refusal(bits, of);
            let says = |text: &str| refusal.as_ref().is_some_and(|why| why.contains(text));
            assert!(
                expected.map_or(refusal.is_none(), says),
                "{of}: {refusal:?}"
            );
        }
    }
}
