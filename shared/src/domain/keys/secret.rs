//! The signing secret of a Roblox webhook.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::random;

/// The secret with which Roblox signs notifications: 1 to 256 visible ASCII characters, or spaces
/// between them. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NotificationSecret(String);

/// The text is not a valid signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be 1 to {} visible ASCII characters",
    NotificationSecret::LONGEST
)]
pub struct InvalidNotificationSecret;

impl NotificationSecret {
    /// The maximum number of characters.
    pub const LONGEST: usize = 256;

    /// Parses a secret. An empty secret would let anyone sign.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&text.len());
        let readable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        (fits && readable && text.trim() == text).then(|| Self(text.to_owned()))
    }

    /// A new secret: 256 random bits in hex.
    #[must_use]
    pub fn random() -> Self {
        Self(crate::domain::digest::hex(&random::bytes::<32>()))
    }

    /// The secret in clear.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NotificationSecret {
    type Error = InvalidNotificationSecret;

    fn try_from(text: String) -> Result<Self, InvalidNotificationSecret> {
        Self::new(&text).ok_or(InvalidNotificationSecret)
    }
}

impl From<NotificationSecret> for String {
    fn from(secret: NotificationSecret) -> Self {
        secret.0
    }
}

impl fmt::Debug for NotificationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NotificationSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_secrets_are_rejected() {
        for text in ["", " ", " a", "a\n", "ä", "a\0", &"a".repeat(257)] {
            assert_eq!(NotificationSecret::new(text), None, "{text:?}");
        }
        assert!(NotificationSecret::new("a b").is_some());
    }

    #[test]
    fn a_random_secret_is_64_hex_digits() {
        let secret = NotificationSecret::random();
        assert_eq!(secret.reveal().len(), 64);
        assert_eq!(NotificationSecret::new(secret.reveal()), Some(secret));
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let secret = NotificationSecret::new("hunter2").unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
