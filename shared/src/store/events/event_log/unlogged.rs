//! Entries that could not be logged, and the ticks that show how far the stream has come: together
//! they bound how late the log is.

use std::time::Duration;

use super::Head;
use crate::cache::TtlCache;
use crate::domain::clock::{Reading, UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::dynamo::database::{number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key, StoredKind};

/// How long a warm function uses the last tick without reading it again. Until then, the log seems
/// later than it is.
const CACHE_TTL: Duration = Duration::from_secs(30);

/// The cache of the last tick that has come through the stream.
pub(in crate::store) type LastTick = TtlCache<(), Option<UnixSeconds>>;

/// A tick: written each minute, or the last that has come through the stream.
#[derive(serde::Serialize, serde::Deserialize)]
struct TickItem {
    at: UnixSeconds,
}

/// When an entry was decided. Of an expiry that is gone, nothing is known.
pub(super) fn moment(key: &Key, item: Option<&Item>) -> Option<UnixMillis> {
    let stored = || item?.get("at_ms")?.as_n().ok()?.parse().ok();
    let of_item = || stored().map(UnixMillis::from_millis);
    key.moment().or_else(of_item)
}

impl Head {
    /// Whether processing entries, of which the oldest was decided at this time, includes the oldest
    /// that could not be logged. A later one alone proves nothing: that one may be in the failure
    /// queue.
    pub(super) fn is_cleared_by(&self, oldest: Option<UnixMillis>) -> bool {
        let since = self.unlogged_since;
        since.is_some_and(|since| oldest.is_some_and(|oldest| oldest.millis() <= since))
    }
}

impl Store {
    /// Notes that an entry from this time could not be logged; `false` if the workspace has no log yet
    /// that could show it.
    pub async fn note_unlogged(
        &self,
        prefix: WorkspacePrefix,
        since: UnixMillis,
    ) -> Result<bool, ApiError> {
        let key = Key::log_head(prefix);
        let found = self.database.batch_get([key.clone()], true).await?;
        let Some(head) = found.into_iter().next() else {
            return Ok(false);
        };
        let noted = items::read::<Head>(head)?.unlogged_since;
        if noted.is_none_or(|noted| noted > since.millis()) {
            let update = self
                .database
                .updating(key)
                .update_expression("SET unlogged_since = :since")
                .condition_expression(
                    "attribute_exists(pk) AND \
                     (attribute_not_exists(unlogged_since) OR unlogged_since > :since)",
                )
                .expression_attribute_values(":since", number(since.millis()));
            self.database.update_if(update).await?;
        }
        Ok(true)
    }

    /// Writes the tick of this minute.
    pub async fn tick(&self, now: UnixSeconds) -> Result<(), ApiError> {
        let tick = items::write(Key::tick(), StoredKind::Tick, TickItem { at: now })?;
        Ok(self.database.put(self.database.putting(tick)?).await?)
    }

    /// Records that a tick has come through the stream, and so everything written before it.
    pub async fn record_tick(&self, at: UnixSeconds) -> Result<(), ApiError> {
        let update = self
            .database
            .updating(Key::logged_tick())
            .update_expression("SET kind = :kind, #at = :at")
            .condition_expression("attribute_not_exists(#at) OR #at < :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":kind", text(StoredKind::LoggedTick))
            .expression_attribute_values(":at", number(at));
        self.database.update_if(update).await?;
        Ok(())
    }

    /// The time before which every write has come through the stream, as far as ticks show it; up to
    /// 30 s old.
    pub async fn streamed_until(&self) -> Result<Option<UnixSeconds>, ApiError> {
        if let Some(known) = self.caches.last_tick.get(&(), |_| CACHE_TTL) {
            return Ok(known);
        }
        let looked_up = Reading::now();
        let found = self.database.batch_get([Key::logged_tick()], false).await?;
        let tick = found.into_iter().next().map(items::read::<TickItem>);
        let at = tick.transpose()?.map(|tick| tick.at);
        self.caches.last_tick.put((), at, looked_up);
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn key(sk: &str) -> Key {
        Key {
            pk: "26092f67#U#156".to_owned(),
            sk: sk.to_owned(),
        }
    }

    #[test]
    fn entries_know_when_they_were_decided() {
        let expiry = key("T#00000000000000000007#1");
        let item = HashMap::from([("at_ms".to_owned(), number(9_000))]);
        let at = |key: &Key, item| moment(key, item).map(UnixMillis::millis);
        assert_eq!(
            at(&key("H#01790000000000#7#1"), None),
            Some(1_790_000_000_000)
        );
        assert_eq!(
            at(&key("A#01790000000000#a"), Some(&item)),
            Some(1_790_000_000_000)
        );
        assert_eq!(at(&expiry, Some(&item)), Some(9_000));
        assert_eq!(at(&expiry, None), None);
    }

    #[test]
    fn only_the_oldest_unlogged_entry_clears_the_mark() {
        let clears = |since, oldest: Option<u64>| {
            let head = Head {
                unlogged_since: since,
                ..Head::default()
            };
            head.is_cleared_by(oldest.map(UnixMillis::from_millis))
        };
        assert!(clears(Some(7), Some(7)));
        assert!(clears(Some(7), Some(6)));
        assert!(!clears(Some(7), Some(8)));
        assert!(!clears(Some(7), None));
        assert!(!clears(None, Some(7)));
    }
}
