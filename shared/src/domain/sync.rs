//! When a reader of `/sync` can continue, and when it must start over from a snapshot.

use std::num::NonZeroU32;

use crate::domain::clock::UnixSeconds;
use crate::domain::history::LogPosition;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// The longest pause between two calls of a reader, in seconds.
const LONGEST_PAUSE: u64 = 7 * DAY;

/// By how many positions a snapshot must be ahead of a reader to be cheaper than the entries between
/// them: ten pages of the default size.
pub const FAR_BEHIND: u64 = 5_000;

/// A place in a workspace's log, and the time up to which its reader knows everything logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncPosition {
    pub log: LogPosition,
    pub at: UnixSeconds,
}

/// What decides whether a reader can continue.
#[derive(Clone, Copy, Debug)]
pub struct SyncTerms {
    /// The end of the log.
    pub head: LogPosition,
    /// How many days the workspace keeps its history; `None`: permanently.
    pub history_days: Option<NonZeroU32>,
    /// The place in the log up to which the latest snapshot is complete.
    pub snapshot: Option<LogPosition>,
    pub now: UnixSeconds,
}

impl SyncPosition {
    /// Whether a snapshot may be worth looking up.
    #[must_use]
    pub const fn is_far_behind(&self, head: LogPosition) -> bool {
        is_far(self.log, head)
    }

    /// Whether the entries after this position may be gone, or a snapshot is cheaper than they are.
    #[must_use]
    pub fn must_reset(&self, terms: &SyncTerms) -> bool {
        let SyncTerms {
            head,
            history_days,
            snapshot,
            now,
        } = *terms;
        let age = now.0.saturating_sub(self.at.0);
        // A log that is shorter than a position that it assigned was lost.
        self.log.epoch != head.epoch
            || self.log.position > head.position
            || age > longest_pause(history_days)
            || snapshot.is_some_and(|snapshot| is_far(self.log, snapshot))
    }
}

const fn is_far(from: LogPosition, to: LogPosition) -> bool {
    from.epoch == to.epoch && to.position.saturating_sub(from.position) > FAR_BEHIND
}

/// A decision lasts as long as the history, and is logged up to a day after it was made. Of a history
/// of one day, half remains.
fn longest_pause(history_days: Option<NonZeroU32>) -> u64 {
    let days = history_days.map_or(u64::MAX, |days| u64::from(days.get()));
    let kept = match days.saturating_sub(1) {
        0 => DAY / 2,
        days => days.saturating_mul(DAY),
    };
    kept.min(LONGEST_PAUSE)
}

/// What bounds the age of the decisions that a reader may not know yet.
#[derive(Clone, Copy, Debug)]
pub struct LagTerms {
    pub now: UnixSeconds,
    /// When the workspace was created: it has no older decision.
    pub created: UnixSeconds,
    /// The time before which every decision has come through the stream, as far as is known.
    pub streamed: Option<UnixSeconds>,
    /// The time of the oldest decision that could not be logged.
    pub unlogged: Option<UnixSeconds>,
    /// For a reader that has not reached the end of the log: the time of its position.
    pub unread: Option<UnixSeconds>,
}

impl LagTerms {
    /// The age in seconds of the oldest decision that may be unknown.
    #[must_use]
    pub fn lag(&self) -> u64 {
        let age = |at: UnixSeconds| self.now.0.saturating_sub(at.0);
        let streamed = self.streamed.unwrap_or(self.created);
        let logged = self.unlogged.map_or(streamed, |at| at.min(streamed));
        // What was logged after the reader's position may have waited as long as what is waiting now.
        let lag = age(logged).saturating_add(self.unread.map_or(0, age));
        lag.min(age(self.created))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn at(epoch: u64, position: u64) -> LogPosition {
        LogPosition { epoch, position }
    }

    fn cursor(epoch: u64, position: u64, age: u64) -> SyncPosition {
        SyncPosition {
            log: at(epoch, position),
            at: UnixSeconds(NOW - age),
        }
    }

    fn terms(head: LogPosition) -> SyncTerms {
        SyncTerms {
            head,
            history_days: None,
            snapshot: None,
            now: UnixSeconds(NOW),
        }
    }

    #[test]
    fn a_reader_continues_unless_its_cursor_is_too_old() {
        for (days, longest) in [
            (None, 7 * DAY),
            (Some(1), DAY / 2),
            (Some(2), DAY),
            (Some(5), 4 * DAY),
            (Some(8), 7 * DAY),
            (Some(u32::MAX), 7 * DAY),
        ] {
            let terms = SyncTerms {
                history_days: days.and_then(NonZeroU32::new),
                ..terms(at(0, 9))
            };
            assert!(!cursor(0, 9, 0).must_reset(&terms), "{days:?}");
            assert!(!cursor(0, 3, longest).must_reset(&terms), "{days:?}");
            assert!(cursor(0, 3, longest + 1).must_reset(&terms), "{days:?}");
        }
        // A clock that was ahead issued it.
        let ahead = SyncPosition {
            at: UnixSeconds(NOW + DAY),
            ..cursor(0, 3, 0)
        };
        assert!(!ahead.must_reset(&terms(at(0, 9))));
    }

    #[test]
    fn a_cursor_of_another_epoch_or_a_lost_log_resets() {
        let head = terms(at(2, 9));
        assert!(!cursor(2, 9, 0).must_reset(&head));
        for (epoch, position) in [(1, 9), (1, 10_000), (0, 0), (3, 1), (2, 10)] {
            assert!(
                cursor(epoch, position, 0).must_reset(&head),
                "{epoch}.{position}"
            );
        }
    }

    #[test]
    fn being_behind_resets_only_with_a_snapshot_that_is_far_ahead() {
        let behind = cursor(1, 10, 0);
        let head = at(1, 1_000_000);
        let resets = |snapshot| {
            let terms = terms(head);
            behind.must_reset(&SyncTerms { snapshot, ..terms })
        };
        assert!(behind.is_far_behind(head));
        assert!(!behind.is_far_behind(at(1, 10 + FAR_BEHIND)));
        assert!(!resets(None));
        assert!(!resets(Some(at(1, 3))));
        assert!(!resets(Some(at(1, 10 + FAR_BEHIND))));
        assert!(resets(Some(at(1, 11 + FAR_BEHIND))));
        assert!(!resets(Some(at(0, 900_000))), "of an earlier epoch");
    }

    #[test]
    fn lag_covers_everything_that_may_be_unknown() {
        let ago = |seconds| Some(UnixSeconds(NOW - seconds));
        let lag = |streamed, unlogged, unread| {
            let (now, created) = (UnixSeconds(NOW), UnixSeconds(NOW - 1_000));
            let terms = LagTerms {
                now,
                created,
                streamed,
                unlogged,
                unread,
            };
            terms.lag()
        };
        assert_eq!(lag(ago(40), None, None), 40);
        assert_eq!(lag(ago(40), ago(90), None), 90);
        assert_eq!(lag(ago(40), ago(10), None), 40);
        assert_eq!(lag(ago(40), None, ago(7)), 47);
        assert_eq!(lag(None, None, None), 1_000, "nothing has come through yet");
        assert_eq!(lag(ago(5_000), ago(9_000), ago(7)), 1_000);
        // The clock that recorded it was ahead.
        assert_eq!(lag(Some(UnixSeconds(NOW + 3)), None, None), 0);
    }
}
