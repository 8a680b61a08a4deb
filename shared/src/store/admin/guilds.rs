//! Links Discord guilds to workspaces.

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::DiscordId;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key, StoredKind};
use crate::store::dynamo::versions;
use crate::store::members::guilds::GuildItem;

/// The guild belongs to another workspace: unlink it there first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the guild belongs to another workspace")]
pub struct GuildConflict;

impl Store {
    /// Links a guild to a workspace. Linked to the same one already, it stays so.
    pub async fn link_guild(
        &self,
        prefix: WorkspacePrefix,
        guild: DiscordId,
        now: UnixSeconds,
    ) -> Result<Result<(), GuildConflict>, ApiError> {
        let of_guild = Key::guild(guild);
        let table = self.database.table_of(&of_guild).to_owned();
        let writes = [of_guild, Key::guild_of(prefix, guild)].map(|key| {
            let item = GuildItem {
                workspace: prefix.to_string(),
                linked: now,
            };
            versions::put_new(&table, items::write(key, StoredKind::Guild, item)?)
        });
        let writes = writes.into_iter().collect::<Result<_, _>>()?;
        match self.database.transact(writes).await {
            Ok(()) => Ok(Ok(())),
            Err(DatabaseError::Conflict) => {
                let is_own = self.workspace_of_guild(guild).await? == Some(prefix);
                Ok(if is_own { Ok(()) } else { Err(GuildConflict) })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the link of a guild, and the watch over it; `false` if it does not belong to the workspace.
    pub async fn unlink_guild(
        &self,
        prefix: WorkspacePrefix,
        guild: DiscordId,
    ) -> Result<bool, ApiError> {
        if self.workspace_of_guild(guild).await? != Some(prefix) {
            return Ok(false);
        }
        let removals = [
            Key::guild(guild),
            Key::guild_of(prefix, guild),
            Key::guild_watch(prefix, guild),
        ];
        let removals = removals.map(|key| self.removal(key)).into_iter();
        let removals = removals.collect::<Result<_, _>>()?;
        self.database.transact(removals).await?;
        Ok(true)
    }

    /// The guilds of a workspace.
    pub async fn guilds(&self, prefix: WorkspacePrefix) -> Result<Vec<DiscordId>, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :members AND begins_with(sk, :guild)")
            .projection_expression("pk, sk")
            .expression_attribute_values(":members", text(schema::members_partition(prefix)))
            .expression_attribute_values(":guild", text(schema::GUILD_PREFIX));
        let found = self.database.query_all(query).await?;
        let keys = found.iter().filter_map(Key::of);
        Ok(keys
            .filter_map(|key| key.sk.strip_prefix(schema::GUILD_PREFIX)?.parse().ok())
            .collect())
    }
}
