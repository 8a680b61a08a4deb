//! Which roles a person gets and loses, by the rules and what is known of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{RoleBasis, RoleRule};
use crate::domain::ids::GroupId;
use crate::domain::members::{DiscordId, Guild, PermissionBasis, PermissionRule, RuleId};
use crate::domain::rules::group_roles::Rank;

/// The bit of Discord's permission that includes all others.
const ADMINISTRATOR: u64 = 1 << 3;

/// What is known of a Discord user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleFacts {
    /// Their account is not linked, so they fulfil no rule.
    Unlinked,
    Linked(LinkedFacts),
}

/// What is known of a user whose account is linked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkedFacts {
    /// Whether the link is proven, and confirmed by an administrator.
    pub may_be_basis: bool,
    /// Whether the player has a ban in force; none if that is not known.
    pub banned: Option<bool>,
    /// The player's rank by group, 0 outside of it; absent if Roblox did not say.
    pub ranks: BTreeMap<GroupId, Rank>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleVerb {
    Give,
    Take,
}

/// A change of one role of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleChange {
    pub role: DiscordId,
    pub verb: RoleVerb,
    /// The rule that asks for it.
    pub rule: RuleId,
    pub basis: RoleBasis,
}

impl RoleFacts {
    /// Whether they fulfil a rule; none if that is not known now.
    fn fulfil(&self, rule: &RoleRule, gives_permission: bool) -> Option<bool> {
        let Self::Linked(facts) = self else {
            return Some(false);
        };
        if gives_permission && !facts.may_be_basis {
            return Some(false);
        }
        match rule.basis {
            RoleBasis::Linked => Some(true),
            RoleBasis::Banned => facts.banned,
            RoleBasis::Group { group, rank } => facts.ranks.get(&group).map(|held| *held >= rank),
        }
    }
}

/// What to change for a member of a guild who holds these roles. Roles that no rule of the guild names are
/// never touched, and neither is one about which too little is known.
#[must_use]
pub fn decide_roles(
    rules: &[RoleRule],
    guild: DiscordId,
    held: &[DiscordId],
    facts: &RoleFacts,
    permission_roles: &BTreeSet<DiscordId>,
) -> Vec<RoleChange> {
    let mut by_role: BTreeMap<DiscordId, Vec<&RoleRule>> = BTreeMap::new();
    for rule in rules.iter().filter(|rule| rule.guild == guild) {
        by_role.entry(rule.role).or_default().push(rule);
    }
    let change = |(role, rules): (DiscordId, Vec<&RoleRule>)| {
        let fulfilled = |rule: &RoleRule| facts.fulfil(rule, permission_roles.contains(&role));
        let reason = rules.iter().find(|rule| fulfilled(rule) == Some(true));
        let (verb, reason) = match (reason, held.contains(&role)) {
            (Some(reason), false) => (RoleVerb::Give, reason),
            (None, true) if rules.iter().all(|rule| fulfilled(rule) == Some(false)) => {
                (RoleVerb::Take, rules.first()?)
            }
            _ => return None,
        };
        Some(RoleChange {
            role,
            verb,
            rule: reason.id.clone(),
            basis: reason.basis,
        })
    };
    by_role.into_iter().filter_map(change).collect()
}

