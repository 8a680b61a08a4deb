//! What one call did, for its line in the log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::domain::error::ApiError;
use shared::telemetry::Run;

/// What was done so far.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

/// The counts; what each means stands in `docs/operations.md`.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub set: u32,
    pub lifted: u32,
    pub kicked: u32,
    pub kicks_skipped: u32,
    pub put_off: u32,
    pub failed: u32,
    pub stopped: u32,
    /// Seconds for which the oldest of what was carried over had waited.
    pub lag: Option<u64>,
    /// The first thing that went wrong.
    pub error: Option<String>,
}

impl Tally {
    /// Counts something.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts());
    }

    /// Notes what went wrong, in words that name no user and no key.
    pub fn blame(&self, what: impl Into<String>) {
        self.counts().error.get_or_insert(what.into());
    }

    /// Notes since how many seconds something was owed that is done now.
    pub fn waited(&self, seconds: u64) {
        let mut counts = self.counts();
        counts.lag = Some(counts.lag.map_or(seconds, |lag| lag.max(seconds)));
    }

    /// What went wrong, if anything did.
    pub fn error(&self) -> Option<ApiError> {
        let detail = self.counts().error.clone()?;
        Some(ApiError::ServiceUnavailable {
            service: "Roblox Open Cloud",
            detail,
        })
    }

    /// The counts as metrics.
    pub fn run(&self) -> Run {
        let counts = self.counts().clone();
        Run {
            counts: vec![
                ("restrictionsSet", counts.set),
                ("restrictionsLifted", counts.lifted),
                ("kicksPublished", counts.kicked),
                ("kicksSkipped", counts.kicks_skipped),
                ("usersPutOff", counts.put_off),
                ("robloxFailures", counts.failed),
                ("enforcementsStopped", counts.stopped),
            ],
            waited: counts.lag.map(|lag| ("enforcementLagSeconds", lag)),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
