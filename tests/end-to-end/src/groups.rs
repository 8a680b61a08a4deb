//! Roblox groups in which a workspace may change ranks.

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::GroupId;
use shared::domain::rules::group_roles::{RoleMode, RolePolicy};
use shared::store::{AllowedGroup, GroupSettings};

use crate::workspace::{Workspace, now};

impl Workspace<'_> {
    /// Allows changes of ranks below 200 in a group, with the key of a secret.
    pub async fn allow_group(
        &self,
        group: u64,
        secret: &str,
        change: impl FnOnce(&mut GroupSettings),
    ) {
        let mut settings = GroupSettings {
            secret: secret.to_owned(),
            owner: None,
            policy: RolePolicy {
                ceiling: RolePolicy::CEILING,
                mode: RoleMode::Replace,
                ranks: Vec::new(),
            },
            created: UnixSeconds(now()),
        };
        change(&mut settings);
        let allowed = AllowedGroup {
            group: GroupId::new(group).expect("a group"),
            settings,
        };
        let prefix = self.id().prefix();
        let allowing = self.app().store().allow_group(prefix, &allowed).await;
        allowing.expect("an allowed group");
    }
}
