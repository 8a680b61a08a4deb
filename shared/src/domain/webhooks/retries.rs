//! When a delivery is tried again, and when no more.

use super::delivery::AttemptOutcome;
use crate::domain::clock::UnixMillis;

/// The pauses before each further attempt, in seconds: 1, 5, 15 and 30 minutes, 1, 2, 4, 6 and 10
/// hours, 24 hours in all but a few minutes.
pub const PAUSES: [u64; 9] = [60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 36_000];

/// By how many thousandths a pause is made longer or shorter at random, so that what failed together
/// does not come back together.
const JITTER: u64 = 200;

/// The longest that an answer may ask us to wait, in seconds.
const LONGEST_WISH: u64 = 3600;

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// It arrived.
    Delivered,
    /// It is tried again then.
    Again(UnixMillis),
    /// It is not tried any more.
    Failed,
    /// The other side says that the endpoint is gone for good: nothing more is sent there.
    EndpointGone,
}

/// Judges an attempt, the `attempts`-th of its delivery (from 1), by its outcome. `chance` is any
/// random number.
#[must_use]
pub fn judge(
    outcome: &AttemptOutcome,
    attempts: u32,
    now: UnixMillis,
    chance: u64,
) -> RetryDecision {
    let wish = match outcome {
        AttemptOutcome::Answered {
            status: 200..=299, ..
        } => return RetryDecision::Delivered,
        AttemptOutcome::Answered { status: 410, .. } => return RetryDecision::EndpointGone,
        AttemptOutcome::Answered {
            status: 429 | 503,
            retry_after,
        } => retry_after.unwrap_or_default().min(LONGEST_WISH),
        _ => 0,
    };
    let made = usize::try_from(attempts).unwrap_or(usize::MAX);
    let Some(pause) = PAUSES.get(made.saturating_sub(1)) else {
        return RetryDecision::Failed;
    };
    let pause = jittered(*pause, chance).max(wish.saturating_mul(1000));
    RetryDecision::Again(UnixMillis::from_millis(now.millis().saturating_add(pause)))
}

/// So many seconds in milliseconds, a fifth more or less.
fn jittered(seconds: u64, chance: u64) -> u64 {
    let thousandths = chance
        .checked_rem(JITTER.saturating_mul(2).saturating_add(1))
        .unwrap_or_default()
        .saturating_add(1000)
        .saturating_sub(JITTER);
    seconds.saturating_mul(thousandths)
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

    fn pause(outcome: &AttemptOutcome, attempts: u32, chance: u64) -> Option<u64> {
        match judge(outcome, attempts, NOW, chance) {
            RetryDecision::Again(at) => Some(at.millis() - NOW.millis()),
            _ => None,
        }
    }

    #[test]
    fn the_pauses_make_a_day() {
        let total: u64 = PAUSES.iter().sum();
        assert!((23 * 3600 + 1800..=24 * 3600).contains(&total), "{total}");
        assert!(PAUSES.is_sorted());
    }

    #[test]
    fn any_success_ends_a_delivery_and_anything_else_is_tried_again() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(
                judge(&answered(status, None), 1, NOW, 0),
                RetryDecision::Delivered
            );
        }
        // 200 of 401 thousandths above 800 is in the middle: no jitter.
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
            assert_eq!(judge(&outcome, 10, NOW, 200), RetryDecision::Failed);
            assert_eq!(judge(&outcome, u32::MAX, NOW, 200), RetryDecision::Failed);
        }
        assert_eq!(
            judge(&answered(410, None), 1, NOW, 0),
            RetryDecision::EndpointGone
        );
    }

    #[test]
    fn a_wish_to_be_left_alone_is_honoured_up_to_an_hour() {
        assert_eq!(pause(&answered(429, Some(600)), 1, 200), Some(600_000));
        assert_eq!(pause(&answered(503, Some(90_000)), 1, 200), Some(3_600_000));
        assert_eq!(pause(&answered(429, Some(1)), 1, 200), Some(60_000));
        // Only these two say so.
        assert_eq!(pause(&answered(500, Some(600)), 1, 200), Some(60_000));
        // It gives no further attempt.
        assert_eq!(
            judge(&answered(429, Some(60)), 10, NOW, 0),
            RetryDecision::Failed
        );
    }

    proptest! {
        /// Each pause is within a fifth of its length, and pauses never overlap so far that a
        /// later one could be shorter than the one before it.
        #[test]
        fn pauses_grow_whatever_the_chance(attempts in 1_u32..9, a: u64, b: u64) {
            let failed = AttemptOutcome::NoAnswer(Failure::Connection);
            let base = PAUSES[attempts as usize - 1] * 1000;
            let this = pause(&failed, attempts, a).unwrap();
            prop_assert!((base * 4 / 5..=base * 6 / 5).contains(&this));
            prop_assert!(this < pause(&failed, attempts + 1, b).unwrap());
        }

        /// Whatever is answered, a delivery ends after ten attempts.
        #[test]
        fn every_delivery_ends(status in 100_u16..600, wish: Option<u64>, chance: u64) {
            let verdict = judge(&answered(status, wish), 10, NOW, chance);
            prop_assert!(!matches!(verdict, RetryDecision::Again(_)));
        }
    }
}
