//! Request bodies, plain and compressed, and their fields.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use shared::api::Fields;
use shared::domain::error::ApiError;
use shared::domain::ids::{MAX_ROBLOX_ID, UserId};

use crate::request::{LARGEST_BODY, assert_refused, compressed, request};

/// Reads bytes as a body: verbatim, compressed, and as compressed data.
pub fn body(bytes: &[u8]) {
    let plain = request(bytes, &[], &[]).body();
    assert_as_json(bytes, &plain);

    let packed = compressed(bytes);
    if packed.len() <= LARGEST_BODY {
        let unpacked = request(&packed, &[], &[("content-encoding", "gzip")]).body();
        assert_eq!(
            format!("{unpacked:?}"),
            format!("{plain:?}"),
            "compression changes what a body says"
        );
    }

    let inflated = request(bytes, &[], &[("content-encoding", "gzip")]).body();
    match &inflated {
        Ok(_) => {
            let mut whole = Vec::new();
            let read = MultiGzDecoder::new(bytes).read_to_end(&mut whole);
            assert!(read.is_ok(), "what is no gzip was read");
            assert!(whole.len() <= LARGEST_BODY, "{} bytes", whole.len());
            assert_as_json(&whole, &inflated);
        }
        Err(error) => assert_refused(error),
    }
}

/// A body equals its JSON value, within its limits.
fn assert_as_json(bytes: &[u8], read: &Result<Fields, ApiError>) {
    let json: Option<Value> = serde_json::from_slice(bytes).ok();
    let repeats = json
        .as_ref()
        .is_some_and(|json| colons(bytes) > members(json));
    let is_object = match &json {
        Some(Value::Object(_)) => true,
        Some(Value::Array(items)) => items.is_empty(),
        _ => false,
    };
    match read {
        Err(ApiError::PayloadTooLarge) => assert!(bytes.len() > LARGEST_BODY),
        Err(error) => {
            assert!(!is_object || repeats, "an object is refused: {error}");
            assert_refused(error);
        }
        Ok(fields) => {
            assert!(is_object && bytes.len() <= LARGEST_BODY);
            assert!(!repeats, "a member that is there twice is accepted");
            let object = json.as_ref().and_then(Value::as_object);
            for (name, value) in object.into_iter().flatten() {
                assert_eq!(fields.value(name), Some(value).filter(|v| !v.is_null()));
                assert_field(value);
            }
        }
    }
}

/// The colons of a JSON text outside of its strings: one for each member.
fn colons(json: &[u8]) -> usize {
    let (mut found, mut is_text, mut is_escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b':' if !is_text => found += 1,
            _ => {}
        }
    }
    found
}

/// The members of all objects in a value, where one that is there twice counts once.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(members).sum(),
        Value::Object(fields) => fields.len() + fields.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// Whatever type a value is parsed as, it is within that type's limits, and parses the same again
/// when written.
fn assert_field(value: &Value) {
    let fields = || Fields::new([("f".to_owned(), value.clone())].into_iter().collect());
    let digits = |number: u64| {
        let text = Value::from(number.to_string());
        Fields::new([("f".to_owned(), text)].into_iter().collect())
    };
    if let Some(id) = fields().id::<UserId>("f") {
        assert!((1..=MAX_ROBLOX_ID).contains(&id.get()));
        assert_eq!(digits(id.get()).id::<UserId>("f"), Some(id));
    }
    if let Some(number) = fields().optional_number("f") {
        assert_eq!(digits(number).optional_number("f"), Some(number));
    }
    if let Some(guid) = fields().guid("f") {
        assert_eq!(digits(guid.get()).guid("f"), Some(guid));
    }
    if let Some(limit) = fields().limit() {
        assert!((1..=1000).contains(&limit));
    }
    if let Some(token) = fields().token("f", 100) {
        assert!((1..=100).contains(&token.len()) && token.is_ascii());
    }
    if let Some(text) = fields().text("f", 400) {
        assert_text(&text, 400);
        let again = Fields::new(
            [("f".to_owned(), text.as_str().into())]
                .into_iter()
                .collect(),
        )
        .text("f", 400);
        assert_eq!(again.as_deref(), Some(text.as_str()));
    }
    let _ = fields().flag("f");
}

/// An accepted text: trimmed, within its byte limit, visible, and without characters that reorder
/// what follows.
pub fn assert_text(text: &str, most: usize) {
    assert!((1..=most).contains(&text.len()), "{} bytes", text.len());
    assert_eq!(text.trim(), text);
    assert!(!text.chars().all(shared::domain::text::is_blank));
    let is_override = |c| matches!(c, '\u{202A}'..='\u{202E}');
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    assert!(!text.contains(|c| is_override(c) || is_control(c)));
    for line in text.split(['\n', '\r', '\u{2029}']) {
        let mut open = 0_i32;
        for c in line.chars() {
            open += i32::from(matches!(c, '\u{2066}'..='\u{2068}'));
            open -= i32::from(c == '\u{2069}');
            assert!(open >= 0, "an isolate is closed twice: {line:?}");
        }
        assert_eq!(open, 0, "an isolate stays open: {line:?}");
    }
}
