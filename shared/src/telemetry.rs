//! One log event per request: a line of JSON on standard output.
//!
//! It names the request, the workspace and the key by their ids. It never holds a key, a reason
//! or a body.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use serde::Serialize;

use crate::error::ApiError;
use crate::ids::WorkspaceId;
use crate::store::Consumed;

/// Tells the first request of an environment from the others.
#[derive(Debug)]
pub struct Starts(AtomicBool);

impl Starts {
    /// A new environment.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "an environment starts once, on purpose"
    )]
    pub const fn new() -> Self {
        Self(AtomicBool::new(true))
    }

    /// Whether this is the first time it is asked.
    pub fn is_cold(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// What is known of a request while it is carried out.
#[derive(Debug)]
pub struct Trace {
    route: &'static str,
    method: String,
    request_id: String,
    cold_start: bool,
    started: Instant,
    caller: Mutex<Option<(WorkspaceId, String)>>,
}

/// The event, as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    level: &'static str,
    message: &'static str,
    request_id: &'a str,
    route: &'static str,
    method: &'a str,
    status: u16,
    duration_ms: f64,
    database_ms: f64,
    database_calls: u32,
    read_units: f64,
    write_units: f64,
    cold_start: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Trace {
    /// Begins with a request, under the id that the gateway gave it.
    #[must_use]
    pub fn begin(route: &'static str, request: &Request, starts: &Starts) -> Self {
        let gateway_id = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
            _ => None,
        };
        let lambda_id = || Some(request.lambda_context_ref()?.request_id.clone());
        Self {
            route,
            method: request.method().to_string(),
            request_id: gateway_id.or_else(lambda_id).unwrap_or_default(),
            cold_start: starts.is_cold(),
            started: Instant::now(),
            caller: Mutex::new(None),
        }
    }

    /// The id under which the request is logged and answered.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Notes who calls.
    pub fn identify(&self, workspace: WorkspaceId, key_id: &str) {
        let mut caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner);
        *caller = Some((workspace, key_id.to_owned()));
    }

    /// Writes the event.
    pub fn end(&self, status: u16, error: Option<&ApiError>, consumed: Consumed) {
        let caller = self
            .caller
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (workspace, key_id) = caller.map(|(id, key)| (id.to_string(), key)).unzip();
        let event = Event {
            level: match error {
                Some(ApiError::Internal(_)) => "ERROR",
                Some(ApiError::Unavailable(_)) => "WARN",
                _ => "INFO",
            },
            message: "request",
            request_id: &self.request_id,
            route: self.route,
            method: &self.method,
            status,
            duration_ms: milliseconds(self.started.elapsed()),
            database_ms: milliseconds(consumed.waited),
            database_calls: consumed.calls,
            read_units: consumed.read_units,
            write_units: consumed.write_units,
            cold_start: self.cold_start,
            workspace,
            key_id,
            error_code: error.map(ApiError::code),
            error: error.and_then(ApiError::detail),
        };
        write_line(&event);
    }
}

/// Writes one event as a line of JSON. There is nowhere to report that it could not be written.
pub fn write_line(event: &impl Serialize) {
    if let Ok(mut line) = serde_json::to_vec(event) {
        line.push(b'\n');
        let _ = std::io::stdout().lock().write_all(&line);
    }
}

/// Milliseconds with three digits after the point.
#[must_use]
pub fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
