//! What a member may do, as in the roles of the hosted original.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::keys::UnknownWord;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberPermission {
    /// See bans, players and what was decided.
    View,
    /// Make, change and lift Experience bans, and see private reasons.
    ManageBans,
    /// The same for Global bans.
    ManageGlobalBans,
    /// Ban and unban in the Discord guild.
    ModerateDiscord,
    /// Everything, with members, keys, webhooks and settings.
    Administrator,
}

impl MemberPermission {
    pub const ALL: [Self; 5] = [
        Self::View,
        Self::ManageBans,
        Self::ManageGlobalBans,
        Self::ModerateDiscord,
        Self::Administrator,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::ManageBans => "manage_bans",
            Self::ManageGlobalBans => "manage_global_bans",
            Self::ModerateDiscord => "moderate_discord",
            Self::Administrator => "administrator",
        }
    }

    /// Whether this permission includes another.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self == other
            || match self {
                Self::Administrator => true,
                Self::ManageGlobalBans => matches!(other, Self::View | Self::ManageBans),
                Self::ManageBans | Self::ModerateDiscord => other == Self::View,
                Self::View => false,
            }
    }
}

impl fmt::Display for MemberPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MemberPermission {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == text)
            .ok_or(UnknownWord(
                "view, manage_bans, manage_global_bans, moderate_discord, administrator",
            ))
    }
}

/// A set of permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberPermissions(Vec<MemberPermission>);

impl MemberPermissions {
    /// Whether it has the permission, alone or in another one.
    #[must_use]
    pub fn allows(&self, permission: MemberPermission) -> bool {
        self.0.iter().any(|has| has.includes(permission))
    }

    /// Whether it has exactly this permission, not only as a part of another.
    #[must_use]
    pub fn names(&self, permission: MemberPermission) -> bool {
        self.0.contains(&permission)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = MemberPermission> + '_ {
        self.0.iter().copied()
    }

    #[must_use]
    pub fn with(self, permission: MemberPermission) -> Self {
        self.iter().chain([permission]).collect()
    }

    #[must_use]
    pub fn without(&self, permission: MemberPermission) -> Self {
        self.iter().filter(|has| *has != permission).collect()
    }
}

impl FromIterator<MemberPermission> for MemberPermissions {
    fn from_iter<I: IntoIterator<Item = MemberPermission>>(permissions: I) -> Self {
        let mut list: Vec<_> = permissions.into_iter().collect();
        list.sort_unstable();
        list.dedup();
        Self(list)
    }
}

#[cfg(test)]
mod tests {
    use MemberPermission::{Administrator, ManageBans, ManageGlobalBans, ModerateDiscord, View};

    use super::*;

    #[test]
    fn permissions_include_what_they_need() {
        for (has, allowed) in [
            (View, vec![View]),
            (ManageBans, vec![View, ManageBans]),
            (ManageGlobalBans, vec![View, ManageBans, ManageGlobalBans]),
            (ModerateDiscord, vec![View, ModerateDiscord]),
            (Administrator, MemberPermission::ALL.to_vec()),
        ] {
            let set = MemberPermissions::default().with(has);
            let found = MemberPermission::ALL.into_iter();
            let found: Vec<_> = found.filter(|one| set.allows(*one)).collect();
            assert_eq!(found, allowed, "{has}");
        }
        assert!(!MemberPermissions::default().allows(View));
    }

    #[test]
    fn permission_is_stored_and_parsed_by_its_name() {
        for permission in MemberPermission::ALL {
            assert_eq!(
                serde_json::to_value(permission).unwrap(),
                permission.as_str()
            );
            assert_eq!(permission.as_str().parse(), Ok(permission));
        }
        assert!("manage-bans".parse::<MemberPermission>().is_err());
    }

    #[test]
    fn set_has_each_permission_once() {
        let set: MemberPermissions = [ManageBans, View, ManageBans].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [View, ManageBans]);
        assert_eq!(set.without(View).iter().collect::<Vec<_>>(), [ManageBans]);
        assert!(set.names(View) && !set.without(View).names(View));
    }
}
