//! Parses times and lengths from other systems.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::length;
use shared::domain::number::integer;
use shared::domain::rules::Length;

/// The smallest number that is a Unix time, as in the API (September 2001). Smaller numbers may be lengths,
/// years or `20270131`.
const FIRST_TIME: u64 = 1_000_000_000;

/// The error for an invalid end.
pub const INVALID_END: &str = "must be Unix seconds (ten digits), a date (2027-01-31), a time (RFC 3339), \
    or empty, 0 or \"permanent\" for a permanent ban";

/// The error for an invalid time.
pub const INVALID_TIME: &str =
    "must be Unix seconds (ten digits), a date (2027-01-31) or a time (RFC 3339)";

/// The error for an invalid length.
pub const INVALID_LENGTH: &str = "must be a length with a unit (86400s, 7d, P7D), or \"permanent\"";

/// Parses the end of a ban to Unix seconds; 0 is permanent.
pub fn end(value: &Value) -> Option<u64> {
    if is_never(value) {
        return Some(0);
    }
    time(value)
}

/// Parses a time to Unix seconds. Without a zone it is in UTC.
pub fn time(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_u64().or_else(|| rounded_up(number.as_f64()?))?,
        Value::String(text) => match integer(&Value::from(text.trim())) {
            Some(seconds) => seconds,
            None => u64::try_from(instant(text.trim())?.as_second()).ok()?,
        },
        _ => return None,
    };
    (seconds >= FIRST_TIME).then_some(seconds)
}

/// Parses the length of a ban that begins at `start` to seconds; 0 is permanent. `unit` is the unit of a
/// bare number, in seconds.
pub fn length(value: &Value, unit: Option<u64>, start: UnixSeconds) -> Option<u64> {
    let is_zero = value.as_u64() == Some(0) || value.as_str().map(str::trim) == Some("0");
    if is_never(value) && !is_zero {
        return Some(0);
    }
    let number = match value {
        Value::String(text) => integer(&Value::from(text.trim())),
        number => integer(number),
    };
    match number {
        Some(number) => number.checked_mul(unit?).filter(|seconds| *seconds > 0),
        None => match length::parse(&Value::from(value.as_str()?.trim()), start)? {
            Length::For(seconds) => Some(seconds),
            Length::Until(_) | Length::Permanent => None,
        },
    }
}

/// Whether a value means a permanent ban.
pub fn is_never(value: &Value) -> bool {
    let text = match value {
        Value::Null => return true,
        Value::Number(number) => return matches!(number.as_f64(), Some(0.0 | -1.0)),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        _ => return false,
    };
    matches!(
        text.as_str(),
        "" | "0"
            | "-1"
            | "-"
            | "never"
            | "none"
            | "null"
            | "nil"
            | "n/a"
            | "perm"
            | "permanent"
            | "permanently"
            | "forever"
            | "lifetime"
            | "unlimited"
            | "indefinite"
            | "inf"
            | "infinite"
            | "infinity"
            | "math.huge"
    )
}

/// Parses a time in RFC 3339, as Go prints it, or without a zone.
fn instant(text: &str) -> Option<jiff::Timestamp> {
    // Go: `2026-11-20 10:11:12.345 +0000 UTC`, with the zone twice.
    let text = text
        .strip_suffix(" UTC")
        .or_else(|| text.strip_suffix(" GMT"))
        .unwrap_or(text);
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    if let Some((civil, offset)) = text.rsplit_once(' ')
        && offset.starts_with(['+', '-'])
        && let Ok(instant) = format!("{civil}{offset}").parse()
    {
        return Some(instant);
    }
    let civil = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)));
    Some(civil.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Rounds up: a ban lasts to the end of its last second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float too large saturates, and is refused as too far away"
)]
fn rounded_up(seconds: f64) -> Option<u64> {
    (seconds > 0.0).then_some(seconds.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn ends_of_many_formats_are_parsed() {
        for never in [
            "",
            " never ",
            "0",
            "-1",
            "Permanent",
            "Infinite",
            "PERM",
            "n/a",
        ] {
            assert_eq!(end(&json!(never)), Some(0), "{never}");
        }
        for never in [json!(0), json!(-1), json!(-1.0), Value::Null] {
            assert_eq!(end(&never), Some(0), "{never}");
        }
        for (text, seconds) in [
            ("4102444800", 4_102_444_800),
            (" 2100-01-01 ", 4_102_444_800),
            ("2100-01-01T01:00:00+01:00", 4_102_444_800),
            ("2100-01-01 00:00:00", 4_102_444_800),
            ("2100-01-01T00:00:00", 4_102_444_800),
            ("2026-11-20 10:11:12.345 +0000 UTC", 1_795_169_472),
            ("2026-11-20 12:11:12 +0200 CEST", 0),
            ("2026-11-20 10:11:12 UTC", 1_795_169_472),
        ] {
            let expected = (seconds > 0).then_some(seconds);
            assert_eq!(end(&json!(text)), expected, "{text}");
        }
        assert_eq!(end(&json!(4_102_444_799.5)), Some(4_102_444_800));
        let wrong = [
            "7d",
            "soon",
            "-5",
            "2100-13-01",
            "1900-01-01",
            "1",
            "86400",
            "999999999",
            "20270131",
            "2027",
            "31/12/2027",
            "01.02.2027",
            "1e10",
        ];
        for wrong in wrong {
            assert_eq!(end(&json!(wrong)), None, "{wrong}");
        }
        for wrong in [json!(7), json!(-5), json!([]), json!(true), json!(86_400)] {
            assert_eq!(end(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lengths_need_a_unit() {
        let start = UnixSeconds(1_795_169_472);
        for (value, unit, seconds) in [
            (json!("86400s"), None, Some(DAY)),
            (json!("1.5s"), None, Some(1)),
            (json!("7d"), None, Some(7 * DAY)),
            (json!("P7D"), None, Some(7 * DAY)),
            (json!("3 days"), None, Some(3 * DAY)),
            (json!("3"), Some(DAY), Some(3 * DAY)),
            (json!(3), Some(DAY), Some(3 * DAY)),
            (json!("3"), None, None),
            (json!("0"), Some(DAY), None),
            (json!(0), Some(DAY), None),
            (json!("Permanent"), None, Some(0)),
            (json!(-1), Some(1), Some(0)),
            (json!(""), None, Some(0)),
            (json!("soon"), None, None),
            (json!("2100-01-01"), None, None),
            (json!(u64::MAX), Some(DAY), None),
        ] {
            assert_eq!(length(&value, unit, start), seconds, "{value}");
        }
    }
}
