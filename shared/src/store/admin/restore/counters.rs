//! Moves the counters of a workspace past every value that may have been assigned.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::Restoring;
use super::log_again::LogState;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key, LOG_SHARDS, StoredKind, attributes, names};

/// How far a counter moves beyond the larger of both tables' values: more than can have been
/// assigned between the copy and now without a trace.
const GAP: u64 = 1_000_000;

/// The new values of a workspace's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Forwarded {
    /// The next ban gets a larger number.
    pub uid: Option<u64>,
    /// The next event gets a larger position.
    pub log_position: Option<u64>,
    /// The epoch of the log from now on.
    pub epoch: Option<u64>,
}

#[derive(Deserialize)]
struct Counter {
    #[serde(alias = "log_position")]
    value: u64,
    #[serde(default)]
    epoch: u64,
    #[serde(default)]
    restored_by: String,
    /// When the log began, in Unix milliseconds; older logs do not have it.
    #[serde(default)]
    began: u64,
}

impl Store {
    async fn counter(&self, key: Key) -> Result<Option<Counter>, DatabaseError> {
        let item = self.database.get(key).await?;
        item.map(items::read).transpose()
    }

    /// The largest position in the index of events.
    async fn last_logged(&self, prefix: WorkspacePrefix) -> Result<u64, DatabaseError> {
        let last = (0..LOG_SHARDS).map(|shard| async move {
            let query = self
                .database
                .querying()
                .index_name(names::EVENTS)
                .key_condition_expression("log_shard = :shard")
                .expression_attribute_values(":shard", text(schema::log_shard(prefix, shard)))
                .scan_index_forward(false)
                .limit(1);
            let (found, _) = self.database.query(query).await?;
            let position = found
                .first()
                .and_then(|item| item.get(attributes::LOG_POSITION));
            let position = position.and_then(|position| position.as_n().ok());
            Ok::<u64, DatabaseError>(position.and_then(|text| text.parse().ok()).unwrap_or(0))
        });
        let last: Vec<u64> = try_join_all(last).await?;
        Ok(last.into_iter().max().unwrap_or(0))
    }
}

impl Restoring {
    /// Compares the heads of a workspace's log in both tables.
    pub(super) async fn compare_heads(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<LogState, DatabaseError> {
        let head = Key::log_head(prefix);
        let copied = self.copy.counter(head.clone()).await?;
        let live = self.live.counter(head).await?;
        let Some(copied) = copied else {
            return Ok(LogState::default());
        };
        let restarted = live.as_ref().map(|live| live.began);
        let restarted = restarted.filter(|began| *began > copied.began);
        let has_fallen = live.is_none_or(|live| live.value < copied.value);
        Ok(LogState {
            copied: copied.value,
            is_lost: has_fallen || restarted.is_some(),
            restarted,
        })
    }

    /// Moves the counters of a workspace past every value that either table knows, begins a new epoch
    /// of its log, and has its snapshot built again. Takes effect once, however often it is called. `largest_uid` is the
    /// largest number of a ban in the users' records.
    pub async fn forward(
        &self,
        prefix: WorkspacePrefix,
        largest_uid: u64,
    ) -> Result<Forwarded, ApiError> {
        let uid = self.forward_uid(prefix, largest_uid).await?;
        let (log_position, epoch) = self.forward_log(prefix).await?.unzip();
        if !self.is_preview {
            self.live.reset_snapshot(prefix).await?;
        }
        Ok(Forwarded {
            uid,
            log_position,
            epoch,
        })
    }

    async fn forward_uid(
        &self,
        prefix: WorkspacePrefix,
        largest: u64,
    ) -> Result<Option<u64>, DatabaseError> {
        let key = Key::uid_counter(prefix);
        let copied = self.copy.counter(key.clone()).await?;
        let live = self.live.counter(key.clone()).await?;
        let given = [&live, &copied].into_iter().flatten();
        let Some(given) = given.map(|counter| counter.value).max() else {
            return Ok(None);
        };
        if let Some(live) = live.filter(|live| live.restored_by == self.name) {
            return Ok(Some(live.value));
        }
        let next = given.max(largest).saturating_add(GAP);
        // The workspace whose numbers an import keeps stays as in the live table.
        let update = self
            .live
            .database
            .updating(key)
            .update_expression("SET kind = :kind, #value = :next, restored_by = :run")
            .expression_attribute_names("#value", attributes::VALUE)
            .expression_attribute_values(":kind", text(StoredKind::Counter));
        self.move_to(update, next).await?;
        Ok(Some(next))
    }

    async fn forward_log(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Option<(u64, u64)>, DatabaseError> {
        let key = Key::log_head(prefix);
        let copied = self.copy.counter(key.clone()).await?;
        let live = self.live.counter(key.clone()).await?;
        let given = [&live, &copied].into_iter().flatten();
        let Some(given) = given.map(|head| head.value).max() else {
            return Ok(None);
        };
        let heads = [&live, &copied].into_iter().flatten();
        let epoch = heads.map(|head| head.epoch).max().unwrap_or(0);
        if let Some(live) = live.as_ref().filter(|live| live.restored_by == self.name) {
            return Ok(Some((live.value, live.epoch)));
        }
        let epoch = epoch.saturating_add(1);
        let logged = self.live.last_logged(prefix).await?;
        let next = given.max(logged).saturating_add(GAP);
        // The log is the copy's again, so that another restore does not consider it lost.
        let began = [&copied, &live].into_iter().flatten().next();
        let began = began.map_or(0, |head| head.began);
        let update = self
            .live
            .database
            .updating(key)
            .update_expression(
                "SET kind = :kind, log_position = :next, epoch = :epoch, began = :began, \
                 restored_by = :run",
            )
            .expression_attribute_values(":kind", text(StoredKind::Log))
            .expression_attribute_values(":epoch", number(epoch))
            .expression_attribute_values(":began", number(began));
        self.move_to(update, next).await?;
        Ok(Some((next, epoch)))
    }

    async fn move_to(
        &self,
        update: UpdateItemFluentBuilder,
        next: u64,
    ) -> Result<(), DatabaseError> {
        if self.is_preview {
            return Ok(());
        }
        let update = update
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":run", text(&self.name));
        self.live.database.update(update).await.map(|_| ())
    }
}
