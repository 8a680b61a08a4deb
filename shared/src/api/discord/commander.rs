//! Who acts on Discord: the member of the guild's workspace, with what the rules give them by the signed
//! interaction itself.

use std::sync::Arc;

use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::person::GuildPerson;
use crate::api::auth::{ModerateBans, Moderator, RequiredPermission};
use crate::domain::actor::Channel;
use crate::domain::clock::UnixSeconds;
use crate::domain::discord::InteractionSender;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::{
    BASIS_FRESH, BasisCheck, BasisSource, DiscordId, Guild, GuildMember, GuildRole, GuildView,
    Member, MemberPermission, MemberPermissions, PermissionBasis, PermissionRule, groups_to_ask,
};
use crate::moderation::basis::check_ranks;
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
    /// Whether Roblox has to be asked about ranks that may give more.
    is_due: bool,
}

impl Commander {
    /// The member who someone in the guild is; a sentence that says who can help if they are none.
    pub async fn of(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<Self> {
        let (store, now) = (desk.store, desk.now());
        let found = match person.member {
            Some(id) => store.member_and_rules(person.prefix(), id).await?,
            None => None,
        };
        let Some((mut member, rules)) = found else {
            if store.was_removed(person.prefix(), person.user()).await? {
                return Err(Stop::say(
                    "An administrator has removed you from the workspace, and only they can add you again.",
                ));
            }
            return Err(Stop::Say(format!(
                "You are not a member of this server's workspace. Sign in to the console with Discord once, \
                 or ask an administrator of the workspace to add you with your Discord id, {}.",
                person.sender.user
            )));
        };
        if let Some(ranks) = desk.ranks {
            let asking = check_ranks(store, ranks, person.prefix(), &mut member, &rules, now);
            if let (Some(failure), Some(trace)) = (asking.await?, desk.trace) {
                trace.note_roblox(&failure.kind());
            }
        }
        let is_asked = desk.ranks.is_some();
        let (guild, sender) = (person.guild, person.sender);
        Ok(Self {
            workspace: Arc::clone(&person.workspace),
            permissions: permissions(&member, &rules, guild, sender, is_asked, now),
            is_due: !is_asked && !groups_to_ask(&rules, &member.checked, now).is_empty(),
            member,
        })
    }

    pub fn prefix(&self) -> WorkspacePrefix {
        self.workspace.guid.prefix()
    }

    /// Whether they have a permission. That may have to wait for Roblox.
    pub fn may(&self, permission: MemberPermission) -> Flow<bool> {
        match self.permissions.allows(permission) {
            false if self.is_due => Err(Stop::Later),
            allowed => Ok(allowed),
        }
    }

    /// A sentence if they lack a permission for certain. A form cannot wait for Roblox, and is judged again
    /// when it is sent.
    pub fn demand_perhaps(&self, permission: MemberPermission) -> Flow<()> {
        if self.is_due || self.permissions.allows(permission) {
            return Ok(());
        }
        Err(lacking(permission))
    }

    /// The member as one who decides about bans, also as the Roblox user of their account link.
    pub async fn deciding(&self, store: &Store) -> Flow<Moderator<ModerateBans>> {
        let moderator = self.with::<ModerateBans>()?;
        let linked = store.linked_user_of(self.prefix(), &self.member).await?;
        Ok(moderator.with_link(linked))
    }

    /// The member with a permission; a sentence if they lack it.
    pub fn with<P: RequiredPermission>(&self) -> Flow<Moderator<P>> {
        let (member, permissions) = (&self.member, &self.permissions);
        let found = Moderator::of_member(member, permissions, &self.workspace, Channel::Discord);
        found.map_err(|_| {
            if self.is_due {
                Stop::Later
            } else {
                lacking(P::REQUIRED)
            }
        })
    }
}

/// Why someone without a permission is refused.
fn lacking(permission: MemberPermission) -> Stop {
    Stop::Say(format!(
        "You lack the permission `{permission}`. Ask an administrator of the workspace."
    ))
}

/// What a member may do now. About this guild the interaction says it; what Discord said about other
/// guilds counts for 5 minutes, since nobody asks again here, and likewise what Roblox said, unless it was
/// asked.
fn permissions(
    member: &Member,
    rules: &[PermissionRule],
    guild: DiscordId,
    sender: &InteractionSender,
    is_asked: bool,
    now: UnixSeconds,
) -> MemberPermissions {
    let is_shown = |rule: &&PermissionRule| match rule.basis {
        PermissionBasis::GuildPermission { guild: of, bit } => {
            of == guild && OF_WHOLE_GUILD.checked_shr(bit.into()).unwrap_or(0) & 1 == 1
        }
        PermissionBasis::DiscordRole { guild: of, .. } => of == guild,
        PermissionBasis::RobloxGroup { .. } => false,
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
    let counts = |check: &&BasisCheck| match check.source {
        BasisSource::Group(_) if is_asked => true,
        _ => check.at <= now && now < check.at.plus(BASIS_FRESH),
    };
    let known = Member {
        checked: member.checked.iter().filter(counts).cloned().collect(),
        ..member.clone()
    };
    let seen = seen.permissions(&shown, now);
    let known = known.permissions(&others, now);
    seen.iter().chain(known.iter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::GroupId;
    use crate::domain::members::{MemberId, RuleId};
    use crate::domain::rules::group_roles::Rank;

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
            name: "Ada".to_owned(),
            roles: roles.iter().copied().map(id).collect(),
            permissions,
            timed_out_until: None,
        }
    }

    fn may(member: &Member, rule: &PermissionRule, sender: &InteractionSender) -> bool {
        let rules = std::slice::from_ref(rule);
        permissions(member, rules, id(10), sender, false, NOW).allows(MemberPermission::ManageBans)
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
            source: BasisSource::Guild(id(10)),
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
            source: BasisSource::Guild(id(10)),
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
                source: BasisSource::Guild(id(20)),
                at: UnixSeconds(at),
                held: vec![rule.id.clone()],
                missed: Vec::new(),
            }];
            assert_eq!(may(&member, &rule, &sender(&[], 0)), counts, "{at}");
        }
    }

    #[test]
    fn rank_counts_longer_only_while_roblox_was_asked_in_vain() {
        let group = GroupId::new(7).unwrap();
        let rank = Rank::new(200).unwrap();
        let rules = [rule(
            MemberPermission::ManageBans,
            PermissionBasis::RobloxGroup { group, rank },
        )];
        for (at, is_asked, counts) in [
            (9_701, false, true),
            (9_700, false, false),
            (9_700, true, true),
            (7_900, true, true),
            (7_899, true, false),
        ] {
            let checked = vec![BasisCheck::of_rank(
                &rules,
                group,
                Some(rank),
                UnixSeconds(at),
            )];
            let member = Member {
                checked,
                ..member()
            };
            let found = permissions(&member, &rules, id(10), &sender(&[], 0), is_asked, NOW);
            assert_eq!(
                found.allows(MemberPermission::ManageBans),
                counts,
                "{at} {is_asked}"
            );
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
