//! Identifiers, validated once when parsed.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::clock::{UnixMillis, UnixSeconds};

/// The largest integer that a Luau number (a double) holds exactly: 2^53 - 1.
pub const MAX_ROBLOX_ID: u64 = (1 << 53) - 1;

macro_rules! roblox_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The id, if it is in the range of a Roblox id: 1 to 2^53 - 1.
            #[must_use]
            pub const fn new(id: u64) -> Option<Self> {
                if id >= 1 && id <= MAX_ROBLOX_ID { Some(Self(id)) } else { None }
            }

            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

    };
}

macro_rules! parsed_roblox_id {
    ($(#[$doc:meta])* $name:ident) => {
        roblox_id! {
            $(#[$doc])*
            $name
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.parse().ok().and_then(Self::new).ok_or(InvalidId)
            }
        }
    };
}

parsed_roblox_id! {
    /// A Roblox user who is or may be banned.
    UserId
}
parsed_roblox_id! {
    /// A Roblox **place** id, as calls name it. The place may be part of another one; storage
    /// resolves it to the experience in which the call acts.
    PlaceId
}
roblox_id! {
    /// The place in which bans are in force and changes pending: a root, or a place that is not
    /// part of another. It cannot be parsed, so a call gets one only by resolving its place.
    ExperienceId
}
parsed_roblox_id! {
    /// The Roblox user who decided.
    ModeratorId
}

impl ModeratorId {
    /// Stands for a moderator whose Roblox user is unknown.
    pub const NOBODY: Self = Self(1);
}

impl From<UserId> for ModeratorId {
    fn from(user: UserId) -> Self {
        Self(user.0)
    }
}

impl ExperienceId {
    /// The experience of a place that is not part of another.
    #[must_use]
    pub const fn of_root(place: PlaceId) -> Self {
        Self(place.0)
    }

    /// The experience in a key or path.
    pub(crate) fn in_key(text: &str) -> Option<Self> {
        text.parse().ok().and_then(Self::new)
    }
}

impl From<ExperienceId> for PlaceId {
    fn from(experience: ExperienceId) -> Self {
        Self(experience.0)
    }
}

parsed_roblox_id! {
    /// A Roblox universe, which players call a game. Its places are the experiences.
    UniverseId
}
parsed_roblox_id! {
    /// A Roblox group.
    GroupId
}
parsed_roblox_id! {
    /// A role of a Roblox group. It differs from the role's rank.
    RoleId
}

/// The text is not a valid id of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct InvalidId;

/// A workspace: one studio's bans, keys and experiences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct WorkspaceId(Uuid);

impl From<WorkspaceId> for String {
    fn from(id: WorkspaceId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for WorkspaceId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl WorkspaceId {
    /// A random UUID.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The prefix of the workspace's table keys.
    #[must_use]
    pub fn prefix(self) -> WorkspacePrefix {
        WorkspacePrefix::of(self.0)
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl std::str::FromStr for WorkspaceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
    }
}

/// The last 32 bits of a workspace's UUID, which are also the last of each of its keys.
///
/// They reveal a key's workspace before the look-up, so a ban check can read the bans and the key
/// at the same time. The prefix proves nothing: what was read with it is only used once the key is
/// found and belongs to the same workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspacePrefix(u32);

impl WorkspacePrefix {
    pub(crate) fn of(uuid: Uuid) -> Self {
        let [.., a, b, c, d] = *uuid.as_bytes();
        Self(u32::from_be_bytes([a, b, c, d]))
    }

    pub(crate) const fn bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for WorkspacePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl std::str::FromStr for WorkspacePrefix {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.len() {
            8 => u32::from_str_radix(text, 16)
                .map(Self)
                .map_err(|_| InvalidId),
            _ => Err(InvalidId),
        }
    }
}

/// The number of a ban within its workspace: 1, 2, 3 …; never reused, may have gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(pub u64);

/// A ban's public id, a Snowflake: `(guid >> 22) + 1577836800000` is its creation in Unix
/// milliseconds. The low 22 bits are those of the ban's [`Uid`], so two bans of a workspace never
/// share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(u64);

impl Guid {
    /// 2020-01-01T00:00:00Z in Unix milliseconds, the epoch of the documented Snowflakes.
    const EPOCH_MS: u64 = 1_577_836_800_000;
    const LOW_BITS: u32 = 22;

    /// The guid of the ban number `uid`, made at `moment`.
    #[must_use]
    pub fn mint(moment: UnixMillis, uid: Uid) -> Self {
        let since_epoch = moment.millis().saturating_sub(Self::EPOCH_MS);
        Self((since_epoch << Self::LOW_BITS) | (uid.0 & ((1 << Self::LOW_BITS) - 1)))
    }

    /// The guid as a number, which exceeds 2^53.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The time at which the ban was made.
    #[must_use]
    pub const fn created(self) -> UnixSeconds {
        UnixSeconds(((self.0 >> Self::LOW_BITS) + Self::EPOCH_MS) / 1000)
    }
}

impl From<u64> for Guid {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Guid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self).map_err(|_| InvalidId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_guid_contains_its_creation_time() {
        let guid: Guid = "633197862920433664".parse().unwrap();
        assert_eq!(guid.created(), UnixSeconds(1_728_802_934));
    }

    #[test]
    fn bans_made_in_the_same_millisecond_differ_by_their_uid() {
        let now = UnixMillis::from_millis(1_728_802_934_123);
        assert_ne!(Guid::mint(now, Uid(1)), Guid::mint(now, Uid(2)));
        assert_eq!(Guid::mint(now, Uid(7)).created(), now.seconds());
    }

    #[test]
    fn roblox_ids_range_from_1_to_2_to_the_53_minus_1() {
        assert_eq!(UserId::new(0), None);
        assert_eq!(UserId::new(MAX_ROBLOX_ID + 1), None);
        assert_eq!(
            UserId::new(MAX_ROBLOX_ID).map(UserId::get),
            Some(MAX_ROBLOX_ID)
        );
    }

    #[test]
    fn a_workspace_tag_is_the_end_of_its_uuid() {
        let id: WorkspaceId = "f2ab4802-48d6-41ef-82a0-222326092f67".parse().unwrap();
        assert_eq!(id.prefix().to_string(), "26092f67");
    }
}
