//! The secret of a workspace, which authenticates and hashes what the service issues or stores.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::domain::random;

/// 256 random bits, generated with the workspace and stored in its item. They never leave the
/// service: `Debug` does not show them, and no command prints them.
///
/// Everything derived from them is an HMAC-SHA256 for one [`Purpose`], so a value for one purpose
/// is useless for any other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct WorkspaceSecret([u8; WorkspaceSecret::BYTES]);

/// The use of a MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Authenticates the cursor of a list.
    Cursor,
    /// Recognises a revision of a ban that was erased with its user.
    ErasedRevision,
    /// Makes the API key that a command on Discord creates.
    ApiKey,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Self::Cursor => "cursor",
            Self::ErasedRevision => "erased-revision",
            Self::ApiKey => "api-key",
        }
    }
}

/// The stored text is not a workspace secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the base64 of {} bytes", WorkspaceSecret::BYTES)]
pub struct InvalidWorkspaceSecret;

impl WorkspaceSecret {
    /// The length of a secret in bytes.
    const BYTES: usize = 32;

    /// The length of a MAC in bytes.
    pub const MAC: usize = 32;

    /// The shortest prefix of a MAC that is accepted: 128 bits.
    const SHORTEST: usize = 16;

    /// Generates a secret with the operating system's random generator.
    #[must_use]
    pub fn random() -> Self {
        Self(random::bytes())
    }

    /// The MAC of these parts; the boundaries between parts count.
    #[must_use]
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; Self::MAC] {
        self.keyed(purpose, parts).finalize().into_bytes().into()
    }

    /// Whether `mac` is the MAC of these parts, or a prefix of at least 16 bytes. Compares in
    /// constant time.
    #[must_use]
    pub fn verifies(&self, purpose: Purpose, parts: &[&[u8]], mac: &[u8]) -> bool {
        let keyed = self.keyed(purpose, parts);
        mac.len() >= Self::SHORTEST && keyed.verify_truncated_left(mac).is_ok()
    }

    fn keyed(&self, purpose: Purpose, parts: &[&[u8]]) -> Hmac<Sha256> {
        // HMAC pads a key with zeros to the hash's block size of 64 bytes, so this is the same key.
        let mut key = [0_u8; 64];
        for (to, from) in key.iter_mut().zip(self.0) {
            *to = from;
        }
        let label = purpose.label().as_bytes();
        std::iter::once(&label)
            .chain(parts)
            .fold(Hmac::<Sha256>::new(&key.into()), |mac, part| {
                let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
                mac.chain_update(length.to_be_bytes()).chain_update(part)
            })
    }
}

impl TryFrom<String> for WorkspaceSecret {
    type Error = InvalidWorkspaceSecret;

    fn try_from(text: String) -> Result<Self, InvalidWorkspaceSecret> {
        let bytes = URL_SAFE_NO_PAD.decode(text);
        let bytes = bytes.map_err(|_| InvalidWorkspaceSecret)?;
        let bytes = bytes.try_into().map_err(|_| InvalidWorkspaceSecret)?;
        Ok(Self(bytes))
    }
}

impl From<WorkspaceSecret> for String {
    fn from(secret: WorkspaceSecret) -> Self {
        URL_SAFE_NO_PAD.encode(secret.0)
    }
}

impl fmt::Debug for WorkspaceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkspaceSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed() -> WorkspaceSecret {
        WorkspaceSecret([7; 32])
    }

    #[test]
    fn mac_is_hmac_sha_256_of_length_prefixed_parts() {
        // printf '\0\0\0\0\0\0\0\6cursor\0\0\0\0\0\0\0\2ab' |
        //   openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
        let expected = "2beb8111bde47d55ffea6ff9e97a17efa07fb61b8d3ed6d1b085c063dc063e85";
        let mac = fixed().mac(Purpose::Cursor, &[b"ab"]);
        assert_eq!(crate::domain::digest::hex(&mac), expected);
    }

    #[test]
    fn boundaries_of_parts_count() {
        let mac = |parts: &[&[u8]]| fixed().mac(Purpose::Cursor, parts);
        let whole = mac(&[b"ab"]);
        for parts in [&[&b"a"[..], b"b"][..], &[b"ab", b""], &[b"", b"ab"], &[]] {
            assert_ne!(mac(parts), whole, "{parts:?}");
        }
    }

    #[test]
    fn only_its_own_mac_verifies() {
        let (ours, other) = (fixed(), WorkspaceSecret::random());
        let mac = ours.mac(Purpose::Cursor, &[b"ab"]);
        let is_genuine = |mac: &[u8]| ours.verifies(Purpose::Cursor, &[b"ab"], mac);
        assert!(is_genuine(&mac));
        assert!(is_genuine(&mac[..16]));
        assert!(!is_genuine(&mac[..15]), "too short to prove anything");
        assert!(!is_genuine(&mac[16..]));
        assert!(!is_genuine(b""));
        assert!(!is_genuine(&[&mac[..], b"x"].concat()));
        assert!(!ours.verifies(Purpose::Cursor, &[b"ac"], &mac));
        assert!(!other.verifies(Purpose::Cursor, &[b"ab"], &mac));
        for at in 0..mac.len() {
            let mut changed = mac;
            changed[at] ^= 1;
            assert!(!is_genuine(&changed));
        }
    }

    #[test]
    fn secret_survives_storage_and_is_hidden_by_debug() {
        let secret = WorkspaceSecret::random();
        assert_ne!(secret, WorkspaceSecret::random());
        let text = String::from(secret.clone());
        assert!(!format!("{secret:?}").contains(&text));
        assert_eq!(WorkspaceSecret::try_from(text), Ok(secret));
        for text in ["", "AAAA", "?", &"A".repeat(44)] {
            assert!(
                WorkspaceSecret::try_from(text.to_owned()).is_err(),
                "{text}"
            );
        }
    }
}
