//! The API's error type. Storage and parsers create it; one place turns it into an HTTP answer.
//!
//! Each variant has two texts: [`ApiError::message`] for the caller, which says what is wrong and
//! how to correct it, and [`ApiError::detail`] for the log, which may contain what the caller must
//! not see.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::ban_info::BanInfo;

/// How many invalid fields a message names; the answer lists all.
const NAMED: usize = 20;

/// Why a call fails.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    InvalidJson(String),
    /// All fields and parameters that are missing or invalid.
    #[error("{} invalid field(s)", .0.len())]
    InvalidRequest(Vec<FieldError>),
    /// The key is missing, malformed, unknown, revoked or expired; the text is for the log only.
    #[error("unauthorized: {0}")]
    Unauthorized(&'static str),
    /// The key is valid, but lacks the permission.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// The workspace protects this user from bans.
    #[error("protected user")]
    ProtectedUser,
    /// The signature of a notification is missing, wrong or too old; the text is for the log only.
    #[error("unsigned: {0}")]
    Unsigned(&'static str),
    /// The same of an interaction on Discord.
    #[error("unsigned interaction: {0}")]
    UnsignedInteraction(&'static str),
    /// The resource does not exist.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The path exists, but does not support this method.
    #[error("method not allowed")]
    MethodNotAllowed {
        /// The methods that it supports, in the format of the `allow` header.
        allow: &'static str,
    },
    /// The ban conflicts with a ban in force.
    #[error("already banned")]
    AlreadyBanned {
        /// The conflicting ban, as the caller sees it.
        ban: Box<BanInfo>,
        /// Whether another caller may get another representation.
        varies: bool,
    },
    /// One of two accounts that are to be linked is linked to another one.
    #[error("already linked")]
    AlreadyLinked,
    /// The call fits several things; the fields say how to choose one.
    #[error("ambiguous")]
    Ambiguous(Vec<FieldError>),
    /// The body exceeds the route's limit, 64 KiB on most, before or after decompression.
    #[error("payload too large")]
    PayloadTooLarge,
    /// The workspace may store no more evidence.
    #[error("evidence quota reached")]
    EvidenceQuotaReached,
    /// Nothing has been uploaded for a file that a call would complete.
    #[error("not uploaded")]
    NotUploaded,
    /// A malware scan found something in the uploaded file.
    #[error("quarantined")]
    Quarantined,
    /// The uploaded file is not what its uploader declared.
    #[error("content mismatch")]
    ContentMismatch,
    /// The key or the moderator has reached a cap.
    #[error("rate limited: {what}")]
    RateLimited {
        /// Which cap, for the caller.
        what: &'static str,
        /// Seconds until the cap leaves room again.
        retry_after: u64,
    },
    /// The database throttled, timed out or could not be reached.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A service other than the database throttled, timed out or could not be reached.
    #[error("unavailable: {detail}")]
    ServiceUnavailable {
        /// The service's name, for the caller.
        service: &'static str,
        /// The cause, for the log.
        detail: String,
        /// Seconds until the same call may succeed.
        retry_after: u64,
    },
    /// The workspace's snapshot has not been built yet, or has to be built again.
    #[error("no snapshot yet")]
    SnapshotNotBuilt,
    /// The snapshot is another build than the one of which the caller asks for a part.
    #[error("snapshot changed")]
    SnapshotChanged,
    /// Roblox refuses the change, and would refuse it again: its reason, for the caller.
    #[error("Roblox refused")]
    RobloxRefused(String),
    /// A bug.
    #[error("internal: {0}")]
    Internal(String),
}

/// An invalid field or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Its name, with the index of an element: `users[3].banLength`.
    pub field: Cow<'static, str>,
    /// What is wrong and how to correct it. It never repeats what the caller sent.
    pub message: String,
}

impl ApiError {
    /// The error for one invalid field.
    #[must_use]
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::InvalidRequest(vec![FieldError {
            field: Cow::Borrowed(field),
            message: message.into(),
        }])
    }

    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::InvalidJson(_) | Self::InvalidRequest(_) => 400,
            Self::Unauthorized(_) | Self::Unsigned(_) | Self::UnsignedInteraction(_) => 401,
            Self::Forbidden(_) | Self::ProtectedUser => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::AlreadyBanned { .. }
            | Self::AlreadyLinked
            | Self::Ambiguous(_)
            | Self::EvidenceQuotaReached
            | Self::NotUploaded
            | Self::Quarantined
            | Self::SnapshotChanged => 409,
            Self::PayloadTooLarge => 413,
            Self::ContentMismatch => 422,
            Self::RateLimited { .. } => 429,
            Self::Internal(_) | Self::RobloxRefused(_) => 500,
            Self::Unavailable(_) | Self::ServiceUnavailable { .. } | Self::SnapshotNotBuilt => 503,
        }
    }

    /// The stable code in the answer and the log.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidJson(_) => "invalid_json",
            Self::InvalidRequest(_) => "invalid_request",
            Self::Unauthorized(_) | Self::Unsigned(_) | Self::UnsignedInteraction(_) => {
                "unauthorized"
            }
            Self::Forbidden(_) => "forbidden",
            Self::ProtectedUser => "protected_user",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::AlreadyBanned { .. } => "already_banned",
            Self::AlreadyLinked => "already_linked",
            Self::Ambiguous(_) => "ambiguous",
            Self::PayloadTooLarge => "payload_too_large",
            Self::EvidenceQuotaReached => "quota_reached",
            Self::NotUploaded => "not_uploaded",
            Self::Quarantined => "quarantined",
            Self::ContentMismatch => "content_mismatch",
            Self::RateLimited { .. } => "rate_limited",
            Self::RobloxRefused(_) => "roblox_refused",
            Self::Internal(_) => "internal",
            Self::SnapshotChanged => "snapshot_changed",
            Self::Unavailable(_) | Self::ServiceUnavailable { .. } | Self::SnapshotNotBuilt => {
                "unavailable"
            }
        }
    }

    /// The text for the caller.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::InvalidJson(detail) => {
                format!("the request body is not valid JSON: {detail}")
            }
            Self::InvalidRequest(errors) => {
                let named = errors.iter().take(NAMED).map(|error| error.field.as_ref());
                let named = named.collect::<Vec<_>>().join(", ");
                match errors.len().saturating_sub(NAMED) {
                    0 => format!("missing or invalid: {named}"),
                    more => format!("missing or invalid: {named} and {more} more"),
                }
            }
            Self::Unauthorized(_) => {
                "a valid API key is required: send it as \"Authorization: Bearer \
                sentinelAPI.<uuid>\""
                    .to_owned()
            }
            Self::Forbidden(what) | Self::NotFound(what) | Self::RateLimited { what, .. } => {
                (*what).to_owned()
            }
            Self::MethodNotAllowed { allow } => {
                format!("method not allowed on this path: use {allow}")
            }
            Self::ProtectedUser => {
                "this user is protected in this workspace and cannot be banned: ask the workspace's \
                 operator"
                    .to_owned()
            }
            Self::Unsigned(_) => {
                "a valid roblox-signature from the last 10 minutes is required".to_owned()
            }
            Self::UnsignedInteraction(_) => {
                "a valid signature of Discord from the last 5 minutes is required".to_owned()
            }
            Self::AlreadyBanned { .. } => {
                "the user is already banned: send \"overwrite\": true to \
                change the ban"
                    .to_owned()
            }
            Self::AlreadyLinked => {
                "one of these accounts is linked to another one: unlink it first, with DELETE \
                 /api/v1/links/roblox/{id}"
                    .to_owned()
            }
            Self::Ambiguous(errors) => {
                let texts: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
                format!("several fit: {}", texts.join(", "))
            }
            Self::RobloxRefused(reason) if reason.is_empty() => {
                "Roblox refuses this change and gives no reason".to_owned()
            }
            Self::RobloxRefused(reason) => format!("Roblox refuses this change: {reason}"),
            Self::PayloadTooLarge => "the request body exceeds 64 KiB, 96 KiB of evidence, or 256 KiB of a bulk call (after \
                 decompression)"
                    .to_owned(),
            Self::EvidenceQuotaReached => {
                "the workspace's evidence has reached its limit of bytes: remove some, or ask the \
                 workspace's operator for more"
                    .to_owned()
            }
            Self::NotUploaded => {
                "nothing has been uploaded: send the file to the URL from /evidence/create first"
                    .to_owned()
            }
            Self::Quarantined => {
                "a malware scan found something in the file: nobody can download it".to_owned()
            }
            Self::ContentMismatch => {
                "the uploaded file is not of the declared type and was removed: create it again \
                 under its own type"
                    .to_owned()
            }
            Self::Unavailable(_) => {
                "the database is busy or unreachable: send the same call again".to_owned()
            }
            Self::ServiceUnavailable { service, .. } => {
                format!("{service} is busy or unreachable: send the same call again")
            }
            Self::SnapshotNotBuilt => {
                "the snapshot is being built: send the same call again in half a minute".to_owned()
            }
            Self::SnapshotChanged => {
                "this version of the snapshot has been replaced: start again with the first part, \
                 without version"
                    .to_owned()
            }
            Self::Internal(_) => "internal error: report it with the x-request-id of this response".to_owned(),
        }
    }

    /// The text for the log, if it says more than the code.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Unauthorized(why)
            | Self::Unsigned(why)
            | Self::UnsignedInteraction(why)
            | Self::Forbidden(why)
            | Self::NotFound(why)
            | Self::RateLimited { what: why, .. } => Some((*why).to_owned()),
            Self::Internal(why)
            | Self::Unavailable(why)
            | Self::ServiceUnavailable { detail: why, .. } => Some(why.clone()),
            Self::InvalidRequest(_) => Some(self.message()),
            Self::InvalidJson(_)
            | Self::ProtectedUser
            | Self::MethodNotAllowed { .. }
            | Self::AlreadyBanned { .. }
            | Self::AlreadyLinked
            | Self::Ambiguous(_)
            | Self::RobloxRefused(_)
            | Self::PayloadTooLarge
            | Self::EvidenceQuotaReached
            | Self::NotUploaded
            | Self::Quarantined
            | Self::SnapshotNotBuilt
            | Self::SnapshotChanged
            | Self::ContentMismatch => None,
        }
    }
}

/// An error and its causes in one line; a repeated cause appears once. The SDK's own formatting
/// would add the whole answer.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let named = error.to_string();
        if !text.ends_with(&named) {
            text = format!("{text}: {named}");
        }
        cause = error.source();
    }
    text
}
