//! Times as people read them, in their own zone and relative to now, and as RFC 3339 for scripts.

use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::rules::Expiry;

/// A point in time that is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub UnixSeconds);

impl Time {
    /// The time of an expiry; `None` for a permanent ban.
    pub const fn of(expiry: Expiry) -> Option<Self> {
        match expiry {
            Expiry::At(at) => Some(Self(at)),
            Expiry::Never => None,
        }
    }

    /// Formats the time as `2026-11-21 15:03:12 CET, 2 h 5 min ago`.
    pub fn shown(self) -> String {
        let now = UnixMillis::now().seconds();
        format!("{}, {}", self.local(&TimeZone::system()), self.from(now))
    }

    /// Formats the time as `2026-11-21 15:03`, for lists with many columns.
    pub fn brief(self) -> String {
        self.formatted(&TimeZone::system(), "%Y-%m-%d %H:%M")
    }

    /// Formats the time as `2026-11-21 15:03:12`, for lines of a log.
    pub fn stamp(self) -> String {
        self.formatted(&TimeZone::system(), "%Y-%m-%d %H:%M:%S")
    }

    fn local(self, zone: &TimeZone) -> String {
        self.formatted(zone, "%Y-%m-%d %H:%M:%S %Z")
    }

    fn formatted(self, zone: &TimeZone, format: &str) -> String {
        let seconds = i64::try_from(self.0.0).ok();
        let instant = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        instant.map_or_else(
            || self.0.to_string(),
            |instant| {
                let zoned = instant.to_zoned(zone.clone());
                zoned.strftime(format).to_string()
            },
        )
    }

    fn from(self, now: UnixSeconds) -> String {
        match self.0.0.checked_sub(now.0) {
            Some(0) => "now".to_owned(),
            Some(ahead) => format!("in {}", duration(ahead)),
            None => format!("{} ago", duration(now.0.saturating_sub(self.0.0))),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339())
    }
}

/// The time as people read it, or a dash.
pub fn or_dash(time: Option<Time>) -> String {
    time.map_or_else(|| "-".to_owned(), Time::shown)
}

/// A duration in its two largest units, for tables: `3 d 4 h`.
pub fn duration(seconds: u64) -> String {
    let units = [
        (31_557_600, "y"),
        (86_400, "d"),
        (3600, "h"),
        (60, "min"),
        (1, "s"),
    ];
    in_units(seconds, &units, |count, unit| format!("{count} {unit}"))
}

/// A duration in its two largest units, for sentences: `7 days`, `1 hour 30 minutes`.
pub fn in_words(seconds: u64) -> String {
    let units = [
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    in_units(seconds, &units, |count, unit| match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    })
}

/// The largest unit that is not 0, and the next smaller one unless that is 0. `units` are sizes in
/// seconds with names, largest first.
fn in_units(seconds: u64, units: &[(u64, &str)], text: impl Fn(u64, &str) -> String) -> String {
    let mut left = seconds;
    let counted = units.iter().map(|(size, unit)| {
        let count = left.checked_div(*size).unwrap_or_default();
        left = left.checked_rem(*size).unwrap_or_default();
        (count, *unit)
    });
    let counted: Vec<_> = counted.collect();
    let nonzero = counted.iter().skip_while(|(count, _)| *count == 0);
    let largest = nonzero.take(2).take_while(|(count, _)| *count > 0);
    let parts: Vec<_> = largest.map(|(count, unit)| text(*count, unit)).collect();
    match (parts.is_empty(), units.last()) {
        (true, Some((_, unit))) => text(0, unit),
        _ => parts.join(" "),
    }
}

/// A point in time in UTC, for sentences: `2026-12-05 10:00 UTC`.
pub fn in_utc(time: UnixSeconds) -> String {
    let seconds = i64::try_from(time.0).ok();
    let instant = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    instant.map_or_else(
        || time.to_string(),
        |instant| instant.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_words_have_at_most_two_units() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "1 minute 30 seconds"),
            (3600, "1 hour"),
            (7 * 86_400, "7 days"),
            (86_400 + 61, "1 day"),
            (2 * 86_400 + 3600, "2 days 1 hour"),
        ] {
            assert_eq!(in_words(seconds), text);
        }
        assert_eq!(in_utc(UnixSeconds(1_728_802_934)), "2024-10-13 07:02 UTC");
    }

    #[test]
    fn durations_have_at_most_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (7500, "2 h 5 min"),
            (7201, "2 h"),
            (3 * 86_400 + 4 * 3600 + 59, "3 d 4 h"),
            (40_000_000, "1 y 97 d"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn times_are_in_the_local_zone_and_relative_to_now() {
        let time = Time(UnixSeconds(1_728_802_934));
        let zone = TimeZone::posix("CET-1").unwrap();
        assert_eq!(time.local(&zone), "2024-10-13 08:02:14 CET");
        assert_eq!(time.from(UnixSeconds(1_728_802_934 - 7500)), "in 2 h 5 min");
        assert_eq!(time.from(UnixSeconds(1_728_802_934 + 61)), "1 min 1 s ago");
        assert_eq!(time.from(time.0), "now");
    }
}
