//! What is stored of a key.

use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::key::KeyKind;
use crate::clock::{Day, Timestamp};
use crate::ids::WorkspaceId;

/// How many checks a public key may make within a minute unless its record says otherwise.
pub const PUBLIC_CHECKS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(6000).unwrap();

/// A key as it is stored: everything but the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The key's public id, for lists and logs.
    pub key_id: String,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What the operator calls it.
    pub name: String,
    /// What it is for.
    pub key_kind: KeyKind,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How flags are written to it.
    #[serde(default)]
    pub flags: FlagPin,
    /// How many bans it may make or change within any hour; absent = any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bans_per_hour: Option<NonZeroU32>,
    /// How many checks it may make within a minute; absent = see [`KeyRecord::check_cap`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks_per_minute: Option<NonZeroU32>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// The last day on which a call was made with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Day>,
    /// The key that a rotation put in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
}

/// What a rotation did to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The public id of the new key.
    pub by: String,
    /// When the key would have ended without the rotation; absent = never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl KeyRecord {
    /// Whether the key is accepted now.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| expires > now)
    }

    /// How many checks it may make within a minute; `None` = any number.
    #[must_use]
    pub fn check_cap(&self) -> Option<NonZeroU32> {
        let default = match self.key_kind {
            KeyKind::Public => Some(PUBLIC_CHECKS_PER_MINUTE),
            KeyKind::Secret => None,
        };
        self.checks_per_minute.or(default)
    }

    /// Whether it is shown what is for moderators: private reasons, and who decided.
    #[must_use]
    pub fn sees_moderation(&self) -> bool {
        self.key_kind == KeyKind::Secret && self.may(Scope::ReadBans)
    }

    /// Whether the key has a scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// What a secret key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Read lists, polls and exports.
    #[serde(rename = "bans:read")]
    ReadBans,
    /// Make and lift Experience bans, and confirm any.
    #[serde(rename = "bans:write")]
    WriteBans,
    /// Beside `bans:write`: make and lift Global bans.
    #[serde(rename = "bans:write-global")]
    WriteGlobalBans,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ReadBans, Self::WriteBans, Self::WriteGlobalBans];
    /// What a new key has unless told otherwise.
    pub const DEFAULT: [Self; 2] = [Self::ReadBans, Self::WriteBans];

    /// The scope's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadBans => "bans:read",
            Self::WriteBans => "bans:write",
            Self::WriteGlobalBans => "bans:write-global",
        }
    }
}

/// The text names nothing of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {0}")]
pub struct UnknownWord(pub &'static str);

impl FromStr for Scope {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.name() == text)
            .ok_or(UnknownWord("bans:read, bans:write, bans:write-global"))
    }
}

/// How flags are written to a key, where the route does not fix it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlagPin {
    /// Booleans to a Roblox game server, integers to others.
    #[default]
    Auto,
    /// Always `0` and `1`.
    Integer,
    /// Always `false` and `true`.
    Boolean,
}

impl FromStr for FlagPin {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "auto" => Ok(Self::Auto),
            "integer" => Ok(Self::Integer),
            "boolean" => Ok(Self::Boolean),
            _ => Err(UnknownWord("auto, integer, boolean")),
        }
    }
}
