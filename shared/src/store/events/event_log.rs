//! The event log: the history of all users of a workspace, and its activities, in one order.
//!
//! An entry becomes an event when the stream's function assigns it the next position of its
//! workspace. Positions are 1, 2, 3 … without gaps, because they are assigned in transactions with
//! the one item that counts them; and the stream passes on a user's writes in order. The history
//! itself is the log: erasing a user, or the end of a history's retention, removes entries from
//! both at once, and only that makes gaps.

mod changes;
mod reading;
mod unlogged;

pub use changes::Changes;
pub(in crate::store) use unlogged::LastTick;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use serde::Deserialize;

use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::history::{LogEvent, LogPosition, LoggedEvent};
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, TRANSACTION_ACTIONS, number, refused, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind};
use crate::store::events::activities::{self, ActivityItem};
use crate::store::lists::history::DecisionItem;

/// How often logging an entry is retried after a conflict with another batch.
const ROUNDS: u32 = 20;

/// For how many milliseconds an entry that is missing before a newer one may still appear: the
/// index is eventually consistent, with a different delay for each entry. After that, it was
/// deleted.
const TRAILS: u64 = 60_000;

/// How many entries are logged in one transaction; one more action is for the head.
pub const LOGGED_AT_ONCE: usize = TRANSACTION_ACTIONS - 2;

/// A page of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    pub events: Vec<LoggedEvent>,
    /// The position up to which the log has been read.
    pub reached: u64,
}

/// An entry, with what logging it adds.
#[derive(Deserialize)]
struct Stamped<T> {
    #[serde(flatten)]
    entry: T,
    #[serde(default)]
    log_position: Option<u64>,
    #[serde(default)]
    logged_at: Option<u64>,
    #[serde(default)]
    repeated: bool,
}

/// The position of an event, and its key.
#[derive(Clone, Debug, Deserialize)]
pub struct LogEntry {
    pk: String,
    sk: String,
    log_position: u64,
    logged_at: u64,
}

impl LogEntry {
    /// Its position in the workspace's log, from 1.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.log_position
    }

    /// The user about whom it records a decision or an expiry; `None` for an activity.
    fn decided_user(&self) -> Option<UserId> {
        let key = Key {
            pk: self.pk.clone(),
            sk: self.sk.clone(),
        };
        key.user().filter(|_| schema::is_past(&key))
    }

    /// Whether nothing can appear any more between `reached` and this entry: it is the next, or was
    /// logged so long ago that what is missing before it has been deleted.
    const fn follows(&self, reached: u64, now: UnixMillis) -> bool {
        self.log_position == reached.saturating_add(1)
            || now.millis() >= self.logged_at.saturating_add(TRAILS)
    }
}

/// The item that counts the positions. It also has `began`, the time of its creation, by which a
/// restore detects that a log was lost and started over.
#[derive(Clone, Copy, Default, Deserialize)]
struct Head {
    log_position: u64,
    #[serde(default)]
    epoch: u64,
    /// When the position last changed; versions before 0.3.0 did not record it.
    moved: Option<u64>,
    /// The time of the oldest entry that could not be logged, in Unix milliseconds.
    unlogged_since: Option<u64>,
}

/// The end of a workspace's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogHead {
    /// The last position that is assigned.
    pub last: LogPosition,
    /// When it was assigned, if that is recorded.
    moved: Option<UnixMillis>,
    /// The time of the oldest entry that could not be logged, until it is.
    pub unlogged_since: Option<UnixMillis>,
}

impl LogHead {
    /// Whether every entry appears in the index by now. What is missing has been deleted.
    #[must_use]
    pub fn is_settled(&self, now: UnixMillis) -> bool {
        self.moved
            .is_some_and(|moved| now.millis() >= moved.millis().saturating_add(TRAILS))
    }
}

impl From<Head> for LogHead {
    fn from(head: Head) -> Self {
        Self {
            last: LogPosition {
                epoch: head.epoch,
                position: head.log_position,
            },
            moved: head.moved.map(UnixMillis::from_millis),
            unlogged_since: head.unlogged_since.map(UnixMillis::from_millis),
        }
    }
}

