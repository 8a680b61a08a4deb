//! The headers of every page: nothing is cached, framed, or loaded from elsewhere.

use lambda_http::http::StatusCode;
use lambda_http::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use lambda_http::{Body, Response};

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

/// 303 to another page of the console.
pub fn see_other(address: &str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
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
    fn redirect_never_has_a_broken_target() {
        for address in ["/console/players/1", "a\nb"] {
            let response = see_other(address);
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
            let target = response.headers()[LOCATION].to_str().unwrap();
            assert!(target.starts_with("/console/"), "{target}");
        }
    }
}
