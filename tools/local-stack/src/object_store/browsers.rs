//! What a browser needs to send a file from the console's page: the bucket's rules about other origins.

use hyper::body::Incoming;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    HeaderValue, ORIGIN,
};
use hyper::service::Service;
use hyper::{Method, Request, Response};
use s3s::service::S3Service;
use s3s::{Body, HttpError};

/// The headers of a presigned upload, as `template.yaml` allows them.
const HEADERS: HeaderValue =
    HeaderValue::from_static("content-type, if-none-match, x-amz-checksum-sha256");

const METHODS: HeaderValue = HeaderValue::from_static("PUT, GET");

/// Answers a request, and a browser's question whether it may send one.
pub(super) async fn answer(
    request: Request<Incoming>,
    store: S3Service,
) -> Result<Response<Body>, HttpError> {
    let origin = request
        .headers()
        .get(ORIGIN)
        .filter(|it| is_local(it))
        .cloned();
    let Some(origin) = origin else {
        return Service::call(&store, request).await;
    };
    let mut answer = if request.method() == Method::OPTIONS {
        Response::new(Body::empty())
    } else {
        Service::call(&store, request).await?
    };
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    Ok(answer)
}

/// Whether a page of this machine asks.
fn is_local(origin: &HeaderValue) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    ["http://127.0.0.1:", "http://localhost:"]
        .iter()
        .any(|local| origin.starts_with(local))
}
