//! Exponential back-off with jitter, so that clients that failed together do not retry together.

use std::time::Duration;

/// The range of factors that a pause is multiplied with at random, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter {
    least: u32,
    most: u32,
}

/// Pauses that double with each attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first attempt, before jitter.
    pub first: Duration,
    /// The longest pause, before jitter.
    pub longest: Duration,
    /// How far pauses differ from that.
    pub jitter: Jitter,
}

impl Jitter {
    /// Factors from `least` to `most` thousandths.
    #[must_use]
    pub const fn thousandths(least: u32, most: u32) -> Self {
        Self { least, most }
    }

    /// A pause with jitter; `chance` is any random number.
    #[must_use]
    pub fn apply(self, pause: Duration, chance: u64) -> Duration {
        let factors = u64::from(self.most.saturating_sub(self.least)).saturating_add(1);
        let above = chance.checked_rem(factors).unwrap_or_default();
        let above = u32::try_from(above).unwrap_or_default();
        pause.saturating_mul(self.least.saturating_add(above)) / 1000
    }
}

impl Backoff {
    /// The pause after an attempt, counted from 0; `chance` is any random number.
    #[must_use]
    pub fn pause(self, attempt: u32, chance: u64) -> Duration {
        let factor = 1_u32.checked_shl(attempt).unwrap_or(u32::MAX);
        let pause = self.first.saturating_mul(factor).min(self.longest);
        self.jitter.apply(pause, chance)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_millis(10),
        longest: Duration::from_millis(160),
        jitter: Jitter::thousandths(250, 1250),
    };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let without_jitter = 750;
        let pauses = [0, 1, 4, 5, 31, 32, u32::MAX].map(|at| BACKOFF.pause(at, without_jitter));
        let millis = [10, 20, 160, 160, 160, 160, 160].map(Duration::from_millis);
        assert_eq!(pauses, millis);
    }

    #[test]
    fn jitter_reaches_both_bounds_and_no_further() {
        let pauses = [0, 1000, 1001, u64::MAX].map(|chance| BACKOFF.pause(0, chance).as_micros());
        assert_eq!(pauses[..3], [2_500, 12_500, 2_500]);
        let none = Jitter::thousandths(1000, 1000);
        assert_eq!(
            none.apply(Duration::from_secs(1), 7),
            Duration::from_secs(1)
        );
    }

    proptest! {
        #[test]
        fn every_pause_is_within_the_jitter_of_its_length(attempt: u32, chance: u64) {
            let pause = BACKOFF.pause(attempt, chance);
            let length = BACKOFF.longest.min(BACKOFF.first * (1 << attempt.min(10)));
            prop_assert!((length / 4..=length * 5 / 4).contains(&pause));
        }
    }
}
