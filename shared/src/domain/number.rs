//! Integers as Luau's JSON writes them: its numbers are doubles.

use serde_json::Value;

use crate::domain::ids::MAX_ROBLOX_ID;

/// A non-negative integer: a number without a fraction, or digits.
#[must_use]
pub fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            // A leading zero is invalid, except in "0".
            digits
                .parse()
                .ok()
                .filter(|_| digits == "0" || !digits.starts_with('0'))
        }
        _ => None,
    }
}

/// The integer that a double represents exactly.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the range is checked"
)]
fn whole(number: f64) -> Option<u64> {
    let exact = (0.0..=MAX_ROBLOX_ID as f64).contains(&number) && number.fract() == 0.0;
    exact.then_some(number as u64)
}
