//! Settings for tests, read from the environment in debug builds only. In a release build each of these
//! functions returns its default, so nothing that is deployed can be given another time or limit.

use std::sync::OnceLock;
use std::time::Duration;

/// Skews the clock, in milliseconds, such as `-2500`. The environments of a function need not agree on the
/// time, but on one machine they share its clock; tests set them apart with this.
pub const CLOCK_OFFSET: &str = "CLOCK_OFFSET_MS";

/// A file with the skew in milliseconds, read at each look at the clock: for tests whose time runs ahead.
pub const CLOCK_OFFSET_FILE: &str = "CLOCK_OFFSET_FILE";

/// The time limit of a webhook call, in milliseconds.
pub const WEBHOOK_TIME_LIMIT: &str = "OUTBOUND_LIMIT_MS";

/// How long one invocation starts new deliveries, in milliseconds.
pub const DRAIN_LIMIT: &str = "DRAIN_LIMIT_MS";

/// The window of Roblox's rate limits, in milliseconds.
pub const ROBLOX_WINDOW: &str = "ROBLOX_WINDOW_MS";

/// For how long a function uses the link of a place without reading it again, in milliseconds. It shortens
/// the phases of a join.
pub const LINK_TTL: &str = "LINK_TTL_MS";

/// By how many milliseconds the clock of this process is skewed.
#[must_use]
pub fn clock_offset() -> i64 {
    static OFFSET: OnceLock<i64> = OnceLock::new();
    static FILE: OnceLock<Option<String>> = OnceLock::new();
    if !cfg!(debug_assertions) {
        return 0;
    }
    if let Some(file) = FILE.get_or_init(|| read(CLOCK_OFFSET_FILE)) {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        return text.parse().unwrap_or_default();
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

/// For how long the link of a place is used, if a test sets it.
#[must_use]
pub fn link_ttl() -> Option<Duration> {
    static TTL: OnceLock<Option<u64>> = OnceLock::new();
    TTL.get_or_init(|| read(LINK_TTL))
        .map(Duration::from_millis)
}

fn read<T: std::str::FromStr>(variable: &str) -> Option<T> {
    if !cfg!(debug_assertions) {
        return None;
    }
    std::env::var(variable).ok()?.parse().ok()
}
