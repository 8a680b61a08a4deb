//! When a ban ends, as lists of other systems write it.

use serde_json::Value;
use shared::http::integer;

/// Unix seconds, 0 for a ban that does not end; nothing if it cannot be told.
///
/// A length counted from now would mean another time whenever a file is read, so none is accepted.
pub fn end(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "" | "0" | "-1" | "never" | "permanent" | "infinite" | "forever" => return Some(0),
        _ => {}
    }
    if let Some(seconds) = integer(&Value::String(text.to_owned())) {
        return Some(seconds);
    }
    let instant: jiff::Timestamp = text
        .parse()
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .ok()?;
    u64::try_from(instant.as_second()).ok().filter(|at| *at > 0)
}

/// The same for a value of JSON, in which Lua writes whole numbers with a fraction at times.
pub fn end_of(value: &Value) -> Option<u64> {
    match value {
        Value::Null => Some(0),
        Value::String(text) => end(text),
        Value::Number(number) => match number.as_f64() {
            Some(seconds) if seconds <= 0.0 => Some(0),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is over 0, and out of range is refused as too far away"
            )]
            Some(seconds) => Some(seconds.ceil() as u64),
            None => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ends_are_read_as_lists_write_them() {
        for never in ["", " never ", "0", "-1", "Permanent", "Infinite"] {
            assert_eq!(end(never), Some(0), "{never}");
        }
        assert_eq!(end("4102444800"), Some(4_102_444_800));
        assert_eq!(end("2100-01-01"), Some(4_102_444_800));
        assert_eq!(end("2100-01-01T01:00:00+01:00"), Some(4_102_444_800));
        for wrong in ["7d", "soon", "-5", "2100-13-01", "1900-01-01"] {
            assert_eq!(end(wrong), None, "{wrong}");
        }
        assert_eq!(end_of(&json!(4_102_444_800.0)), Some(4_102_444_800));
        assert_eq!(end_of(&json!(-1)), Some(0));
        assert_eq!(end_of(&Value::Null), Some(0));
        assert_eq!(end_of(&json!([])), None);
    }
}
