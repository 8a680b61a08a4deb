//! `banLength`: the formats of a ban's length.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Instant};
use serde_json::Value;

use crate::domain::clock::UnixSeconds;
use crate::domain::rules::Length;

/// From this value on, a number of seconds is an absolute Unix time (September 2001): the published
/// SDK sends a ban's `expires` back in this form.
const ABSOLUTE_FROM: u64 = 1_000_000_000;

/// The longest ban, in seconds: 100 years of 365.25 days.
const LONGEST: u64 = 3_155_760_000;

/// The accepted formats, as an error message.
pub const ACCEPTED: &str = "must be a length (seconds, or like \"30m\", \"12h\", \"7d\", \"1d12h\", \
    \"P7D\") or an end (RFC 3339, or Unix seconds of at least 1000000000), in the future and at \
    most 100 years away";

/// Parses the length of a temporary ban. An end may be in the past: whether that is an error
/// depends on what is stored (see [`crate::domain::rules::judge_ban`]).
#[must_use]
pub fn parse(value: &Value, now: UnixSeconds) -> Option<Length> {
    if let Some(number) = crate::domain::number::integer(value) {
        return seconds(number, now);
    }
    let text = value.as_str()?.trim();
    if let Ok(instant) = text.parse::<Instant>() {
        if !has_offset_of_rfc_3339(text) {
            return None;
        }
        return until(u64::try_from(instant.as_second()).ok()?, now);
    }
    let span: Span = text.parse().ok()?;
    let from = Instant::from_second(i64::try_from(now.0).ok()?)
        .ok()?
        .to_zoned(TimeZone::UTC);
    let end = from.checked_add(span).ok()?.timestamp().as_second();
    let length = u64::try_from(end).ok()?.checked_sub(now.0)?;
    (1..=LONGEST)
        .contains(&length)
        .then_some(Length::For(length))
}

/// Whether the text has an RFC 3339 offset below 24 hours, and no time zone name.
fn has_offset_of_rfc_3339(text: &str) -> bool {
    if text.contains('[') {
        return false;
    }
    let Some((_, offset)) = text
        .rsplit_once(['+', '-'])
        .filter(|_| !text.ends_with(['Z', 'z']))
    else {
        return true;
    };
    let hours = offset.get(..2).and_then(|hours| hours.parse::<u8>().ok());
    hours.is_some_and(|hours| hours < 24)
}

fn seconds(number: u64, now: UnixSeconds) -> Option<Length> {
    match number {
        0 => None,
        instant if instant >= ABSOLUTE_FROM => until(instant, now),
        length => Some(Length::For(length)),
    }
}

fn until(instant: u64, now: UnixSeconds) -> Option<Length> {
    (1..=now.plus(LONGEST).0)
        .contains(&instant)
        .then_some(Length::Until(UnixSeconds(instant)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_728_802_934);
    const DAY: u64 = 86_400;

    #[test]
    fn all_length_formats_are_accepted() {
        let table = [
            (json!(3600), Length::For(3600)),
            (json!(3600.0), Length::For(3600)),
            (json!("3600"), Length::For(3600)),
            (json!(1), Length::For(1)),
            (json!(999_999_999), Length::For(999_999_999)),
            (json!("30m"), Length::For(1800)),
            (json!("12h"), Length::For(DAY / 2)),
            (json!("7d"), Length::For(7 * DAY)),
            (json!(" 7d "), Length::For(7 * DAY)),
            (json!("2w"), Length::For(14 * DAY)),
            (json!("1d12h"), Length::For(36 * 3600)),
            (json!("1d 12h"), Length::For(36 * 3600)),
            (json!("2 days"), Length::For(2 * DAY)),
            (json!("1y"), Length::For(365 * DAY)),
            (json!("P7D"), Length::For(7 * DAY)),
            (json!("PT36H"), Length::For(36 * 3600)),
            (
                json!(1_728_802_935),
                Length::Until(UnixSeconds(1_728_802_935)),
            ),
            (
                json!("1728802935"),
                Length::Until(UnixSeconds(1_728_802_935)),
            ),
            (
                json!(1_000_000_000),
                Length::Until(UnixSeconds(1_000_000_000)),
            ),
            (
                json!("2024-10-13T07:02:15Z"),
                Length::Until(UnixSeconds(1_728_802_935)),
            ),
            (
                json!("2024-10-13T09:02:15+02:00"),
                Length::Until(UnixSeconds(1_728_802_935)),
            ),
        ];
        for (value, length) in table {
            assert_eq!(parse(&value, NOW), Some(length), "{value}");
        }
    }

    #[test]
    fn invalid_lengths_are_rejected() {
        let table = [
            json!(false),
            json!(true),
            json!(0),
            json!(-5),
            json!(1.5),
            json!("0"),
            json!("-7d"),
            json!("7d ago"),
            json!("0d"),
            json!("P0D"),
            json!("101y"),
            json!("soon"),
            json!(""),
            json!("7x"),
            json!(1e18),
            json!(99_999_999_999_u64),
            json!("2024-13-45T00:00:00Z"),
            json!("2524-01-01T00:00:00Z"),
            json!("2033-01-01T00:00:00+25:00"),
            json!("2033-01-01T00:00:00-24:00"),
            json!("2033-01-01T00:00:00+01:00[Asia/Tokyo]"),
            json!("1969-01-01T00:00:00Z"),
            json!([]),
            json!({}),
        ];
        for value in table {
            assert_eq!(parse(&value, NOW), None, "{value}");
        }
    }
}
