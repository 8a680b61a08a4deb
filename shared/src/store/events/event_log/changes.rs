//! Which users the entries of the log are about. The keys in the index show it, so no item is read.

use std::collections::BTreeSet;

use super::{LogEntry, LogHead};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::sync::SyncPosition;
use crate::store::Store;

/// The users with a decision or an expiry in a part of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    pub users: BTreeSet<UserId>,
    /// Where the next part begins.
    pub next: SyncPosition,
    /// Whether the next part can be read now.
    pub is_full: bool,
}

impl Store {
    /// The users of at most `limit` entries after a position. The part ends, like a page of events,
    /// where an entry may still appear. `now` is a time before `head` was read.
    pub async fn changes_after(
        &self,
        prefix: WorkspacePrefix,
        after: SyncPosition,
        head: &LogHead,
        limit: usize,
        now: UnixMillis,
    ) -> Result<Changes, ApiError> {
        let position = after.log.position;
        let entries = if head.last.position > position {
            self.log_entries(prefix, position, limit, now).await?
        } else {
            Vec::new()
        };
        Ok(changes(after, &entries, head, limit, now))
    }
}

fn changes(
    after: SyncPosition,
    entries: &[LogEntry],
    head: &LogHead,
    limit: usize,
    now: UnixMillis,
) -> Changes {
    let last = entries.last();
    let is_page_full = entries.len() >= limit;
    let mut next = after;
    next.log.position = last.map_or(after.log.position, LogEntry::position);
    if !is_page_full && head.is_settled(now) {
        next.log.position = next.log.position.max(head.last.position);
    }
    let is_at_end = next.log.position >= head.last.position;
    let complete = if is_at_end {
        Some(now.seconds())
    } else {
        last.map(|entry| UnixMillis::from_millis(entry.logged_at).seconds())
    };
    next.at = complete.map_or(after.at, |at| at.max(after.at));
    Changes {
        users: entries.iter().filter_map(LogEntry::decided_user).collect(),
        next,
        is_full: is_page_full && !is_at_end,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::clock::UnixSeconds;
    use crate::domain::history::LogPosition;
    use crate::store::events::event_log::TRAILS;

    const NOW: u64 = 1_800_000_000_000;

    fn entry(pk: &str, sk: &str, position: u64, logged_at: u64) -> LogEntry {
        LogEntry {
            pk: format!("26092f67#{pk}"),
            sk: sk.to_owned(),
            log_position: position,
            logged_at,
        }
    }

    fn position(position: u64, at: u64) -> SyncPosition {
        let log = LogPosition { epoch: 1, position };
        SyncPosition {
            log,
            at: UnixSeconds(at / 1000),
        }
    }

    fn head(position: u64, moved: u64) -> LogHead {
        LogHead {
            last: LogPosition { epoch: 1, position },
            moved: Some(UnixMillis::from_millis(moved)),
            unlogged_since: None,
        }
    }

    fn read(after: SyncPosition, entries: &[LogEntry], head: &LogHead, limit: usize) -> Changes {
        changes(after, entries, head, limit, UnixMillis::from_millis(NOW))
    }

    #[test]
    fn decisions_and_expiries_name_their_user_and_activities_do_not() {
        let named = |pk, sk| entry(pk, sk, 1, NOW).decided_user().map(UserId::get);
        assert_eq!(named("U#156", "H#01790000000000#7#1"), Some(156));
        assert_eq!(named("U#156", "T#00000000000000000007#1"), Some(156));
        for (pk, sk) in [
            ("U#156", "A#01790000000000#a"),
            ("A", "A#01790000000000#a"),
            ("U#156", "B#00000000000000000007"),
            ("U#0", "H#01790000000000#7#1"),
            ("G#3", "156"),
        ] {
            assert_eq!(named(pk, sk), None, "{pk} {sk}");
        }
    }

    #[test]
    fn cursor_at_the_end_is_complete_up_to_now() {
        let idle = read(position(7, 5_000), &[], &head(7, 1_000), 500);
        assert_eq!(idle.next, position(7, NOW));
        assert!(!idle.is_full && idle.users.is_empty());
    }

    #[test]
    fn cursor_before_the_end_keeps_the_time_of_the_last_entry() {
        let entries = [entry("U#1", "H#1", 8, NOW - 9_000)];
        let full = read(position(7, NOW - 99_000), &entries, &head(9, NOW), 1);
        assert_eq!(full.next, position(8, NOW - 9_000));
        assert!(full.is_full);
        // The index does not show the next entry yet: reading on at once would be useless.
        let waits = read(position(7, NOW - 99_000), &entries, &head(9, NOW), 500);
        assert_eq!(waits.next, full.next);
        assert!(!waits.is_full);
        let none = read(position(8, NOW - 99_000), &[], &head(9, NOW), 500);
        assert_eq!(none.next, position(8, NOW - 99_000));
    }

    #[test]
    fn deleted_entries_at_the_end_are_passed_after_a_minute() {
        let young = read(
            position(7, NOW - 70_000),
            &[],
            &head(9, NOW - TRAILS + 1),
            9,
        );
        assert_eq!(young.next.log.position, 7);
        let settled = read(position(7, NOW - 70_000), &[], &head(9, NOW - TRAILS), 9);
        assert_eq!(settled.next, position(9, NOW));
        // A full page may end before entries that exist.
        let entries = [entry("U#1", "H#1", 8, NOW - 90_000)];
        let full = read(
            position(7, NOW - 99_000),
            &entries,
            &head(9, NOW - TRAILS),
            1,
        );
        assert_eq!(full.next.log.position, 8);
    }

    proptest! {
        /// Whatever order and sizes pages have, each user is named and no position is passed twice.
        #[test]
        fn pages_name_every_user_once_per_entry(
            users in prop::collection::vec(1_u64..9, 0..40), limit in 1_usize..9,
        ) {
            let log: Vec<_> = (1_u64..)
                .zip(&users)
                .map(|(at, user)| entry(&format!("U#{user}"), "H#1", at, NOW - 1_000))
                .collect();
            let head = head(log.len() as u64, NOW - 1_000);
            let (mut after, mut named) = (position(0, 0), BTreeSet::new());
            loop {
                let from = usize::try_from(after.log.position).unwrap();
                let page: Vec<_> = log.iter().skip(from).take(limit).cloned().collect();
                let read = read(after, &page, &head, limit);
                named.extend(read.users);
                prop_assert!(read.next.at >= after.at);
                prop_assert!(read.next.log.position > after.log.position || !read.is_full);
                after = read.next;
                if !read.is_full {
                    break;
                }
            }
            prop_assert_eq!(after.log.position, head.last.position);
            let named: BTreeSet<_> = named.into_iter().map(UserId::get).collect();
            prop_assert_eq!(named, users.into_iter().collect());
        }
    }
}
