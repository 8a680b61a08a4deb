//! Times as people read them: relative in the text, exact in UTC behind it.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use shared::domain::clock::UnixSeconds;
use shared::domain::rules::Expiry;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// From this distance on, a date says more than a number of days.
const FAR: u64 = 30 * DAY;

/// A `<time>` element. It contains nothing that a person has typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeTag {
    at: UnixSeconds,
    text: String,
}

impl askama::filters::HtmlSafe for TimeTag {}

impl TimeTag {
    /// A past or future time, relative to now.
    pub fn new(at: UnixSeconds, now: UnixSeconds) -> Self {
        Self {
            at,
            text: relative(at, now),
        }
    }

    /// A date and time in full.
    pub fn exact(at: UnixSeconds) -> Self {
        Self {
            at,
            text: exact(at),
        }
    }
}

impl fmt::Display for TimeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, text } = self;
        // The script keeps only relative texts current.
        let is_exact = *text == exact(*at);
        let kind = if is_exact { "" } else { " data-relative" };
        let (iso, title) = (at.rfc3339(), exact(*at));
        write!(
            f,
            r#"<time datetime="{iso}" title="{title}"{kind}>{text}</time>"#
        )
    }
}

/// `5 Dec 2026, 14:00 UTC`.
pub fn exact(at: UnixSeconds) -> String {
    formatted(at, "%-d %b %Y, %H:%M UTC")
}

/// `3 Nov`, or `3 Nov 2025` in another year.
pub fn day(at: UnixSeconds, now: UnixSeconds) -> String {
    let (year, this_year) = (formatted(at, "%Y"), formatted(now, "%Y"));
    let format = if year == this_year {
        "%-d %b"
    } else {
        "%-d %b %Y"
    };
    formatted(at, format)
}

/// The end of a ban in a sentence: `permanently`, or `until 5 Dec 2026, 14:00 UTC`.
pub fn until(expiry: Expiry) -> String {
    match expiry {
        Expiry::Never => "permanently".to_owned(),
        Expiry::At(at) => format!("until {}", exact(at)),
    }
}

/// The first second of a day, which a date field sends as `2026-12-05`.
pub fn day_begins(typed: &str) -> Option<UnixSeconds> {
    let day: Date = typed.parse().ok().filter(|_| typed.len() == 10)?;
    instant(day.at(0, 0, 0, 0))
}

/// A time that a field for date and time sends, in UTC: `2026-12-05T14:00`.
pub fn of_typed(typed: &str) -> Option<UnixSeconds> {
    let time: DateTime = typed
        .parse()
        .ok()
        .filter(|_| (16..=19).contains(&typed.len()))?;
    instant(time)
}

/// The minute of a time, as such a field shows it.
pub fn typed(at: UnixSeconds) -> String {
    formatted(at, "%Y-%m-%dT%H:%M")
}

fn instant(time: DateTime) -> Option<UnixSeconds> {
    let instant = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    instant.as_second().try_into().ok().map(UnixSeconds)
}

fn formatted(at: UnixSeconds, format: &str) -> String {
    let seconds = i64::try_from(at.0).ok();
    let instant = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    instant.map_or_else(
        || at.to_string(),
        |instant| instant.to_zoned(TimeZone::UTC).strftime(format).to_string(),
    )
}

fn relative(at: UnixSeconds, now: UnixSeconds) -> String {
    let is_past = at <= now;
    let distance = at.0.abs_diff(now.0);
    if distance >= FAR {
        return day(at, now);
    }
    // A ban for 3 days ends in 3 days, also a second later.
    let rounded = |unit: u64| {
        let half = if is_past { 0 } else { unit / 2 };
        distance.saturating_add(half) / unit
    };
    let amount = match distance {
        ..MINUTE if is_past => return "just now".to_owned(),
        ..MINUTE => "under 1 min".to_owned(),
        MINUTE..HOUR => format!("{} min", rounded(MINUTE)),
        HOUR..DAY => format!("{} h", rounded(HOUR)),
        _ => format!("{} d", rounded(DAY)),
    };
    if is_past {
        format!("{amount} ago")
    } else {
        format!("in {amount}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 15 Jan 2027, 08:00 UTC.
    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    #[test]
    fn near_times_are_relative_and_far_ones_dates() {
        for (at, text) in [
            (NOW, "just now"),
            (NOW.minus(59), "just now"),
            (NOW.plus(59), "in under 1 min"),
            (NOW.minus(3 * MINUTE), "3 min ago"),
            (NOW.plus(2 * HOUR), "in 2 h"),
            (NOW.plus(3 * DAY - 1), "in 3 d"),
            (NOW.minus(29 * DAY), "29 d ago"),
            (NOW.minus(30 * DAY), "16 Dec 2026"),
            (NOW.plus(60 * DAY), "16 Mar"),
        ] {
            assert_eq!(relative(at, NOW), text);
        }
    }

    #[test]
    fn element_has_the_time_in_utc_and_in_full() {
        assert_eq!(
            TimeTag::new(NOW.minus(HOUR), NOW).to_string(),
            r#"<time datetime="2027-01-15T07:00:00Z" title="15 Jan 2027, 07:00 UTC" data-relative>1 h ago</time>"#
        );
        assert_eq!(
            TimeTag::exact(NOW).to_string(),
            r#"<time datetime="2027-01-15T08:00:00Z" title="15 Jan 2027, 08:00 UTC">15 Jan 2027, 08:00 UTC</time>"#
        );
    }

    #[test]
    fn typed_times_are_in_utc() {
        assert_eq!(day_begins("2027-01-15"), Some(NOW.minus(8 * HOUR)));
        assert_eq!(of_typed("2027-01-15T08:00"), Some(NOW));
        assert_eq!(of_typed("2027-01-15T08:00:00"), Some(NOW));
        assert_eq!(typed(NOW.plus(59)), "2027-01-15T08:00");
        for wrong in ["", "2027-02-30", "soon", "2027-01-15T08:00", "20270115"] {
            assert_eq!(day_begins(wrong), None, "{wrong}");
        }
        for wrong in ["", "2027-01-15", "2027-01-15T25:00", "1969-12-31T23:59"] {
            assert_eq!(of_typed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn time_beyond_the_calendar_is_still_shown() {
        assert_eq!(exact(UnixSeconds(u64::MAX)), u64::MAX.to_string());
    }
}
