//! Logs events again if a lost log assigned their positions.
//!
//! A log without its head counts from 1 again. Readers who are further ahead then find an empty
//! log, and new events get positions that they have passed. So a restore removes these positions,
//! and the stream logs the events again, after all positions ever assigned. Each is marked as
//! repeated: readers who saw it at its former position recognise its id.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::AttributeValue;

use super::held::HeldItems;
use super::{Restored, Restoring};
use crate::domain::ids::WorkspacePrefix;
use crate::store::dynamo::database::{DatabaseError, number};
use crate::store::dynamo::schema::{Item, Key, StoredKind};

/// The attributes that an entry gets when it is logged.
pub(super) const LOG_STAMPS: [&str; 3] = ["log_shard", "log_position", "logged_at"];

/// The attribute of an entry that a restore has logged again.
pub(super) const REPEATED: &str = "repeated";

/// By how many milliseconds the clocks of logging functions may differ.
const CLOCKS: u64 = 60_000;

/// The state of a log's heads in both tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LogState {
    /// The last position that the copy knows.
    pub copied: u64,
    /// Whether the live table has lost the head since the copy.
    pub is_lost: bool,
    /// When the live table's log began again, in Unix milliseconds.
    pub restarted: Option<u64>,
}

/// The known states of the logs. There are no writes during a restore, so they stay valid.
#[derive(Clone, Debug, Default)]
pub struct KnownLogs(Arc<Mutex<BTreeMap<WorkspacePrefix, LogState>>>);

impl LogState {
    /// An entry of the history when put back: without a position, unless it keeps its own.
    pub fn as_logged(self, mut item: Item, done: &mut Restored) -> Item {
        if !StoredKind::of(&item).is_some_and(StoredKind::is_logged) {
            return item;
        }
        if self.is_lost {
            for stamp in LOG_STAMPS {
                item.remove(stamp);
            }
        }
        if position(&item).is_none() {
            item.insert(REPEATED.to_owned(), AttributeValue::Bool(true));
            done.repeated = done.repeated.saturating_add(1);
        }
        item
    }

    /// The position of an entry in the live table, if a log that began again assigned it.
    fn doubtful(self, live: &Item, copy: Option<&Item>) -> Option<u64> {
        let at = position(live)?;
        if copy.and_then(position) == Some(at) {
            return None;
        }
        let logged = whole(live, "logged_at").unwrap_or(u64::MAX);
        let is_late = self
            .restarted
            .is_some_and(|began| logged.saturating_add(CLOCKS) >= began);
        (is_late || at <= self.copied).then_some(at)
    }
}

fn position(item: &Item) -> Option<u64> {
    whole(item, "log_position")
}

fn whole(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

impl Restoring {
    /// The state of a workspace's log before the restore.
    pub(super) async fn log_state(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<LogState, DatabaseError> {
        let known = self.logs.0.lock().ok();
        if let Some(state) = known.and_then(|known| known.get(&prefix).copied()) {
            return Ok(state);
        }
        let state = self.compare_heads(prefix).await?;
        if !self.is_preview {
            // If the restore is cancelled, no new epoch tells readers to start over.
            self.live.reset_snapshot(prefix).await?;
        }
        if let Ok(mut known) = self.logs.0.lock() {
            known.insert(prefix, state);
        }
        Ok(state)
    }

    /// Removes the positions that a log has assigned since it began again.
    pub(super) async fn log_again(
        &self,
        prefix: WorkspacePrefix,
        copy: &HeldItems,
        live: &HeldItems,
        done: &mut Restored,
    ) -> Result<(), DatabaseError> {
        let log = self.log_state(prefix).await?;
        for (key, item) in &live.0 {
            let Some(at) = log.doubtful(item, copy.0.get(key)) else {
                continue;
            };
            let key = Key {
                pk: key.0.clone(),
                sk: key.1.clone(),
            };
            let update = self
                .live
                .database
                .updating(key)
                .update_expression("SET repeated = :yes REMOVE log_shard, log_position, logged_at")
                .condition_expression("log_position = :at")
                .expression_attribute_values(":yes", AttributeValue::Bool(true))
                .expression_attribute_values(":at", number(at));
            if self.is_preview || self.live.database.update_if(update).await? {
                done.repeated = done.repeated.saturating_add(1);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: u64, logged: u64) -> Item {
        Item::from([
            ("kind".to_owned(), AttributeValue::S("decision".to_owned())),
            ("log_position".to_owned(), number(at)),
            ("logged_at".to_owned(), number(logged)),
        ])
    }

    #[test]
    fn positions_of_a_restarted_log_are_doubtful() {
        const BEGAN: u64 = 1_800_000_000_000;
        let log = LogState {
            copied: 10,
            is_lost: true,
            restarted: Some(BEGAN),
        };
        let before = BEGAN - CLOCKS - 1;
        for (at, logged, copied, expected) in [
            // Unchanged since the copy.
            (3, before, Some(3), None),
            (3, BEGAN, Some(3), None),
            // Logged after the copy was made, before the log was lost.
            (11, before, None, None),
            // Logged by the new log, below the copy's end and beyond it.
            (3, BEGAN, None, Some(3)),
            (3, before, None, Some(3)),
            (11, BEGAN, None, Some(11)),
            (11, BEGAN, Some(7), Some(11)),
        ] {
            let copied = copied.map(|at| entry(at, before));
            let found = log.doubtful(&entry(at, logged), copied.as_ref());
            assert_eq!(found, expected, "{at} {logged}");
        }
        let sound = LogState {
            copied: 10,
            ..LogState::default()
        };
        assert_eq!(sound.doubtful(&entry(11, BEGAN), None), None);
        assert_eq!(sound.doubtful(&Item::new(), None), None);
    }

    #[test]
    fn entry_put_back_without_a_position_is_marked() {
        let put_back = |log: LogState, item| {
            let mut done = Restored::default();
            let item = log.as_logged(item, &mut done);
            (position(&item), item.contains_key(REPEATED), done.repeated)
        };
        let lost = LogState {
            is_lost: true,
            ..LogState::default()
        };
        assert_eq!(
            put_back(LogState::default(), entry(3, 1)),
            (Some(3), false, 0)
        );
        assert_eq!(put_back(lost, entry(3, 1)), (None, true, 1));
        // It may have been logged after the copy was made.
        let mut unlogged = entry(3, 1);
        unlogged.remove("log_position");
        assert_eq!(put_back(LogState::default(), unlogged), (None, true, 1));
        let mut activity = entry(3, 1);
        let kind = AttributeValue::S("activity".to_owned());
        activity.insert("kind".to_owned(), kind);
        assert_eq!(put_back(lost, activity), (None, true, 1));
        assert_eq!(put_back(lost, Item::new()), (None, false, 0));
    }
}
