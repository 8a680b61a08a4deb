//! Time as plain values, so that the rules work with any clock.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time in whole Unix seconds, the unit of the API.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// In UTC by RFC 3339; a mere number beyond the year 9999.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let seconds = i64::try_from(self.0).ok();
        let instant = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        instant.map_or_else(|| self.to_string(), |instant| instant.to_string())
    }

    /// This many seconds earlier, not before 1970.
    #[must_use]
    pub const fn minus(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A day in UTC, as the number of days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub u64);

impl UnixSeconds {
    /// The UTC day of this time.
    #[must_use]
    pub const fn day(self) -> Day {
        Day(self.0 / 86_400)
    }
}

impl Day {
    /// The first second of the day.
    #[must_use]
    pub const fn begin(self) -> UnixSeconds {
        UnixSeconds(self.0.saturating_mul(86_400))
    }
}

/// A point in time in Unix milliseconds: orders decisions and makes guids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// The system clock; in debug builds, tests may skew it.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Self(millis.saturating_add_signed(crate::testing::clock_offset()))
    }

    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// This many milliseconds later.
    #[must_use]
    pub const fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// In UTC by RFC 3339, with three digits after the second; empty beyond the year 9999.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let millis = i64::try_from(self.0).ok();
        let instant = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        instant.map_or_else(String::new, |instant| format!("{instant:.3}"))
    }

    /// The time in whole seconds, rounded down.
    #[must_use]
    pub const fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0 / 1000)
    }
}

/// A reading of both clocks, to measure an age. The monotonic clock of a frozen environment can
/// stop, and its wall clock can be set; neither alone bounds an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    monotonic: Instant,
    wall: UnixMillis,
}

impl Reading {
    #[must_use]
    pub fn now() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: UnixMillis::now(),
        }
    }

    /// The larger of both clocks' time since an earlier reading; `None` if the wall clock was set
    /// back in between, so the age is unknown.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let wall = self.wall.millis().checked_sub(earlier.wall.millis())?;
        let monotonic = self.monotonic.saturating_duration_since(earlier.monotonic);
        Some(monotonic.max(Duration::from_millis(wall)))
    }

    #[must_use]
    pub const fn wall(self) -> UnixMillis {
        self.wall
    }

    /// A later reading, for tests; the wall clock may go back.
    #[cfg(test)]
    pub(crate) fn later(self, monotonic: Duration, wall_millis: i64) -> Self {
        Self {
            monotonic: self.monotonic + monotonic,
            wall: UnixMillis(self.wall.0.saturating_add_signed(wall_millis)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_by_rfc_3339() {
        assert_eq!(UnixSeconds(1_728_802_934).rfc3339(), "2024-10-13T07:02:14Z");
        let moment = UnixMillis::from_millis(1_728_802_934_050);
        assert_eq!(moment.rfc3339(), "2024-10-13T07:02:14.050Z");
        assert_eq!(
            UnixMillis::from_millis(0).rfc3339(),
            "1970-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn times_beyond_the_calendar_are_still_written() {
        assert_eq!(UnixSeconds(u64::MAX).rfc3339(), u64::MAX.to_string());
        assert_eq!(UnixMillis::from_millis(u64::MAX).rfc3339(), "");
    }
}
