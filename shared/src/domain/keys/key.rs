//! API keys: format, generation and hash.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Uuid, Variant, Version};

use crate::domain::ids::{WorkspaceId, WorkspacePrefix};
use crate::domain::random;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// For the studio's own servers and tools.
    Secret,
    /// To be given to other communities: it can only check bans.
    Public,
}

impl KeyKind {
    /// The prefix by which the published SDK distinguishes the kinds.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "sentinelAPI",
            Self::Public => "sentinelPublicAPI",
        }
    }
}

/// A key in clear: `sentinelAPI.<uuid v4>`. It is never stored, and neither `Debug` nor a log shows
/// it.
#[derive(Clone)]
pub struct PlainKey {
    text: String,
    kind: KeyKind,
    prefix: WorkspacePrefix,
}

/// The SHA-256 of a whole key, the only form that is stored. A key has 90 random bits besides its
/// workspace's prefix, so it needs neither salt nor a slow hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(String);

impl PlainKey {
    /// Generates a key for a workspace.
    #[must_use]
    pub fn random(kind: KeyKind, workspace: WorkspaceId) -> Self {
        Self::of_bytes(kind, workspace, random::bytes())
    }

    /// The key for a workspace with these random bytes.
    #[must_use]
    pub fn of_bytes(kind: KeyKind, workspace: WorkspaceId, mut bytes: [u8; 16]) -> Self {
        let [.., a, b, c, d] = &mut bytes;
        [*a, *b, *c, *d] = workspace.prefix().bytes();
        let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        Self {
            text: format!("{}.{}", kind.prefix(), uuid.hyphenated()),
            kind,
            prefix: WorkspacePrefix::of(uuid),
        }
    }

    /// Parses a key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, uuid) = text.split_once('.')?;
        let kind = [KeyKind::Secret, KeyKind::Public]
            .into_iter()
            .find(|kind| kind.prefix() == prefix)?;
        let is_hyphenated = uuid.len() == uuid::fmt::Hyphenated::LENGTH;
        let uuid = Uuid::try_parse(uuid).ok().filter(|uuid| {
            is_hyphenated
                && uuid.get_version() == Some(Version::Random)
                && uuid.get_variant() == Variant::RFC4122
        })?;
        Some(Self {
            text: text.to_owned(),
            kind,
            prefix: WorkspacePrefix::of(uuid),
        })
    }

    /// Parses the header `authorization`: `Bearer <key>`, the scheme in any case.
    #[must_use]
    pub fn parse_authorization(header: &str) -> Option<Self> {
        let (scheme, key) = header.trim().split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| Self::parse(key.trim()))?
    }

    /// The hash under which the key is stored.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash(crate::domain::digest::hex(&Sha256::digest(
            self.text.as_bytes(),
        )))
    }

    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The workspace that the key claims to belong to; proven only by looking it up.
    #[must_use]
    pub const fn prefix(&self) -> WorkspacePrefix {
        self.prefix
    }

    /// The key in clear, to be shown once on creation.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlainKey({:?}, {})", self.kind, self.prefix)
    }
}

impl KeyHash {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_key_is_a_uuid_v4_that_ends_in_the_workspace_tag() {
        let workspace = WorkspaceId::random();
        let key = PlainKey::random(KeyKind::Public, workspace);
        let read = PlainKey::parse(key.reveal()).unwrap();
        assert_eq!(read.prefix(), workspace.prefix());
        assert_eq!(read.kind(), KeyKind::Public);
        assert_ne!(
            key.reveal(),
            PlainKey::random(KeyKind::Public, workspace).reveal()
        );
    }

    #[test]
    fn only_the_documented_format_is_a_key() {
        for text in [
            "",
            "sentinelAPI",
            "sentinelAPI.",
            "sentinelAPI.00000000-0000-0000-0000-000000000000",
            "sentinelAPI.00000000-0000-1000-8000-000000000001",
            "sentinelAPI.00000000000040008000000000000001",
            "sentinelapi.00000000-0000-4000-8000-000000000001",
            "otherAPI.00000000-0000-4000-8000-000000000001",
            "sentinelAPI.00000000-0000-4000-8000-000000000001 ",
        ] {
            assert!(PlainKey::parse(text).is_none(), "{text:?}");
        }
        assert!(PlainKey::parse("sentinelAPI.00000000-0000-4000-8000-000000000001").is_some());
    }

    #[test]
    fn a_key_is_not_shown_by_debug() {
        let key = PlainKey::random(KeyKind::Secret, WorkspaceId::random());
        let secret = key.reveal().split_once('.').unwrap().1;
        assert!(!format!("{key:?}").contains(&secret[..8]));
    }
}
