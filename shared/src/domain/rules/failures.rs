//! Failed attempts of an experience to apply what is pending, and when to try again.

use super::pending::PendingChange;
use super::standing::Standing;
use crate::domain::clock::UnixSeconds;

/// Seconds from the n-th failed attempt to the next one; after the last, always the same.
const PAUSES: [u64; 4] = [60, 300, 1800, 21_600];

/// The longest error that is kept, in bytes.
pub const LONGEST_ERROR: usize = 100;

/// The failed attempts at one pending change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempts {
    /// The change. Once another one is pending, the failures no longer matter.
    pub of: PendingChange,
    pub count: u32,
    /// The earliest time of the next attempt.
    pub not_before: UnixSeconds,
    /// The error of the last attempt, if the experience sent one.
    pub error: Option<String>,
}

impl FailedAttempts {
    /// The failures after another one.
    pub(super) fn after(
        before: Option<&Self>,
        of: PendingChange,
        error: Option<&str>,
        now: UnixSeconds,
    ) -> Self {
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        Self {
            of,
            count,
            not_before: now.plus(pause_after(count)),
            error: error.map(str::to_owned),
        }
    }
}

/// How many seconds to wait after this many failures.
fn pause_after(count: u32) -> u64 {
    let at = usize::try_from(count)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let [.., longest] = PAUSES;
    PAUSES.get(at).copied().unwrap_or(longest)
}

impl Standing {
    /// The failed attempts at what is pending now.
    #[must_use]
    pub fn failures_at(&self, now: UnixSeconds) -> Option<&FailedAttempts> {
        let pending = self.pending_at(now)?;
        let failures = self.here.failures.as_ref();
        failures.filter(|failures| failures.of == pending)
    }

    /// This standing without failures of what is no longer pending.
    #[must_use]
    pub fn without_stale_failures(mut self) -> Self {
        let pending = self.pending();
        let failures = self.here.failures.take();
        self.here.failures = failures.filter(|failures| pending.contains(&failures.of));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_six_hours() {
        let pauses = [1, 2, 3, 4, 5, u32::MAX].map(pause_after);
        assert_eq!(pauses, [60, 300, 1800, 21_600, 21_600, 21_600]);
    }
}
