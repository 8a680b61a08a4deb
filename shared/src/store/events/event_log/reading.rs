//! Reads the log: merges its shards, and ends a page where an entry may still appear.

use futures::future::try_join_all;

use super::{Head, LogEntry, LogHead, LogPage, LoggedItem};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::history::{LogPosition, LoggedEvent};
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::merge::{Merge, Next};
use crate::store::dynamo::schema::{self, Item, Key, LOG_SHARDS, names};

impl Store {
    /// At most `limit` events after a position; may lag behind the decisions, but leaves none out.
    pub async fn events_after(
        &self,
        prefix: WorkspacePrefix,
        after: u64,
        limit: usize,
        now: UnixMillis,
    ) -> Result<LogPage, ApiError> {
        let entries = self.log_entries(prefix, after, limit, now).await?;
        Ok(LogPage {
            events: self.logged(&entries).await?,
            reached: entries.last().map_or(after, LogEntry::position),
        })
    }

    /// At most `limit` entries after a position, up to the first one before which another may still
    /// appear.
    pub async fn log_entries(
        &self,
        prefix: WorkspacePrefix,
        after: u64,
        limit: usize,
        now: UnixMillis,
    ) -> Result<Vec<LogEntry>, ApiError> {
        let shards = usize::try_from(LOG_SHARDS).unwrap_or(1);
        // An equal share and one more, so that no shard runs out while all take turns.
        let share = limit.div_ceil(shards).saturating_add(1);
        let mut merge = Merge::new(shards);
        let mut starts: Vec<Option<Item>> = vec![None; shards];
        let (mut entries, mut reached) = (Vec::new(), after);
        while entries.len() < limit {
            match merge.next(LogEntry::position) {
                Next::Entry(_, entry) if entry.follows(reached, now) => {
                    reached = entry.log_position;
                    entries.push(entry);
                }
                Next::Entry(..) | Next::End => break,
                Next::Unread(unread) => {
                    let pages = unread.iter().map(|shard| {
                        let start = starts.get(*shard).cloned().flatten();
                        self.log_page(prefix, *shard, after, share, start)
                    });
                    let pages = try_join_all(pages).await?;
                    for (shard, (page, next)) in unread.into_iter().zip(pages) {
                        merge.add(shard, page, next.is_some());
                        if let Some(start) = starts.get_mut(shard) {
                            *start = next;
                        }
                    }
                }
            }
        }
        Ok(entries)
    }

    /// The events of these entries, without those deleted by now.
    pub async fn logged(&self, entries: &[LogEntry]) -> Result<Vec<LoggedEvent>, ApiError> {
        let keys = entries.iter().map(|LogEntry { pk, sk, .. }| Key {
            pk: pk.clone(),
            sk: sk.clone(),
        });
        let items = self.database.batch_get(keys, true).await?;
        let mut events = items
            .into_iter()
            .map(|item| LoggedItem::read(item).map(LoggedItem::event))
            .filter_map(Result::transpose)
            .collect::<Result<Vec<_>, _>>()?;
        events.sort_by_key(|event| event.position);
        Ok(events)
    }

    /// The entries after one position and up to another, for people who read the log backwards: what
    /// is missing may still appear, or was deleted. Eventually consistent.
    pub async fn log_between(
        &self,
        prefix: WorkspacePrefix,
        after: u64,
        upto: u64,
    ) -> Result<Vec<LogEntry>, ApiError> {
        let shards = (0..LOG_SHARDS).map(|shard| {
            let query = self
                .database
                .querying()
                .index_name(names::EVENTS)
                .key_condition_expression(
                    "log_shard = :shard AND log_position BETWEEN :first AND :last",
                )
                .expression_attribute_values(":shard", text(schema::log_shard(prefix, shard)))
                .expression_attribute_values(":first", number(after.saturating_add(1)))
                .expression_attribute_values(":last", number(upto));
            self.database.query_all(query)
        });
        let found = try_join_all(shards).await?.into_iter().flatten();
        let entries = found.map(items::read).collect::<Result<_, DatabaseError>>();
        let mut entries: Vec<LogEntry> = entries?;
        entries.sort_unstable_by_key(LogEntry::position);
        Ok(entries)
    }

