//! The HTTP client between the parts of the stack, and what their servers share.

use std::{future::Future, time::Duration};

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response as AxumResponse},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{Error, Result};

/// A pooling client for local addresses. It sends and receives whole bodies.
#[derive(Debug, Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        // Servers here are killed and restarted, which cuts idle connections.
        let pool = Pool::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(5))
            .build(connector);
        Self { pool }
    }

    /// Sends a request and reads the whole answer. The error is a sentence for a log.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let response = self
            .pool
            .request(request.map(Full::new))
            .await
            .map_err(|e| describe(&e))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|e| describe(&e))?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    pub async fn post_json(&self, url: &str, body: Bytes) -> Result<Response<Bytes>, String> {
        let request = Request::post(url)
            .header("content-type", "application/json")
            .body(body)
            .map_err(|e| e.to_string())?;
        self.send(request).await
    }
}

/// An error with its causes, which `hyper` leaves out of its own text.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Listens on a local port (0: any free one); `setting` names the variable that sets the port.
pub async fn listen(port: u16, setting: &'static str) -> Result<(TcpListener, u16)> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|error| bind_error(error, port, setting))?;
    let local = listener
        .local_addr()
        .map_err(Error::network("reading a listener's address"))?;
    Ok((listener, local.port()))
}

pub(crate) fn bind_error(source: std::io::Error, port: u16, setting: &'static str) -> Error {
    if source.kind() == std::io::ErrorKind::AddrInUse {
        return Error::PortInUse { port, setting };
    }
    let what = format!("listening on port {port}");
    Error::Network { what, source }
}

/// The URL of a listener, such as `http://127.0.0.1:9000`.
pub fn address(listener: &TcpListener) -> Result<String> {
    let local = listener
        .local_addr()
        .map_err(Error::network("reading a listener's address"))?;
    Ok(format!("http://{local}"))
}

pub(crate) fn json(body: &serde_json::Value) -> AxumResponse {
    let headers = [("content-type", "application/json")];
    (headers, body.to_string()).into_response()
}

/// An error in the form of AWS's JSON protocols.
pub(crate) fn aws_error(status: StatusCode, kind: &str, message: &str) -> AxumResponse {
    let source = if status.is_server_error() {
        "Service"
    } else {
        "User"
    };
    let body = serde_json::json!({ "Type": source, "Message": message });
    let headers = [("x-amzn-errortype", kind)];
    (status, headers, json(&body)).into_response()
}

/// Serves a router until the guard is dropped.
pub fn serve(listener: TcpListener, router: Router) -> Guard {
    Guard::new(async move {
        // `axum::serve` ends only with the task it runs in.
        let _ = axum::serve(listener, router).await;
    })
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub struct Guard(JoinHandle<()>);

impl Guard {
    pub fn new(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
