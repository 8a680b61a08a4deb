//! Records a change in the event log and the user's history.

use shared::api::auth::{Caller, WriteGroups};
use shared::domain::activity::{
    Activity, ActivityDetails, ActivityId, GroupRoleChange, RoleSummary,
};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;
use shared::domain::rules::group_roles::GroupRole;
use shared::store::Store;

use crate::apply::AppliedChange;
use crate::request::RoleRequest;

/// What a call changed, as its event.
pub fn activity(
    caller: &Caller<WriteGroups>,
    request: RoleRequest,
    applied: &AppliedChange,
) -> Activity {
    let change = GroupRoleChange {
        group_id: request.group.get(),
        mode: applied.mode.into(),
        role: RoleSummary::from(&applied.role),
        previous: summaries(&applied.previous),
        roles: summaries(&applied.held),
    };
    Activity {
        id: ActivityId::random(),
        moment: UnixMillis::now(),
        user: Some(request.user),
        key_id: caller.key_id().to_owned(),
        channel: Some(caller.channel()),
        moderator: request.moderator,
        principal: None,
        reason: request.reason,
        details: ActivityDetails::GroupRoleChanged(change),
    }
}

pub fn summaries(roles: &[GroupRole]) -> Vec<RoleSummary> {
    roles.iter().map(RoleSummary::from).collect()
}

/// Records a change that Roblox has made, in as many attempts as there is time for: a repeat of the
/// call would find nothing to change, and so record nothing.
pub async fn record(
    prefix: WorkspacePrefix,
    activity: &Activity,
    store: &Store,
) -> Result<(), ApiError> {
    let recorded = store.record_activity_with_retry(prefix, activity).await;
    recorded.map_err(|error| match error {
        ApiError::Unavailable(why) => {
            let lost = "the change was made at Roblox, but is not recorded";
            ApiError::Unavailable(format!("{lost}: {why}"))
        }
        error => error,
    })
}
