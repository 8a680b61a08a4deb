//! Pauses a universe while Roblox does not answer, or answers that it is asked too often.

use super::RobloxFailure;
use crate::domain::clock::UnixMillis;

/// How many consecutive failures pause a universe.
const FAILURES: u32 = 5;

/// The first pause after failures, in milliseconds. Each further failure doubles it.
const FIRST_PAUSE: u64 = 5_000;

/// The longest pause after failures, in milliseconds.
const LONGEST_PAUSE: u64 = 60_000;

/// The first pause after a 429 without `retry-after`, in milliseconds. Each further one doubles it, up to
/// 32 times.
const FIRST_LIMIT_PAUSE: u64 = 1_000;

/// Whether a universe may be changed, by what Roblox last answered.
#[derive(Debug, Default)]
pub struct CircuitBreaker {
    failures: u32,
    rate_limits: u32,
    paused_until: Option<UnixMillis>,
}

impl CircuitBreaker {
    /// Records an answer.
    pub const fn record_success(&mut self) {
        (self.failures, self.rate_limits) = (0, 0);
    }

    /// Records a failure. Returns the end of the pause that it causes, if it causes one.
    pub fn record_failure(
        &mut self,
        failure: RobloxFailure,
        now: UnixMillis,
    ) -> Option<UnixMillis> {
        match failure {
            RobloxFailure::KeyRefused => None,
            RobloxFailure::Refused(_) => {
                self.record_success();
                None
            }
            RobloxFailure::Unavailable => {
                self.failures = self.failures.saturating_add(1);
                let doublings = self.failures.checked_sub(FAILURES)?;
                let pause = FIRST_PAUSE.saturating_mul(1 << doublings.min(8));
                Some(self.extend(now.plus(pause.min(LONGEST_PAUSE))))
            }
            RobloxFailure::RateLimited(asked_for) => {
                let doubled = FIRST_LIMIT_PAUSE.saturating_mul(1 << self.rate_limits.min(5));
                self.rate_limits = self.rate_limits.saturating_add(1);
                let asked_for = asked_for.and_then(|pause| u64::try_from(pause.as_millis()).ok());
                Some(self.extend(now.plus(asked_for.unwrap_or(doubled))))
            }
        }
    }

    /// Pauses until a time that an earlier worker saved.
    pub const fn pause(&mut self, until: UnixMillis) {
        self.paused_until = Some(until);
    }

    /// The end of the pause, if it lies ahead.
    #[must_use]
    pub fn paused_until(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.paused_until.filter(|until| *until > now)
    }

    /// Pauses until then, or until the end of the current pause if that is later; returns which.
    fn extend(&mut self, until: UnixMillis) -> UnixMillis {
        let until = self.paused_until.map_or(until, |before| before.max(until));
        self.paused_until = Some(until);
        until
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis::from_millis(1_000_000);

    #[test]
    fn five_failures_in_a_row_pause_a_universe_for_longer_each_time() {
        let mut breaker = CircuitBreaker::default();
        for pause in [
            None,
            None,
            None,
            None,
            Some(NOW.plus(5_000)),
            Some(NOW.plus(10_000)),
            Some(NOW.plus(20_000)),
            Some(NOW.plus(40_000)),
            Some(NOW.plus(60_000)),
            Some(NOW.plus(60_000)),
        ] {
            assert_eq!(
                breaker.record_failure(RobloxFailure::Unavailable, NOW),
                pause
            );
            assert_eq!(breaker.paused_until(NOW), pause);
        }
    }

    #[test]
    fn an_answer_ends_the_series_of_failures() {
        for answer in [None, Some(RobloxFailure::Refused(400))] {
            let mut breaker = CircuitBreaker::default();
            for _ in 0..4 {
                breaker.record_failure(RobloxFailure::Unavailable, NOW);
            }
            match answer {
                None => breaker.record_success(),
                Some(refusal) => assert_eq!(breaker.record_failure(refusal, NOW), None),
            }
            for _ in 0..4 {
                assert_eq!(
                    breaker.record_failure(RobloxFailure::Unavailable, NOW),
                    None
                );
            }
        }
    }

    #[test]
    fn a_rate_limit_pauses_for_what_roblox_asks_or_else_for_longer_each_time() {
        let mut breaker = CircuitBreaker::default();
        let limited = RobloxFailure::RateLimited;
        for pause in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000] {
            assert_eq!(
                breaker.record_failure(limited(None), NOW),
                Some(NOW.plus(pause))
            );
        }
        let minute = Some(Duration::from_mins(1));
        assert_eq!(
            breaker.record_failure(limited(minute), NOW),
            Some(NOW.plus(60_000))
        );
        let second = Some(Duration::from_secs(1));
        let shorter = breaker.record_failure(limited(second), NOW);
        assert_eq!(
            shorter,
            Some(NOW.plus(60_000)),
            "a pause is never shortened"
        );
    }

    #[test]
    fn a_refused_key_pauses_nothing() {
        let mut breaker = CircuitBreaker::default();
        for _ in 0..20 {
            assert_eq!(breaker.record_failure(RobloxFailure::KeyRefused, NOW), None);
        }
        assert_eq!(breaker.paused_until(NOW), None);
    }

    #[test]
    fn a_saved_pause_ends_at_its_time() {
        let mut breaker = CircuitBreaker::default();
        breaker.pause(NOW.plus(10));
        assert_eq!(breaker.paused_until(NOW), Some(NOW.plus(10)));
        assert_eq!(breaker.paused_until(NOW.plus(10)), None);
    }

    proptest! {
        #[test]
        fn a_pause_without_retry_after_is_at_most_a_minute(
            limited in prop::collection::vec(any::<bool>(), 1..100),
        ) {
            let mut breaker = CircuitBreaker::default();
            for is_limited in limited {
                let failure = if is_limited {
                    RobloxFailure::RateLimited(None)
                } else {
                    RobloxFailure::Unavailable
                };
                breaker.record_failure(failure, NOW);
                let pause = breaker.paused_until(NOW);
                prop_assert!(pause.is_none_or(|until| until <= NOW.plus(60_000)));
            }
        }
    }
}
