//! Activities written straight to the store, as a route writes them.

use shared::domain::activity::{
    Activity, ActivityDetails, ActivityId, GroupRoleChange, RoleChangeMode, RoleSummary,
};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::UserId;

use crate::Workspace;

/// A change of a user's role in a group, or of no user's.
#[must_use]
pub fn role_change(user: Option<u64>) -> Activity {
    let role = |id: &str, name: &str, rank| RoleSummary {
        id: id.to_owned(),
        name: name.to_owned(),
        rank,
    };
    Activity {
        id: ActivityId::random(),
        moment: UnixMillis::now(),
        user: user.and_then(UserId::new),
        key_id: "5f2a9c01d7e4".to_owned(),
        channel: None,
        moderator: None,
        principal: None,
        reason: Some("promoted".to_owned()),
        details: ActivityDetails::GroupRoleChanged(GroupRoleChange {
            group_id: 7,
            mode: RoleChangeMode::Replace,
            role: role("99", "Officer", 50),
            previous: vec![role("98", "Member", 1)],
            roles: vec![role("99", "Officer", 50)],
        }),
    }
}

impl Workspace<'_> {
    /// Records an activity; `false` if it is recorded already.
    pub async fn record(&self, activity: &Activity) -> bool {
        let prefix = self.id().prefix();
        let recorded = self.app().store().record_activity(prefix, activity).await;
        recorded.expect("a recorded activity")
    }
}
