//! Ban lengths.

use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::length::parse;
use shared::domain::rules::Length;

/// The current time in this target.
pub const NOW: UnixSeconds = UnixSeconds(1_795_253_403);

/// 100 years of 365.25 days.
pub const LONGEST: u64 = 3_155_760_000;

/// Reads bytes as a `banLength`: as a text, and as JSON.
pub fn length(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_bounded(&Value::from(text));
    }
    if let Ok(value) = serde_json::from_slice(bytes) {
        assert_bounded(&value);
    }
}

fn assert_bounded(value: &Value) {
    match parse(value, NOW) {
        None => {}
        Some(Length::Permanent) => panic!("{value} is no length"),
        Some(Length::For(seconds)) => {
            assert!((1..=LONGEST).contains(&seconds), "{value}: {seconds}");
            let again = parse(&format!("{seconds}s").into(), NOW);
            assert_eq!(again, Some(Length::For(seconds)), "{value}");
        }
        Some(Length::Until(at)) => {
            assert!(
                at > UnixSeconds(0) && at <= NOW.plus(LONGEST),
                "{value}: {at}"
            );
            let again = parse(&instant(at.0).into(), NOW);
            assert_eq!(again, Some(Length::Until(at)), "{value}");
        }
    }
}

/// An RFC 3339 instant by an independent Gregorian calendar.
pub fn instant(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (mut year, mut left) = (1970, days);
    let length_of = |year: u64| 365 + u64::from(is_leap(year));
    while left >= length_of(year) {
        left -= length_of(year);
        year += 1;
    }
    let mut month = 1;
    let days_of = |month| match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    while left >= days_of(month) {
        left -= days_of(month);
        month += 1;
    }
    let (day, hour, minute, second) = (left + 1, rest / 3600, rest % 3600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}