    /// The last position of the log. Eventually consistent unless read `consistent`ly, at twice the
    /// cost.
    pub async fn log_head(
        &self,
        prefix: WorkspacePrefix,
        consistent: bool,
    ) -> Result<LogPosition, ApiError> {
        Ok(self.read_log_head(prefix, consistent).await?.last)
    }

    async fn read_log_head(
        &self,
        prefix: WorkspacePrefix,
        consistent: bool,
    ) -> Result<LogHead, ApiError> {
        let found = self
            .database
            .batch_get([Key::log_head(prefix)], consistent)
            .await?;
        let head = found.into_iter().next().map(items::read::<Head>);
        Ok(head.transpose()?.unwrap_or_default().into())
    }

    /// The last position of a log that has reached `position`; `None` if it has not.
    pub async fn log_head_from(
        &self,
        prefix: WorkspacePrefix,
        position: LogPosition,
    ) -> Result<Option<LogPosition>, ApiError> {
        let head = self.log_end(prefix, position).await?.last;
        Ok((head >= position).then_some(head))
    }

    /// The end of a log. One that seems to end before `position` is read again consistently.
    pub async fn log_end(
        &self,
        prefix: WorkspacePrefix,
        position: LogPosition,
    ) -> Result<LogHead, ApiError> {
        let head = self.read_log_head(prefix, false).await?;
        if head.last >= position {
            return Ok(head);
        }
        self.read_log_head(prefix, true).await
    }

    /// The event at a position, if it is still in the log; eventually consistent.
    pub async fn event_at(
        &self,
        prefix: WorkspacePrefix,
        position: u64,
    ) -> Result<Option<LoggedEvent>, ApiError> {
        let query = self
            .database
            .querying()
            .index_name(names::EVENTS)
            .key_condition_expression("log_shard = :shard AND log_position = :position")
            .expression_attribute_values(":shard", text(schema::log_shard_of(prefix, position)))
            .expression_attribute_values(":position", number(position));
        let (found, _) = self.database.query(query).await?;
        let Some(key) = found.first().and_then(Key::of) else {
            return Ok(None);
        };
        let item = self.database.get(key).await?;
        let item = item.map(LoggedItem::read).transpose()?;
        Ok(item.and_then(LoggedItem::event))
    }

    /// The position after which everything was logged at `since` or later: where a reader starts
    /// who wants the events from then on.
    pub async fn position_since(
        &self,
        prefix: WorkspacePrefix,
        since: UnixMillis,
    ) -> Result<u64, ApiError> {
        let (mut low, mut high) = (0, self.log_head(prefix, true).await?.position);
        // All up to `low` was logged before, all after `high` was not.
        while low < high {
            let middle = low.midpoint(high);
            match self.first_after(prefix, middle).await? {
                Some(entry) if entry.logged_at < since.millis() => low = entry.log_position,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    async fn first_after(
        &self,
        prefix: WorkspacePrefix,
        after: u64,
    ) -> Result<Option<LogEntry>, DatabaseError> {
        let shards = usize::try_from(LOG_SHARDS).unwrap_or(1);
        let pages = (0..shards).map(|shard| self.log_page(prefix, shard, after, 1, None));
        let mut merge = Merge::new(shards);
        for (shard, (page, next)) in try_join_all(pages).await?.into_iter().enumerate() {
            merge.add(shard, page, next.is_some());
        }
        Ok(match merge.next(LogEntry::position) {
            Next::Entry(_, entry) => Some(entry),
            Next::Unread(_) | Next::End => None,
        })
    }

    /// Some entries of a shard after a position, and where to continue if there are more.
    async fn log_page(
        &self,
        prefix: WorkspacePrefix,
        shard: usize,
        after: u64,
        limit: usize,
        start: Option<Item>,
    ) -> Result<(Vec<LogEntry>, Option<Item>), DatabaseError> {
        let shard = u64::try_from(shard).unwrap_or_default();
        let query = self
            .database
            .querying()
            .index_name(names::EVENTS)
            .key_condition_expression("log_shard = :shard AND log_position > :after")
            .expression_attribute_values(":shard", text(schema::log_shard(prefix, shard)))
            .expression_attribute_values(":after", number(after))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let (found, next) = self.database.query(query).await?;
        let entries = found.into_iter().map(items::read).collect::<Result<_, _>>();
        Ok((entries?, next))
    }
}