/// An activity of which this version only knows its place in the log.
#[derive(Deserialize)]
struct LaterActivity {}

struct LoggedItem {
    /// `None` for an activity that only a later version knows. It keeps its place in the log.
    entry: Option<LogEvent>,
    log_position: Option<u64>,
    logged_at: Option<u64>,
    repeated: bool,
}

impl LoggedItem {
    fn read(item: Item) -> Result<Self, DatabaseError> {
        if StoredKind::of(&item) != Some(StoredKind::Activity) {
            let decision = |item: DecisionItem| LogEvent::Decision(Box::new(item.into()));
            return Ok(Self::of(items::read(item)?, |item| Some(decision(item))));
        }
        if !activities::is_known(&item) {
            return Ok(Self::of(items::read(item)?, |LaterActivity {}| None));
        }
        let activity = |item: ActivityItem| LogEvent::Activity(Box::new(item.into()));
        Ok(Self::of(items::read(item)?, |item| Some(activity(item))))
    }

    fn of<T>(stamped: Stamped<T>, event: impl FnOnce(T) -> Option<LogEvent>) -> Self {
        Self {
            entry: event(stamped.entry),
            log_position: stamped.log_position,
            logged_at: stamped.logged_at,
            repeated: stamped.repeated,
        }
    }

    fn event(self) -> Option<LoggedEvent> {
        Some(LoggedEvent {
            position: self.log_position?,
            logged: UnixMillis::from_millis(self.logged_at?),
            repeated: self.repeated,
            entry: self.entry?,
        })
    }
}

impl Store {
    /// Logs the entries with these keys, in order, and returns them as events. Entries already in
    /// the log keep their position; deleted ones are left out. At most [`LOGGED_AT_ONCE`] keys.
    pub async fn log(
        &self,
        prefix: WorkspacePrefix,
        keys: &[Key],
    ) -> Result<Vec<LoggedEvent>, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let head_key = Key::log_head(prefix);
            let wanted = keys.iter().cloned().chain([head_key.clone()]);
            let found = self.database.batch_get(wanted, true).await?;
            let mut found: HashMap<_, _> = found
                .into_iter()
                .filter_map(|item| Key::of(&item).map(|key| ((key.pk, key.sk), item)))
                .collect();
            let head = found.remove(&(head_key.pk, head_key.sk));
            let head = head.map(items::read::<Head>).transpose()?;
            let (writes, events) = self.logging(prefix, keys, head, &mut found)?;
            if writes.is_empty() {
                return Ok(events);
            }
            let written = self.database.transact_counted(writes).await;
            let logged = written.map(|()| events);
            let ended = self.database.retry_on_conflict(&mut rounds, logged);
            if let Some(done) = ended.await? {
                return Ok(done);
            }
        }
    }

    fn logging(
        &self,
        prefix: WorkspacePrefix,
        keys: &[Key],
        head: Option<Head>,
        found: &mut HashMap<(String, String), Item>,
    ) -> Result<(Vec<TransactWriteItem>, Vec<LoggedEvent>), DatabaseError> {
        let table = &self.database.tables().bans;
        let now = UnixMillis::now();
        let before = head.map(|head| head.log_position);
        let mut position = before.unwrap_or_default();
        let (mut writes, mut events) = (Vec::new(), Vec::new());
        let mut oldest = None;
        for key in keys {
            let item = found.remove(&(key.pk.clone(), key.sk.clone()));
            let moment = unlogged::moment(key, item.as_ref());
            oldest = oldest.into_iter().chain(moment).min();
            let Some(item) = item else {
                continue;
            };
            let mut item = LoggedItem::read(item)?;
            if item.log_position.is_none() {
                position = position.saturating_add(1);
                (item.log_position, item.logged_at) = (Some(position), Some(now.millis()));
                writes.push(stamp(table, prefix, key, position, now)?);
            }
            events.extend(item.event());
        }
        let clears = head.is_some_and(|head| head.is_cleared_by(oldest));
        if !writes.is_empty() || clears {
            writes.push(move_head(table, prefix, before, position, now, clears)?);
        }
        Ok((writes, events))
    }
}

