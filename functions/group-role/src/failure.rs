//! What callers read when Roblox or the rules refuse a change.

use std::time::Duration;

use shared::domain::error::{ApiError, FieldError};
use shared::domain::rules::group_roles::RoleRefusal;
use shared::integrations::roblox::RobloxError;
use shared::integrations::secrets::SecretError;

/// The service's name in errors.
const ROBLOX: &str = "Roblox";

/// How long to wait if Roblox limits the rate and names no time: its limits are per minute.
pub const PAUSE: Duration = Duration::from_secs(10);

/// How long to wait after a failure of Roblox.
const AGAIN: Duration = Duration::from_secs(2);

pub fn of_roblox(error: RobloxError) -> ApiError {
    let detail = error.kind();
    match error {
        RobloxError::RateLimited { retry_after } => busy(retry_after.unwrap_or(PAUSE), detail),
        // Another change was made at the same time.
        RobloxError::Refused { status: 409, .. } | RobloxError::Unavailable(_) => {
            busy(AGAIN, detail)
        }
        RobloxError::Unauthorized { message, .. } | RobloxError::Refused { message, .. } => {
            ApiError::RobloxRefused(message)
        }
    }
}

/// 503: the same call may succeed after a pause.
pub fn busy(pause: Duration, detail: impl Into<String>) -> ApiError {
    let part = u64::from(pause.subsec_nanos() > 0);
    ApiError::ServiceUnavailable {
        service: ROBLOX,
        detail: detail.into(),
        retry_after: pause.as_secs().saturating_add(part).max(1),
    }
}

pub fn of_secret(error: SecretError) -> ApiError {
    match error {
        SecretError::Unusable(_) => ApiError::RobloxRefused(
            "no usable Open Cloud key is stored for this group: ask the workspace's operator"
                .to_owned(),
        ),
        SecretError::Unavailable(detail) => ApiError::ServiceUnavailable {
            service: "AWS Secrets Manager",
            detail,
            retry_after: 1,
        },
    }
}

pub fn of_refusal(refusal: RoleRefusal) -> ApiError {
    match refusal {
        RoleRefusal::NoSuchRole => ApiError::NotFound("the group has no such rank or role"),
        RoleRefusal::NotAMember => ApiError::NotFound("the user is not a member of this group"),
        RoleRefusal::NotAssignable => {
            ApiError::field("roleId", "must not be the role of guests or of the owner")
        }
        RoleRefusal::AboveCeiling => ApiError::Forbidden(
            "the rank is at or above the ceiling that the operator set for this group",
        ),
        RoleRefusal::NotListed => {
            ApiError::Forbidden("the operator does not allow this rank in this group")
        }
        RoleRefusal::MemberAboveCeiling => ApiError::Forbidden(
            "the member ranks at or above the ceiling that the operator set for this group",
        ),
        RoleRefusal::Ambiguous(roles) => {
            let fits = roles.iter().map(|role| FieldError {
                field: "roleId".into(),
                message: role.to_string(),
            });
            ApiError::Ambiguous(fits.collect())
        }
        RoleRefusal::UnknownRole => {
            busy(PAUSE, "the member holds a role that Roblox does not list")
        }
    }
}
