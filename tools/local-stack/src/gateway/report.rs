//! Formats a request and its response as one line.

use std::{fmt::Write, time::Duration};

use axum::{http::request::Parts, response::Response};
use bytes::Bytes;
use serde_json::Value;

/// `POST /api/v1/is-banned 200 12 ms`, and for a failure the cause and the request id.
pub(super) fn line(
    parts: &Parts,
    response: &Response<Bytes>,
    cause: Option<&str>,
    id: &str,
    elapsed: Duration,
) -> String {
    let (method, status) = (&parts.method, response.status());
    let milliseconds = elapsed.as_millis();
    let mut line = format!(
        "{method} {} {} {milliseconds} ms",
        parts.uri,
        status.as_u16()
    );
    if status.is_client_error() || status.is_server_error() {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let message = body.get("message").and_then(Value::as_str);
        let what = cause.or(message).unwrap_or("no message");
        let _ = write!(line, " {what} (request {id})");
    }
    line
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn of(status: u16, body: &'static str, cause: Option<&str>) -> String {
        let request = Request::get("/api/v1/bans?limit=1").body(()).unwrap();
        let response = Response::builder()
            .status(status)
            .body(Bytes::from(body))
            .unwrap();
        let elapsed = Duration::from_micros(12_800);
        line(&request.into_parts().0, &response, cause, "abc", elapsed)
    }

    #[test]
    fn a_failure_shows_its_cause_and_the_request_id() {
        assert_eq!(of(200, "[]", None), "GET /api/v1/bans?limit=1 200 12 ms");
        let refused = r#"{"status": "error", "message": "A valid API key is required"}"#;
        assert_eq!(
            of(401, refused, None),
            "GET /api/v1/bans?limit=1 401 12 ms A valid API key is required (request abc)"
        );
        let failed = r#"{"message": "Internal Server Error"}"#;
        assert_eq!(
            of(500, failed, Some("bans: Runtime.ExitError: it ended")),
            "GET /api/v1/bans?limit=1 500 12 ms bans: Runtime.ExitError: it ended (request abc)"
        );
    }
}
