//! Builds requests.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{Method, Request};
use serde_json::Value;

/// A request for a route, as complete or incomplete as a test needs.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
    pub(crate) checked: bool,
}

impl Call {
    /// A request with any method. A path without `/api` is below `/api/v1`.
    pub fn new(method: &str, path: &str) -> Self {
        let path = match path.starts_with("/api") {
            true => path.to_owned(),
            false => format!("/api/v1{path}"),
        };
        Self {
            method: method.parse().expect("a method"),
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            checked: true,
        }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// Adds a query parameter, escaped.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the API key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", format!("Bearer {key}"))
    }

    /// Sets a JSON body and its content type.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Sets a raw body without a content type.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Compresses the body set so far and sets its encoding.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.body).expect("memory");
        self.body = encoder.finish().expect("memory").into();
        self.header("content-encoding", "gzip")
    }

    /// Asks for the ban in the response.
    #[must_use]
    pub fn prefer_representation(self) -> Self {
        self.header("prefer", "return=representation")
    }

    /// Sends the headers of a Roblox game server.
    #[must_use]
    pub fn from_roblox(self) -> Self {
        self.header("roblox-id", "75521396999004")
    }

    /// Does not validate the response against `openapi.yaml`: for the gateway's own responses, such
    /// as after a kill.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.checked = false;
        self
    }

    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn is_get(&self) -> bool {
        self.method == Method::GET
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(own, _)| own == name)
    }

    /// The HTTP request to a server such as `http://127.0.0.1:9000`.
    pub fn request(&self, address: &str) -> Request<Bytes> {
        let pairs = self
            .query
            .iter()
            .map(|(k, v)| format!("{}={}", escape(k), escape(v)));
        let query = pairs.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{address}{}{mark}{query}", self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value.as_slice());
        }
        request.body(self.body.clone()).expect("a request")
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986).
fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
