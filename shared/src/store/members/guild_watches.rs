//! The guilds whose audit logs are watched.

use serde::{Deserialize, Serialize};

use crate::domain::discord::GuildWatch;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::DiscordId;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind};
use crate::store::dynamo::versions;

/// A guild that is watched, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedGuild {
    pub workspace: WorkspacePrefix,
    pub guild: DiscordId,
    pub watch: GuildWatch,
    version: u64,
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct GuildWatchItem {
    pub version: u64,
    #[serde(flatten)]
    pub watch: GuildWatch,
}

impl WatchedGuild {
    fn read(item: Item) -> Result<Self, DatabaseError> {
        let key = Key::of(&item);
        let named = key.as_ref().and_then(|key| key.sk.split_once('#'));
        let parsed =
            named.and_then(|(prefix, guild)| Some((prefix.parse().ok()?, guild.parse().ok()?)));
        let unnamed = || DatabaseError::Refused("a watch without a guild".to_owned());
        let (workspace, guild) = parsed.ok_or_else(unnamed)?;
        let GuildWatchItem { version, watch } = items::read(item)?;
        Ok(Self {
            workspace,
            guild,
            watch,
            version,
        })
    }
}

impl Store {
    /// The watched guilds of all workspaces.
    pub async fn watched_guilds(&self) -> Result<Vec<WatchedGuild>, ApiError> {
        self.watched_below("").await
    }

    /// The watched guilds of a workspace.
    pub async fn watched_guilds_of(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Vec<WatchedGuild>, ApiError> {
        self.watched_below(&format!("{prefix}#")).await
    }

    async fn watched_below(&self, prefix: &str) -> Result<Vec<WatchedGuild>, ApiError> {
        // A run over all may be a moment behind.
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(!prefix.is_empty());
        let query = if prefix.is_empty() {
            query.key_condition_expression("pk = :all")
        } else {
            query
                .key_condition_expression("pk = :all AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix))
        };
        let query = query.expression_attribute_values(":all", text(schema::GUILD_WATCHES));
        let found = self.database.query_all(query).await?;
        let watched = found.into_iter().map(WatchedGuild::read);
        Ok(watched.collect::<Result<_, DatabaseError>>()?)
    }

    /// Stores what has become of a watch; `false` if it has ended or changed since it was read.
    pub async fn save_watch(
        &self,
        read: &WatchedGuild,
        watch: GuildWatch,
    ) -> Result<bool, ApiError> {
        let item = GuildWatchItem {
            version: versions::next_version(Some(read.version)),
            watch,
        };
        let key = Key::guild_watch(read.workspace, read.guild);
        let item = items::write(key, StoredKind::GuildWatch, item)?;
        let put = self.database.putting(item)?;
        let put = put
            .condition_expression(versions::IS_VERSION)
            .expression_attribute_values(":version", number(read.version));
        Ok(self.database.put_if(put).await?)
    }
}

impl GuildWatchItem {
    #[cfg(feature = "admin")]
    pub fn starting(watch: GuildWatch) -> Self {
        Self {
            version: versions::next_version(None),
            watch,
        }
    }
}
