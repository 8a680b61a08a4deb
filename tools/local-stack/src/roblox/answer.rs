//! Answers in Roblox's own forms: its layers write errors differently.

use std::fmt::Display;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, header};
use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
    pub kind: &'static str,
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            body: Bytes::from(body.to_string()),
            kind: "application/json",
            headers: Vec::new(),
        }
    }

    pub const fn empty() -> Self {
        Self {
            status: 200,
            body: Bytes::new(),
            kind: "application/json",
            headers: Vec::new(),
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.headers.push((name, format!("{value}")));
        self
    }

    pub fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static(self.kind),
        );
        for (name, value) in self.headers {
            if let Ok(value) = header::HeaderValue::from_str(&value) {
                headers.append(name, value);
            }
        }
        response
    }
}

/// An error of the gateway, about a key or a route.
pub fn gateway(status: u16, message: &str) -> Answer {
    let errors = json!({ "errors": [{ "code": 0, "message": message }] });
    Answer::json(status, &errors)
}

/// An error of a Cloud v2 method.
pub fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "code": code, "message": message }))
}

/// A 400 for an invalid field.
pub fn invalid(message: &str) -> Answer {
    refusal(400, "INVALID_ARGUMENT", message)
}
