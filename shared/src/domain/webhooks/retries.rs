//! When a failed delivery is retried, and when it is given up.

use std::time::Duration;

use super::delivery::AttemptOutcome;
use crate::domain::backoff::Jitter;
use crate::domain::clock::UnixMillis;

/// The pauses before each further attempt, in seconds: 1, 5, 15 and 30 minutes, then 1, 2, 4, 6 and 10
/// hours. They add up to a few minutes less than 24 hours.
pub const PAUSES: [u64; 9] = [60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 36_000];

/// A pause is up to a fifth longer or shorter, so that deliveries that failed together are not retried
/// together.
const JITTER: Jitter = Jitter::thousandths(800, 1200);

/// The longest `retry-after` that is honoured, in seconds.
const LONGEST_RETRY_AFTER: u64 = 3600;

/// How many attempts to an endpoint may fail, while none succeeds, before the rest waits for the next
/// sweep: an endpoint that is down costs little, however much is due to it.
const DOWN_AFTER: u32 = 16;

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// The endpoint accepted the delivery.
    Delivered,
    /// The delivery is retried at this time.
    RetryAt(UnixMillis),
    /// The delivery has failed.
    GiveUp,
    /// The endpoint answered 410: nothing more is sent to it.
    EndpointGone,
}

/// Decides what follows from the result of an attempt, the delivery's `attempts`-th, counted from 1.
/// `random` is any random number.
#[must_use]
pub fn decide_retry(
    outcome: &AttemptOutcome,
    attempts: u32,
    now: UnixMillis,
    random: u64,
) -> RetryDecision {
    let retry_after = match outcome {
        AttemptOutcome::Answered {
            status: 200..=299, ..
        } => return RetryDecision::Delivered,
        AttemptOutcome::Answered { status: 410, .. } => return RetryDecision::EndpointGone,
        AttemptOutcome::Answered {
            status: 429 | 503,
            retry_after,
        } => retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER),
        _ => 0,
    };
    let made = usize::try_from(attempts).unwrap_or(usize::MAX);
    let Some(pause) = PAUSES.get(made.saturating_sub(1)) else {
        return RetryDecision::GiveUp;
    };
    let pause = JITTER.apply(Duration::from_secs(*pause), random);
    let pause = pause.max(Duration::from_secs(retry_after)).as_millis();
    let pause = u64::try_from(pause).unwrap_or(u64::MAX);
    RetryDecision::RetryAt(now.plus(pause))
}

/// Whether an endpoint is down, given the deliveries and the failed attempts of one run.
#[must_use]
pub const fn is_endpoint_down(delivered: u32, failed: u32) -> bool {
    delivered == 0 && failed >= DOWN_AFTER
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::webhooks::Failure;

    const NOW: UnixMillis = UnixMillis::from_millis(1_800_000_000_000);

    fn answered(status: u16, retry_after: Option<u64>) -> AttemptOutcome {
        AttemptOutcome::Answered {
            status,
            retry_after,
        }
    }

    fn pause(outcome: &AttemptOutcome, attempts: u32, random: u64) -> Option<u64> {
        match decide_retry(outcome, attempts, NOW, random) {
            RetryDecision::RetryAt(at) => Some(at.millis() - NOW.millis()),
            _ => None,
        }
    }

    #[test]
    fn the_pauses_add_up_to_a_day() {
        let total: u64 = PAUSES.iter().sum();
        assert!((23 * 3600 + 1800..=24 * 3600).contains(&total), "{total}");
        assert!(PAUSES.is_sorted());
    }

    #[test]
    fn anything_but_a_success_is_retried() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(
                decide_retry(&answered(status, None), 1, NOW, 0),
                RetryDecision::Delivered
            );
        }
        // 200 is the middle of the 401 possible values: no jitter.
        for outcome in [
            answered(301, None),
            answered(302, None),
            answered(400, None),
            answered(401, None),
            answered(404, None),
            answered(429, None),
            answered(500, None),
            answered(503, None),
            AttemptOutcome::NoAnswer(Failure::TimedOut),
            AttemptOutcome::NoAnswer(Failure::RefusedAddress),
        ] {
            assert_eq!(pause(&outcome, 1, 200), Some(60_000), "{outcome:?}");
            assert_eq!(pause(&outcome, 9, 200), Some(36_000_000), "{outcome:?}");
            assert_eq!(decide_retry(&outcome, 10, NOW, 200), RetryDecision::GiveUp);
            assert_eq!(
                decide_retry(&outcome, u32::MAX, NOW, 200),
                RetryDecision::GiveUp
            );
        }
        assert_eq!(
            decide_retry(&answered(410, None), 1, NOW, 0),
            RetryDecision::EndpointGone
        );
    }

    #[test]
    fn retry_after_is_honoured_up_to_an_hour() {
        assert_eq!(pause(&answered(429, Some(600)), 1, 200), Some(600_000));
        assert_eq!(pause(&answered(503, Some(90_000)), 1, 200), Some(3_600_000));
        assert_eq!(pause(&answered(429, Some(1)), 1, 200), Some(60_000));
        // It counts with these two statuses only.
        assert_eq!(pause(&answered(500, Some(600)), 1, 200), Some(60_000));
        // It adds no attempt.
        assert_eq!(
            decide_retry(&answered(429, Some(60)), 10, NOW, 0),
            RetryDecision::GiveUp
        );
    }

    #[test]
    fn an_endpoint_is_down_after_sixteen_failures_without_a_success() {
        assert!(!is_endpoint_down(0, 15));
        assert!(is_endpoint_down(0, 16));
        assert!(!is_endpoint_down(1, 100));
    }

    proptest! {
        /// Each back-off is within a fifth of its length, and they never overlap so much that a
        /// later one could be shorter than the one before it.
        #[test]
        fn pauses_grow_whatever_the_jitter(attempts in 1_u32..9, a: u64, b: u64) {
            let failed = AttemptOutcome::NoAnswer(Failure::Connection);
            let base = PAUSES[attempts as usize - 1] * 1000;
            let this = pause(&failed, attempts, a).unwrap();
            prop_assert!((base * 4 / 5..=base * 6 / 5).contains(&this));
            prop_assert!(this < pause(&failed, attempts + 1, b).unwrap());
        }

        /// A delivery ends after ten attempts, whatever the endpoint answers.
        #[test]
        fn every_delivery_ends(status in 100_u16..600, retry_after: Option<u64>, random: u64) {
            let decision = decide_retry(&answered(status, retry_after), 10, NOW, random);
            prop_assert!(!matches!(decision, RetryDecision::RetryAt(_)));
        }
    }
}
