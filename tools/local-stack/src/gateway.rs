//! API Gateway's HTTP API on this machine: the template's routes in front of the functions.
//!
//! A request becomes an event in payload format 2.0 as the gateway makes it, and the function's
//! answer is taken apart as strictly: what is no answer there is 500 here. Beside the routes there
//! is Lambda's own invocation API ([`crate::lambda_api`]), for the pump, for functions that call each other
//! and for tests.

mod answer;
mod event;
mod routes;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

use crate::{
    Result,
    http::{self, Guard},
    lambda_api::{self, Background},
    runtime::Runtime,
    template::Template,
};
use routes::Routes;

/// How long the gateway waits for a function.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest request body the gateway takes.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// A running gateway; it stops when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    address: String,
    background: Background,
    _server: Guard,
}

#[derive(Clone)]
struct Inner {
    runtime: Runtime,
    routes: Arc<Routes>,
}

impl Gateway {
    /// Puts the routes of a template in front of a runtime, on a port (0: any free one).
    pub async fn start(template: &Template, runtime: Runtime, port: u16) -> Result<Self> {
        let (listener, _) = http::listen(port, "PORT").await?;
        Self::serve(template, runtime, listener)
    }

    /// The same where somebody listens already: the functions of the runtime know by now where they
    /// reach each other.
    pub fn serve(template: &Template, runtime: Runtime, listener: TcpListener) -> Result<Self> {
        let address = http::address(&listener)?;
        let background = Background::default();
        let invocations = lambda_api::router(runtime.clone(), background.clone());
        let inner = Inner {
            runtime,
            routes: Arc::new(Routes::of(template)),
        };
        let router = Router::new()
            .fallback(request)
            .layer(DefaultBodyLimit::disable())
            .with_state(inner)
            .merge(invocations);
        Ok(Self {
            address,
            background,
            _server: http::serve(listener, router),
        })
    }

    /// The calls that nobody waits for.
    #[must_use]
    pub const fn background(&self) -> &Background {
        &self.background
    }

    /// Where it listens, such as `http://127.0.0.1:9000`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Carries one request to its function and back.
async fn request(State(inner): State<Inner>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !event::is_addressed(&parts) {
        return message(StatusCode::BAD_REQUEST, "Bad Request");
    }
    let Some(found) = inner.routes.find(parts.method.as_str(), parts.uri.path()) else {
        return message(StatusCode::NOT_FOUND, "Not Found");
    };
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    };
    let event = event::build(&parts, &body, &found);
    let function = found.function.to_owned();
    // A caller that goes away does not stop its function, so the call has a task of its own.
    let runtime = inner.runtime.clone();
    let call = tokio::spawn(async move { runtime.invoke(&function, event).await });
    match tokio::time::timeout(PATIENCE, call).await {
        Err(_) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        Ok(Ok(Ok(answer))) => answer::read(&answer)
            .unwrap_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
        Ok(_) => message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
    }
}

/// An answer of the gateway's own.
fn message(status: StatusCode, text: &str) -> Response {
    let body = serde_json::json!({ "message": text }).to_string();
    (
        status,
        [("content-type", "application/json")],
        Body::from(body),
    )
        .into_response()
}
