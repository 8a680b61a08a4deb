//! How fast Roblox may be asked: its limits are counted per user and minute, and per universe and
//! second.

use std::collections::VecDeque;

use crate::domain::clock::UnixMillis;
use crate::domain::rules::Expiry;

/// The longest restriction that ends by itself, in seconds.
const LONGEST: u64 = 315_576_000_000;

/// For how many seconds a restriction that is asked for at `first_sent` is to hold: until the ban
/// expires, at least 1 and at most what Roblox takes; none = for good.
#[must_use]
pub fn duration(expires: Expiry, first_sent: UnixMillis) -> Option<u64> {
    let Expiry::At(at) = expires else {
        return None;
    };
    let left =
        at.0.saturating_mul(1000)
            .saturating_sub(first_sent.millis());
    Some(left.div_ceil(1000).clamp(1, LONGEST))
}

/// How fast changes may follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// Within how many milliseconds Roblox takes [`Pacing::PER_USER`] changes of one user.
    pub window: u64,
}

impl Default for Pacing {
    /// What Roblox documents.
    fn default() -> Self {
        Self { window: 60_000 }
    }
}

impl Pacing {
    /// How many changes of one user Roblox takes in a window.
    pub const PER_USER: usize = 2;

    /// How many milliseconds lie between the starts of two changes in a universe: Roblox takes ten
    /// a second.
    pub const SPACING: u64 = 110;

    /// How many messages are published in a universe in a window: with one running server the topic
    /// takes 120 a minute.
    pub const MESSAGES: usize = 100;

    /// From when on a user may be changed again, given the times of the last changes.
    #[must_use]
    pub fn next(self, updates: &[UnixMillis], now: UnixMillis) -> UnixMillis {
        let lately = updates.iter().rev().nth(Self::PER_USER - 1);
        lately.map_or(now, |update| {
            let free = update.millis().saturating_add(self.window);
            // A clock that was set back does not hold anyone up for longer than a window.
            let latest = now.millis().saturating_add(self.window);
            now.max(UnixMillis::from_millis(free.min(latest)))
        })
    }

    /// The times of the last changes with one more; older ones than matter are left out.
    #[must_use]
    pub fn noted(self, updates: &[UnixMillis], at: UnixMillis) -> Vec<UnixMillis> {
        let skipped = (updates.len() + 1).saturating_sub(Self::PER_USER);
        updates.iter().skip(skipped).copied().chain([at]).collect()
    }
}

/// When the last messages of a universe were published.
#[derive(Debug, Default)]
pub struct MessagePace(VecDeque<UnixMillis>);

impl MessagePace {
    /// Counts a message, if there is room for it.
    pub fn admit(&mut self, pacing: Pacing, now: UnixMillis) -> bool {
        let is_old = |at: &UnixMillis| at.millis().saturating_add(pacing.window) <= now.millis();
        while self.0.front().is_some_and(is_old) {
            self.0.pop_front();
        }
        let room = self.0.len() < Pacing::MESSAGES;
        if room {
            self.0.push_back(now);
        }
        room
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
    fn a_restriction_holds_for_what_is_left_of_its_ban() {
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
                duration(expires, at(sent)),
                expected,
                "{expires:?} at {sent}"
            );
        }
    }

    #[test]
    fn the_third_change_of_a_user_waits_until_the_first_is_a_minute_old() {
        let pacing = Pacing::default();
        assert_eq!(pacing.next(&[], at(5)), at(5));
        assert_eq!(pacing.next(&[at(1)], at(5)), at(5));
        assert_eq!(pacing.next(&[at(1), at(2)], at(5)), at(60_001));
        assert_eq!(pacing.next(&[at(1), at(2)], at(60_001)), at(60_001));
        assert_eq!(
            pacing.next(&[at(900_000), at(900_000)], at(5)),
            at(60_005),
            "by a clock that was set back"
        );
        assert_eq!(pacing.noted(&[at(1), at(2)], at(3)), [at(2), at(3)]);
        assert_eq!(pacing.noted(&[], at(3)), [at(3)]);
    }

    #[test]
    fn a_universe_gets_so_many_messages_in_a_window_and_then_more() {
        let (mut pace, pacing) = (MessagePace::default(), Pacing::default());
        for n in 0..100 {
            assert!(pace.admit(pacing, at(n)), "{n}");
        }
        assert!(!pace.admit(pacing, at(59_999)));
        assert!(pace.admit(pacing, at(60_000)), "the first has left");
        assert!(!pace.admit(pacing, at(60_000)));
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_changes_than_roblox_takes(
            pauses in prop::collection::vec(0_u64..50_000, 1..40),
        ) {
            let (pacing, mut updates) = (Pacing::default(), Vec::new());
            let (mut all, mut now) = (Vec::new(), at(1_000_000));
            for pause in pauses {
                now = pacing.next(&updates, at(now.millis() + pause));
                updates = pacing.noted(&updates, now);
                all.push(now.millis());
            }
            for lately in all.windows(Pacing::PER_USER + 1) {
                prop_assert!(lately[Pacing::PER_USER] - lately[0] >= pacing.window);
            }
        }
    }
}
