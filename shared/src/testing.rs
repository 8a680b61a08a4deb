//! Settings for tests, read from the environment in debug builds only. In a release build each of these
//! functions returns its default, so nothing that is deployed can be given another time or limit.

use std::sync::OnceLock;
use std::time::Duration;

/// Skews the clock, in milliseconds, such as `-2500`. The environments of a function need not agree on the
/// time, but on one machine they share its clock; tests set them apart with this.
pub const CLOCK_OFFSET: &str = "CLOCK_OFFSET_MS";

/// The time limit of a webhook call, in milliseconds.
pub const WEBHOOK_TIME_LIMIT: &str = "OUTBOUND_LIMIT_MS";

/// How long one invocation starts new deliveries, in milliseconds.
pub const DRAIN_LIMIT: &str = "DRAIN_LIMIT_MS";

/// The window of Roblox's rate limits, in milliseconds.
pub const ROBLOX_WINDOW: &str = "ROBLOX_WINDOW_MS";

/// By how many milliseconds the clock of this process is skewed.
#[must_use]
pub fn clock_offset() -> i64 {
    static OFFSET: OnceLock<i64> = OnceLock::new();
    if !cfg!(debug_assertions) {
        return 0;
    }
    *OFFSET.get_or_init(|| read(CLOCK_OFFSET).unwrap_or_default())
}

/// The time limit of a webhook call, if a test sets one.
#[must_use]
pub fn webhook_time_limit() -> Option<Duration> {
    read(WEBHOOK_TIME_LIMIT).map(Duration::from_millis)
}

/// How long one invocation starts new deliveries, if a test sets it.
#[must_use]
pub fn drain_limit() -> Option<Duration> {
    read(DRAIN_LIMIT).map(Duration::from_millis)
}

/// The window of Roblox's rate limits in milliseconds, if a test sets it.
#[must_use]
pub fn roblox_window() -> Option<u64> {
    read(ROBLOX_WINDOW)
}

fn read<T: std::str::FromStr>(variable: &str) -> Option<T> {
    if !cfg!(debug_assertions) {
        return None;
    }
    std::env::var(variable).ok()?.parse().ok()
}
