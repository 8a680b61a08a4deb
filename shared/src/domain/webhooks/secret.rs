//! The signing secrets of deliveries.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use standardwebhooks::Webhook;

use crate::domain::clock::UnixSeconds;
use crate::domain::random;

const PREFIX: &str = "whsec_";

/// The length of a generated secret in bytes; the specification requires 24 to 64.
const BYTES: usize = 32;

/// For how many seconds a replaced secret still signs by default: a day.
pub const DEFAULT_OVERLAP: u64 = 86_400;

/// A signing secret: `whsec_` and the base64 of 32 random bytes. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SigningSecret(String);

/// The text is not a valid signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ and the base64 of {BYTES} bytes")]
pub struct InvalidSigningSecret;

impl SigningSecret {
    #[must_use]
    pub fn random() -> Self {
        let encoded = BASE64_STANDARD.encode(random::bytes::<BYTES>());
        Self(format!("{PREFIX}{encoded}"))
    }

    /// The secret in clear.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn signer(text: &str) -> Option<Webhook> {
        let encoded = text.strip_prefix(PREFIX)?;
        let bytes = BASE64_STANDARD.decode(encoded).ok()?;
        (bytes.len() == BYTES).then(|| Webhook::from_bytes(bytes).ok())?
    }
}

impl TryFrom<String> for SigningSecret {
    type Error = InvalidSigningSecret;

    fn try_from(text: String) -> Result<Self, InvalidSigningSecret> {
        Self::signer(&text)
            .map(|_| Self(text))
            .ok_or(InvalidSigningSecret)
    }
}

impl From<SigningSecret> for String {
    fn from(secret: SigningSecret) -> Self {
        secret.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

/// The secrets of an endpoint: the current one and, during a rotation, the replaced one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningSecrets {
    pub(super) current: SigningSecret,
    pub(super) replaced: Option<ReplacedSecret>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReplacedSecret {
    secret: SigningSecret,
    /// It no longer signs from this second on.
    until: UnixSeconds,
}

impl SigningSecrets {
    #[must_use]
    pub fn random() -> Self {
        Self {
            current: SigningSecret::random(),
            replaced: None,
        }
    }

    /// Replaces the current secret by a new one; the old one still signs for `overlap` seconds. A
    /// third one, replaced earlier, no longer signs.
    #[must_use]
    pub fn rotated(&self, now: UnixSeconds, overlap: u64) -> Self {
        Self {
            current: SigningSecret::random(),
            replaced: (overlap > 0).then(|| ReplacedSecret {
                secret: self.current.clone(),
                until: now.plus(overlap),
            }),
        }
    }

    /// The current one.
    #[must_use]
    pub const fn current(&self) -> &SigningSecret {
        &self.current
    }

    /// Until when the replaced one also signs, if there is one.
    #[must_use]
    pub fn overlap_until(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        let until = self.replaced.as_ref().map(|replaced| replaced.until);
        until.filter(|until| *until > now)
    }

    /// The signatures of a message, one per valid secret, newest first and separated by a space, as
    /// in the header.
    #[must_use]
    pub fn sign(&self, id: &str, now: UnixSeconds, body: &[u8]) -> Option<String> {
        let replaced = self.replaced.iter().filter(|replaced| replaced.until > now);
        let valid = std::iter::once(&self.current).chain(replaced.map(|one| &one.secret));
        let seconds = i64::try_from(now.0).ok()?;
        let signatures: Option<Vec<_>> = valid
            .map(|secret| {
                SigningSecret::signer(&secret.0)?
                    .sign(id, seconds, body)
                    .ok()
            })
            .collect();
        Some(signatures?.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderMap;

    use super::*;
    use crate::domain::clock::UnixMillis;

    #[test]
    fn secret_is_32_bytes_after_its_prefix() {
        let secret = SigningSecret::random();
        let encoded = secret.reveal().strip_prefix("whsec_").unwrap();
        assert_eq!(BASE64_STANDARD.decode(encoded).unwrap().len(), 32);
        assert_ne!(secret, SigningSecret::random());
        assert_eq!(
            SigningSecret::try_from(String::from(secret.clone())),
            Ok(secret)
        );
        for text in ["", "whsec_", "whsec_AAAA", "whsec_?", "AAAA"] {
            assert!(SigningSecret::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let secrets = SigningSecrets::random().rotated(UnixSeconds(1), 60);
        let shown = format!("{secrets:?}");
        assert!(!shown.contains("whsec_"), "{shown}");
    }

    /// Whether a receiver with one secret accepts a message.
    fn is_verified(secret: &SigningSecret, signatures: &str, now: UnixSeconds) -> bool {
        let header = |text: &str| text.parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", header("1-1"));
        headers.insert("webhook-timestamp", header(&now.to_string()));
        headers.insert("webhook-signature", header(signatures));
        let receiver = Webhook::new(secret.reveal()).unwrap();
        receiver.verify(b"{}", &headers).is_ok()
    }

    #[test]
    fn both_secrets_verify_during_a_rotation() {
        let now = UnixMillis::now().seconds();
        let old = SigningSecrets::random();
        let new = old.rotated(now, 60);
        let during = new.sign("1-1", now, b"{}").unwrap();
        assert_eq!(during.split(' ').count(), 2);
        for secret in [old.current(), new.current()] {
            assert!(is_verified(secret, &during, now));
        }
        assert_eq!(new.overlap_until(now), Some(now.plus(60)));
        let after = now.plus(60);
        let signed = new.sign("1-1", after, b"{}").unwrap();
        assert!(is_verified(new.current(), &signed, after));
        assert!(!is_verified(old.current(), &signed, after));
        assert_eq!(new.overlap_until(after), None);
        let at_once = old.rotated(now, 0).sign("1-1", now, b"{}").unwrap();
        assert_eq!(at_once.split(' ').count(), 1);
    }

    #[test]
    fn third_secret_no_longer_signs() {
        let now = UnixMillis::now().seconds();
        let first = SigningSecrets::random();
        let third = first.rotated(now, 60).rotated(now, 60);
        let signed = third.sign("1-1", now, b"{}").unwrap();
        assert!(!is_verified(first.current(), &signed, now));
    }
}
