//! The headers of every page: nothing is cached, framed, or loaded from elsewhere.

use lambda_http::http::StatusCode;
use lambda_http::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    HeaderValue, LOCATION, REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use lambda_http::{Body, Response};
use serde_json::Value;

/// No inline script, style or handler, and no other host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page of HTML.
pub fn page(status: StatusCode, html: String) -> Response<Body> {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    secured(response)
}

/// The same page, which may also send files to this origin and show files of it.
pub fn with_files_of(mut page: Response<Body>, origin: &str) -> Response<Body> {
    let own = "connect-src 'self'";
    let policy = POLICY.replace("img-src 'self'", &format!("img-src 'self' {origin}"));
    let both = format!("{own} {origin}; media-src 'self' {origin}");
    if let Ok(policy) = HeaderValue::from_str(&policy.replace(own, &both)) {
        page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    page
}

/// An answer to a script.
pub fn json(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    secured(response)
}

/// A text that browsers save and never show.
pub fn text_file(text: String, name: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename={name}")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    secured(response)
}

/// 303 to another page of the console, or to a file.
pub fn see_other(address: &str) -> Response<Body> {
    let mut response = Response::new(Body::Text(String::new()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    let target = HeaderValue::from_str(address);
    let target = target.unwrap_or(HeaderValue::from_static("/console/bans"));
    response.headers_mut().insert(LOCATION, target);
    secured(response)
}

/// Adds a cookie.
pub fn with_cookie(mut response: Response<Body>, cookie: &str) -> Response<Body> {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn secured(mut response: Response<Body>) -> Response<Body> {
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (opener, "same-origin"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_allows_nothing_from_elsewhere() {
        let page = page(StatusCode::OK, String::new());
        let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        for loose in ["unsafe", "http", "*", "data:"] {
            assert!(!policy.contains(loose), "{policy}");
        }
        assert_eq!(page.headers()[CACHE_CONTROL], "no-store");
    }

    #[test]
    fn page_with_files_allows_their_origin_and_no_other() {
        let page = page(StatusCode::OK, String::new());
        let page = with_files_of(page, "https://bucket.example");
        let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        for source in ["img-src", "connect-src", "media-src"] {
            let allowed = format!("{source} 'self' https://bucket.example;");
            assert!(policy.contains(&allowed), "{policy}");
        }
        assert_eq!(policy.matches("https:").count(), 3, "{policy}");
        assert!(policy.contains("script-src 'self';"), "{policy}");
    }

    #[test]
    fn redirect_never_has_a_broken_target() {
        for address in ["/console/players/1", "a\nb"] {
            let response = see_other(address);
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
            let target = response.headers()[LOCATION].to_str().unwrap();
            assert!(target.starts_with("/console/"), "{target}");
        }
    }
}
