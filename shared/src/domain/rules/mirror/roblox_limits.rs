//! Roblox's rate limits: changes per user, changes per universe, and messages per universe.

use std::collections::VecDeque;

use crate::domain::clock::UnixMillis;
use crate::domain::rules::Expiry;

/// The longest duration that Roblox accepts, in seconds.
const LONGEST: u64 = 315_576_000_000;

/// The duration in seconds of a restriction that is first sent at `first_sent`: what is left of the ban,
/// but at least 1 and at most what Roblox accepts. None if the ban is permanent.
#[must_use]
pub fn restriction_seconds(expires: Expiry, first_sent: UnixMillis) -> Option<u64> {
    let Expiry::At(at) = expires else {
        return None;
    };
    let left =
        at.0.saturating_mul(1000)
            .saturating_sub(first_sent.millis());
    Some(left.div_ceil(1000).clamp(1, LONGEST))
}

/// Roblox's rate limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RobloxLimits {
    /// The window in milliseconds within which Roblox accepts [`RobloxLimits::PER_USER`] changes of a
    /// user.
    pub window: u64,
}

impl Default for RobloxLimits {
    /// The documented limits.
    fn default() -> Self {
        Self { window: 60_000 }
    }
}

impl RobloxLimits {
    /// How many changes of one user Roblox accepts within a window.
    pub const PER_USER: usize = 2;

    /// The time between the starts of two changes in a universe, in milliseconds: Roblox accepts ten per
    /// second.
    pub const SPACING: u64 = 110;

    /// How many messages to publish in a universe within a window: with one running server, the topic
    /// accepts 120 per minute.
    pub const MESSAGES: usize = 100;

    /// When a user may be changed next, given the times of the last changes.
    #[must_use]
    pub fn next_change(self, updates: &[UnixMillis], now: UnixMillis) -> UnixMillis {
        let last = updates.iter().rev().nth(Self::PER_USER - 1);
        last.map_or(now, |update| {
            // A clock that was set back delays nobody by more than a window.
            now.max(update.plus(self.window).min(now.plus(self.window)))
        })
    }

    /// The times of the last changes and one more, without those that no longer matter.
    #[must_use]
    pub fn with_change(self, updates: &[UnixMillis], at: UnixMillis) -> Vec<UnixMillis> {
        let skipped = (updates.len() + 1).saturating_sub(Self::PER_USER);
        updates.iter().skip(skipped).copied().chain([at]).collect()
    }
}

/// Limits the messages of a universe by when the last ones were published.
#[derive(Debug, Default)]
pub struct MessageLimiter(VecDeque<UnixMillis>);

impl MessageLimiter {
    /// Counts a message if the limit allows it.
    pub fn try_acquire(&mut self, limits: RobloxLimits, now: UnixMillis) -> bool {
        let is_old = |at: &UnixMillis| at.plus(limits.window) <= now;
        while self.0.front().is_some_and(is_old) {
            self.0.pop_front();
        }
        let is_allowed = self.0.len() < RobloxLimits::MESSAGES;
        if is_allowed {
            self.0.push_back(now);
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::clock::UnixSeconds;

    fn at(millis: u64) -> UnixMillis {
        UnixMillis::from_millis(millis)
    }

    #[test]
    fn a_restriction_lasts_as_long_as_its_ban() {
        for (expires, sent, expected) in [
            (Expiry::Never, 0, None),
            (Expiry::At(UnixSeconds(100)), 40_000, Some(60)),
            (Expiry::At(UnixSeconds(100)), 40_001, Some(60)),
            (Expiry::At(UnixSeconds(100)), 99_999, Some(1)),
            (Expiry::At(UnixSeconds(100)), 100_000, Some(1)),
            (Expiry::At(UnixSeconds(100)), 900_000, Some(1)),
            (Expiry::At(UnixSeconds(u64::MAX)), 0, Some(LONGEST)),
        ] {
            assert_eq!(
                restriction_seconds(expires, at(sent)),
                expected,
                "{expires:?} at {sent}"
            );
        }
    }

    #[test]
    fn a_user_is_changed_twice_a_minute_at_most() {
        let limits = RobloxLimits::default();
        assert_eq!(limits.next_change(&[], at(5)), at(5));
        assert_eq!(limits.next_change(&[at(1)], at(5)), at(5));
        assert_eq!(limits.next_change(&[at(1), at(2)], at(5)), at(60_001));
        assert_eq!(limits.next_change(&[at(1), at(2)], at(60_001)), at(60_001));
        assert_eq!(
            limits.next_change(&[at(900_000), at(900_000)], at(5)),
            at(60_005),
            "with a clock that was set back"
        );
        assert_eq!(limits.with_change(&[at(1), at(2)], at(3)), [at(2), at(3)]);
        assert_eq!(limits.with_change(&[], at(3)), [at(3)]);
    }

    #[test]
    fn messages_are_limited_per_window() {
        let (mut limiter, limits) = (MessageLimiter::default(), RobloxLimits::default());
        for n in 0..100 {
            assert!(limiter.try_acquire(limits, at(n)), "{n}");
        }
        assert!(!limiter.try_acquire(limits, at(59_999)));
        assert!(
            limiter.try_acquire(limits, at(60_000)),
            "the first is out of the window"
        );
        assert!(!limiter.try_acquire(limits, at(60_000)));
    }

    proptest! {
        #[test]
        fn no_window_holds_more_changes_than_roblox_accepts(
            pauses in prop::collection::vec(0_u64..50_000, 1..40),
        ) {
            let (limits, mut updates) = (RobloxLimits::default(), Vec::new());
            let (mut all, mut now) = (Vec::new(), at(1_000_000));
            for pause in pauses {
                now = limits.next_change(&updates, at(now.millis() + pause));
                updates = limits.with_change(&updates, now);
                all.push(now.millis());
            }
            for lately in all.windows(RobloxLimits::PER_USER + 1) {
                prop_assert!(lately[RobloxLimits::PER_USER] - lately[0] >= limits.window);
            }
        }
    }
}
