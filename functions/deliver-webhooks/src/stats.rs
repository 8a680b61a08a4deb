//! Counts for one invocation.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use shared::domain::error::ApiError;
use shared::domain::webhooks::is_endpoint_down;
use shared::telemetry::Run;

/// The counts, shared by concurrent attempts.
#[derive(Debug, Default)]
pub struct DeliveryStats {
    delivered: Count,
    failed_attempts: Count,
    given_up: Count,
    paused: Count,
    /// The longest wait of a delivery that succeeded at its first attempt, in milliseconds.
    longest_wait: AtomicU64,
    endpoint_is_gone: AtomicBool,
    was_malformed: AtomicBool,
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

impl DeliveryStats {
    /// Records a delivery; `waited` is its wait in milliseconds if this was its first attempt.
    pub fn record_delivered(&self, waited: Option<u64>) {
        self.delivered.add();
        let waited = waited.unwrap_or_default();
        self.longest_wait.fetch_max(waited, Ordering::Relaxed);
    }

    pub fn record_failed_attempt(&self) {
        self.failed_attempts.add();
    }

    /// Records a delivery that is not retried.
    pub fn record_given_up(&self) {
        self.given_up.add();
    }

    /// Records that Discord does not accept the form of a message.
    pub fn record_malformed(&self) {
        self.was_malformed.store(true, Ordering::Relaxed);
    }

    /// The error to log if something that we sent was wrong.
    pub fn fault(&self) -> Result<(), ApiError> {
        if self.was_malformed.load(Ordering::Relaxed) {
            let what = "Discord refused the form of a message: its delivery has the answer";
            return Err(ApiError::Internal(what.to_owned()));
        }
        Ok(())
    }

    /// Records that the endpoint answered 410, or was deleted in Discord.
    pub fn record_endpoint_gone(&self) {
        self.endpoint_is_gone.store(true, Ordering::Relaxed);
    }

    /// Records that we paused the endpoint.
    pub fn record_paused(&self) {
        self.paused.add();
    }

    /// How many deliveries were made and how many attempts failed.
    pub fn so_far(&self) -> (u32, u32) {
        (self.delivered.get(), self.failed_attempts.get())
    }

    /// Whether the endpoint answered 410, or was deleted in Discord.
    pub fn is_endpoint_gone(&self) -> bool {
        self.endpoint_is_gone.load(Ordering::Relaxed)
    }

    /// Whether the endpoint is gone or down, so that further attempts can wait.
    pub fn is_endpoint_down(&self) -> bool {
        let (delivered, failed) = self.so_far();
        self.is_endpoint_gone() || is_endpoint_down(delivered, failed)
    }

    /// The counts as metrics.
    pub fn run(&self) -> Run {
        let delivered = self.delivered.get();
        let waited = self.longest_wait.load(Ordering::Relaxed) / 1000;
        Run {
            deliveries_made: delivered,
            attempts_failed: self.failed_attempts.get(),
            deliveries_failed: self.given_up.get(),
            endpoints_paused: self.paused.get(),
            delivery_lag_seconds: (delivered > 0).then_some(waited),
            ..Run::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_down_after_failures_only_or_a_410() {
        let stats = DeliveryStats::default();
        for _ in 0..15 {
            stats.record_failed_attempt();
        }
        assert!(!stats.is_endpoint_down());
        stats.record_failed_attempt();
        assert!(stats.is_endpoint_down());
        stats.record_delivered(None);
        assert!(!stats.is_endpoint_down());
        stats.record_endpoint_gone();
        assert!(stats.is_endpoint_down());
    }
}
