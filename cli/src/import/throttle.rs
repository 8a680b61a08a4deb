//! Adapts the number of concurrent transactions: additive increase, multiplicative decrease when DynamoDB
//! throttles.

use std::cell::Cell;
use std::time::Duration;

use shared::domain::backoff::{Backoff, Jitter};
use shared::domain::random;

const INITIAL_LIMIT: usize = 4;
const MAX_LIMIT: usize = 16;

/// After this many successful transactions in a row the limit rises by one.
const SUCCESSES: u32 = 8;

/// The number of attempts before the import fails, after about a minute.
const ATTEMPTS: u32 = 12;

/// The waits between two attempts.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(10),
    jitter: Jitter::thousandths(333, 1000),
};

#[derive(Debug)]
pub struct Throttle {
    limit: Cell<usize>,
    good: Cell<u32>,
}

impl Throttle {
    pub const fn new() -> Self {
        Self {
            limit: Cell::new(INITIAL_LIMIT),
            good: Cell::new(0),
        }
    }

    /// The current limit of concurrent transactions.
    pub const fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Records a successful transaction.
    pub fn succeeded(&self) {
        self.good.set(self.good.get().saturating_add(1));
        if self.good.get() >= SUCCESSES {
            self.good.set(0);
            self.limit
                .set(self.limit.get().saturating_add(1).min(MAX_LIMIT));
        }
    }

    /// Halves the limit and waits; `false` if there are no attempts left.
    pub async fn back_off(&self, attempt: u32) -> bool {
        self.good.set(0);
        self.limit.set(self.limit.get().div_ceil(2));
        if attempt >= ATTEMPTS {
            return false;
        }
        wait(attempt).await;
        true
    }
}

/// Exponential back-off with jitter.
pub async fn wait(attempt: u32) {
    tokio::time::sleep(BACKOFF.pause(attempt, random::number())).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn limit_grows_slowly_and_halves_immediately() {
        let throttle = Throttle::new();
        for _ in 0..SUCCESSES * 100 {
            throttle.succeeded();
        }
        assert_eq!(throttle.limit(), MAX_LIMIT);
        assert!(throttle.back_off(0).await);
        assert_eq!(throttle.limit(), MAX_LIMIT / 2);
        for _ in 0..10 {
            assert!(throttle.back_off(0).await);
        }
        assert_eq!(throttle.limit(), 1);
        assert!(!throttle.back_off(ATTEMPTS).await);
    }
}
