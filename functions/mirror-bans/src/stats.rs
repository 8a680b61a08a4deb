//! Counts for one invocation's log line.

use std::sync::{Mutex, MutexGuard};

use shared::domain::error::ApiError;
use shared::domain::lock::lock;
use shared::telemetry::Run;

/// The counts so far, shared by the users that are worked on at the same time.
#[derive(Debug, Default)]
pub struct MirrorStats(Mutex<Counts>);

/// The counts; `docs/operations.md` says what each means.
#[derive(Debug, Default)]
pub struct Counts {
    pub set: u32,
    pub lifted: u32,
    pub kicked: u32,
    pub kicks_skipped: u32,
    pub backed_off: u32,
    pub failed: u32,
    pub stopped: u32,
    /// The longest that an applied change was pending, in seconds.
    lag: Option<u64>,
    /// The first error.
    error: Option<ApiError>,
}

impl MirrorStats {
    /// Changes the counts.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts());
    }

    /// Records an error, whose text names no user and no key. The first one is logged.
    pub fn record_error(&self, error: ApiError) {
        self.counts().error.get_or_insert(error);
    }

    /// Records an error of Roblox.
    pub fn record_roblox_error(&self, detail: String) {
        self.record_error(ApiError::ServiceUnavailable {
            service: "Roblox Open Cloud",
            detail,
            retry_after: 1,
        });
    }

    /// Records that an applied change was pending for this many seconds.
    pub fn record_lag(&self, seconds: u64) {
        let mut counts = self.counts();
        counts.lag = counts.lag.max(Some(seconds));
    }

    /// The first error, if there was one.
    pub fn take_error(&self) -> Option<ApiError> {
        self.counts().error.take()
    }

    /// The counts as metrics.
    pub fn run(&self) -> Run {
        let counts = self.counts();
        Run {
            restrictions_set: counts.set,
            restrictions_lifted: counts.lifted,
            kicks_published: counts.kicked,
            kicks_skipped: counts.kicks_skipped,
            users_backed_off: counts.backed_off,
            roblox_failures: counts.failed,
            mirrors_stopped: counts.stopped,
            mirror_lag_seconds: counts.lag,
            ..Run::default()
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        lock(&self.0)
    }
}
