//! API Gateway's HTTP API: the template's routes in front of the functions.
//!
//! A request becomes an event in payload format 2.0, and the function's answer becomes the response; an
//! invalid answer is a 500, as in API Gateway. Beside the routes it serves Lambda's invocation API
//! ([`crate::lambda_api`]), for event source mappings, for functions that call each other, and for tests.

mod answer;
mod event;
mod report;
mod routes;

pub(crate) use event::decode;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::Response,
};
use bytes::Bytes;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    Result,
    http::{self, Guard},
    lambda_api::{self, Background, Functions},
    template::Template,
};
use routes::Routes;

const PATIENCE: Duration = Duration::from_secs(30);

const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// A running gateway; it stops when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    address: String,
    background: Background,
    prints: Arc<AtomicBool>,
    _server: Guard,
}

#[derive(Clone)]
struct Inner<F> {
    functions: F,
    routes: Arc<Routes>,
    prints: Arc<AtomicBool>,
}

impl Gateway {
    /// Serves the routes of a template on a port (0: any free one).
    pub async fn start(template: &Template, functions: impl Functions, port: u16) -> Result<Self> {
        let (listener, _) = http::listen(port, "PORT").await?;
        Self::serve(template, functions, listener)
    }

    /// Serves on a listener, for functions that need the address before the gateway starts.
    pub fn serve(
        template: &Template,
        functions: impl Functions,
        listener: TcpListener,
    ) -> Result<Self> {
        let address = http::address(&listener)?;
        let background = Background::default();
        let prints = Arc::new(AtomicBool::new(false));
        let invocations = lambda_api::router(functions.clone(), background.clone());
        let inner = Inner {
            functions,
            routes: Arc::new(Routes::of(template)),
            prints: Arc::clone(&prints),
        };
        let router = Router::new()
            .fallback(request)
            .layer(DefaultBodyLimit::disable())
            .with_state(inner)
            .merge(invocations);
        Ok(Self {
            address,
            background,
            prints,
            _server: http::serve(listener, router),
        })
    }

    /// Prints a line for each request from now on.
    pub fn print_requests(&self) {
        self.prints.store(true, Ordering::Relaxed);
    }

    /// The asynchronous calls.
    pub const fn background(&self) -> &Background {
        &self.background
    }

    pub fn address(&self) -> &str {
        &self.address
    }
}

/// A response, and the cause of the gateway's own 500.
type Answered = (Response<Bytes>, Option<String>);

async fn request<F: Functions>(State(inner): State<Inner<F>>, request: Request) -> Response {
    let start = Instant::now();
    let id = Uuid::new_v4().simple().to_string();
    let (parts, body) = request.into_parts();
    let (response, cause) = answer(&inner, &parts, body, &id).await;
    if inner.prints.load(Ordering::Relaxed) {
        let line = report::line(&parts, &response, cause.as_deref(), &id, start.elapsed());
        println!("{line}");
    }
    response.map(Body::from)
}

/// Answers one request through its function.
async fn answer<F: Functions>(inner: &Inner<F>, parts: &Parts, body: Body, id: &str) -> Answered {
    if !event::is_addressed(parts) {
        return message(StatusCode::BAD_REQUEST, "Bad Request", None);
    }
    let Some(found) = inner.routes.find(parts.method.as_str(), parts.uri.path()) else {
        return message(StatusCode::NOT_FOUND, "Not Found", None);
    };
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long", None);
    };
    let event = event::build(parts, &body, &found, id);
    let function = found.function.to_owned();
    // A caller that goes away does not stop its function, so the call has a task of its own.
    let functions = inner.functions.clone();
    let call = tokio::spawn(async move { functions.call(&function, event).await });
    let cause = match tokio::time::timeout(PATIENCE, call).await {
        Err(_) => {
            let cause = format!("no answer from {} within {PATIENCE:?}", found.function);
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return message(status, "Service Unavailable", Some(cause));
        }
        Ok(Ok(Ok(answer))) => match answer::read(&answer) {
            Some(response) => return (response, None),
            None => format!("{} gave no HTTP response", found.function),
        },
        Ok(Ok(Err(error))) => {
            format!("{}: {}: {}", found.function, error.kind, error.message)
        }
        Ok(Err(error)) => error.to_string(),
    };
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    message(status, "Internal Server Error", Some(cause))
}

/// A response by the gateway itself.
fn message(status: StatusCode, text: &str, cause: Option<String>) -> Answered {
    let body = serde_json::json!({ "message": text }).to_string();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    (response, cause)
}
