//! The HTTP client the stack uses towards its own parts, and the loop that serves them.

use std::{future::Future, time::Duration};

use axum::Router;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{Error, Result};

/// A pooling client for local addresses; whole bodies in and out.
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
    /// A client with connections of its own.
    #[must_use]
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        // Servers here are killed and restarted; a connection kept long is a connection cut.
        let pool = Pool::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(5))
            .build(connector);
        Self { pool }
    }

    /// Sends a request and reads the whole answer. An error is a sentence for a log.
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

    /// Posts JSON to a URL.
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

/// Listens on a port of 127.0.0.1 (0: any free one); `setting` names the variable that picks it.
pub async fn listen(port: u16, setting: &'static str) -> Result<(TcpListener, u16)> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|source| {
            if source.kind() == std::io::ErrorKind::AddrInUse {
                Error::PortInUse { port, setting }
            } else {
                Error::Network {
                    what: format!("listening on port {port}"),
                    source,
                }
            }
        })?;
    let local = listener
        .local_addr()
        .map_err(Error::network("reading a listener's address"))?;
    Ok((listener, local.port()))
}

/// Where somebody listens, such as `http://127.0.0.1:9000`.
pub fn address(listener: &TcpListener) -> Result<String> {
    let local = listener
        .local_addr()
        .map_err(Error::network("reading a listener's address"))?;
    Ok(format!("http://{local}"))
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
    /// Starts the task.
    pub fn new(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
