//! The one error of the API. Storage and parsers make it, the edge turns it into HTTP, once.
//!
//! Each variant knows two texts: [`ApiError::message`] for the caller, which says what was wrong
//! and what would be right, and [`ApiError::detail`] for the log, which may name what the caller
//! must not see.

use serde::Serialize;

use crate::ban_info::BanInfo;

/// Why a call is not answered with success.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    InvalidJson(String),
    /// Fields or parameters are missing or out of range: all of them.
    #[error("{} invalid field(s)", .0.len())]
    InvalidRequest(Vec<FieldError>),
    /// The key is missing, malformed, unknown, revoked or expired; the text is for the log only.
    #[error("unauthorized: {0}")]
    Unauthorized(&'static str),
    /// The key is right, but does not reach this far.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// The user is on the workspace's list of those whom nobody bans.
    #[error("protected user")]
    ProtectedUser,
    /// The signature of a notification is missing, wrong or too old; the text is for the log only.
    #[error("unsigned: {0}")]
    Unsigned(&'static str),
    /// The thing named does not exist.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The path exists, but not for this method.
    #[error("method not allowed")]
    MethodNotAllowed {
        /// The methods that it takes, as an `allow` header has them.
        allow: &'static str,
    },
    /// A ban in force stands in the way.
    #[error("already banned")]
    AlreadyBanned {
        /// The ban, as the caller sees it.
        ban: Box<BanInfo>,
        /// Whether another caller would see it written otherwise.
        varies: bool,
    },
    /// The body is over the limit of 64 KiB, before or after inflating.
    #[error("payload too large")]
    PayloadTooLarge,
    /// The key or the moderator has made as many bans in an hour as is allowed.
    #[error("rate limited: {what}")]
    RateLimited {
        /// Whose cap it is, for the caller.
        what: &'static str,
        /// In how many seconds there is room for another ban.
        retry_after: u64,
    },
    /// The database throttled, timed out or could not be reached.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Another service than the database throttled, timed out or could not be reached.
    #[error("unavailable: {detail}")]
    ServiceUnavailable {
        /// Its name, for the caller.
        service: &'static str,
        /// What happened, for the log.
        detail: String,
    },
    /// Our bug.
    #[error("internal: {0}")]
    Internal(String),
}

/// One wrong field or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name, as the caller wrote it.
    pub field: &'static str,
    /// What was wrong and what would be right. It never repeats what the caller sent.
    pub message: String,
}

impl ApiError {
    /// A request in which one field is wrong.
    #[must_use]
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::InvalidRequest(vec![FieldError {
            field,
            message: message.into(),
        }])
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::InvalidJson(_) | Self::InvalidRequest(_) => 400,
            Self::Unauthorized(_) | Self::Unsigned(_) => 401,
            Self::Forbidden(_) | Self::ProtectedUser => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::AlreadyBanned { .. } => 409,
            Self::PayloadTooLarge => 413,
            Self::RateLimited { .. } => 429,
            Self::Internal(_) => 500,
            Self::Unavailable(_) | Self::ServiceUnavailable { .. } => 503,
        }
    }

    /// The stable code in the answer and the log.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidJson(_) => "invalid_json",
            Self::InvalidRequest(_) => "invalid_request",
            Self::Unauthorized(_) | Self::Unsigned(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::ProtectedUser => "protected_user",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::AlreadyBanned { .. } => "already_banned",
            Self::PayloadTooLarge => "payload_too_large",
            Self::RateLimited { .. } => "rate_limited",
            Self::Internal(_) => "internal",
            Self::Unavailable(_) | Self::ServiceUnavailable { .. } => "unavailable",
        }
    }

    /// What the caller is told.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::InvalidJson(detail) => {
                format!("the request body is not valid JSON: {detail}")
            }
            Self::InvalidRequest(errors) => {
                let fields: Vec<_> = errors.iter().map(|error| error.field).collect();
                format!("missing or invalid: {}", fields.join(", "))
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
            Self::AlreadyBanned { .. } => {
                "the user is already banned: send \"overwrite\": true to \
                change the ban"
                    .to_owned()
            }
            Self::PayloadTooLarge => "the request body exceeds 64 KiB (after decompression)".to_owned(),
            Self::Unavailable(_) => {
                "the database is busy or unreachable: send the same call again".to_owned()
            }
            Self::ServiceUnavailable { service, .. } => {
                format!("{service} is busy or unreachable: send the same call again")
            }
            Self::Internal(_) => "internal error: report it with the x-request-id of this response".to_owned(),
        }
    }

    /// What the log is told, where it is more than the code says.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Unauthorized(why)
            | Self::Unsigned(why)
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
            | Self::PayloadTooLarge => None,
        }
    }
}
