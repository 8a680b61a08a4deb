//! What Discord and Roblox said about a member, how long it counts, and what to ask next.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DiscordId, GuildView, MemberPermission, PermissionBasis, PermissionRule, RuleId};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::GroupId;
use crate::domain::rules::group_roles::Rank;

/// For how many seconds an answer about a member counts without asking again.
pub const BASIS_FRESH: u64 = 300;

/// For how many more seconds it counts while nobody answers. `administrator` gets none.
pub const BASIS_GRACE: u64 = 1_800;

/// What is asked about a member: a guild at Discord, or a group at Roblox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BasisSource {
    Guild(DiscordId),
    Group(GroupId),
}

/// What was said about a member in one guild or group, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisCheck {
    #[serde(flatten)]
    pub source: BasisSource,
    pub at: UnixSeconds,
    /// The rules about it that the member fulfilled.
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
        let is_held = |basis: &PermissionBasis| match basis {
            PermissionBasis::DiscordRole { role, .. } => view.has_role(*role),
            PermissionBasis::GuildPermission { bit, .. } => view.may(guild, user, *bit, at),
            _ => false,
        };
        Self::judged(rules, BasisSource::Guild(guild), is_held, at)
    }

    /// Judges the rules about a group by the member's rank there, if they are in the group.
    #[must_use]
    pub fn of_rank(
        rules: &[PermissionRule],
        group: GroupId,
        held: Option<Rank>,
        at: UnixSeconds,
    ) -> Self {
        let is_held = |basis: &PermissionBasis| match basis {
            PermissionBasis::RobloxGroup { rank, .. } => held.is_some_and(|held| held >= *rank),
            _ => false,
        };
        Self::judged(rules, BasisSource::Group(group), is_held, at)
    }

    fn judged(
        rules: &[PermissionRule],
        source: BasisSource,
        is_held: impl Fn(&PermissionBasis) -> bool,
        at: UnixSeconds,
    ) -> Self {
        let about = rules
            .iter()
            .filter(|rule| rule.basis.source() == Some(source));
        let (held, missed): (Vec<_>, Vec<_>) = about.partition(|rule| is_held(&rule.basis));
        let ids = |rules: Vec<&PermissionRule>| rules.into_iter().map(|it| it.id.clone()).collect();
        Self {
            source,
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
    let mut guilds = BTreeMap::new();
    for rule in rules {
        let Some(source @ BasisSource::Guild(guild)) = rule.basis.source() else {
            continue;
        };
        if !is_due(rules, checks, source, now) {
            continue;
        }
        let need = match rule.basis {
            PermissionBasis::GuildPermission { .. } => GuildNeed::Permissions,
            _ => GuildNeed::Roles,
        };
        let known = guilds.entry(guild).or_insert(need);
        *known = need.max(*known);
    }
    guilds
}

/// The groups about which Roblox has to be asked.
#[must_use]
pub fn groups_to_ask(
    rules: &[PermissionRule],
    checks: &[BasisCheck],
    now: UnixSeconds,
) -> BTreeSet<GroupId> {
    let groups = rules.iter().filter_map(|rule| match rule.basis.source()? {
        BasisSource::Group(group) => Some(group),
        BasisSource::Guild(_) => None,
    });
    groups
        .filter(|group| is_due(rules, checks, BasisSource::Group(*group), now))
        .collect()
}

/// Whether some rule about a source has no fresh answer.
fn is_due(
    rules: &[PermissionRule],
    checks: &[BasisCheck],
    source: BasisSource,
    now: UnixSeconds,
) -> bool {
    let check = checks.iter().find(|check| check.source == source);
    let mut about = rules
        .iter()
        .filter(|rule| rule.basis.source() == Some(source));
    check.is_none_or(|check| about.any(|rule| !check.is_fresh(rule, now)))
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
    fn rank_must_be_reached_and_is_asked_for_like_a_role() {
        let group = GroupId::new(7).unwrap();
        let at_least = |rank| {
            let rank = Rank::new(rank).unwrap();
            rule(PermissionBasis::RobloxGroup { group, rank })
        };
        let rules = [at_least(10), at_least(20), at_least(30), role(10, 11)];
        let check = BasisCheck::of_rank(&rules, group, Rank::new(20), NOW);
        let [low, equal, high, _] = rules.each_ref().map(|rule| rule.id.clone());
        assert_eq!(check.held, [low, equal]);
        assert_eq!(check.missed, [high]);
        let outside = BasisCheck::of_rank(&rules, group, None, NOW);
        assert_eq!((outside.held.len(), outside.missed.len()), (0, 3));
        let asked = |now| groups_to_ask(&rules, std::slice::from_ref(&check), UnixSeconds(now));
        assert_eq!(asked(1_299), BTreeSet::new());
        assert_eq!(asked(1_300), BTreeSet::from([group]));
        assert_eq!(groups_to_ask(&rules, &[], NOW), BTreeSet::from([group]));
    }

    #[test]
    fn stored_check_names_its_guild_or_group() {
        let of = |source| {
            let checks = BasisCheck {
                source,
                ..check(10, &[])
            };
            let stored = serde_json::to_value(&checks).unwrap();
            assert_eq!(
                serde_json::from_value::<BasisCheck>(stored.clone()).unwrap(),
                checks
            );
            stored
        };
        let guild = of(BasisSource::Guild(discord(10)));
        assert_eq!(guild["guild"], discord(10).to_string());
        let group = of(BasisSource::Group(GroupId::new(7).unwrap()));
        assert_eq!(group["group"], 7);
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