/// Moves the head to another position, and keeps its other attributes; `clears` removes the mark of
/// an entry that could not be logged.
fn move_head(
    table: &str,
    prefix: WorkspacePrefix,
    before: Option<u64>,
    position: u64,
    now: UnixMillis,
    clears: bool,
) -> Result<TransactWriteItem, DatabaseError> {
    let removes = if clears { " REMOVE unlogged_since" } else { "" };
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(Key::log_head(prefix).item()))
        .expression_attribute_values(":now", number(now.millis()))
        .expression_attribute_values(":position", number(position));
    let update = match before {
        None => update
            .update_expression(format!(
                "SET kind = :kind, log_position = :position, moved = :now, began = :now{removes}"
            ))
            .condition_expression("attribute_not_exists(pk)")
            .expression_attribute_values(":kind", text(StoredKind::Log)),
        Some(before) => update
            .update_expression(format!(
                "SET log_position = :position, moved = :now{removes}"
            ))
            .condition_expression("log_position = :before")
            .expression_attribute_values(":before", number(before)),
    };
    Ok(TransactWriteItem::builder()
        .update(update.build().map_err(refused)?)
        .build())
}

/// Assigns a position to an entry.
fn stamp(
    table: &str,
    prefix: WorkspacePrefix,
    key: &Key,
    position: u64,
    now: UnixMillis,
) -> Result<TransactWriteItem, DatabaseError> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(key.clone().item()))
        .update_expression("SET log_shard = :shard, log_position = :position, logged_at = :now")
        .condition_expression("attribute_exists(pk) AND attribute_not_exists(log_position)")
        .expression_attribute_values(":shard", text(schema::log_shard_of(prefix, position)))
        .expression_attribute_values(":position", number(position))
        .expression_attribute_values(":now", AttributeValue::N(now.millis().to_string()));
    Ok(TransactWriteItem::builder()
        .update(update.build().map_err(refused)?)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_waits_while_another_may_appear_before_it() {
        let entry = LogEntry {
            pk: String::new(),
            sk: String::new(),
            log_position: 4,
            logged_at: 1_000,
        };
        let follows = |reached, now| entry.follows(reached, UnixMillis::from_millis(now));
        assert!(follows(3, 1_000), "the next never waits");
        assert!(!follows(2, 1_000));
        assert!(!follows(2, 1_000 + TRAILS - 1));
        assert!(follows(2, 1_000 + TRAILS), "what is missing was deleted");
    }

    #[test]
    fn a_log_is_settled_a_minute_after_its_last_entry() {
        let head = |moved| {
            LogHead::from(Head {
                moved,
                ..Head::default()
            })
        };
        let at = UnixMillis::from_millis;
        assert!(!head(Some(1_000)).is_settled(at(1_000 + TRAILS - 1)));
        assert!(head(Some(1_000)).is_settled(at(1_000 + TRAILS)));
        assert!(!head(None).is_settled(at(u64::MAX)), "nothing is known");
    }

    #[test]
    fn head_without_epoch_is_of_the_first() {
        let stored = HashMap::from([("log_position".to_owned(), number(7))]);
        let head: Head = items::read(stored).unwrap();
        assert_eq!((head.log_position, head.epoch), (7, 0));
    }

    #[test]
    fn moving_the_head_writes_only_position_and_time() {
        let prefix = "26092f67".parse().unwrap();
        let now = UnixMillis::from_millis(1_800_000_000_000);
        let moved = |before, clears| {
            let write = move_head("bans", prefix, before, 9, now, clears).unwrap();
            let update = write.update.unwrap();
            (
                update.update_expression,
                update.condition_expression.unwrap(),
            )
        };
        let (sets, condition) = moved(Some(7), false);
        // An epoch, or the restore that set it, must not be lost.
        assert_eq!(sets, "SET log_position = :position, moved = :now");
        assert_eq!(condition, "log_position = :before");
        let (sets, _) = moved(Some(7), true);
        assert!(sets.ends_with(" REMOVE unlogged_since"), "{sets}");
        let (sets, condition) = moved(None, false);
        assert!(sets.contains("began = :now"), "{sets}");
        assert_eq!(condition, "attribute_not_exists(pk)");
    }
}
