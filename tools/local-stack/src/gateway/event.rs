//! Turns a request into an event in payload format 2.0.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, Version, header, request::Parts, uri::Authority};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::routes::Found;

/// Whether a request names a host and a path. API Gateway accepts no other, and the functions rely on that.
pub(super) fn is_addressed(parts: &Parts) -> bool {
    let host = text(&parts.headers, "host");
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    let is_host = authority.is_some_and(|authority| {
        let host = authority.host();
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
        let is_port = |rest: &str| rest.is_empty() || authority.port_u16().is_some();
        let rest = authority.as_str().strip_prefix(host);
        !host.is_empty() && host.bytes().all(is_name) && rest.is_some_and(is_port)
    });
    is_host && parts.uri.path().starts_with('/')
}

pub(super) fn build(parts: &Parts, body: &Bytes, route: &Found<'_>, id: &str) -> Bytes {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let host = text(&parts.headers, "host").unwrap_or("localhost");
    let mut event = json!({
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(&parts.headers, id),
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next().unwrap_or(host),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": protocol(parts.version),
                "sourceIp": "127.0.0.1",
                "userAgent": text(&parts.headers, "user-agent").unwrap_or_default(),
            },
            "requestId": id,
            "routeKey": route.key,
            "stage": "$default",
            "time": clock(now.as_secs()),
            "timeEpoch": u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
        },
        "isBase64Encoded": false,
    });
    if let Some(event) = event.as_object_mut() {
        // What is empty is left out, as the gateway does it.
        let cookies = cookies(&parts.headers);
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        if !query.is_empty() {
            event.insert("queryStringParameters".to_owned(), json!(parameters(query)));
        }
        if !route.parameters.is_empty() {
            event.insert("pathParameters".to_owned(), json!(route.parameters));
        }
        add_body(event, &parts.headers, body);
    }
    Bytes::from(event.to_string())
}

/// The body, in base64 unless it is text.
fn add_body(event: &mut Map<String, Value>, headers: &HeaderMap, body: &Bytes) {
    if body.is_empty() {
        return;
    }
    let (encoded, is_base64) = match std::str::from_utf8(body) {
        Ok(text) if is_text(headers) => (text.to_owned(), false),
        _ => (BASE64_STANDARD.encode(body), true),
    };
    event.insert("body".to_owned(), json!(encoded));
    event.insert("isBase64Encoded".to_owned(), json!(is_base64));
}

/// Whether API Gateway passes the body on as text: only these content types, uncompressed.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = text(headers, "content-type").unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    !headers.contains_key(header::CONTENT_ENCODING)
        && (kind.starts_with("text/")
            || matches!(
                kind.as_str(),
                "application/json" | "application/javascript" | "application/xml"
            ))
}

/// Headers with lowercase names; several values are joined with commas. Cookies are a separate field.
fn headers(headers: &HeaderMap, id: &str) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::new();
    for name in headers.keys() {
        let hop = matches!(
            name.as_str(),
            "cookie" | "connection" | "te" | "transfer-encoding"
        );
        if !hop {
            let values: Vec<_> = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            joined.insert(name.as_str().to_owned(), values.join(","));
        }
    }
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ] {
        joined.insert(name.to_owned(), value.to_owned());
    }
    joined.insert(
        "x-amzn-trace-id".to_owned(),
        format!("Root=1-{}", id.get(..8).unwrap_or(id)),
    );
    joined
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(';'))
        .map(|pair| pair.trim().to_owned())
        .collect()
}

/// Decoded query parameters; several values are joined with commas.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value, true);
        joined
            .entry(decode(name, true))
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert(value);
    }
    joined
}

/// Decodes percent-encoding. In a query, a plus is a space.
pub(crate) fn decode(text: &str, is_query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', _) if is_query => bytes.push(b' '),
            _ => bytes.push(*first),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn protocol(version: Version) -> &'static str {
    if version == Version::HTTP_10 {
        "HTTP/1.0"
    } else {
        "HTTP/1.1"
    }
}

/// `12/Mar/2020:19:03:58 +0000`.
fn clock(seconds: u64) -> String {
    let second = i64::try_from(seconds).unwrap_or_default();
    let now = Timestamp::from_second(second)
        .unwrap_or_default()
        .to_zoned(TimeZone::UTC);
    now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn event(request: Request<()>, body: &'static [u8]) -> Value {
        let (parts, ()) = request.into_parts();
        let route = Found {
            key: "$default",
            function: "f",
            parameters: BTreeMap::new(),
        };
        serde_json::from_slice(&build(&parts, &Bytes::from_static(body), &route, "id")).unwrap()
    }

    #[test]
    fn only_a_host_and_a_path_make_an_address() {
        let addressed = |uri: &str, host: &str| {
            let request = Request::get(uri).header("host", host).body(()).unwrap();
            is_addressed(&request.into_parts().0)
        };
        for host in ["localhost", "127.0.0.1:9000", "a.b-c.example"] {
            assert!(addressed("/", host), "{host}");
        }
        for host in [
            "",
            "a b",
            "[::",
            "%",
            "http://x",
            "x:99999999",
            "x:",
            "x/y",
            "a@b",
            "a@b:1",
        ] {
            assert!(!addressed("/", host), "{host}");
        }
        assert!(!addressed("*", "localhost"));
        let nameless = Request::get("/").body(()).unwrap();
        assert!(!is_addressed(&nameless.into_parts().0));
    }

    #[test]
    fn headers_and_parameters_are_joined() {
        let request = Request::get("/a?x=1&x=2&y=a%20b+c&z")
            .header("X-Many", "1")
            .header("x-many", "2")
            .header("cookie", "a=1; b=2")
            .body(())
            .unwrap();
        let event = event(request, b"");
        assert_eq!(event["headers"]["x-many"], "1,2");
        assert_eq!(event["headers"].get("cookie"), None);
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        assert_eq!(
            event["queryStringParameters"],
            json!({"x": "1,2", "y": "a b c", "z": ""})
        );
        assert_eq!(event.get("body"), None);
    }

    #[test]
    fn only_plain_text_goes_unencoded() {
        let post = |name: &str, value: &str| Request::post("/").header(name, value);
        let encoded =
            |request: Request<()>, body| event(request, body)["isBase64Encoded"].as_bool().unwrap();
        let json = || post("content-type", "application/json; charset=utf-8");
        assert!(!encoded(json().body(()).unwrap(), b"{}"));
        assert!(encoded(json().body(()).unwrap(), b"\xff"));
        assert!(encoded(
            json().header("content-encoding", "gzip").body(()).unwrap(),
            b"x"
        ));
        assert!(encoded(
            post("content-type", "application/x-a").body(()).unwrap(),
            b"x"
        ));
        assert!(encoded(Request::post("/").body(()).unwrap(), b"{}"));
    }
}
