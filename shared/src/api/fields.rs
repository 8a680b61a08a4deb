//! Parses body fields and query parameters, and reports **all** that are invalid.
//!
//! Accepts Luau's JSON: numbers are doubles, so `156.0` is an integer; ids may be digit strings;
//! flags may be `0` and `1`; an empty object may be `[]`.

mod lists;

use std::borrow::Cow;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::domain::clock::UnixSeconds;
use crate::domain::error::{ApiError, FieldError};
use crate::domain::ids::{Guid, MAX_ROBLOX_ID};
use crate::domain::number::integer;
use crate::domain::rules::group_roles::Rank;
use crate::domain::text;

/// The fields of a request, and the errors found so far.
#[derive(Debug)]
pub struct Fields {
    values: Map<String, Value>,
    errors: Vec<FieldError>,
    /// What precedes a field's name in errors: `reports[3].` in an element of a list.
    within: String,
}

impl Fields {
    /// Fields that are never asked for are ignored.
    #[must_use]
    pub const fn new(values: Map<String, Value>) -> Self {
        Self {
            values,
            errors: Vec::new(),
            within: String::new(),
        }
    }

    /// The value of a field; `null` counts as absent.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.values.get(field).filter(|value| !value.is_null())
    }

    /// Records an error for a field.
    pub fn reject(&mut self, field: impl Into<Cow<'static, str>>, message: impl Into<String>) {
        let field = match self.within.as_str() {
            "" => field.into(),
            within => Cow::Owned(format!("{within}{}", field.into())),
        };
        self.errors.push(FieldError {
            field,
            message: message.into(),
        });
    }

    /// A required id.
    pub fn id<T: FromStr>(&mut self, field: &'static str) -> Option<T> {
        if self.value(field).is_none() {
            self.reject(field, ID_MISSING);
        }
        self.optional_id(field)
    }

    /// An optional id.
    pub fn optional_id<T: FromStr>(&mut self, field: &'static str) -> Option<T> {
        let value = self.value(field)?;
        let id = integer(value).and_then(|id| id.to_string().parse().ok());
        if id.is_none() {
            self.reject(field, no_id());
        }
        id
    }

    /// A required rank that Roblox assigns.
    pub fn rank(&mut self, field: &'static str) -> Option<Rank> {
        let rank = self.value(field).and_then(integer);
        let rank = rank.and_then(Rank::assignable);
        if rank.is_none() {
            self.reject(
                field,
                "is required and must be a rank from 1 to 254: Roblox assigns neither 0 (guest) nor \
                 255 (owner)",
            );
        }
        rank
    }

    /// A required guid.
    pub fn guid(&mut self, field: &'static str) -> Option<Guid> {
        let guid = self.value(field).and_then(integer).filter(|guid| *guid > 0);
        if guid.is_none() {
            self.reject(
                field,
                "is required and must be a guid: digits without leading zeros",
            );
        }
        guid.map(Guid::from)
    }

    /// A required revision of a ban.
    pub fn revision(&mut self, field: &'static str) -> Option<u32> {
        let revision = self.value(field).and_then(integer);
        let revision = revision.and_then(|revision| u32::try_from(revision).ok());
        let revision = revision.filter(|revision| *revision > 0);
        if revision.is_none() {
            self.reject(
                field,
                "is required and must be the revision of a ban, 1 or more",
            );
        }
        revision
    }

    /// A required name of 1 to `most` visible ASCII characters.
    pub fn token(&mut self, field: &'static str, most: usize) -> Option<String> {
        let token = self
            .value(field)
            .and_then(Value::as_str)
            .filter(|token| (1..=most).contains(&token.len()))
            .filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(str::to_owned);
        if token.is_none() {
            let expected = format!("must be 1 to {most} visible ASCII characters");
            self.reject(field, expected);
        }
        token
    }

    /// An optional number.
    pub fn optional_number(&mut self, field: &'static str) -> Option<u64> {
        self.number_from(0, field)
    }

    /// An optional position, counted from 1.
    pub fn optional_position(&mut self, field: &'static str) -> Option<u64> {
        self.number_from(1, field)
    }

    fn number_from(&mut self, least: u64, field: &'static str) -> Option<u64> {
        let number = integer(self.value(field)?).filter(|number| *number >= least);
        if number.is_none() {
            self.reject(field, format!("must be an integer, {least} or more"));
        }
        number
    }

    /// An optional time in Unix seconds, up to the largest integer that a Luau number holds
    /// exactly.
    pub fn optional_time(&mut self, field: &'static str) -> Option<UnixSeconds> {
        let seconds = integer(self.value(field)?).filter(|seconds| *seconds <= MAX_ROBLOX_ID);
        if seconds.is_none() {
            self.reject(
                field,
                format!("must be a Unix time in seconds, 0 to {MAX_ROBLOX_ID}"),
            );
        }
        seconds.map(UnixSeconds)
    }

    /// A required flag.
    pub fn flag(&mut self, field: &'static str) -> Option<bool> {
        if self.value(field).is_none() {
            self.reject(field, "is required and must be true or false");
        }
        self.optional_flag(field)
    }

    /// An optional flag.
    pub fn optional_flag(&mut self, field: &'static str) -> Option<bool> {
        let flag = match self.value(field)? {
            Value::Bool(flag) => Some(*flag),
            value => integer(value).and_then(|number| match number {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            }),
        };
        if flag.is_none() {
            self.reject(field, "must be true or false (or 1 or 0)");
        }
        flag
    }

    /// A required value from a list of words.
    pub fn word<T: Copy>(&mut self, field: &'static str, words: &[(&str, T)]) -> Option<T> {
        if self.value(field).is_none() {
            self.reject(field, format!("is required and must be {}", one_of(words)));
        }
        self.optional_word(field, words)
    }

    /// An optional value from a list of words.
    pub fn optional_word<T: Copy>(
        &mut self,
        field: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let sent = self.value(field)?.as_str();
        let found = words
            .iter()
            .find(|(word, _)| Some(*word) == sent)
            .map(|(_, meant)| *meant);
        if found.is_none() {
            self.reject(field, format!("must be {}", one_of(words)));
        }
        found
    }

    /// A required text of 1 to `most` bytes after trimming.
    pub fn text(&mut self, field: &'static str, most: usize) -> Option<String> {
        match self.optional_text(field, most) {
            Some(text) if text.is_empty() => {
                self.reject(
                    field,
                    format!("is empty: must be 1 to {most} bytes of text"),
                );
                None
            }
            None if self.value(field).is_none() => {
                self.reject(
                    field,
                    format!("is required and must be 1 to {most} bytes of text"),
                );
                None
            }
            text => text,
        }
    }

    /// An optional text of at most `most` bytes after trimming.
    pub fn optional_text(&mut self, field: &'static str, most: usize) -> Option<String> {
        let value = self.value(field)?;
        let wrong = match value.as_str().map(|text| text::judge(text, most)) {
            None => "must be a string".to_owned(),
            Some(Ok(text)) => return Some(text.to_owned()),
            Some(Err(fault)) => fault.to_string(),
        };
        self.reject(field, wrong);
        None
    }

    /// An optional text of any length and content, to be cleaned by the caller.
    pub fn any_text(&mut self, field: &'static str) -> Option<String> {
        let value = self.value(field)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.reject(field, "must be a string");
        }
        text
    }

    /// The page size `limit`: 1 to 1000, 100 by default.
    pub fn limit(&mut self) -> Option<usize> {
        self.limit_or(100)
    }

    /// The page size `limit` with another default.
    pub fn limit_or(&mut self, default: usize) -> Option<usize> {
        let Some(value) = self.value("limit") else {
            return Some(default);
        };
        let limit = integer(value)
            .and_then(|limit| usize::try_from(limit).ok())
            .filter(|limit| (1..=1000).contains(limit));
        if limit.is_none() {
            self.reject("limit", "must be an integer from 1 to 1000");
        }
        limit
    }

    /// Builds the request if there was no error. `build` can use `?`, because every missing field
    /// has been recorded.
    pub fn build<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, ApiError> {
        match build() {
            Some(request) if self.errors.is_empty() => Ok(request),
            _ => Err(ApiError::InvalidRequest(self.errors)),
        }
    }

    /// Adds the errors of another part of the request.
    pub fn take_errors_of(&mut self, other: Self) {
        self.errors.extend(other.errors);
    }

    /// All fields, for a route that stores what it is sent.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.values
    }

    /// Whether there was no error so far.
    #[cfg(test)]
    pub(super) fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }
}

