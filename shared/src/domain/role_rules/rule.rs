//! A rule.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;
use crate::domain::ids::GroupId;
use crate::domain::members::{DiscordId, RuleId};
use crate::domain::rules::group_roles::Rank;

/// Who has the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "kebab-case")]
pub enum RoleBasis {
    /// Those whose account is linked.
    Linked,
    /// Those whose linked player has a ban in force in the workspace.
    Banned,
    /// Those whose linked player has at least this rank in a Roblox group.
    Group { group: GroupId, rank: Rank },
}

impl fmt::Display for RoleBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linked => f.write_str("linked account"),
            Self::Banned => f.write_str("banned in game"),
            Self::Group { group, rank } => {
                write!(f, "rank {rank} or higher in Roblox group {group}")
            }
        }
    }
}

/// That a guild's role belongs to all who fulfil a basis, and to nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRule {
    pub id: RuleId,
    pub guild: DiscordId,
    pub role: DiscordId,
    #[serde(flatten)]
    pub basis: RoleBasis,
    pub added: UnixSeconds,
}

impl RoleRule {
    /// The most rules of a workspace.
    pub const MOST: usize = 50;

    /// The most Roblox groups that the rules of a workspace name: each is a question to Roblox about
    /// each user.
    pub const MOST_GROUPS: usize = 5;

    /// Whether a workspace can have all of these.
    #[must_use]
    pub fn fit(rules: &[Self]) -> bool {
        rules.len() <= Self::MOST && Self::groups(rules).len() <= Self::MOST_GROUPS
    }

    /// The groups that rules name.
    #[must_use]
    pub fn groups(rules: &[Self]) -> BTreeSet<GroupId> {
        let named = rules.iter().filter_map(|rule| match rule.basis {
            RoleBasis::Group { group, .. } => Some(group),
            RoleBasis::Linked | RoleBasis::Banned => None,
        });
        named.collect()
    }

    /// Whether another rule says the same.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        (self.guild, self.role, self.basis) == (other.guild, other.role, other.basis)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(group: u64) -> RoleRule {
        RoleRule {
            id: "1f2e3d4c".parse().unwrap(),
            guild: "80351110224678912".parse().unwrap(),
            role: "80351110224678913".parse().unwrap(),
            basis: RoleBasis::Group {
                group: GroupId::new(group).unwrap(),
                rank: Rank::new(50).unwrap(),
            },
            added: UnixSeconds(1),
        }
    }

    #[test]
    fn rule_is_stored_flat_and_read_again() {
        let stored = serde_json::to_value(rule(7)).unwrap();
        let expected = json!({
            "id": "1f2e3d4c", "guild": "80351110224678912", "role": "80351110224678913",
            "who": "group", "group": 7, "rank": 50, "added": 1,
        });
        assert_eq!(stored, expected);
        assert_eq!(serde_json::from_value::<RoleRule>(stored).unwrap(), rule(7));
        assert_eq!(
            rule(7).basis.to_string(),
            "rank 50 or higher in Roblox group 7"
        );
    }

    #[test]
    fn workspace_has_at_most_50_rules_about_five_groups() {
        let rules = |count: u64, groups: u64| (0..count).map(move |n| rule(n % groups + 1));
        let fit = |count, groups| RoleRule::fit(&rules(count, groups).collect::<Vec<_>>());
        assert!(fit(50, 5) && !fit(51, 5) && !fit(6, 6));
        assert!(rule(7).equals(&rule(7)) && !rule(7).equals(&rule(8)));
    }
}
