//! The validated request.

use shared::api::{ApiRequest, Fields};
use shared::domain::error::ApiError;
use shared::domain::ids::{GroupId, ModeratorId, UserId};
use shared::domain::rules::Meaning;
use shared::domain::rules::group_roles::WantedRole;

/// The longest reason in bytes.
const LONGEST_REASON: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRequest {
    pub user: UserId,
    pub group: GroupId,
    pub wanted: WantedRole,
    pub moderator: Option<ModeratorId>,
    pub reason: Option<String>,
}

impl RoleRequest {
    /// What the call asks for, in one spelling.
    pub fn meaning(&self) -> Meaning {
        let wanted = match self.wanted {
            WantedRole::Rank(rank) => format!("rank {rank}"),
            WantedRole::Role(role) => format!("role {role}"),
        };
        let moderator = self.moderator.map(|id| id.to_string());
        Meaning::of_parts(&[
            "group-role",
            &self.user.to_string(),
            &self.group.to_string(),
            &wanted,
            moderator.as_deref().unwrap_or_default(),
            self.reason.as_deref().unwrap_or_default(),
        ])
    }
}

/// Parses the body; an error names every invalid field.
pub fn parse(request: &ApiRequest) -> Result<RoleRequest, ApiError> {
    let mut body = request.body()?;
    let user = body.id("userId");
    let group = body.id("groupId");
    let wanted = read_wanted(&mut body);
    let moderator = body.optional_id("moderatorId");
    let reason = body.optional_text("reason", LONGEST_REASON);
    body.build(|| {
        Some(RoleRequest {
            user: user?,
            group: group?,
            wanted: wanted?,
            moderator,
            reason: reason.filter(|reason| !reason.is_empty()),
        })
    })
}

fn read_wanted(body: &mut Fields) -> Option<WantedRole> {
    let (has_rank, has_role) = (
        body.value("rankId").is_some(),
        body.value("roleId").is_some(),
    );
    if has_rank && has_role {
        body.reject("roleId", "cannot be combined with rankId: send one of them");
    }
    if has_role {
        return body.optional_id("roleId").map(WantedRole::Role);
    }
    if !has_rank {
        let either = "is required, unless you send roleId, and must be a rank from 1 to 254";
        body.reject("rankId", either);
        return None;
    }
    let rank = body.rank("rankId")?;
    Some(WantedRole::Rank(rank))
}
