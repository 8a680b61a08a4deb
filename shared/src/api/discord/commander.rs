//! Who acts on Discord: the member of the guild's workspace, with what the rules give them by the signed
//! interaction itself.

use std::sync::Arc;

use super::flow::{Flow, Stop};
use crate::api::auth::{Moderator, RequiredPermission};
use crate::domain::actor::Channel;
use crate::domain::clock::UnixSeconds;
use crate::domain::discord::{Interaction, InteractionSender};
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::{
    BASIS_FRESH, BasisCheck, DiscordId, Guild, GuildMember, GuildRole, GuildView, Member,
    MemberPermission, MemberPermissions, PermissionBasis, PermissionRule,
};
use crate::store::{Store, Workspace};

/// Discord's permissions that no channel can grant. Others, such as to manage roles, an interaction
/// may contain for one channel alone.
const OF_WHOLE_GUILD: u64 =
    1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 7 | 1 << 19 | 1 << 27 | 1 << 30 | 1 << 40;

/// A member who acts on Discord.
#[derive(Clone, Debug)]
pub struct Commander {
    pub workspace: Arc<Workspace>,
    pub member: Member,
    pub permissions: MemberPermissions,
}

impl Commander {
    /// The member behind an interaction; a sentence that says who can help if there is none.
    pub async fn of(store: &Store, interaction: &Interaction, now: UnixSeconds) -> Flow<Self> {
        let (Some(guild), Some(sender)) = (interaction.guild, &interaction.sender) else {
            return Err(Stop::say(
                "These commands work in a server only, not in direct messages.",
            ));
        };
        if !interaction.is_of_guild {
            return Err(Stop::say(
                "An administrator of this server has to install the application in the server first.",
            ));
        }
        let (prefix, memberships) = futures::try_join!(
            store.workspace_of_guild(guild),
            store.memberships(sender.user)
        )?;
        let Some(prefix) = prefix else {
            return Err(Stop::Say(format!(
                "This server is not linked to a workspace. The operator of Portcullis can link it: \
                 `portcullis discord link {guild}`"
            )));
        };
        let own = memberships.into_iter().find(|(it, _)| *it == prefix);
        let found = match own {
            Some((_, id)) => store.member_and_rules(prefix, id).await?,
            None => None,
        };
        let workspace = store.known_workspace(prefix).await?;
        let (Some((member, rules)), Some(workspace)) = (found, workspace) else {
            return Err(Stop::Say(format!(
                "You are not a member of this server's workspace. Sign in to the console with Discord once, \
                 or ask an administrator of the workspace to add you with your Discord id, {}.",
                sender.user
            )));
        };
        let permissions = permissions(&member, &rules, guild, sender, now);
        Ok(Self {
            workspace,
            member,
            permissions,
        })
    }

    pub fn prefix(&self) -> WorkspacePrefix {
        self.workspace.guid.prefix()
    }

    pub fn may(&self, permission: MemberPermission) -> bool {
        self.permissions.allows(permission)
    }

    /// The member with a permission; a sentence if they lack it.
    pub fn with<P: RequiredPermission>(&self) -> Flow<Moderator<P>> {
        let (member, permissions) = (&self.member, &self.permissions);
        let found = Moderator::of_member(member, permissions, &self.workspace, Channel::Discord);
        found.map_err(|_| {
            Stop::Say(format!(
                "You lack the permission `{}`. Ask an administrator of the workspace.",
                P::REQUIRED
            ))
        })
    }
}

