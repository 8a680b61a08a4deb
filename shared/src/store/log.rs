//! The log of events: the history of all users of a workspace, in one order.
//!
//! A decision becomes an event when the function behind the table's stream stamps it with the next
//! position of its workspace. Positions are 1, 2, 3 … without gaps, since they are given in
//! transactions with the one item that counts them; and the stream hands on what was written about a
//! user in the order in which it was written. The history itself is the log: whoever is forgotten, or
//! whose history has been kept long enough, leaves both at once, and only that makes gaps.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::Store;
use super::database::{BATCH_KEYS, DatabaseError, number, refused, text};
use super::history::{DecisionItem, PastDecision};
use super::items;
use super::schema::{self, Item, Key, LOG_SHARDS, names};
use crate::clock::Moment;
use crate::error::ApiError;
use crate::ids::WorkspaceTag;

/// How often an entry is logged anew because another batch was faster.
const ROUNDS: u32 = 20;

/// For how many milliseconds an entry that is missing before a newer one may still appear: the index
/// trails the table, and not by the same time for each entry. After that it has been deleted.
const TRAILS: u64 = 60_000;

/// How many entries are logged in one transaction: with the head, what one read takes.
pub const LOGGED_AT_ONCE: usize = BATCH_KEYS - 2;

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its place in the workspace's log, from 1.
    pub position: u64,
    /// When it was logged.
    pub logged: Moment,
    /// What was decided, or ran out.
    pub decision: PastDecision,
}

/// A part of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The events, in order.
    pub events: Vec<LoggedEvent>,
    /// The position up to which the log has been read.
    pub reached: u64,
}