/// The roles of a guild that give a permission in the workspace. Only a proven and confirmed link may give
/// such a role. `seen` has what roles may do on Discord, where a rule asks for it.
#[must_use]
pub fn permission_roles(
    permissions: &[PermissionRule],
    guild: DiscordId,
    seen: Option<&Guild>,
) -> BTreeSet<DiscordId> {
    let of_rule = |rule: &PermissionRule| match rule.basis {
        PermissionBasis::DiscordRole { guild: of, role } if of == guild => vec![role],
        PermissionBasis::GuildPermission { guild: of, bit } if of == guild => {
            let bits = ADMINISTRATOR | 1_u64.checked_shl(bit.into()).unwrap_or_default();
            let roles = seen.into_iter().flat_map(|guild| &guild.roles);
            let roles = roles.filter(|role| role.permissions & bits != 0);
            roles.map(|role| role.id).collect()
        }
        _ => Vec::new(),
    };
    permissions.iter().flat_map(of_rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::UnixSeconds;
    use crate::domain::members::{GuildRole, MemberPermission};

    const GUILD: u64 = 0;
    const VERIFIED: u64 = 11;
    const STAFF: u64 = 12;
    const OTHER: u64 = 13;

    fn id(number: u64) -> DiscordId {
        DiscordId::new(80_351_110_224_678_912 + number).unwrap()
    }

    fn group(number: u64) -> GroupId {
        GroupId::new(number).unwrap()
    }

    fn rank(rank: u64) -> Rank {
        Rank::new(rank).unwrap()
    }

    fn rule(role: u64, basis: RoleBasis) -> RoleRule {
        RoleRule {
            id: RuleId::random(),
            guild: id(GUILD),
            role: id(role),
            basis,
            added: UnixSeconds(0),
        }
    }

    fn of_group(role: u64, number: u64, least: u64) -> RoleRule {
        let (group, rank) = (group(number), rank(least));
        rule(role, RoleBasis::Group { group, rank })
    }

    fn linked(banned: Option<bool>, ranks: &[(u64, u64)]) -> RoleFacts {
        let ranks = ranks.iter().map(|(of, held)| (group(*of), rank(*held)));
        RoleFacts::Linked(LinkedFacts {
            may_be_basis: false,
            banned,
            ranks: ranks.collect(),
        })
    }

    fn decided(rules: &[RoleRule], held: &[u64], facts: &RoleFacts) -> Vec<(u64, RoleVerb)> {
        let held: Vec<_> = held.iter().copied().map(id).collect();
        let changes = decide_roles(rules, id(GUILD), &held, facts, &BTreeSet::new());
        let number = |role: DiscordId| (11..20).find(|number| id(*number) == role).unwrap();
        let changes = changes.into_iter();
        changes.map(|it| (number(it.role), it.verb)).collect()
    }

    #[test]
    fn missing_roles_are_given_and_others_that_rules_name_are_taken() {
        use RoleVerb::{Give, Take};
        let rules = [
            rule(VERIFIED, RoleBasis::Linked),
            rule(STAFF, RoleBasis::Banned),
            of_group(OTHER, 7, 50),
        ];
        for (held, facts, expected) in [
            (
                &[][..],
                linked(Some(false), &[(7, 49)]),
                vec![(VERIFIED, Give)],
            ),
            (
                &[],
                linked(Some(true), &[(7, 50)]),
                vec![(VERIFIED, Give), (STAFF, Give), (OTHER, Give)],
            ),
            (
                &[VERIFIED, STAFF, OTHER],
                linked(Some(false), &[(7, 0)]),
                vec![(STAFF, Take), (OTHER, Take)],
            ),
            (
                &[VERIFIED, STAFF, OTHER, 14],
                RoleFacts::Unlinked,
                vec![(VERIFIED, Take), (STAFF, Take), (OTHER, Take)],
            ),
            (&[14], RoleFacts::Unlinked, vec![]),
            (&[VERIFIED], linked(Some(false), &[(7, 1)]), vec![]),
        ] {
            assert_eq!(
                decided(&rules, held, &facts),
                expected,
                "{held:?} {facts:?}"
            );
        }
    }

    #[test]
    fn what_is_not_known_changes_nothing() {
        let rules = [of_group(STAFF, 7, 50), rule(OTHER, RoleBasis::Banned)];
        let silent = linked(None, &[]);
        assert_eq!(decided(&rules, &[STAFF, OTHER], &silent), []);
        assert_eq!(decided(&rules, &[], &silent), []);
    }

    #[test]
    fn one_of_several_rules_for_a_role_is_enough() {
        use RoleVerb::{Give, Take};
        let rules = [of_group(STAFF, 7, 50), of_group(STAFF, 8, 10)];
        for (held, ranks, expected) in [
            (&[][..], &[(7, 50)][..], vec![(STAFF, Give)]),
            // Group 8 is silent.
            (&[STAFF], &[(7, 49)], vec![]),
            (&[STAFF], &[(7, 49), (8, 9)], vec![(STAFF, Take)]),
        ] {
            assert_eq!(decided(&rules, held, &linked(None, ranks)), expected);
        }
    }

    #[test]
    fn rules_of_other_guilds_do_not_count() {
        let rules = [rule(VERIFIED, RoleBasis::Linked)];
        let facts = linked(None, &[]);
        assert_eq!(
            decide_roles(&rules, id(1), &[], &facts, &BTreeSet::new()),
            []
        );
    }

    #[test]
    fn role_that_gives_a_permission_needs_a_confirmed_link() {
        let rules = [of_group(STAFF, 7, 50)];
        let permissions = |basis| PermissionRule {
            id: RuleId::random(),
            permission: MemberPermission::ManageBans,
            basis,
            added: UnixSeconds(0),
        };
        let guild = id(GUILD);
        let by_role = permissions(PermissionBasis::DiscordRole {
            guild,
            role: id(STAFF),
        });
        let by_bit = permissions(PermissionBasis::GuildPermission { guild, bit: 2 });
        let role = |number, permissions| GuildRole {
            id: id(number),
            permissions,
            position: 0,
        };
        let seen = Guild {
            owner: id(9),
            roles: vec![
                role(STAFF, 1 << 2),
                role(OTHER, 1 << 3),
                role(VERIFIED, 1 << 4),
            ],
        };
        let found = permission_roles(std::slice::from_ref(&by_bit), guild, Some(&seen));
        assert_eq!(found, BTreeSet::from([id(STAFF), id(OTHER)]));
        assert_eq!(
            permission_roles(&[by_role.clone(), by_bit], id(1), Some(&seen)),
            BTreeSet::new()
        );
        let of_permission = permission_roles(&[by_role], guild, None);
        for (may_be_basis, held, expected) in [
            (false, vec![], None),
            (true, vec![], Some(RoleVerb::Give)),
            (false, vec![id(STAFF)], Some(RoleVerb::Take)),
            (true, vec![id(STAFF)], None),
        ] {
            let facts = RoleFacts::Linked(LinkedFacts {
                may_be_basis,
                ranks: BTreeMap::from([(group(7), rank(50))]),
                ..LinkedFacts::default()
            });
            let changes = decide_roles(&rules, guild, &held, &facts, &of_permission);
            assert_eq!(
                changes.first().map(|it| it.verb),
                expected,
                "{may_be_basis} {held:?}"
            );
        }
    }
}
