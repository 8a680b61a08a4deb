//! Roblox's limit on calls per owner of a key.

use std::time::Duration;

use crate::domain::clock::UnixMillis;

/// The calls that Roblox accepts per owner and minute.
const PER_MINUTE: u64 = 300;

/// The time in which one more call becomes possible, in milliseconds.
const PER_CALL: u64 = 60_000 / PER_MINUTE;

/// The time in which an empty bucket fills, and the longest pause, in milliseconds.
const WINDOW: u64 = PER_MINUTE * PER_CALL;

/// Counts the calls of one owner: up to 300 at once, then one per 200 ms.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    /// When the bucket is full again.
    full_at: UnixMillis,
    /// Roblox has asked for no call before this time.
    paused_until: UnixMillis,
}

impl Default for TokenBucket {
    /// A full bucket.
    fn default() -> Self {
        let past = UnixMillis::from_millis(0);
        Self {
            full_at: past,
            paused_until: past,
        }
    }
}

impl TokenBucket {
    /// Takes a call's token, or returns how long to wait for one.
    pub fn take(&mut self, now: UnixMillis) -> Result<(), Duration> {
        let paused = self.paused_until.millis().saturating_sub(now.millis());
        // A longer pause means that the clock was set back.
        if (1..=WINDOW).contains(&paused) {
            return Err(Duration::from_millis(paused));
        }
        self.full_at = self.full_at.max(now).min(now.plus(WINDOW));
        let next = self.full_at.plus(PER_CALL);
        let over = next.millis().saturating_sub(now.plus(WINDOW).millis());
        if over > 0 {
            return Err(Duration::from_millis(over));
        }
        self.full_at = next;
        Ok(())
    }

    /// Roblox refused a call: the next one is possible after this pause, a minute at most.
    pub fn pause(&mut self, pause: Duration, now: UnixMillis) {
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.paused_until = now.plus(pause.min(WINDOW));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::from_millis(1_700_000_000_000);

    #[test]
    fn three_hundred_calls_pass_at_once_and_then_five_per_second() {
        let mut bucket = TokenBucket::default();
        for call in 0..300 {
            assert_eq!(bucket.take(NOW), Ok(()), "{call}");
        }
        assert_eq!(bucket.take(NOW), Err(Duration::from_millis(200)));
        assert_eq!(bucket.take(NOW.plus(199)), Err(Duration::from_millis(1)));
        assert_eq!(bucket.take(NOW.plus(200)), Ok(()));
        for _ in 0..5 {
            assert_eq!(bucket.take(NOW.plus(1_200)), Ok(()));
        }
        assert!(bucket.take(NOW.plus(1_200)).is_err());
    }

    #[test]
    fn refused_call_pauses_the_owner() {
        let mut bucket = TokenBucket::default();
        bucket.pause(Duration::from_secs(3), NOW);
        assert_eq!(bucket.take(NOW), Err(Duration::from_secs(3)));
        assert_eq!(bucket.take(NOW.plus(3_000)), Ok(()));
    }

    #[test]
    fn clock_set_back_delays_calls_by_200_ms_at_most() {
        let mut bucket = TokenBucket::default();
        bucket.take(NOW).unwrap();
        bucket.pause(Duration::from_secs(3), NOW);
        let earlier = UnixMillis::from_millis(1_600_000_000_000);
        let wait = bucket.take(earlier).unwrap_err();
        assert!(wait <= Duration::from_millis(200), "{wait:?}");
        assert_eq!(bucket.take(earlier.plus(200)), Ok(()));
    }
}
