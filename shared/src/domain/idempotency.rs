//! `Idempotency-Key`: a repeat with the same key gets the answer of the first call for a day.

use lambda_http::http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::domain::digest;
use crate::domain::error::ApiError;
use crate::domain::ids::UserId;
use crate::domain::rules::Meaning;

/// An idempotency key, and what the request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key as sent, 1 to 255 visible ASCII characters.
    pub name: String,
    /// SHA-256 of the key and the meaning of the request, in hex. The key is not stored, so nobody
    /// can find the user by hashing user ids.
    pub meaning: String,
    /// SHA-256 of route, query and body, in hex. Functions of an earlier release store and compare
    /// only this.
    pub bytes: String,
}

impl IdempotencyKey {
    /// The key of one user's call in a bulk call under this key: its meaning includes that of the
    /// whole call.
    #[must_use]
    pub fn of_user(&self, user: UserId, meaning: &Meaning) -> Self {
        let name = digest::of(&["bulk", &self.name, &self.meaning, &user.to_string()]);
        let meaning = digest::of(&[&name, meaning.as_str()]);
        Self {
            name,
            bytes: meaning.clone(),
            meaning,
        }
    }

    /// The key of a form, which is made with the form and sent with it.
    #[must_use]
    pub fn of_form(name: &str, meaning: &Meaning) -> Self {
        let meaning = digest::of(&["form", name, meaning.as_str()]);
        Self {
            name: digest::of(&["form", name]),
            bytes: meaning.clone(),
            meaning,
        }
    }

    const HEADER: &'static str = "idempotency-key";

    /// The key in a request's headers, if any.
    pub(crate) fn of(
        headers: &HeaderMap,
        meaning: &Meaning,
        parts: [&[u8]; 3],
    ) -> Result<Option<Self>, ApiError> {
        let Some(sent) = headers.get(Self::HEADER) else {
            return Ok(None);
        };
        let name = sent
            .to_str()
            .ok()
            .filter(|name| (1..=255).contains(&name.len()))
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| {
                ApiError::field(Self::HEADER, "must be 1 to 255 visible ASCII characters")
            })?;
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part.len().to_be_bytes());
            hasher.update(part);
        }
        Ok(Some(Self {
            name: name.to_owned(),
            meaning: digest::of(&[name, meaning.as_str()]),
            bytes: crate::domain::digest::hex(&hasher.finalize()),
        }))
    }
}
