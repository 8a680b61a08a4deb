//! How many wrong codes may be typed.

use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;

/// How many wrong codes an account may type in any hour.
const MOST: usize = 5;

/// How many seconds a wrong code counts.
const COUNTED: u64 = 3_600;

/// How many wrong codes the callers with one key may type in an hour, whatever accounts they name: one
/// in a million of all codes.
pub const WRONG_CODES_OF_KEY: u32 = 1_000;

/// When an account typed its latest wrong codes, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WrongCodes(Vec<UnixSeconds>);

impl WrongCodes {
    /// How many seconds until the account may type another code, if it may not now. A clock that is
    /// behind counts as no time passed.
    #[must_use]
    pub fn wait(&self, now: UnixSeconds) -> Option<u64> {
        let counted = self.counted(now);
        let oldest = counted.len().checked_sub(MOST)?;
        let free = counted.get(oldest)?.plus(COUNTED);
        Some(free.0.saturating_sub(now.0).clamp(1, COUNTED))
    }

    /// The same after another wrong code.
    #[must_use]
    pub fn with_another(&self, now: UnixSeconds) -> Self {
        let mut times = self.counted(now);
        times.push(now);
        Self(times)
    }

    /// When none of them counts any more.
    #[must_use]
    pub fn over(&self) -> UnixSeconds {
        let newest = self.0.iter().max().copied();
        newest.unwrap_or_default().plus(COUNTED)
    }

    fn counted(&self, now: UnixSeconds) -> Vec<UnixSeconds> {
        let counts = |at: &UnixSeconds| at.plus(COUNTED) > now;
        self.0.iter().copied().filter(counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: &[u64]) -> WrongCodes {
        let next = |codes: WrongCodes, at: &u64| codes.with_another(UnixSeconds(*at));
        times.iter().fold(WrongCodes::default(), next)
    }

    #[test]
    fn five_wrong_codes_are_allowed_in_any_hour() {
        for (times, now, wait) in [
            (&[][..], 0, None),
            (&[100; 4][..], 100, None),
            (&[100; 5][..], 100, Some(3_600)),
            (&[100; 5][..], 3_699, Some(1)),
            (&[100; 5][..], 3_700, None),
            (&[100, 200, 300, 400, 500][..], 600, Some(3_100)),
            // One has run out, and another one was typed.
            (&[100, 200, 300, 400, 500, 3_700][..], 3_700, Some(100)),
            // Across the end of an hour.
            (&[100, 3_600, 3_600, 3_600, 3_600][..], 3_650, Some(50)),
            // The clock of another environment is behind.
            (&[100; 5][..], 50, Some(3_600)),
        ] {
            assert_eq!(after(times).wait(UnixSeconds(now)), wait, "{times:?} {now}");
        }
    }

    #[test]
    fn no_more_times_are_kept_than_count() {
        let times: Vec<u64> = (0..100).map(|n| n * 900).collect();
        assert!(after(&times).0.len() <= MOST);
        assert_eq!(after(&[100, 200]).over(), UnixSeconds(3_800));
    }
}
