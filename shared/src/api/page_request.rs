//! A request for a page: what a browser sends, as opposed to a game server or a tool.

use std::sync::Arc;

use lambda_http::http::header::{COOKIE, HOST};
use lambda_http::http::{HeaderMap, Method};
use lambda_http::{Body, Request};
use url::form_urlencoded;

use crate::domain::error::ApiError;
use crate::telemetry::RequestLog;

/// The largest form in bytes.
const LARGEST_FORM: usize = 64 * 1024;

/// The most fields of a form.
const MOST_FIELDS: usize = 500;

/// A request for a page, not parsed yet.
#[derive(Clone, Debug)]
pub struct PageRequest {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
    trace: Arc<RequestLog>,
}

impl PageRequest {
    #[must_use]
    pub fn new(request: Request, trace: Arc<RequestLog>) -> Self {
        let (parts, body) = request.into_parts();
        // The gateway encodes forms in base64; the runtime has decoded that.
        let body = match body {
            Body::Text(text) => text.into_bytes(),
            Body::Binary(bytes) => bytes,
            _ => Vec::new(),
        };
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body,
            trace,
        }
    }

    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Path and query, for a way back to this page.
    #[must_use]
    pub fn address(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    /// The id under which the request is logged.
    #[must_use]
    pub fn id(&self) -> &str {
        self.trace.request_id()
    }

    /// The log of this request.
    #[must_use]
    pub const fn trace(&self) -> &Arc<RequestLog> {
        &self.trace
    }

    /// A header, if it is visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The host that the browser asked for, with its port.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.header(HOST.as_str())
    }

    /// The first cookie of this name.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let sent = self.headers.get_all(COOKIE).iter();
        let pairs = sent.filter_map(|value| value.to_str().ok());
        let mut pairs = pairs.flat_map(|value| value.split(';'));
        pairs.find_map(|pair| {
            let (found, value) = pair.trim().split_once('=')?;
            (found == name).then_some(value)
        })
    }

    /// The parameters of the query.
    #[must_use]
    pub fn query(&self) -> Vec<(String, String)> {
        fields(self.query.as_bytes())
    }

    /// The fields of the submitted form: 413 for a body of over 64 KiB.
    pub fn form(&self) -> Result<Vec<(String, String)>, ApiError> {
        self.form_up_to(LARGEST_FORM)
    }

    /// The same for a form that may be larger.
    pub fn form_up_to(&self, largest: usize) -> Result<Vec<(String, String)>, ApiError> {
        if self.body.len() > largest {
            return Err(ApiError::PayloadTooLarge);
        }
        Ok(fields(&self.body))
    }
}

fn fields(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded)
        .take(MOST_FIELDS)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}
