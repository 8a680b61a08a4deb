//! Builds requests for the targets.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use flate2::{Compression, write::GzEncoder};
use lambda_http::http::Request;
use lambda_http::{Body, RequestExt};
use shared::api::ApiRequest;
use shared::domain::error::ApiError;
use shared::telemetry::{Environment, RequestLog};

/// The largest accepted body, before and after inflating.
pub const LARGEST_BODY: usize = 64 * 1024;

/// A request with this body, and these parameters and headers.
pub fn request(body: &[u8], query: &[(&str, &str)], headers: &[(&str, &str)]) -> ApiRequest {
    let mut request = Request::post("https://localhost/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let parameters: HashMap<String, Vec<String>> = query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]))
        .collect();
    let request = request
        .body(Body::Binary(body.to_vec()))
        .expect("a request")
        .with_query_string_parameters(parameters);
    let trace = RequestLog::begin("fuzz", &request, &Environment::ready(Instant::now()));
    ApiRequest::new(request, Arc::new(trace))
}

pub fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Invalid input is distinct from an internal error, and every invalid field is named.
pub fn assert_refused(error: &ApiError) {
    match error {
        ApiError::InvalidRequest(errors) => {
            assert!(!errors.is_empty(), "no field is named");
            assert!(errors.iter().all(|error| !error.message.is_empty()));
        }
        ApiError::InvalidJson(_) | ApiError::PayloadTooLarge => {}
        other => panic!("bad input became {other}"),
    }
}
