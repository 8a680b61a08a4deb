//! Members, the rules that give them permissions, and the reasons that they may choose from.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::clock::Reading;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::{
    BasisCheck, DiscordId, Member, MemberId, PermissionRule, ReasonPresets,
};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key};

/// How long a warm function uses a workspace's presets without reading them again.
const CACHE_TTL: Duration = Duration::from_mins(1);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct MemberItem {
    pub version: u64,
    #[serde(flatten)]
    pub member: Member,
}

/// The rules of a workspace.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::store) struct RulesItem {
    pub version: u64,
    pub rules: Vec<PermissionRule>,
}

impl Store {
    /// All members of a workspace, removed ones too, by name; strongly consistent.
    pub async fn members(&self, prefix: WorkspacePrefix) -> Result<Vec<Member>, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :members AND begins_with(sk, :member)")
            .expression_attribute_values(":members", text(schema::members_partition(prefix)))
            .expression_attribute_values(":member", text(schema::MEMBER_PREFIX));
        let found = self.database.query_all(query).await?;
        let mut members = found
            .into_iter()
            .map(|item| Ok(items::read::<MemberItem>(item)?.member))
            .collect::<Result<Vec<_>, DatabaseError>>()?;
        members.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(members)
    }

    pub async fn member(
        &self,
        prefix: WorkspacePrefix,
        id: MemberId,
    ) -> Result<Option<Member>, ApiError> {
        let found = self.database.get(Key::member(prefix, id)).await?;
        let item = found.map(items::read::<MemberItem>).transpose()?;
        Ok(item.map(|item| item.member))
    }

    /// Whether an administrator has removed a Discord user from a workspace.
    pub async fn was_removed(
        &self,
        prefix: WorkspacePrefix,
        discord: DiscordId,
    ) -> Result<bool, ApiError> {
        let members = self.members(prefix).await?;
        let mut removed = members.iter().filter(|member| member.removed.is_some());
        Ok(removed.any(|member| member.discord == Some(discord)))
    }

    /// The workspaces of which a Discord user is a member.
    pub async fn memberships(
        &self,
        discord: DiscordId,
    ) -> Result<Vec<(WorkspacePrefix, MemberId)>, ApiError> {
        #[derive(Deserialize)]
        struct Membership {
            sk: String,
            member: MemberId,
        }
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :discord")
            .expression_attribute_values(":discord", text(schema::memberships_of(discord)));
        let found = self.database.query_all(query).await?;
        let read = |item| {
            let Membership { sk, member } = items::read(item)?;
            let unreadable = |_| DatabaseError::Refused("a membership without a workspace".into());
            Ok((sk.parse().map_err(unreadable)?, member))
        };
        let read: Result<_, DatabaseError> = found.into_iter().map(read).collect();
        Ok(read?)
    }

    pub async fn permission_rules(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Vec<PermissionRule>, ApiError> {
        let found = self.database.get(Key::permission_rules(prefix)).await?;
        let item = found.map(items::read::<RulesItem>).transpose()?;
        Ok(item.unwrap_or_default().rules)
    }

    /// The reasons that a workspace offers, from the cache (60 s) or the table.
    pub async fn reason_presets(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Arc<ReasonPresets>, ApiError> {
        if let Some(known) = self.caches.presets.get(&prefix, |_| CACHE_TTL) {
            return Ok(known);
        }
        let looked_up = Reading::now();
        let found = self.database.get(Key::reason_presets(prefix)).await?;
        let presets = found.map(items::read::<ReasonPresets>).transpose()?;
        let presets = Arc::new(presets.unwrap_or_default());
        self.caches
            .presets
            .put(prefix, Arc::clone(&presets), looked_up);
        Ok(presets)
    }

    /// Records what Discord said about a member. A later change of the member wins.
    pub async fn record_basis_checks(
        &self,
        prefix: WorkspacePrefix,
        member: MemberId,
        checked: &[BasisCheck],
    ) -> Result<(), ApiError> {
        let update = self
            .database
            .updating(Key::member(prefix, member))
            .update_expression("SET checked = :checked")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":checked", items::attribute(checked)?);
        self.database.update_if(update).await?;
        Ok(())
    }

    /// The rules of the workspaces in which a Discord account alone may give permissions.
    pub async fn discord_rules(
        &self,
    ) -> Result<Vec<(WorkspacePrefix, Vec<PermissionRule>)>, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :rules")
            .expression_attribute_values(":rules", text(schema::DISCORD_RULES));
        let found = self.database.query_all(query).await?;
        let listed = found.iter().filter_map(Key::of);
        let prefixes: Vec<WorkspacePrefix> = listed.filter_map(|key| key.sk.parse().ok()).collect();
        let keys = prefixes.iter().map(|prefix| Key::permission_rules(*prefix));
        let mut rules = Vec::new();
        for item in self.database.batch_get(keys, true).await? {
            let key = Key::of(&item);
            let is_its =
                |prefix: &&WorkspacePrefix| key.as_ref() == Some(&Key::permission_rules(**prefix));
            if let Some(prefix) = prefixes.iter().find(is_its) {
                rules.push((*prefix, items::read::<RulesItem>(item)?.rules));
            }
        }
        Ok(rules)
    }
}
