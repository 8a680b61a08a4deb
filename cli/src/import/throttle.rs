//! As many transactions at once as the table takes: more while all goes well, half as many as soon
//! as it has too much to do.

use std::cell::Cell;
use std::time::Duration;

use shared::domain::clock::UnixMillis;

const AT_FIRST: usize = 4;
const AT_MOST: usize = 16;

/// After how many transactions in a row that went well one more is made at once.
const GOOD: u32 = 8;

/// How often an attempt is made before the import gives up, which takes about a minute.
const ATTEMPTS: u32 = 12;

/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(10);

/// How many transactions are under way at once.
#[derive(Debug)]
pub struct Throttle {
    limit: Cell<usize>,
    good: Cell<u32>,
}

impl Throttle {
    pub const fn new() -> Self {
        Self {
            limit: Cell::new(AT_FIRST),
            good: Cell::new(0),
        }
    }

    /// How many there may be now.
    pub const fn limit(&self) -> usize {
        self.limit.get()
    }

    /// One has gone well.
    pub fn faster(&self) {
        self.good.set(self.good.get().saturating_add(1));
        if self.good.get() >= GOOD {
            self.good.set(0);
            self.limit
                .set(self.limit.get().saturating_add(1).min(AT_MOST));
        }
    }

    /// The database has too much to do. Waits; `false` when it was tried often enough.
    pub async fn slower(&self, attempt: u32) -> bool {
        self.good.set(0);
        self.limit.set(self.limit.get().div_ceil(2));
        if attempt >= ATTEMPTS {
            return false;
        }
        wait(attempt).await;
        true
    }
}

/// Waits longer with each attempt, and never as long as another.
pub async fn wait(attempt: u32) {
    let ceiling = Duration::from_millis(50)
        .saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX))
        .min(LONGEST);
    // The clock is random enough to tell two writers apart.
    let share = u32::try_from(UnixMillis::now().millis() % 100).unwrap_or_default();
    tokio::time::sleep(ceiling.saturating_mul(share.saturating_add(50)) / 150).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_grows_slowly_and_halves_at_once() {
        let throttle = Throttle::new();
        for _ in 0..GOOD * 100 {
            throttle.faster();
        }
        assert_eq!(throttle.limit(), AT_MOST);
        assert!(throttle.slower(0).await);
        assert_eq!(throttle.limit(), AT_MOST / 2);
        for _ in 0..10 {
            assert!(throttle.slower(0).await);
        }
        assert_eq!(throttle.limit(), 1);
        assert!(!throttle.slower(ATTEMPTS).await);
    }
}
