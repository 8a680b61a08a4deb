//! Counts of one invocation.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use shared::telemetry::Run;

/// After this many failed attempts without a success, the endpoint is skipped until the next sweep:
/// an endpoint that is down costs little, however much is due to it.
const FUTILE: u32 = 16;

/// Counts, shared by parallel attempts.
#[derive(Debug, Default)]
pub struct Tally {
    delivered: Count,
    failed_attempts: Count,
    given_up: Count,
    paused: Count,
    /// Milliseconds from the event to its delivery, of deliveries that succeeded at the first
    /// attempt.
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
    /// `waited`: the milliseconds before a successful first attempt.
    pub fn delivered(&self, waited: Option<u64>) {
        self.delivered.add();
        let waited = waited.unwrap_or_default();
        self.longest_wait.fetch_max(waited, Ordering::Relaxed);
    }

    pub fn attempt_failed(&self) {
        self.failed_attempts.add();
    }

    pub fn given_up(&self) {
        self.given_up.add();
    }

    pub fn endpoint_gone(&self) {
        self.endpoint_is_gone.store(true, Ordering::Relaxed);
    }

    /// The service paused the endpoint.
    pub fn paused(&self) {
        self.paused.add();
    }

    /// The numbers of deliveries and of failed attempts.
    pub fn so_far(&self) -> (u32, u32) {
        (self.delivered.get(), self.failed_attempts.get())
    }

    pub fn is_endpoint_gone(&self) -> bool {
        self.endpoint_is_gone.load(Ordering::Relaxed)
    }

    /// Whether to skip this endpoint for now.
    pub fn is_futile(&self) -> bool {
        let (delivered, failed) = self.so_far();
        self.is_endpoint_gone() || (delivered == 0 && failed >= FUTILE)
    }

    /// The counts for the log line.
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