const ID_MISSING: &str = "is required and must be a Roblox id";

fn no_id() -> String {
    format!("must be an integer from 1 to {MAX_ROBLOX_ID}")
}

fn one_of<T>(words: &[(&str, T)]) -> String {
    let words: Vec<_> = words
        .iter()
        .map(|(word, _)| format!("\"{word}\""))
        .collect();
    words.join(" or ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::UserId;

    fn fields(mut value: Value) -> Fields {
        Fields::new(std::mem::take(value.as_object_mut().unwrap()))
    }

    #[test]
    fn ids_are_accepted_in_every_luau_notation() {
        for value in [json!(156), json!(156.0), json!(1.56e2), json!("156")] {
            let mut fields = fields(json!({ "userId": value }));
            assert_eq!(fields.id::<UserId>("userId"), UserId::new(156));
            assert!(fields.is_sound());
        }
        let wrong = [
            json!(0),
            json!(-1),
            json!(1.5),
            json!(9_007_199_254_740_992_u64),
            json!(9_007_199_254_740_993_u64),
            json!(1e300),
            json!("x"),
            json!(""),
            json!(" 1"),
            json!("-1"),
            json!("+1"),
            json!("007"),
            json!(true),
            json!([1]),
            json!({}),
        ];
        for value in wrong {
            let mut fields = fields(json!({ "userId": value }));
            assert_eq!(fields.id::<UserId>("userId"), None);
            assert!(!fields.is_sound(), "{value}");
        }
    }

    #[test]
    fn every_invalid_field_is_reported_once() {
        let mut fields = fields(json!({ "a": 0, "b": "maybe", "c": " \n ", "d": null }));
        let _ = fields.id::<UserId>("a");
        let _ = fields.flag("b");
        let _ = fields.text("c", 10);
        let _ = fields.text("d", 10);
        let Err(ApiError::InvalidRequest(errors)) = fields.build(|| Some(())) else {
            panic!("accepted");
        };
        assert_eq!(
            errors.iter().map(|e| e.field.as_ref()).collect::<Vec<_>>(),
            ["a", "b", "c", "d"]
        );
    }

    #[test]
    fn a_reason_is_trimmed_and_counted_in_bytes() {
        let mut fields = fields(json!({ "r": "  ää  " }));
        assert_eq!(fields.text("r", 4).as_deref(), Some("ää"));
        assert_eq!(fields.text("r", 3), None);
    }

    #[test]
    fn reasons_are_validated_as_text() {
        for (text, says) in [
            ("a\u{1b}[31m", "control characters"),
            ("a\u{202e}b", "overrides"),
            ("a\u{2066}b", "isolate"),
            ("\u{200b}", "visible"),
        ] {
            let mut fields = fields(json!({ "r": text }));
            assert_eq!(fields.text("r", 100), None, "{text:?}");
            let Err(ApiError::InvalidRequest(errors)) = fields.build(|| Some(())) else {
                panic!("accepted");
            };
            assert!(errors[0].message.contains(says), "{}", errors[0].message);
        }
        let mut fields = fields(json!({ "r": "\u{200f}שלום\u{200f}" }));
        assert!(fields.text("r", 100).is_some());
    }
}
