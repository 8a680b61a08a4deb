//! API responses and assertions on them.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Response};
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct ApiResponse {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl ApiResponse {
    pub(crate) fn new(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.to_vec()).expect("an answer is UTF-8");
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text,
        }
    }

    /// A header that must not appear twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        assert!(
            self.headers.get_all(name).iter().count() <= 1,
            "{name} more than once"
        );
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a readable header"))
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e} in {self}"))
    }

    /// The id under which the request is logged.
    pub fn request_id(&self) -> &str {
        self.header("x-request-id").expect("x-request-id")
    }

    /// The body of a response that must be 200.
    #[track_caller]
    pub fn success(&self) -> Value {
        assert_eq!(self.status, 200, "{self}");
        self.json()
    }

    /// Asserts 200 with exactly the documented body of a change.
    #[track_caller]
    pub fn assert_ok(&self) {
        assert_eq!(
            (self.status, self.text.as_str()),
            (200, r#"{"status":"ok"}"#),
            "{self}"
        );
    }

    /// Asserts an API error.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) {
        let body = self.json();
        assert_eq!(
            (self.status, &body["code"]),
            (status, &Value::from(code)),
            "{self}"
        );
        assert_eq!(body["status"], "error", "{self}");
    }

    /// Asserts 400 `invalid_request` with exactly these fields, in any order.
    #[track_caller]
    pub fn assert_wrong_fields(&self, expected: &[&str]) {
        self.assert_error(400, "invalid_request");
        let mut expected: Vec<_> = expected.iter().map(|&field| field.to_owned()).collect();
        expected.sort();
        assert_eq!(self.wrong_fields(), expected, "{self}");
    }

    /// The invalid fields in the response, sorted.
    pub fn wrong_fields(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let mut fields: Vec<_> = errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect();
        fields.sort();
        fields
    }

    /// The `list` of a response that must be 200.
    #[track_caller]
    pub fn list(&self) -> Vec<Value> {
        self.success()["list"].as_array().expect("a list").clone()
    }

    /// The cursor of the next page, if any.
    #[track_caller]
    pub fn next_cursor(&self) -> Option<String> {
        self.success()["nextCursor"].as_str().map(str::to_owned)
    }
}

impl fmt::Display for ApiResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body: String = self.text.chars().take(2000).collect();
        write!(f, "{} {body}", self.status)
    }
}

/// The keys of a JSON object in the order they were written.
pub fn key_order(object: &str) -> Vec<String> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut keys = Vec::new();
            while let Some((key, IgnoredAny)) = map.next_entry()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(object);
    reader
        .deserialize_map(Keys)
        .unwrap_or_else(|e| panic!("{e}: {object}"))
}
