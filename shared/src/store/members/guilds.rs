//! The Discord guilds that belong to workspaces, and members by their Discord accounts.

use serde::{Deserialize, Serialize};

use super::people::{MemberItem, RulesItem};
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::{DiscordId, Member, MemberId, PermissionRule};
use crate::store::Store;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::Key;

/// That a guild belongs to a workspace. It is stored twice: by the guild, and by the workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct GuildItem {
    pub workspace: String,
    pub linked: UnixSeconds,
}

impl Store {
    /// The workspace to which a guild belongs; strongly consistent.
    pub async fn workspace_of_guild(
        &self,
        guild: DiscordId,
    ) -> Result<Option<WorkspacePrefix>, ApiError> {
        let found = self.database.get(Key::guild(guild)).await?;
        let Some(GuildItem { workspace, .. }) = found.map(items::read).transpose()? else {
            return Ok(None);
        };
        let unreadable = |_| DatabaseError::Refused("a guild without a workspace".to_owned());
        Ok(Some(workspace.parse().map_err(unreadable)?))
    }

    /// A member who was not removed, and the rules of the workspace.
    pub async fn member_and_rules(
        &self,
        prefix: WorkspacePrefix,
        id: MemberId,
    ) -> Result<Option<(Member, Vec<PermissionRule>)>, ApiError> {
        let member_key = Key::member(prefix, id);
        let keys = [member_key.clone(), Key::permission_rules(prefix)];
        let (mut found, mut rules) = (None, RulesItem::default());
        for item in self.database.batch_get(keys, true).await? {
            if Key::of(&item).as_ref() == Some(&member_key) {
                found = Some(items::read::<MemberItem>(item)?.member);
            } else {
                rules = items::read(item)?;
            }
        }
        let found = found.filter(|member| member.removed.is_none());
        Ok(found.map(|member| (member, rules.rules)))
    }
}
