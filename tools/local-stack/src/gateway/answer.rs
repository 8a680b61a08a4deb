//! Turns a function's answer into a response, as strictly as API Gateway.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::Value;

/// The response, or `None` for an answer that API Gateway would reject.
pub(super) fn read(answer: &[u8]) -> Option<Response<Bytes>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let Some(status) = answer.get("statusCode") else {
        // Without a status the whole answer is the body.
        let body = Bytes::from(answer.to_string());
        return Response::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .ok();
    };
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let mut response = Response::new(body(&answer)?);
    *response.status_mut() = status;

    let headers = answer.get("headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).ok()?;
        response
            .headers_mut()
            .insert(name, HeaderValue::from_str(&value).ok()?);
    }
    let cookies = answer.get("cookies").and_then(Value::as_array);
    for cookie in cookies.into_iter().flatten() {
        let value = HeaderValue::from_str(cookie.as_str()?).ok()?;
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    if !response.headers().contains_key(header::CONTENT_TYPE) {
        let plain = HeaderValue::from_static("text/plain;charset=UTF-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
    }
    // The real length is set when the body is written.
    response.headers_mut().remove(header::CONTENT_LENGTH);
    Some(response)
}

fn body(answer: &Value) -> Option<Bytes> {
    let text = match answer.get("body") {
        None | Some(Value::Null) => return Some(Bytes::new()),
        Some(Value::String(text)) => text,
        Some(_) => return None,
    };
    if answer.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
        return BASE64_STANDARD.decode(text).ok().map(Bytes::from);
    }
    Some(Bytes::from(text.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_is_none() {
        assert!(read(b"not json").is_none());
        assert!(read(br#"{"statusCode": 99999}"#).is_none());
        assert!(read(br#"{"statusCode": 200, "body": {}}"#).is_none());
        assert!(read(br#"{"statusCode": 200, "headers": {"a b": "c"}}"#).is_none());
    }

    #[test]
    fn status_headers_and_cookies_are_kept() {
        let answer = br#"{"statusCode": 404, "headers": {"X-A": 1}, "cookies": ["a=b"]}"#;
        let response = read(answer).unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["x-a"], "1");
        assert_eq!(response.headers()["set-cookie"], "a=b");
        assert_eq!(
            response.headers()["content-type"],
            "text/plain;charset=UTF-8"
        );
    }
}