/// What a member may do now. About this guild the interaction says it; what Discord said about other
/// guilds counts for 5 minutes, since nobody asks again here.
fn permissions(
    member: &Member,
    rules: &[PermissionRule],
    guild: DiscordId,
    sender: &InteractionSender,
    now: UnixSeconds,
) -> MemberPermissions {
    let is_shown = |rule: &&PermissionRule| match rule.basis {
        PermissionBasis::GuildPermission { guild: of, bit } => {
            of == guild && OF_WHOLE_GUILD.checked_shr(bit.into()).unwrap_or(0) & 1 == 1
        }
        PermissionBasis::DiscordRole { guild: of, .. } => of == guild,
        PermissionBasis::DiscordUser { .. } | PermissionBasis::RobloxUser { .. } => true,
    };
    let (shown, others): (Vec<_>, Vec<_>) = rules.iter().partition(is_shown);
    let [shown, others] = [shown, others].map(|rules| rules.into_iter().cloned().collect());
    let shown: Vec<PermissionRule> = shown;
    let others: Vec<PermissionRule> = others;
    let view = GuildView {
        member: Some(GuildMember {
            roles: sender.roles.clone(),
            timed_out_until: sender.timed_out_until,
        }),
        // The bits are already those of all roles, and the owner has them all.
        guild: Some(Guild {
            owner: guild,
            roles: vec![GuildRole {
                id: guild,
                permissions: sender.permissions & OF_WHOLE_GUILD,
                position: 0,
            }],
        }),
    };
    let seen = Member {
        checked: vec![BasisCheck::of(&shown, sender.user, guild, &view, now)],
        ..member.clone()
    };
    let is_fresh = |check: &&BasisCheck| check.at <= now && now < check.at.plus(BASIS_FRESH);
    let known = Member {
        checked: member.checked.iter().filter(is_fresh).cloned().collect(),
        ..member.clone()
    };
    let seen = seen.permissions(&shown, now);
    let known = known.permissions(&others, now);
    seen.iter().chain(known.iter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::members::{MemberId, RuleId};

    const NOW: UnixSeconds = UnixSeconds(10_000);

    fn id(number: u64) -> DiscordId {
        DiscordId::new(80_351_110_224_678_912 + number).unwrap()
    }

    fn rule(permission: MemberPermission, basis: PermissionBasis) -> PermissionRule {
        PermissionRule {
            id: RuleId::random(),
            permission,
            basis,
            added: UnixSeconds(0),
        }
    }

    fn bit(guild: u64, bit: u8) -> PermissionRule {
        let guild = id(guild);
        let basis = PermissionBasis::GuildPermission { guild, bit };
        rule(MemberPermission::ManageBans, basis)
    }

    fn role(guild: u64) -> PermissionRule {
        let (guild, role) = (id(guild), id(11));
        let basis = PermissionBasis::DiscordRole { guild, role };
        rule(MemberPermission::ManageBans, basis)
    }

    fn member() -> Member {
        Member {
            id: MemberId::random(),
            name: "Ada".parse().unwrap(),
            discord: Some(id(1)),
            roblox: None,
            granted: MemberPermissions::default(),
            added: UnixSeconds(0),
            removed: None,
            checked: Vec::new(),
        }
    }

    fn sender(roles: &[u64], permissions: u64) -> InteractionSender {
        InteractionSender {
            user: id(1),
            roles: roles.iter().copied().map(id).collect(),
            permissions,
            timed_out_until: None,
        }
    }

    fn may(member: &Member, rule: &PermissionRule, sender: &InteractionSender) -> bool {
        let rules = std::slice::from_ref(rule);
        permissions(member, rules, id(10), sender, NOW).allows(MemberPermission::ManageBans)
    }

    #[test]
    fn interaction_shows_roles_and_permissions_of_its_guild() {
        let with = |roles: &[u64], bits| sender(roles, bits);
        assert!(may(&member(), &role(10), &with(&[11], 0)));
        assert!(!may(&member(), &role(10), &with(&[12], 0)));
        assert!(!may(&member(), &role(20), &with(&[11], 0)));
        assert!(may(&member(), &bit(10, 2), &with(&[], 1 << 2)));
        assert!(may(&member(), &bit(10, 2), &with(&[], 1 << 3)));
        assert!(!may(&member(), &bit(20, 2), &with(&[], 1 << 2)));
        assert!(!may(&member(), &bit(10, 2), &with(&[], 1 << 1)));
    }

    #[test]
    fn permission_that_a_channel_can_grant_needs_discords_answer() {
        let manage_roles = bit(10, 28);
        let mut member = member();
        assert!(!may(&member, &manage_roles, &sender(&[], 1 << 28)));
        member.checked = vec![BasisCheck {
            guild: id(10),
            at: NOW,
            held: vec![manage_roles.id.clone()],
            missed: Vec::new(),
        }];
        assert!(may(&member, &manage_roles, &sender(&[], 0)));
    }

    #[test]
    fn what_discord_said_about_this_guild_does_not_outlive_the_role() {
        let rule = role(10);
        let mut member = member();
        member.checked = vec![BasisCheck {
            guild: id(10),
            at: NOW,
            held: vec![rule.id.clone()],
            missed: Vec::new(),
        }];
        assert!(!may(&member, &rule, &sender(&[], 0)));
    }

    #[test]
    fn what_discord_said_about_another_guild_counts_for_five_minutes() {
        let rule = role(20);
        let mut member = member();
        for (at, counts) in [
            (10_000, true),
            (9_701, true),
            (9_700, false),
            (10_001, false),
        ] {
            member.checked = vec![BasisCheck {
                guild: id(20),
                at: UnixSeconds(at),
                held: vec![rule.id.clone()],
                missed: Vec::new(),
            }];
            assert_eq!(may(&member, &rule, &sender(&[], 0)), counts, "{at}");
        }
    }

    #[test]
    fn timeout_takes_permissions_and_leaves_roles() {
        let in_timeout = |roles: &[u64], bits| InteractionSender {
            timed_out_until: Some(NOW.plus(1)),
            ..sender(roles, bits)
        };
        assert!(!may(&member(), &bit(10, 2), &in_timeout(&[], 1 << 2)));
        assert!(may(&member(), &role(10), &in_timeout(&[11], 0)));
    }
}
