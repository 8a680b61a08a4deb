//! Stored keys.

use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::key::KeyKind;
use crate::domain::clock::{Day, UnixSeconds};
use crate::domain::ids::WorkspaceId;

/// The cap on checks per minute of a public key, unless its record has another.
pub const PUBLIC_CHECKS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(6000).unwrap();

/// A key as stored: everything except the key itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The key's public id, for lists and logs.
    pub key_id: String,
    pub workspace: WorkspaceId,
    /// The operator's name for it.
    pub name: String,
    pub key_kind: KeyKind,
    pub scopes: Vec<KeyScope>,
    /// The format of flags in answers.
    #[serde(default)]
    pub flags: PinnedFlagFormat,
    /// The cap on bans made or changed in any hour; absent = unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bans_per_hour: Option<NonZeroU32>,
    /// The cap on checks per minute; absent = see [`KeyRecord::check_cap`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks_per_minute: Option<NonZeroU32>,
    pub created: UnixSeconds,
    /// The key is refused from this second on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<UnixSeconds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<UnixSeconds>,
    /// The last day on which the key was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Day>,
    /// The key that replaced this one in a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
}

/// The effect of a rotation on the old key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The public id of the new key.
    pub by: String,
    /// The key's expiry before the rotation; absent = never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<UnixSeconds>,
}

impl KeyRecord {
    /// Whether the key is valid now.
    #[must_use]
    pub fn is_live(&self, now: UnixSeconds) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| expires > now)
    }

    #[must_use]
    pub fn status(&self, now: UnixSeconds) -> KeyStatus {
        match self.revoked {
            Some(_) => KeyStatus::Revoked,
            None if self.is_live(now) => KeyStatus::Live,
            None => KeyStatus::Expired,
        }
    }

    /// The cap on checks per minute; `None` = unlimited.
    #[must_use]
    pub fn check_cap(&self) -> Option<NonZeroU32> {
        let default = match self.key_kind {
            KeyKind::Public => Some(PUBLIC_CHECKS_PER_MINUTE),
            KeyKind::Secret => None,
        };
        self.checks_per_minute.or(default)
    }

    /// Whether the key may see private reasons and moderators.
    #[must_use]
    pub fn sees_moderation(&self) -> bool {
        self.key_kind == KeyKind::Secret && self.may(KeyScope::ReadBans)
    }

    #[must_use]
    pub fn may(&self, scope: KeyScope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyStatus {
    Live,
    Expired,
    Revoked,
}

/// A permission of a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyScope {
    /// Read lists, polls and exports.
    #[serde(rename = "bans:read")]
    ReadBans,
    /// Make and lift Experience bans, and report any.
    #[serde(rename = "bans:write")]
    WriteBans,
    /// With `bans:write`: make and lift Global bans.
    #[serde(rename = "bans:write-global")]
    WriteGlobalBans,
    /// With `bans:write`: bulk calls.
    #[serde(rename = "bans:bulk")]
    BulkBans,
    /// Read evidence.
    #[serde(rename = "evidence:read")]
    ReadEvidence,
    /// Add, change and remove evidence.
    #[serde(rename = "evidence:write")]
    WriteEvidence,
    /// Change the roles of members in the groups that the operator allows.
    #[serde(rename = "groups:write")]
    WriteGroups,
    /// Read which Discord and Roblox accounts are linked.
    #[serde(rename = "links:read")]
    ReadLinks,
    /// Make and redeem the codes that link accounts.
    #[serde(rename = "links:write")]
    WriteLinks,
    /// Link accounts without a proof, and unlink them.
    #[serde(rename = "links:import")]
    ImportLinks,
}

impl KeyScope {
    pub const ALL: [Self; 10] = [
        Self::ReadBans,
        Self::WriteBans,
        Self::WriteGlobalBans,
        Self::BulkBans,
        Self::ReadEvidence,
        Self::WriteEvidence,
        Self::WriteGroups,
        Self::ReadLinks,
        Self::WriteLinks,
        Self::ImportLinks,
    ];
    /// The scopes of a new key by default.
    pub const DEFAULT: [Self; 2] = [Self::ReadBans, Self::WriteBans];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadBans => "bans:read",
            Self::WriteBans => "bans:write",
            Self::WriteGlobalBans => "bans:write-global",
            Self::BulkBans => "bans:bulk",
            Self::ReadEvidence => "evidence:read",
            Self::WriteEvidence => "evidence:write",
            Self::WriteGroups => "groups:write",
            Self::ReadLinks => "links:read",
            Self::WriteLinks => "links:write",
            Self::ImportLinks => "links:import",
        }
    }
}

/// The text is not a known name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {0}")]
pub struct UnknownWord(pub &'static str);

impl FromStr for KeyScope {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.name() == text)
            .ok_or(UnknownWord(
                "bans:read, bans:write, bans:write-global, bans:bulk, evidence:read, evidence:write, groups:write, \
                 links:read, links:write, links:import",
            ))
    }
}

/// The format of flags for a key, where the route does not fix it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinnedFlagFormat {
    /// Booleans for a Roblox game server, integers for others.
    #[default]
    Auto,
    /// Always `0` and `1`.
    Integer,
    /// Always `false` and `true`.
    Boolean,
}

impl FromStr for PinnedFlagFormat {
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
