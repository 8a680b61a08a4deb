//! Rules that give members permissions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{BasisSource, DiscordId, InvalidMemberId, Member, MemberPermission};
use crate::domain::clock::UnixSeconds;
use crate::domain::digest;
use crate::domain::ids::{GroupId, UserId};
use crate::domain::random;
use crate::domain::rules::group_roles::Rank;

/// A rule's id: 8 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(String);

impl RuleId {
    #[must_use]
    pub fn random() -> Self {
        Self(digest::hex(&random::bytes::<4>()))
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RuleId {
    type Err = InvalidMemberId;

    fn from_str(text: &str) -> Result<Self, InvalidMemberId> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() == 8 && is_hex {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidMemberId)
        }
    }
}

/// What a permission depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "basis", rename_all = "kebab-case")]
pub enum PermissionBasis {
    DiscordUser {
        user: DiscordId,
    },
    DiscordRole {
        guild: DiscordId,
        role: DiscordId,
    },
    /// One of Discord's own permissions in a guild, by its bit.
    GuildPermission {
        guild: DiscordId,
        bit: u8,
    },
    RobloxUser {
        user: UserId,
    },
    /// At least this rank in a Roblox group.
    RobloxGroup {
        group: GroupId,
        rank: Rank,
    },
}

impl PermissionBasis {
    /// Whether a Discord account can fulfil it, if only by its link.
    #[must_use]
    pub const fn is_on_discord(&self) -> bool {
        !matches!(self, Self::RobloxUser { .. })
    }

    /// Where it has to be asked for; none if the member's ids suffice.
    #[must_use]
    pub const fn source(&self) -> Option<BasisSource> {
        match self {
            Self::DiscordRole { guild, .. } | Self::GuildPermission { guild, .. } => {
                Some(BasisSource::Guild(*guild))
            }
            Self::RobloxGroup { group, .. } => Some(BasisSource::Group(*group)),
            Self::DiscordUser { .. } | Self::RobloxUser { .. } => None,
        }
    }
}

/// A rule that gives a permission to every member who fulfils its basis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionRule {
    pub id: RuleId,
    pub permission: MemberPermission,
    #[serde(flatten)]
    pub basis: PermissionBasis,
    pub added: UnixSeconds,
}

impl PermissionRule {
    /// The most rules of a workspace.
    pub const MOST: usize = 50;

    /// Whether the rule gives the member its permission now.
    #[must_use]
    pub fn gives(&self, member: &Member, now: UnixSeconds) -> bool {
        match &self.basis {
            PermissionBasis::DiscordUser { user } => member.discord == Some(*user),
            PermissionBasis::RobloxUser { user } => member.roblox == Some(*user),
            PermissionBasis::DiscordRole { .. } | PermissionBasis::GuildPermission { .. } => {
                member.discord.is_some() && self.is_checked(member, now)
            }
            PermissionBasis::RobloxGroup { .. } => self.is_checked(member, now),
        }
    }

    /// Whether its source said that the member fulfils it, and that still counts.
    fn is_checked(&self, member: &Member, now: UnixSeconds) -> bool {
        let mut checks = member.checked.iter();
        let check = checks.find(|check| Some(check.source) == self.basis.source());
        check.is_some_and(|check| check.counts(self, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::members::{BasisCheck, MemberId, MemberPermissions};

    fn discord(id: u64) -> DiscordId {
        DiscordId::new(80_351_110_224_678_912 + id).unwrap()
    }

    fn rule(permission: MemberPermission, basis: PermissionBasis) -> PermissionRule {
        PermissionRule {
            id: RuleId::random(),
            permission,
            basis,
            added: UnixSeconds(0),
        }
    }

    fn member() -> Member {
        Member {
            id: MemberId::random(),
            name: "Ada".parse().unwrap(),
            discord: Some(discord(1)),
            roblox: UserId::new(7),
            granted: MemberPermissions::default(),
            added: UnixSeconds(0),
            removed: None,
            checked: Vec::new(),
        }
    }

    /// That Discord said at 1,000 that the member fulfils these rules.
    fn checked(held: &[&PermissionRule]) -> Vec<BasisCheck> {
        vec![BasisCheck {
            source: BasisSource::Guild(discord(10)),
            at: UnixSeconds(1_000),
            held: held.iter().map(|rule| rule.id.clone()).collect(),
            missed: Vec::new(),
        }]
    }

    fn role() -> PermissionBasis {
        PermissionBasis::DiscordRole {
            guild: discord(10),
            role: discord(11),
        }
    }

    #[test]
    fn rules_about_ids_need_no_check() {
        let rules = [
            rule(
                MemberPermission::View,
                PermissionBasis::DiscordUser { user: discord(1) },
            ),
            rule(
                MemberPermission::ManageBans,
                PermissionBasis::RobloxUser {
                    user: UserId::new(7).unwrap(),
                },
            ),
            rule(
                MemberPermission::Administrator,
                PermissionBasis::DiscordUser { user: discord(2) },
            ),
        ];
        let found = member().permissions(&rules, UnixSeconds(100));
        assert!(found.names(MemberPermission::View) && found.names(MemberPermission::ManageBans));
        assert!(!found.allows(MemberPermission::Administrator));
    }

    #[test]
    fn role_counts_for_five_minutes_and_thirty_more_while_discord_is_silent() {
        let ban = rule(MemberPermission::ManageBans, role());
        let admin = rule(MemberPermission::Administrator, role());
        let member = Member {
            checked: checked(&[&ban, &admin]),
            ..member()
        };
        let rules = [ban, admin];
        let allows = |permission, now| {
            member
                .permissions(&rules, UnixSeconds(now))
                .allows(permission)
        };
        assert!(allows(MemberPermission::Administrator, 1_300));
        assert!(!allows(MemberPermission::Administrator, 1_301));
        assert!(allows(MemberPermission::ManageBans, 3_100));
        assert!(!allows(MemberPermission::ManageBans, 3_101));
    }

    #[test]
    fn lost_role_and_lost_discord_account_give_nothing() {
        let rule = rule(MemberPermission::ManageBans, role());
        let lost = Member {
            checked: checked(&[]),
            ..member()
        };
        let elsewhere = Member {
            checked: checked(&[&rule])
                .into_iter()
                .map(|check| BasisCheck {
                    source: BasisSource::Guild(discord(20)),
                    ..check
                })
                .collect(),
            ..member()
        };
        let unlinked = Member {
            checked: checked(&[&rule]),
            discord: None,
            ..member()
        };
        for member in [member(), lost, elsewhere, unlinked] {
            assert!(
                member
                    .permissions(std::slice::from_ref(&rule), UnixSeconds(1_000))
                    .is_empty()
            );
        }
    }

    #[test]
    fn removed_member_may_do_nothing() {
        let removed = Member {
            granted: MemberPermissions::default().with(MemberPermission::Administrator),
            removed: Some(UnixSeconds(1)),
            ..member()
        };
        assert!(removed.permissions(&[], UnixSeconds(2)).is_empty());
    }
}
