//! Which users back off within one run over a universe, and how long to wait when nobody is ready.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::clock::UnixMillis;
use crate::domain::ids::UserId;

/// How often an empty queue is read before the run ends: the indexes are eventually consistent.
const LOOKS: u32 = 3;

/// The pause before an empty queue is read again.
const PAUSE: Duration = Duration::from_millis(300);

/// The longest wait for a user who backs off before the queue is read again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Users who back off, and until when.
#[derive(Debug, Default)]
pub struct BackOffs(HashMap<UserId, UnixMillis>);

impl BackOffs {
    /// Lets a user back off until a time.
    pub fn add(&mut self, user: UserId, until: UnixMillis) {
        self.0.insert(user, until);
    }

    /// Whether a user backs off now.
    pub fn contains(&mut self, user: UserId, now: UnixMillis) -> bool {
        self.0.retain(|_, until| *until > now);
        self.0.contains_key(&user)
    }

    /// When the next user's back-off ends.
    pub fn next_end(&mut self, now: UnixMillis) -> Option<UnixMillis> {
        self.0.retain(|_, until| *until > now);
        self.0.values().min().copied()
    }

    /// How long to wait after this many consecutive looks at the queue found nobody ready; none if the
    /// run ends. `time_left` is what remains of the run.
    pub fn idle(&mut self, looks: u32, time_left: Duration, now: UnixMillis) -> Option<Duration> {
        match self.next_end(now) {
            Some(end) if is_in_time(end, time_left, now) => {
                Some(until(end, now).min(LONGEST_PAUSE))
            }
            _ if looks < LOOKS => Some(PAUSE),
            _ => None,
        }
    }
}

/// Whether a time comes before the run ends.
#[must_use]
pub fn is_in_time(at: UnixMillis, time_left: Duration, now: UnixMillis) -> bool {
    let left = u64::try_from(time_left.as_millis()).unwrap_or(u64::MAX);
    at < now.plus(left)
}

/// How long it is until a time; zero if it has passed.
#[must_use]
pub const fn until(at: UnixMillis, now: UnixMillis) -> Duration {
    Duration::from_millis(at.millis().saturating_sub(now.millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: UserId = UserId::new(1).unwrap();
    const BOB: UserId = UserId::new(2).unwrap();
    const NOW: UnixMillis = UnixMillis::from_millis(1_000_000);
    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn users_back_off_until_their_time() {
        let mut backoffs = BackOffs::default();
        backoffs.add(ALICE, NOW.plus(10));
        backoffs.add(BOB, NOW.plus(5));
        assert_eq!(backoffs.next_end(NOW), Some(NOW.plus(5)));
        assert!(backoffs.contains(BOB, NOW.plus(4)));
        assert!(!backoffs.contains(BOB, NOW.plus(5)));
        assert!(backoffs.contains(ALICE, NOW.plus(5)));
        assert_eq!(backoffs.next_end(NOW.plus(5)), Some(NOW.plus(10)));
        assert_eq!(backoffs.next_end(NOW.plus(10)), None);
    }

    #[test]
    fn an_empty_queue_is_read_three_times() {
        let mut backoffs = BackOffs::default();
        let waits = [1, 2, 3].map(|looks| backoffs.idle(looks, MINUTE, NOW));
        assert_eq!(waits, [Some(PAUSE), Some(PAUSE), None]);
    }

    #[test]
    fn a_run_waits_for_a_user_only_if_they_are_ready_before_it_ends() {
        for (end, waits) in [
            (1, [Some(Duration::from_millis(1)); 2]),
            (999, [Some(Duration::from_millis(999)); 2]),
            (30_000, [Some(LONGEST_PAUSE); 2]),
            (59_999, [Some(LONGEST_PAUSE); 2]),
            (60_000, [Some(PAUSE), None]),
        ] {
            let mut backoffs = BackOffs::default();
            backoffs.add(ALICE, NOW.plus(end));
            let found = [1, 3].map(|looks| backoffs.idle(looks, MINUTE, NOW));
            assert_eq!(found, waits, "{end} ms");
        }
    }
}
