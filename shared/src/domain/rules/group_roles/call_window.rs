//! Roblox's limit on calls per owner of a key.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::clock::UnixMillis;

/// The calls that Roblox accepts per owner and minute.
const PER_MINUTE: usize = 300;

/// Roblox's minute in milliseconds, and a second more: a call may reach Roblox later than it is
/// counted here. Also the longest pause.
const WINDOW: u64 = 61_000;

/// The calls of one owner within the last minute. However Roblox counts a minute, no minute has more
/// calls than it accepts.
#[derive(Clone, Debug)]
pub struct CallWindow {
    /// The oldest first.
    calls: VecDeque<UnixMillis>,
    /// Roblox has asked for no call before this time.
    paused_until: UnixMillis,
}

impl Default for CallWindow {
    /// No calls yet.
    fn default() -> Self {
        Self {
            calls: VecDeque::new(),
            paused_until: UnixMillis::from_millis(0),
        }
    }
}

impl CallWindow {
    /// Counts a call, or returns how long to wait until one is possible.
    pub fn take(&mut self, now: UnixMillis) -> Result<(), Duration> {
        let paused = self.paused_until.millis().saturating_sub(now.millis());
        // A longer pause means that the clock was set back.
        if (1..=WINDOW).contains(&paused) {
            return Err(Duration::from_millis(paused));
        }
        // A later call means the same.
        for call in &mut self.calls {
            *call = now.min(*call);
        }
        let wait = |call: &UnixMillis| call.plus(WINDOW).millis().saturating_sub(now.millis());
        while self.calls.front().is_some_and(|call| wait(call) == 0) {
            self.calls.pop_front();
        }
        match self.calls.front() {
            Some(oldest) if self.calls.len() >= PER_MINUTE => {
                Err(Duration::from_millis(wait(oldest)))
            }
            _ => {
                self.calls.push_back(now);
                Ok(())
            }
        }
    }

    /// Roblox refused a call: the next one is possible after this pause, a minute at most.
    pub fn pause(&mut self, pause: Duration, now: UnixMillis) {
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.paused_until = now.plus(pause.min(WINDOW));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis::from_millis(1_700_000_000_000);

    #[test]
    fn three_hundred_calls_pass_at_once_and_the_next_when_the_first_is_a_minute_old() {
        let mut window = CallWindow::default();
        assert_eq!(window.take(NOW), Ok(()));
        for call in 1..300 {
            assert_eq!(window.take(NOW.plus(1_000)), Ok(()), "{call}");
        }
        let wait = |millis| Err(Duration::from_millis(millis));
        assert_eq!(window.take(NOW.plus(1_000)), wait(60_000));
        assert_eq!(window.take(NOW.plus(60_999)), wait(1));
        assert_eq!(window.take(NOW.plus(61_000)), Ok(()));
        assert_eq!(window.take(NOW.plus(61_000)), wait(1_000));
    }

    #[test]
    fn refused_call_pauses_the_owner() {
        let mut window = CallWindow::default();
        window.pause(Duration::from_secs(3), NOW);
        assert_eq!(window.take(NOW), Err(Duration::from_secs(3)));
        assert_eq!(window.take(NOW.plus(3_000)), Ok(()));
    }

    #[test]
    fn clock_set_back_delays_calls_by_a_minute_at_most() {
        let mut window = CallWindow::default();
        for _ in 0..300 {
            window.take(NOW).unwrap();
        }
        window.pause(Duration::from_secs(3), NOW);
        let earlier = UnixMillis::from_millis(1_600_000_000_000);
        assert_eq!(window.take(earlier), Err(Duration::from_millis(WINDOW)));
        assert_eq!(window.take(earlier.plus(WINDOW)), Ok(()));
    }

    proptest! {
        #[test]
        fn no_minute_has_more_calls_than_roblox_accepts(
            pauses in proptest::collection::vec(prop_oneof![0_u64..3, 0_u64..2_000], 1..2_000),
        ) {
            let (mut window, mut now, mut made) = (CallWindow::default(), NOW, Vec::new());
            for pause in pauses {
                now = now.plus(pause);
                match window.take(now) {
                    Ok(()) => made.push(now.millis()),
                    Err(wait) => {
                        let wait = u64::try_from(wait.as_millis()).unwrap();
                        prop_assert_eq!(window.clone().take(now.plus(wait)), Ok(()));
                        prop_assert!(window.clone().take(now.plus(wait - 1)).is_err());
                    }
                }
            }
            for many in made.windows(PER_MINUTE + 1) {
                prop_assert!(many[PER_MINUTE] - many[0] >= 60_000);
            }
        }
    }
}
