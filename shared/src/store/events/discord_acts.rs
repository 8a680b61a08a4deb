//! What happens in a guild is recorded once: the event and the note that it was recorded are one transaction.
//!
//! A change that the service makes itself is noted before as begun. So after a crash between the change at Discord
//! and its event, a repeat knows that a change that is there may be its own.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use crate::domain::activity::Activity;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::digest;
use crate::domain::discord::{GameCause, GuildBanChange};
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::DiscordId;
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, refused, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind};

/// For how many seconds a note is kept: longer than an interaction is retried, and than entries of an audit
/// log are read again.
const KEPT: u64 = 86_400;

/// How often a transaction is retried after a conflict.
const ROUNDS: u32 = 8;

/// What happens once in a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscordAct {
    /// The command in the interaction with this id.
    Command(DiscordId),
    /// The entry of an audit log with this id.
    AuditEntry(DiscordId),
    /// What a rule of this guild does because of a decision in game.
    Rule(DiscordId, GameCause),
}

/// How far an act has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActProgress {
    Begun,
    Recorded,
}

/// The note, among the used idempotency keys.
#[derive(Serialize, Deserialize)]
struct ActItem {
    digest: String,
    progress: ActProgress,
    ttl: UnixSeconds,
}

impl DiscordAct {
    fn key(self, prefix: WorkspacePrefix) -> Key {
        Key::request(prefix, &self.digest())
    }

    fn digest(self) -> String {
        match self {
            Self::Command(id) => digest::of(&["discord-command", &id.to_string()]),
            Self::AuditEntry(id) => digest::of(&["discord-audit-entry", &id.to_string()]),
            Self::Rule(guild, cause) => digest::of(&[
                "discord-rule",
                &guild.to_string(),
                &cause.ban.to_string(),
                &cause.decisions.to_string(),
                match cause.change {
                    GuildBanChange::Banned => "ban",
                    GuildBanChange::Unbanned => "unban",
                },
            ]),
        }
    }

    fn note(self, progress: ActProgress) -> ActItem {
        ActItem {
            digest: self.digest(),
            progress,
            ttl: UnixMillis::now().seconds().plus(KEPT),
        }
    }
}

impl Store {
    /// How far an act has come; none if it has not begun.
    pub async fn act_progress(
        &self,
        prefix: WorkspacePrefix,
        act: DiscordAct,
    ) -> Result<Option<ActProgress>, ApiError> {
        let found = self.database.get(act.key(prefix)).await?;
        let found = found.map(items::read::<ActItem>).transpose()?;
        Ok(found.map(|item| item.progress))
    }

    /// Notes that an act has begun.
    pub async fn begin_act(
        &self,
        prefix: WorkspacePrefix,
        act: DiscordAct,
    ) -> Result<(), ApiError> {
        let note = act.note(ActProgress::Begun);
        let item = items::write(act.key(prefix), StoredKind::Request, note)?;
        self.database.create(item).await?;
        Ok(())
    }

    /// Records an act; `false` if it was recorded before.
    pub async fn record_act(
        &self,
        prefix: WorkspacePrefix,
        act: DiscordAct,
        activity: &Activity,
    ) -> Result<bool, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let event = self.activity_write(prefix, activity).await?;
            let writes = vec![self.recorded(prefix, act)?, event];
            let written = self.database.transact(writes).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(true);
            }
            let (moment, id) = (activity.moment, activity.id.as_str());
            let event = Key::activity(prefix, activity.user, moment, id);
            if self.act_progress(prefix, act).await? == Some(ActProgress::Recorded)
                || self.database.get(event).await?.is_some()
            {
                return Ok(false);
            }
        }
    }

    fn recorded(
        &self,
        prefix: WorkspacePrefix,
        act: DiscordAct,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let note = act.note(ActProgress::Recorded);
        let item = items::write(act.key(prefix), StoredKind::Request, note)?;
        let put = Put::builder()
            .table_name(&self.database.tables().bans)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR progress = :begun")
            .expression_attribute_values(":begun", text("begun"))
            .build()
            .map_err(refused)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}
