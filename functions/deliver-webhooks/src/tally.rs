//! What an invocation has come to.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use shared::telemetry::Run;

/// How many attempts to an endpoint may fail, while none succeeds, before it is left alone until the
/// next sweep: one that is down costs little, however much is due to it.
const FUTILE: u32 = 16;

/// Counts, shared by the attempts that are under way at the same time.
#[derive(Debug, Default)]
pub struct Tally {
    delivered: Count,
    failed_attempts: Count,
    given_up: Count,
    paused: Count,
    /// In milliseconds, of what was delivered at its first attempt.
    longest_wait: AtomicU64,
    endpoint_is_gone: AtomicBool,
}

#[derive(Debug, Default)]
struct Count(AtomicU32);

impl Count {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    /// A delivery arrived. If at its first attempt, it had waited for so many milliseconds.
    pub fn delivered(&self, waited: Option<u64>) {
        self.delivered.add();
        let waited = waited.unwrap_or_default();
        self.longest_wait.fetch_max(waited, Ordering::Relaxed);
    }

    /// An attempt failed.
    pub fn attempt_failed(&self) {
        self.failed_attempts.add();
    }

    /// A delivery is not tried any more.
    pub fn given_up(&self) {
        self.given_up.add();
    }

    /// The endpoint says that it is gone.
    pub fn endpoint_gone(&self) {
        self.endpoint_is_gone.store(true, Ordering::Relaxed);
    }

    /// An endpoint was paused by us.
    pub fn paused(&self) {
        self.paused.add();
    }

    /// How much arrived, and how many attempts failed.
    pub fn so_far(&self) -> (u32, u32) {
        (self.delivered.get(), self.failed_attempts.get())
    }

    /// Whether the endpoint said that it is gone.
    pub fn is_endpoint_gone(&self) -> bool {
        self.endpoint_is_gone.load(Ordering::Relaxed)
    }

    /// Whether going on with this endpoint is of no use for now.
    pub fn is_futile(&self) -> bool {
        let (delivered, failed) = self.so_far();
        self.is_endpoint_gone() || (delivered == 0 && failed >= FUTILE)
    }

    /// What the log is told.
    pub fn run(&self) -> Run {
        let delivered = self.delivered.get();
        let waited = self.longest_wait.load(Ordering::Relaxed) / 1000;
        Run {
            counts: vec![
                ("deliveriesMade", delivered),
                ("attemptsFailed", self.failed_attempts.get()),
                ("deliveriesFailed", self.given_up.get()),
                ("endpointsPaused", self.paused.get()),
            ],
            waited: (delivered > 0).then_some(("deliveryLagSeconds", waited)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_only_fails_is_left_alone_and_one_success_is_enough_to_go_on() {
        let tally = Tally::default();
        for _ in 1..FUTILE {
            tally.attempt_failed();
        }
        assert!(!tally.is_futile());
        tally.attempt_failed();
        assert!(tally.is_futile());
        tally.delivered(None);
        assert!(!tally.is_futile());
        tally.endpoint_gone();
        assert!(tally.is_futile());
    }
}
