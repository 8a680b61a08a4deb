//! What Discord said about a member, how long it counts, and what to ask next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DiscordId, GuildView, MemberPermission, PermissionBasis, PermissionRule, RuleId};
use crate::domain::clock::UnixSeconds;

/// For how many seconds what Discord said about a member counts without asking again.
pub const BASIS_FRESH: u64 = 300;

/// For how many more seconds it counts while Discord cannot be asked. `administrator` gets none.
pub const BASIS_GRACE: u64 = 1_800;

/// What Discord said about a member in one guild, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisCheck {
    pub guild: DiscordId,
    pub at: UnixSeconds,
    /// The rules about this guild that the member fulfilled.
    pub held: Vec<RuleId>,
    /// Those that they did not.
    #[serde(default)]
    pub missed: Vec<RuleId>,
}

/// What has to be asked about a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuildNeed {
    /// The member's roles.
    Roles,
    /// Also what the guild's roles may do.
    Permissions,
}

impl BasisCheck {
    /// Judges the rules about a guild by what was seen there, and when.
    #[must_use]
    pub fn of(
        rules: &[PermissionRule],
        user: DiscordId,
        guild: DiscordId,
        view: &GuildView,
        at: UnixSeconds,
    ) -> Self {
        let of_guild = rules
            .iter()
            .filter(|rule| rule.basis.guild() == Some(guild));
        let is_held = |rule: &&PermissionRule| match rule.basis {
            PermissionBasis::DiscordRole { role, .. } => view.has_role(role),
            PermissionBasis::GuildPermission { bit, .. } => view.may(guild, user, bit, at),
            PermissionBasis::DiscordUser { .. } | PermissionBasis::RobloxUser { .. } => false,
        };
        let (held, missed): (Vec<_>, Vec<_>) = of_guild.partition(is_held);
        let ids = |rules: Vec<&PermissionRule>| rules.into_iter().map(|it| it.id.clone()).collect();
        Self {
            guild,
            at,
            held: ids(held),
            missed: ids(missed),
        }
    }

    /// Whether a rule counts as fulfilled.
    #[must_use]
    pub fn counts(&self, rule: &PermissionRule, now: UnixSeconds) -> bool {
        let lasts = match rule.permission {
            MemberPermission::Administrator => BASIS_FRESH,
            _ => BASIS_FRESH.saturating_add(BASIS_GRACE),
        };
        self.held.contains(&rule.id) && now <= self.at.plus(lasts)
    }

    /// Whether it answers for a rule without asking again. A clock that is set back does not make it
    /// last.
    fn is_fresh(&self, rule: &PermissionRule, now: UnixSeconds) -> bool {
        let is_judged = self.held.contains(&rule.id) || self.missed.contains(&rule.id);
        is_judged && self.at <= now && now < self.at.plus(BASIS_FRESH)
    }
}

/// The guilds that Discord has to be asked about.
#[must_use]
pub fn guilds_to_ask(
    rules: &[PermissionRule],
    checks: &[BasisCheck],
    now: UnixSeconds,
) -> BTreeMap<DiscordId, GuildNeed> {
    let in_guilds = rules.iter();
    let in_guilds = in_guilds.filter_map(|rule| Some((rule.basis.guild()?, rule)));
    let is_due = |guild: DiscordId| {
        let check = checks.iter().find(|check| check.guild == guild);
        let mut of_guild = rules
            .iter()
            .filter(|rule| rule.basis.guild() == Some(guild));
        check.is_none_or(|check| of_guild.any(|rule| !check.is_fresh(rule, now)))
    };
    let mut guilds = BTreeMap::new();
    for (guild, rule) in in_guilds.filter(|(guild, _)| is_due(*guild)) {
        let need = match rule.basis {
            PermissionBasis::GuildPermission { .. } => GuildNeed::Permissions,
            _ => GuildNeed::Roles,
        };
        let known = guilds.entry(guild).or_insert(need);
        *known = need.max(*known);
    }
    guilds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::members::{Guild, GuildMember, GuildRole};

    const NOW: UnixSeconds = UnixSeconds(1_000);

    fn discord(id: u64) -> DiscordId {
        DiscordId::new(80_351_110_224_678_912 + id).unwrap()
    }

    fn role(guild: u64, role: u64) -> PermissionRule {
        let (guild, role) = (discord(guild), discord(role));
        rule(PermissionBasis::DiscordRole { guild, role })
    }

    fn rule(basis: PermissionBasis) -> PermissionRule {
        PermissionRule {
            id: RuleId::random(),
            permission: MemberPermission::ManageBans,
            basis,
            added: UnixSeconds(0),
        }
    }

    fn check(guild: u64, rules: &[PermissionRule]) -> BasisCheck {
        BasisCheck::of(
            rules,
            discord(1),
            discord(guild),
            &GuildView::default(),
            NOW,
        )
    }

    #[test]
    fn each_rule_about_the_guild_is_judged() {
        let may_ban = rule(PermissionBasis::GuildPermission {
            guild: discord(10),
            bit: 2,
        });
        let user = rule(PermissionBasis::DiscordUser { user: discord(1) });
        let rules = [role(10, 11), role(10, 12), role(20, 11), may_ban, user];
        let view = GuildView {
            member: Some(GuildMember {
                roles: vec![discord(11)],
                timed_out_until: None,
            }),
            guild: Some(Guild {
                owner: discord(9),
                roles: vec![GuildRole {
                    id: discord(11),
                    permissions: 1 << 2,
                    position: 0,
                }],
            }),
        };
        let check = BasisCheck::of(&rules, discord(1), discord(10), &view, NOW);
        let [held, missed, _, may_ban, _] = rules.map(|rule| rule.id);
        assert_eq!(
            (check.held, check.missed),
            (vec![held, may_ban], vec![missed])
        );
    }

    #[test]
    fn guild_is_asked_after_five_minutes_and_about_new_rules() {
        let rules = [role(10, 11), role(20, 21)];
        let checks = [check(10, &rules), check(20, &rules)];
        let asked = |rules: &[PermissionRule], now| {
            let guilds = guilds_to_ask(rules, &checks, UnixSeconds(now));
            guilds.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(asked(&rules, 1_000), []);
        assert_eq!(asked(&rules, 1_299), []);
        assert_eq!(asked(&rules, 1_300), [discord(10), discord(20)]);
        assert_eq!(asked(&rules, 999), [discord(10), discord(20)]);
        let [old, other] = rules.clone();
        assert_eq!(asked(&[old, other, role(20, 22)], 1_000), [discord(20)]);
        assert_eq!(asked(&[], 9_999), []);
    }

    #[test]
    fn guild_is_asked_for_permissions_only_where_a_rule_needs_them() {
        let guild = discord(10);
        let may = rule(PermissionBasis::GuildPermission { guild, bit: 2 });
        let rules = [role(10, 11), may, role(10, 12), role(20, 21)];
        let asked = guilds_to_ask(&rules, &[], NOW);
        let expected = [
            (guild, GuildNeed::Permissions),
            (discord(20), GuildNeed::Roles),
        ];
        assert_eq!(asked, BTreeMap::from(expected));
    }
}
