//! Parsers of durations and points in time.
//!
//! The API reads a bare number as seconds. On a command line that is a trap, since `--length 7` most
//! likely means seven days, so here a unit is required. A date means midnight UTC.

use serde_json::Value;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::length;
use shared::domain::rules::Length;

/// Bare numbers from here on are Unix times (September 2001), as in the API.
const UNIX_FROM: u64 = 1_000_000_000;

const TOO_FAR: &str = "it is before 1970 or more than 100 years away";

/// The length or the end of a ban.
pub fn ban_length(text: &str) -> Result<Length, String> {
    let now = UnixMillis::now().seconds();
    match read(text, now)? {
        Length::Until(at) if at <= now => Err("it is in the past".to_owned()),
        length => Ok(length),
    }
}

/// A point in time that has not passed, or a duration from now.
pub fn expiry(text: &str) -> Result<UnixSeconds, String> {
    let now = UnixMillis::now().seconds();
    match ban_length(text)? {
        Length::For(seconds) => Ok(now.plus(seconds)),
        Length::Until(instant) => Ok(instant),
        Length::Permanent => Err(expected()),
    }
}

/// A duration in seconds: `24h`, `90m`, `7d`, or `0`.
pub fn seconds(text: &str) -> Result<u64, String> {
    if text.trim() == "0" {
        return Ok(0);
    }
    match read(text, UnixMillis::now().seconds()) {
        Ok(Length::For(seconds)) => Ok(seconds),
        Err(said) if is_number(text) => Err(said),
        _ => Err("expected a length such as 24h, 90m or 7d, or 0".to_owned()),
    }
}

/// A point in time that has passed, or a duration before now.
pub fn past_moment(text: &str) -> Result<UnixMillis, String> {
    let now = UnixMillis::now();
    // RFC 3339 keeps its milliseconds here.
    let moment = if let Ok(instant) = text.trim().parse::<jiff::Timestamp>() {
        u64::try_from(instant.as_millisecond()).ok()
    } else {
        match read(text, now.seconds()) {
            Ok(Length::Until(at)) => Some(at.0.saturating_mul(1000)),
            Ok(Length::For(ago)) => Some(now.millis().saturating_sub(ago.saturating_mul(1000))),
            Err(said) if is_number(text) => return Err(said),
            _ => None,
        }
    };
    moment
        .map(UnixMillis::from_millis)
        .filter(|moment| *moment <= now)
        .ok_or_else(|| {
            "expected how long ago (2h, 1d12h), a date (2026-11-21, which means 00:00 UTC), a time \
             (2026-11-21T10:00:00Z) or a Unix time, not in the future"
                .to_owned()
        })
}

/// Parses a duration with a unit, a date or an RFC 3339 time.
fn read(text: &str, now: UnixSeconds) -> Result<Length, String> {
    let text = text.trim();
    if let Ok(number) = text.parse::<u64>()
        && number < UNIX_FROM
    {
        return Err(format!(
            "the unit is missing. Add a unit: {number}s, {number}m (minutes), {number}h or {number}d"
        ));
    }
    let length = |text: &str| length::parse(&Value::String(text.to_owned()), now);
    if is_date(text) {
        return length(&format!("{text}T00:00:00Z")).ok_or_else(|| TOO_FAR.to_owned());
    }
    let is_iso = text.starts_with(['P', 'p']);
    if let Some(length) = length(text) {
        return Ok(length);
    }
    if !is_iso && text.contains('M') {
        return Err("M is ambiguous: write 30m for minutes, or 30d or 1mo for a month".to_owned());
    }
    length(&text.to_lowercase()).ok_or_else(expected)
}

fn expected() -> String {
    "expected a length with a unit (90s, 30m, 12h, 7d, 1mo, P1Y), a date (2027-01-31, which means \
     00:00 UTC) or a time (2027-01-31T18:00:00+01:00), at most 100 years away"
        .to_owned()
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<u64>().is_ok()
}

/// Whether a text is a date such as `2027-01-31`.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn lengths_need_a_unit() {
        for number in ["7", "0", "90", "999999999", " 7 "] {
            let said = ban_length(number).unwrap_err();
            assert!(said.contains("Add a unit"), "{number}: {said}");
            assert!(expiry(number).is_err(), "{number}");
            assert!(past_moment(number).is_err(), "{number}");
        }
        assert!(seconds("24").unwrap_err().contains("24h"));
        assert_eq!(seconds("24h"), Ok(DAY));
        assert_eq!(seconds("0"), Ok(0));
    }

    #[test]
    fn ban_length_is_a_duration_a_date_or_a_time() {
        for (text, length) in [
            ("90s", Length::For(90)),
            ("30m", Length::For(1800)),
            ("7d", Length::For(7 * DAY)),
            ("7D", Length::For(7 * DAY)),
            ("1d12h", Length::For(DAY + DAY / 2)),
            ("P7D", Length::For(7 * DAY)),
            ("2100-01-31", Length::Until(UnixSeconds(4_105_036_800))),
            ("4105036800", Length::Until(UnixSeconds(4_105_036_800))),
            (
                "2100-01-31T01:00:00+01:00",
                Length::Until(UnixSeconds(4_105_036_800)),
            ),
        ] {
            assert_eq!(ban_length(text), Ok(length), "{text}");
        }
        for (wrong, why) in [
            ("", "expected"),
            ("soon", "expected"),
            ("1M", "ambiguous"),
            ("-7d", "expected"),
            ("2020-01-31", "past"),
            ("2100-02-30", "expected"),
            ("2500-01-01", "100 years"),
            ("200y", "100 years"),
            ("1700000000", "past"),
        ] {
            let said = ban_length(wrong).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }

    #[test]
    fn expiry_is_a_duration_a_date_or_a_time() {
        let soon = UnixMillis::now().seconds().plus(90 * DAY);
        let read = expiry("90d").unwrap();
        assert!(read >= soon && read <= soon.plus(5), "{read}");
        assert_eq!(expiry("2100-01-31"), Ok(UnixSeconds(4_105_036_800)));
        for wrong in ["", "soon", "-1d", "2020-01-31", "200y"] {
            assert!(expiry(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn past_moment_is_a_time_a_date_a_unix_time_or_how_long_ago() {
        let ago = past_moment("2h").unwrap().millis();
        let expected = UnixMillis::now().millis() - 2 * 3_600_000;
        assert!(ago.abs_diff(expected) < 5000);
        for (text, millis) in [
            ("1728802934", 1_728_802_934_000),
            ("2024-10-13T07:02:14.500Z", 1_728_802_934_500),
            ("2024-10-13", 1_728_777_600_000),
        ] {
            assert_eq!(
                past_moment(text),
                Ok(UnixMillis::from_millis(millis)),
                "{text}"
            );
        }
        for wrong in ["", "yesterday", "2100-01-01", "2100-01-01T00:00:00Z", "-2h"] {
            assert!(past_moment(wrong).is_err(), "{wrong:?}");
        }
    }
}
