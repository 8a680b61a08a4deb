use std::io::Read;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use lambda_http::http::header::CONTENT_ENCODING;
use lambda_http::http::{HeaderMap, HeaderValue, Method};
use lambda_http::{Body, Request, RequestExt};
use serde_json::{Map, Value};

use super::fields::Fields;
use super::json;
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::Guid;
use crate::domain::rules::Meaning;
use crate::telemetry::RequestLog;

/// The largest body in bytes, before and after decompression.
const LARGEST_BODY: usize = 64 * 1024;

/// A request, not parsed yet.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    method: Method,
    headers: HeaderMap,
    path: String,
    path_parameters: Map<String, Value>,
    query: Map<String, Value>,
    body: Vec<u8>,
    trace: Arc<RequestLog>,
}

impl ApiRequest {
    #[must_use]
    pub fn new(request: Request, trace: Arc<RequestLog>) -> Self {
        let query = request
            .query_string_parameters_ref()
            .into_iter()
            .flat_map(|query| query.iter())
            .fold(Map::new(), |mut query, (name, value)| {
                // If a parameter is repeated, the first value counts.
                query.entry(name).or_insert_with(|| query_value(value));
                query
            });
        let path_parameters = request
            .path_parameters_ref()
            .into_iter()
            .flat_map(|parameters| parameters.iter())
            .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())))
            .collect();
        let (parts, body) = request.into_parts();
        let body = match body {
            Body::Text(text) => text.into_bytes(),
            Body::Binary(bytes) => bytes,
            _ => Vec::new(),
        };
        Self {
            method: parts.method,
            headers: parts.headers,
            path: parts.uri.path().to_owned(),
            path_parameters,
            query,
            body,
            trace,
        }
    }

    /// The log of this request.
    #[must_use]
    pub const fn trace(&self) -> &Arc<RequestLog> {
        &self.trace
    }

    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Whether the path is below this one, for a function with several routes.
    #[must_use]
    pub fn is_below(&self, path: &str) -> bool {
        self.path.starts_with(path)
    }

    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The id under which the request is logged.
    #[must_use]
    pub fn id(&self) -> &str {
        self.trace.request_id()
    }

    /// The path parameters, such as `guid` in `/bans/{guid}`.
    #[must_use]
    pub fn path(&self) -> Fields {
        Fields::new(self.path_parameters.clone())
    }

    /// The `guid` of a path that has no other parameter.
    pub fn guid_in_path(&self) -> Result<Guid, ApiError> {
        let mut path = self.path();
        let guid = path.guid("guid");
        path.build(|| guid)
    }

    #[must_use]
    pub fn query(&self) -> Fields {
        Fields::new(self.query.clone())
    }

    /// The raw body, which signatures cover.
    pub fn raw_body(&self) -> Result<&[u8], ApiError> {
        self.raw_body_up_to(LARGEST_BODY)
    }

    fn raw_body_up_to(&self, largest: usize) -> Result<&[u8], ApiError> {
        if self.body.len() > largest {
            return Err(ApiError::PayloadTooLarge);
        }
        Ok(&self.body)
    }

    /// The fields of the body. The content type is ignored: a Roblox game server sends none, or the
    /// same on every call.
    pub fn body(&self) -> Result<Fields, ApiError> {
        self.body_up_to(LARGEST_BODY)
    }

    /// The same for a route whose bodies may be larger, in bytes.
    pub fn body_up_to(&self, largest: usize) -> Result<Fields, ApiError> {
        let inflated = self.inflated(largest)?;
        let text = std::str::from_utf8(&inflated)
            .map_err(|_| ApiError::InvalidJson("it is not UTF-8".to_owned()))?;
        match json::parse(text)? {
            Value::Object(fields) => Ok(Fields::new(fields)),
            // Luau writes an empty table as an empty array.
            Value::Array(items) if items.is_empty() => Ok(Fields::new(Map::new())),
            _ => Err(ApiError::field("body", "must be a JSON object")),
        }
    }

    /// The idempotency key, if the caller sent one, with the meaning of the request.
    pub fn idempotency_key(&self, meaning: &Meaning) -> Result<Option<IdempotencyKey>, ApiError> {
        let query = Value::Object(self.query.clone()).to_string();
        let parts = [self.path.as_bytes(), query.as_bytes(), self.body.as_slice()];
        IdempotencyKey::of(&self.headers, meaning, parts)
    }

    /// Whether the caller wants the resulting ban in the answer (RFC 7240).
    #[must_use]
    pub fn prefers_representation(&self) -> bool {
        self.headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']))
            .any(|preference| {
                let bare: String = preference
                    .chars()
                    .filter(|c| !matches!(c, ' ' | '"'))
                    .collect();
                bare.eq_ignore_ascii_case("return=representation")
            })
    }

    fn inflated(&self, largest: usize) -> Result<Vec<u8>, ApiError> {
        let sent = self.raw_body_up_to(largest)?;
        let encoding = self
            .headers
            .get(CONTENT_ENCODING)
            .map(HeaderValue::as_bytes);
        match encoding.map(<[u8]>::to_ascii_lowercase).as_deref() {
            None | Some(b"" | b"identity") => Ok(sent.to_vec()),
            Some(b"gzip" | b"x-gzip") => {
                let mut inflated = Vec::new();
                let limit = u64::try_from(largest).unwrap_or(u64::MAX).saturating_add(1);
                MultiGzDecoder::new(sent)
                    .take(limit)
                    .read_to_end(&mut inflated)
                    .map_err(|_| {
                        ApiError::field(
                            "content-encoding",
                            "does not match the body, which is not gzip",
                        )
                    })?;
                if inflated.len() > largest {
                    return Err(ApiError::PayloadTooLarge);
                }
                Ok(inflated)
            }
            Some(_) => Err(ApiError::field(
                "content-encoding",
                "must be gzip, identity or absent",
            )),
        }
    }
}

/// A parameter as a JSON value: `true` and `false` are flags, everything else is text.
fn query_value(value: &str) -> Value {
    match value {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => Value::String(text.to_owned()),
    }
}