#[derive(Deserialize)]
struct LoggedItem {
    #[serde(flatten)]
    decision: DecisionItem,
    #[serde(default)]
    log_position: Option<u64>,
    #[serde(default)]
    logged_at: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    pk: String,
    sk: String,
    log_position: u64,
    logged_at: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct Head {
    log_position: u64,
}

impl LoggedItem {
    fn event(self) -> Option<LoggedEvent> {
        Some(LoggedEvent {
            position: self.log_position?,
            logged: Moment::from_millis(self.logged_at?),
            decision: self.decision.into(),
        })
    }
}

impl Store {
    /// Logs what has these keys, in their order, and gives the events that they are. What is in the
    /// log already keeps its place; what is gone is left out. At most [`LOGGED_AT_ONCE`] keys.
    pub async fn log(&self, tag: WorkspaceTag, keys: &[Key]) -> Result<Vec<LoggedEvent>, ApiError> {
        for round in 0..ROUNDS {
            let head_key = Key::log_head(tag);
            let wanted = keys.iter().cloned().chain([head_key.clone()]);
            let found = self.database.batch_get(wanted, true).await?;
            let mut found: HashMap<_, _> = found
                .into_iter()
                .filter_map(|item| Key::of(&item).map(|key| ((key.pk, key.sk), item)))
                .collect();
            let head = found.remove(&(head_key.pk, head_key.sk));
            let head = head.map(items::read::<Head>).transpose()?;
            let (writes, events) = self.logging(tag, keys, head, &mut found)?;
            if writes.is_empty() {
                return Ok(events);
            }
            match self.database.transact(writes).await {
                Ok(()) => return Ok(events),
                Err(DatabaseError::Conflict) => {
                    self.database.meter().overtaken();
                    self.database.pause(round).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(DatabaseError::Conflict.into())
    }

    fn logging(
        &self,
        tag: WorkspaceTag,
        keys: &[Key],
        head: Option<Head>,
        found: &mut HashMap<(String, String), Item>,
    ) -> Result<(Vec<TransactWriteItem>, Vec<LoggedEvent>), DatabaseError> {
        let table = &self.database.tables().bans;
        let now = Moment::now();
        let is_first = head.is_none();
        let before = head.unwrap_or_default().log_position;
        let mut position = before;
        let (mut writes, mut events) = (Vec::new(), Vec::new());
        for key in keys {
            let Some(item) = found.remove(&(key.pk.clone(), key.sk.clone())) else {
                continue;
            };
            let mut item = items::read::<LoggedItem>(item)?;
            if item.log_position.is_none() {
                position = position.saturating_add(1);
                (item.log_position, item.logged_at) = (Some(position), Some(now.millis()));
                writes.push(stamp(table, tag, key, position, now)?);
            }
            events.extend(item.event());
        }
        if !writes.is_empty() {
            let head = Head {
                log_position: position,
            };
            let put = items::write(Key::log_head(tag), "log", head)?;
            let put = Put::builder().table_name(table).set_item(Some(put));
            let put = if is_first {
                put.condition_expression("attribute_not_exists(pk)")
            } else {
                put.condition_expression("log_position = :before")
                    .expression_attribute_values(":before", number(before))
            };
            let put = put.build().map_err(refused)?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        Ok((writes, events))
    }

    /// The events after a position, at most so many; may trail the decisions by some moments, but
    /// leaves none of them out.
    pub async fn events_after(
        &self,
        tag: WorkspaceTag,
        after: u64,
        limit: usize,
        now: Moment,
    ) -> Result<LogPage, ApiError> {
        let of_each = limit.div_ceil(usize::try_from(LOG_SHARDS).unwrap_or(1));
        let pages = (0..LOG_SHARDS).map(|shard| self.log_page(tag, shard, after, of_each));
        let mut entries: Vec<_> = try_join_all(pages).await?.into_iter().flatten().collect();
        entries.sort_by_key(|entry| entry.log_position);
        let (reached, entries) = without_holes(after, entries, limit, now);
        let keys: Vec<_> = entries
            .iter()
            .map(|Entry { pk, sk, .. }| Key {
                pk: pk.clone(),
                sk: sk.clone(),
            })
            .collect();
        let batches = keys
            .chunks(BATCH_KEYS)
            .map(|batch| self.database.batch_get(batch.iter().cloned(), true));
        let items = try_join_all(batches).await?.into_iter().flatten();
        let mut events = items
            .map(|item| items::read::<LoggedItem>(item).map(LoggedItem::event))
            .filter_map(Result::transpose)
            .collect::<Result<Vec<_>, _>>()?;
        events.sort_by_key(|event| event.position);
        Ok(LogPage { events, reached })
    }

    /// The event at a position, if the log still has it; may trail.
    pub async fn event_at(
        &self,
        tag: WorkspaceTag,
        position: u64,
    ) -> Result<Option<LoggedEvent>, ApiError> {
        let query = self
            .database
            .querying()
            .index_name(names::EVENTS)
            .key_condition_expression("log_shard = :shard AND log_position = :position")
            .expression_attribute_values(":shard", text(schema::log_shard_of(tag, position)))
            .expression_attribute_values(":position", number(position));
        let (found, _) = self.database.query(query).await?;
        let Some(key) = found.first().and_then(Key::of) else {
            return Ok(None);
        };
        let item = self.database.get(key).await?;
        let item = item.map(items::read::<LoggedItem>).transpose()?;
        Ok(item.and_then(LoggedItem::event))
    }

    /// The position after which everything was logged at `since` or later: where a reader begins
    /// who wants the events from then on.
    pub async fn position_since(&self, tag: WorkspaceTag, since: Moment) -> Result<u64, ApiError> {
        let head = self.database.get(Key::log_head(tag)).await?;
        let head = head.map(items::read::<Head>).transpose()?;
        let (mut low, mut high) = (0, head.unwrap_or_default().log_position);
        // All up to `low` was logged before, all after `high` is not.
        while low < high {
            let middle = low.midpoint(high);
            let shards = (0..LOG_SHARDS).map(|shard| self.log_page(tag, shard, middle, 1));
            let next = try_join_all(shards).await?.into_iter().flatten();
            match next.min_by_key(|entry| entry.log_position) {
                Some(entry) if entry.logged_at < since.millis() => low = entry.log_position,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    async fn log_page(
        &self,
        tag: WorkspaceTag,
        shard: u64,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        let query = self
            .database
            .querying()
            .index_name(names::EVENTS)
            .key_condition_expression("log_shard = :shard AND log_position > :after")
            .expression_attribute_values(":shard", text(schema::log_shard(tag, shard)))
            .expression_attribute_values(":after", number(after))
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX));
        let (found, _) = self.database.query(query).await?;
        found.into_iter().map(items::read).collect()
    }
}

/// The entries after a position up to the first one that may yet appear before another, and the
/// position that they reach.
fn without_holes(after: u64, entries: Vec<Entry>, limit: usize, now: Moment) -> (u64, Vec<Entry>) {
    let (mut reached, mut kept) = (after, Vec::new());
    for entry in entries {
        let is_next = entry.log_position == reached.saturating_add(1);
        let may_appear = now.millis() < entry.logged_at.saturating_add(TRAILS);
        if kept.len() == limit || (!is_next && may_appear) {
            break;
        }
        reached = entry.log_position;
        kept.push(entry);
    }
    (reached, kept)
}

/// Gives an entry its position.
fn stamp(
    table: &str,
    tag: WorkspaceTag,
    key: &Key,
    position: u64,
    now: Moment,
) -> Result<TransactWriteItem, DatabaseError> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(key.clone().item()))
        .update_expression("SET log_shard = :shard, log_position = :position, logged_at = :now")
        .condition_expression("attribute_exists(pk) AND attribute_not_exists(log_position)")
        .expression_attribute_values(":shard", text(schema::log_shard_of(tag, position)))
        .expression_attribute_values(":position", number(position))
        .expression_attribute_values(":now", AttributeValue::N(now.millis().to_string()));
    Ok(TransactWriteItem::builder()
        .update(update.build().map_err(refused)?)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(after: u64, entries: &[(u64, u64)], limit: usize, now: u64) -> (u64, Vec<u64>) {
        let entries = entries.iter().map(|(position, logged)| Entry {
            pk: String::new(),
            sk: String::new(),
            log_position: *position,
            logged_at: *logged,
        });
        let now = Moment::from_millis(now);
        let (reached, kept) = without_holes(after, entries.collect(), limit, now);
        let kept = kept.iter().map(|entry| entry.log_position).collect();
        (reached, kept)
    }

    #[test]
    fn a_page_ends_before_an_entry_that_may_yet_appear() {
        assert_eq!(read(0, &[(1, 0), (2, 0), (4, 0)], 9, 1), (2, vec![1, 2]));
        assert_eq!(read(2, &[(4, 0)], 9, 1), (2, vec![]));
    }

    #[test]
    fn an_entry_that_was_deleted_long_ago_is_passed_over() {
        let entries = [(1, 0), (4, 0), (5, 0)];
        assert_eq!(read(0, &entries, 9, TRAILS), (5, vec![1, 4, 5]));
        assert_eq!(read(1, &[], 9, TRAILS), (1, vec![]));
    }

    #[test]
    fn a_page_holds_no_more_than_was_asked_for() {
        assert_eq!(read(0, &[(1, 0), (2, 0), (3, 0)], 2, 0), (2, vec![1, 2]));
    }
}
