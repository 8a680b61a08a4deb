//! A member, as stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{BasisCheck, DiscordId, MemberId, MemberPermissions, PermissionRule};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ModeratorId, UserId};
use crate::domain::text;

/// A person of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: MemberId,
    pub name: MemberName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discord: Option<DiscordId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roblox: Option<UserId>,
    /// Granted manually, and kept until they are revoked.
    #[serde(default)]
    pub granted: MemberPermissions,
    pub added: UnixSeconds,
    /// A removed member is kept, so that the history still says who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<UnixSeconds>,
    /// What Discord last said about the rules that it can answer, by guild.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checked: Vec<BasisCheck>,
}

impl Member {
    /// What the member may do now: what was granted manually, and what rules give.
    #[must_use]
    pub fn permissions(&self, rules: &[PermissionRule], now: UnixSeconds) -> MemberPermissions {
        if self.removed.is_some() {
            return MemberPermissions::default();
        }
        let given = rules.iter().filter(|rule| rule.gives(self, now));
        let given = given.map(|rule| rule.permission);
        self.granted.iter().chain(given).collect()
    }

    /// The `banModerator` of the member's decisions: their Roblox id, or 1.
    #[must_use]
    pub fn moderator(&self) -> ModeratorId {
        self.moderator_or(None)
    }

    /// The same with the Roblox user of their account link, for a member without one of their own.
    #[must_use]
    pub fn moderator_or(&self, linked: Option<UserId>) -> ModeratorId {
        let user = self.roblox.or(linked);
        let known = user.and_then(|user| ModeratorId::new(user.get()));
        known.unwrap_or(ModeratorId::NOBODY)
    }
}

/// A member's name: 1 to 64 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MemberName(String);

/// The text is not a member's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters on one line, without control characters")]
pub struct InvalidMemberName;

impl MemberName {
    const LONGEST: usize = 64;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MemberName {
    type Err = InvalidMemberName;

    fn from_str(name: &str) -> Result<Self, InvalidMemberName> {
        let name = text::judge(name, 4 * Self::LONGEST).map_err(|_| InvalidMemberName)?;
        let fits = (1..=Self::LONGEST).contains(&name.chars().count());
        if fits && !name.contains(['\n', '\r', '\t']) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidMemberName)
        }
    }
}

impl From<MemberName> for String {
    fn from(name: MemberName) -> Self {
        name.0
    }
}

impl TryFrom<String> for MemberName {
    type Error = InvalidMemberName;

    fn try_from(name: String) -> Result<Self, InvalidMemberName> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_on_one_line() {
        for name in ["", " ", "a\nb", "\u{202E}a", "\u{200B}", &"ä".repeat(65)] {
            assert_eq!(
                name.parse::<MemberName>(),
                Err(InvalidMemberName),
                "{name:?}"
            );
        }
        for name in ["Ada", "Ada Lovelace", &"ä".repeat(64)] {
            assert_eq!(name.parse::<MemberName>().unwrap().as_str(), name);
        }
        assert_eq!(" Ada ".parse::<MemberName>().unwrap().as_str(), "Ada");
    }
}
