//! How long a request, or another call of a function, may still write.
//!
//! A function that answers within a time limit must not begin a write that the limit could cut off: the
//! database would carry it out, and the caller would read that it failed. So a write begins only while
//! enough time is left for it and for looking up whether it happened.

use std::future::Future;
use std::time::{Duration, Instant};

/// What a write needs at least: one attempt of the SDK (see `connection`).
const WRITE: Duration = Duration::from_secs(1);

/// What is kept free after a write, to look up whether it happened: one attempt, and a little.
const LOOK_UP: Duration = Duration::from_millis(1100);

/// What a step needs at most, a read and a write: each has 2.3 s with all attempts of the SDK.
pub const STEP: Duration = Duration::from_secs(5);

/// Until when an answer must be given; without one, a write takes what time it needs.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store) struct Deadline(Option<Instant>);

/// Why a write was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Late {
    /// It did not begin.
    NotBegun,
    /// It began; it may or may not have happened.
    Unanswered,
}

impl Deadline {
    /// An answer must be given by then.
    pub const fn at(answer_by: Instant) -> Self {
        Self(Some(answer_by))
    }

    /// Whether so much time is left.
    pub fn allows(self, time: Duration) -> bool {
        let left = |by: Instant| by.saturating_duration_since(Instant::now());
        self.0.is_none_or(|by| left(by) >= time)
    }

    /// Carries out a write, if there is time for it.
    pub async fn write<T>(self, write: impl Future<Output = T>) -> Result<T, Late> {
        let Some(answer_by) = self.0 else {
            return Ok(write.await);
        };
        let left = answer_by.saturating_duration_since(Instant::now());
        match left.checked_sub(LOOK_UP) {
            Some(time) if time >= WRITE => tokio::time::timeout(time, write)
                .await
                .map_err(|_| Late::Unanswered),
            _ => Err(Late::NotBegun),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;

    use super::*;

    fn left(time: Duration) -> Deadline {
        Deadline::at(Instant::now() + time)
    }

    #[tokio::test]
    async fn write_begins_only_while_it_can_be_finished_and_looked_up() {
        let begun = Cell::new(0);
        let write = || async { begun.set(begun.get() + 1) };
        assert_eq!(
            left(Duration::ZERO).write(write()).await,
            Err(Late::NotBegun)
        );
        assert_eq!(left(WRITE).write(write()).await, Err(Late::NotBegun));
        assert_eq!(left(LOOK_UP).write(write()).await, Err(Late::NotBegun));
        assert_eq!(begun.get(), 0);
        assert_eq!(left(LOOK_UP * 2 + WRITE).write(write()).await, Ok(()));
        assert_eq!(Deadline::default().write(write()).await, Ok(()));
        assert_eq!(begun.get(), 2);
    }

    #[test]
    fn step_is_allowed_while_there_is_time_for_it() {
        assert!(left(STEP * 2).allows(STEP));
        assert!(!left(STEP / 2).allows(STEP));
        assert!(Deadline::default().allows(STEP));
    }

    #[tokio::test]
    async fn write_that_is_not_answered_leaves_time_to_look_up() {
        let limit = LOOK_UP + WRITE + Duration::from_millis(100);
        let began = Instant::now();
        let written = left(limit).write(pending::<()>()).await;
        assert_eq!(written, Err(Late::Unanswered));
        let took = began.elapsed();
        assert!((WRITE..limit).contains(&took), "{took:?}");
    }
}
