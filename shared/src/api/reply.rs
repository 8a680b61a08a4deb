//! Answers, and the one place that turns an error into one.

use lambda_http::Body;
use lambda_http::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    LOCATION, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use lambda_http::http::{Response, StatusCode};
use serde::Serialize;

use crate::api::auth::Caller;
use crate::domain::ban_info::BanInfo;
use crate::domain::error::{ApiError, FieldError};
use crate::store::Answer;
use crate::store::content_disposition;

/// Seconds after which a caller should retry a call that the database failed.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("1");

/// The same for a snapshot that is being built.
const SNAPSHOT_BUILT: HeaderValue = HeaderValue::from_static("30");

const VERSION: HeaderValue = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));

#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

/// The answer to a call that changes something.
#[derive(Serialize)]
struct Changed {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ban: Option<BanInfo>,
}

#[derive(Serialize)]
struct Failed<'a> {
    status: &'static str,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a [FieldError]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ban: Option<&'a BanInfo>,
}

impl Reply {
    /// 200 with a JSON body.
    pub fn json(body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body).map_err(|error| {
            ApiError::Internal(format!("could not serialize the answer: {error}"))
        })?;
        Ok(Self::new(
            StatusCode::OK,
            HeaderValue::from_static(JSON),
            body,
        ))
    }

    /// 200 for a call that changed something: exactly `{"status":"ok"}`, or with the resulting ban
    /// if the caller prefers that.
    pub fn changed<P>(caller: &Caller<P>, answer: Option<&Answer>) -> Result<Self, ApiError> {
        let show = |answer: &Answer| {
            caller
                .presenter(answer.at)
                .show(&answer.ban, answer.applied)
        };
        let ban = answer.map(show);
        let preferred = ban.is_some();
        let mut reply = Self::json(&Changed { status: "ok", ban })?;
        if preferred {
            reply = reply.preferred();
        }
        Ok(reply.varying(preferred && caller.needs_vary_header()))
    }

    /// 200 with a file.
    pub fn download(content_type: &'static str, file_name: &str, body: String) -> Self {
        let mut reply = Self::new(StatusCode::OK, HeaderValue::from_static(content_type), body);
        if let Ok(disposition) = HeaderValue::from_str(&content_disposition(file_name)) {
            reply.set(CONTENT_DISPOSITION, disposition);
        }
        reply
    }

    /// 303 to the location of the file.
    pub fn see_other(location: &str) -> Result<Self, ApiError> {
        let target = HeaderValue::from_str(location)
            .map_err(|_| ApiError::Internal("the location is not a valid header".to_owned()))?;
        let mut reply = Self::json(&serde_json::json!({ "status": "ok", "location": location }))?;
        reply.status = StatusCode::SEE_OTHER;
        reply.set(LOCATION, target);
        Ok(reply)
    }

    /// Marks the answer as containing what the caller prefers to see.
    #[must_use]
    pub fn preferred(mut self) -> Self {
        let applied = HeaderValue::from_static("return=representation");
        self.set(HeaderName::from_static("preference-applied"), applied);
        self
    }

    /// Marks the answer as dependent on whether a Roblox game server asks.
    #[must_use]
    pub fn varying(mut self, varies: bool) -> Self {
        if varies {
            self.set(VARY, HeaderValue::from_static("roblox-id"));
        }
        self
    }

    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    fn new(status: StatusCode, content_type: HeaderValue, body: String) -> Self {
        Self {
            status,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
            body,
        }
    }

    fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    /// The response, with the headers of every answer.
    pub(super) fn into_response(self, request_id: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        identify(&mut response, request_id);
        response
    }
}

/// Adds the version and the request's id.
pub(super) fn identify(response: &mut Response<Body>, request_id: &str) {
    let headers = response.headers_mut();
    headers.insert("portcullis-version", VERSION);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", id);
    }
}

impl From<&ApiError> for Reply {
    fn from(error: &ApiError) -> Self {
        let failed = Failed {
            status: "error",
            code: error.code(),
            message: error.message(),
            errors: match error {
                ApiError::InvalidRequest(errors) | ApiError::Ambiguous(errors) => Some(errors),
                _ => None,
            },
            ban: match error {
                ApiError::AlreadyBanned { ban, .. } => Some(ban),
                _ => None,
            },
        };
        let status =
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&failed).unwrap_or_default();
        let mut reply = Self::new(status, HeaderValue::from_static(JSON), body);
        match error {
            ApiError::Unauthorized(_) => {
                reply.set(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            ApiError::Unsigned(_) => {
                reply.set(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Roblox-Signature"),
                );
            }
            ApiError::RateLimited { retry_after, .. }
            | ApiError::ServiceUnavailable { retry_after, .. } => {
                reply.set(RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            ApiError::SnapshotNotBuilt => {
                reply.set(RETRY_AFTER, SNAPSHOT_BUILT);
            }
            ApiError::Unavailable(_) => {
                reply.set(RETRY_AFTER, TRY_AGAIN);
            }
            ApiError::MethodNotAllowed { allow } => {
                reply.set(ALLOW, HeaderValue::from_static(allow));
            }
            ApiError::AlreadyBanned { varies, .. } => reply = reply.varying(*varies),
            _ => {}
        }
        reply
    }
}

const JSON: &str = "application/json";
