//! Lambda's invocation API, synchronous and asynchronous.
//!
//! [`crate::gateway`] serves it beside the routes, in front of the [`crate::runtime`] or of `cargo lambda
//! watch`, which has only synchronous calls.

mod background;

use std::{collections::BTreeSet, future::Future, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use serde::de::IgnoredAny;
use tokio::time::timeout;
use uuid::Uuid;

pub use background::{Background, GivenUp};

use crate::{
    http::{Client, aws_error},
    runtime::{CallError, Outcome, PAYLOAD_LIMIT, THROTTLED},
    template::Template,
};

/// Lambda's limit for the event of an asynchronous call.
pub const BACKGROUND_PAYLOAD_LIMIT: usize = 1024 * 1024;

/// Lambda's longest timeout.
pub(crate) const LONGEST_CALL: Duration = Duration::from_mins(15);

/// The error of the service itself, not of a function.
pub(crate) const SERVICE_FAILED: &str = "ServiceException";

pub trait Functions: Clone + Send + Sync + 'static {
    fn knows(&self, function: &str) -> bool;

    fn call(&self, function: &str, event: Bytes) -> impl Future<Output = Outcome> + Send;
}

/// Functions behind an address with synchronous calls only: `cargo lambda watch`.
#[derive(Debug, Clone)]
pub struct HttpFunctions {
    client: Client,
    address: String,
    names: BTreeSet<String>,
}

impl HttpFunctions {
    pub fn new(address: &str, template: &Template) -> Self {
        let names = template.functions().iter().map(|f| f.name.clone());
        Self {
            client: Client::new(),
            address: address.to_owned(),
            names: names.collect(),
        }
    }
}

impl Functions for HttpFunctions {
    fn knows(&self, function: &str) -> bool {
        self.names.contains(function)
    }

    async fn call(&self, function: &str, event: Bytes) -> Outcome {
        let url = invocation_url(&self.address, function);
        let answer = timeout(LONGEST_CALL, self.client.post_json(&url, event)).await;
        let answer = answer
            .map_err(|_| CallError::new("Sandbox.Timedout", "Task timed out"))?
            .map_err(|e| CallError::new(SERVICE_FAILED, e))?;
        // `cargo lambda watch` says by the status alone that a function failed.
        let failed =
            answer.headers().contains_key(&FUNCTION_ERROR) || !answer.status().is_success();
        if failed {
            return Err(CallError::read(answer.body(), None));
        }
        Ok(answer.into_body())
    }
}

/// The invocation URL of a function.
pub(crate) fn invocation_url(address: &str, function: &str) -> String {
    format!("{address}/2015-03-31/functions/{function}/invocations")
}

const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");

#[derive(Clone)]
struct Inner<F> {
    functions: F,
    background: Background,
}

pub(crate) fn router<F: Functions>(functions: F, background: Background) -> Router {
    Router::new()
        .route(&invocation_url("", "{name}"), post(invocation::<F>))
        .layer(DefaultBodyLimit::disable())
        .with_state(Inner {
            functions,
            background,
        })
}

async fn invocation<F: Functions>(
    State(inner): State<Inner<F>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    event: Bytes,
) -> Response {
    let function = short_name(&name);
    if !inner.functions.knows(function) {
        let message = format!("Function not found: {name}");
        return refusal(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message);
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(&event) {
        let message = format!("Could not parse request body into json: {error}");
        let kind = "InvalidRequestContentException";
        return refusal(StatusCode::BAD_REQUEST, kind, &message);
    }
    let how = headers.get("x-amz-invocation-type");
    match how.map_or(b"RequestResponse".as_slice(), HeaderValue::as_bytes) {
        b"RequestResponse" if event.len() > PAYLOAD_LIMIT => too_large(PAYLOAD_LIMIT),
        b"RequestResponse" => answer(inner.functions.call(function, event).await),
        b"Event" if event.len() > BACKGROUND_PAYLOAD_LIMIT => too_large(BACKGROUND_PAYLOAD_LIMIT),
        b"Event" => {
            let function = function.to_owned();
            let accepted = inner.background.accept(inner.functions, function, event);
            if accepted {
                (StatusCode::ACCEPTED, [request_id()]).into_response()
            } else {
                let message = "Rate Exceeded.";
                let kind = "TooManyRequestsException";
                refusal(StatusCode::TOO_MANY_REQUESTS, kind, message)
            }
        }
        b"DryRun" => (StatusCode::NO_CONTENT, [request_id()]).into_response(),
        _ => {
            let message = "x-amz-invocation-type is RequestResponse, Event or DryRun";
            let kind = "InvalidParameterValueException";
            refusal(StatusCode::BAD_REQUEST, kind, message)
        }
    }
}

/// The function's name in a name or an ARN, either with or without a version.
fn short_name(name: &str) -> &str {
    let name = name.rsplit_once("function:").map_or(name, |(_, rest)| rest);
    name.split(':').next().unwrap_or(name)
}

fn answer(outcome: Outcome) -> Response {
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match outcome {
        Ok(answer) => ([json, request_id()], answer).into_response(),
        Err(error) if error.kind == THROTTLED => {
            refusal(StatusCode::TOO_MANY_REQUESTS, &error.kind, &error.message)
        }
        Err(error) if error.kind == SERVICE_FAILED => refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            &error.kind,
            &error.message,
        ),
        Err(error) => {
            let unhandled = (FUNCTION_ERROR, HeaderValue::from_static("Unhandled"));
            ([json, request_id(), unhandled], error.body()).into_response()
        }
    }
}

fn too_large(limit: usize) -> Response {
    let message =
        format!("Request must be smaller than {limit} bytes for the InvokeFunction operation");
    let kind = "RequestEntityTooLargeException";
    refusal(StatusCode::PAYLOAD_TOO_LARGE, kind, &message)
}

/// An error of the service itself.
fn refusal(status: StatusCode, kind: &str, message: &str) -> Response {
    ([request_id()], aws_error(status, kind, message)).into_response()
}

fn request_id() -> (HeaderName, HeaderValue) {
    let id = Uuid::new_v4().to_string();
    let id = HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("-"));
    (HeaderName::from_static("x-amzn-requestid"), id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_known_by_its_name_and_by_its_arn() {
        for name in [
            "expire-bans",
            "expire-bans:$LATEST",
            "000000000000:function:expire-bans",
            "arn:aws:lambda:us-east-1:000000000000:function:expire-bans",
            "arn:aws:lambda:us-east-1:000000000000:function:expire-bans:live",
        ] {
            assert_eq!(short_name(name), "expire-bans", "{name}");
        }
    }
}
