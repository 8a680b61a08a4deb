//! `Idempotency-Key`: the caller's own name for a request, so that a repeat is told from another.
//!
//! Most calls need none, since repeating them leads to the same state. An unban does: its
//! repetition is how an experience confirms it.

use lambda_http::http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// The name of a request, and what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As the caller gave it, 1 to 255 visible ASCII characters.
    pub name: String,
    /// SHA-256 of route, query and body, in hex.
    pub digest: String,
}

impl IdempotencyKey {
    const HEADER: &'static str = "idempotency-key";

    /// The key in a request's headers, if there is one.
    pub(super) fn of(headers: &HeaderMap, parts: [&[u8]; 3]) -> Result<Option<Self>, ApiError> {
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
        let digest = crate::auth::hex(&hasher.finalize());
        Ok(Some(Self {
            name: name.to_owned(),
            digest,
        }))
    }
}
