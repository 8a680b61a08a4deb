//! Turns the watch over a guild on and off.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};

use crate::domain::clock::UnixMillis;
use crate::domain::discord::{GuildRule, GuildWatch};
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::DiscordId;
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, refused};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind};
use crate::store::dynamo::versions::{self, EXISTS};
use crate::store::members::guild_watches::GuildWatchItem;

/// How often turning a rule is retried after a conflict with a run.
const ROUNDS: u32 = 8;

impl Store {
    /// Watches a guild from now on; `false` if it does not belong to the workspace. One that is watched
    /// already stays so.
    pub async fn watch_guild(
        &self,
        prefix: WorkspacePrefix,
        guild: DiscordId,
        now: UnixMillis,
    ) -> Result<bool, ApiError> {
        let (key, linked) = (
            Key::guild_watch(prefix, guild),
            Key::guild_of(prefix, guild),
        );
        let table = self.database.table_of(&key).to_owned();
        let item = GuildWatchItem::starting(GuildWatch::starting(now));
        let item = items::write(key.clone(), StoredKind::GuildWatch, item)?;
        let check = ConditionCheck::builder()
            .table_name(&table)
            .set_key(Some(linked.item()))
            .condition_expression(EXISTS)
            .build()
            .map_err(refused)?;
        let check = TransactWriteItem::builder().condition_check(check).build();
        let writes = vec![versions::put_new(&table, item)?, check];
        match self.database.transact(writes).await {
            Ok(()) => Ok(true),
            Err(DatabaseError::Conflict) => Ok(self.database.get(key).await?.is_some()),
            Err(error) => Err(error.into()),
        }
    }

    /// Turns a rule of a watched guild on, for what happens from now on, or off; `false` if the guild is not
    /// watched.
    pub async fn turn_guild_rule(
        &self,
        prefix: WorkspacePrefix,
        guild: DiscordId,
        rule: GuildRule,
        on: bool,
    ) -> Result<bool, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let watched = self.watched_guilds_of(prefix).await?;
            let Some(watched) = watched.into_iter().find(|it| it.guild == guild) else {
                return Ok(false);
            };
            let head = if on {
                Some(self.log_head(prefix, true).await?)
            } else {
                None
            };
            let mut watch = watched.watch.clone();
            watch.rules.turn(rule, head);
            let written = if self.save_watch(&watched, watch).await? {
                Ok(())
            } else {
                Err(DatabaseError::Conflict)
            };
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(true);
            }
        }
    }

    /// Ends the watch over a guild, and its rules; `false` if there is none.
    pub async fn stop_watching(
        &self,
        prefix: WorkspacePrefix,
        guild: DiscordId,
    ) -> Result<bool, ApiError> {
        let key = Key::guild_watch(prefix, guild);
        Ok(self.database.delete_existing(key).await?)
    }
}
