//! How long a request, or another invocation, may still write.
//!
//! A function with a time limit must not start a write that the limit could interrupt: the database
//! would apply it, and the caller would read that it failed. So a write starts only if there is
//! enough time for it and for looking up whether it happened.

use std::future::Future;
use std::time::{Duration, Instant};

/// The minimum time for a write: one attempt of the SDK (see `connection`).
const WRITE: Duration = Duration::from_secs(1);

/// The time reserved after a write, to look up whether it happened: one attempt, and a little.
const LOOK_UP: Duration = Duration::from_millis(1100);

/// The maximum time of a step, a read and a write: each takes up to 2.3 s with all attempts of the
/// SDK.
pub const STEP: Duration = Duration::from_secs(5);

/// The deadline of an answer; without one, writes are not limited.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store) struct Deadline(Option<Instant>);

/// Why a write was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Late {
    NotBegun,
    /// It started, and may or may not have happened.
    Unanswered,
}

impl Deadline {
    pub const fn at(answer_by: Instant) -> Self {
        Self(Some(answer_by))
    }

    /// Whether this much time is left.
    pub fn allows(self, time: Duration) -> bool {
        let left = |by: Instant| by.saturating_duration_since(Instant::now());
        self.0.is_none_or(|by| left(by) >= time)
    }

    /// Performs a write, if there is time for it.
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
    async fn write_starts_only_if_it_can_be_finished_and_looked_up() {
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
