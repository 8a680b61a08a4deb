//! A proxy in front of the database that injects faults and enforces the functions' IAM roles.
//!
//! Functions reach it through `AWS_ENDPOINT_URL_DYNAMODB`.

use std::{
    collections::BTreeSet, convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    Result,
    faults::{self, Rules},
    http::{self, Client, Guard},
    roles::Access,
    template::Function,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 400 `ThrottlingException`: the account or the API is over its limit.
    Throttle,
    /// 400 `ProvisionedThroughputExceededException`: a partition is over its limit.
    ThroughputExceeded,
    /// 500 `InternalServerError`.
    ServerError,
    /// 400 `TransactionCanceledException` with this reason, such as `TransactionConflict`.
    Cancelled(&'static str),
    /// 200 to a `BatchGetItem`, with all of its keys unprocessed.
    GiveBack,
    /// The request is never answered.
    Stall,
    /// The connection is cut before the database sees the request.
    CutBefore,
    /// The connection is cut after the database has executed the request.
    CutAfter,
    /// The answer comes this much later.
    Delay(Duration),
}

/// A fault, and the operations it hits, such as `TransactWriteItems`.
pub type Rule = faults::Rule<Fault>;

/// A running proxy; it stops, and cuts its connections, when this is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    endpoint: String,
    state: Arc<State>,
    _server: Guard,
}

#[derive(Debug)]
struct State {
    target: String,
    client: Client,
    rules: Mutex<Rules<Fault>>,
    seen: Mutex<Vec<String>>,
    struck: Mutex<Vec<Fault>>,
    roles: Vec<Function>,
    denied: Mutex<Vec<String>>,
    used: Mutex<BTreeSet<String>>,
}

impl FaultProxy {
    /// Starts a proxy without faults on a free port. It enforces the roles of these functions on requests to
    /// [`FaultProxy::endpoint_of`].
    pub async fn start(target: &str, functions: &[Function]) -> Result<Self> {
        let (listener, port) = http::listen(0, "").await?;
        let state = Arc::new(State {
            target: target.trim_end_matches('/').to_owned(),
            client: Client::new(),
            rules: Mutex::default(),
            seen: Mutex::default(),
            struck: Mutex::default(),
            roles: functions.to_vec(),
            denied: Mutex::default(),
            used: Mutex::default(),
        });
        let server = Guard::new(serve(listener, Arc::clone(&state)));
        Ok(Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            state,
            _server: server,
        })
    }
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The endpoint for a function, on which the proxy enforces its role.
    pub fn endpoint_of(&self, function: &str) -> String {
        format!("{}/{function}", self.endpoint)
    }

    /// Adds a fault. For each request the oldest that matches counts.
    pub fn inject(&self, rule: impl Into<Rule>) {
        self.state.rules.lock().push(rule.into());
    }

    /// Removes all faults. Requests that hang already stay that way.
    pub fn clear(&self) {
        self.state.rules.lock().clear();
    }

    /// The operations of all requests so far, in order.
    pub fn seen(&self) -> Vec<String> {
        self.state.seen.lock().clone()
    }

    /// The faults that have hit requests, in order.
    pub fn struck(&self) -> Vec<Fault> {
        self.state.struck.lock().clone()
    }

    /// The requests of functions that their roles do not allow, in order.
    pub fn denied(&self) -> Vec<String> {
        self.state.denied.lock().clone()
    }

    /// The actions that functions have used, such as `dynamodb:GetItem`.
    pub fn used(&self) -> BTreeSet<String> {
        self.state.used.lock().clone()
    }

    /// Clears [`Self::seen`].
    pub fn clear_seen(&self) {
        self.state.seen.lock().clear();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)): io::Result<(_, SocketAddr)> = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&state), request));
            // An error of the service cuts the connection.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Answers one request; an error cuts the connection.
async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let target = parts
        .headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    let operation = target
        .and_then(|t| t.rsplit('.').next())
        .unwrap_or_default()
        .to_owned();
    if let Some(denied) = state.deny(parts.uri.path(), &operation, &body) {
        state.denied.lock().push(denied);
        return Ok(refusal(400, "AccessDeniedException"));
    }
    let attempt = parts.headers.get("amz-sdk-request");
    let attempt = attempt.and_then(|value| value.to_str().ok());
    let is_repeated = attempt.is_some_and(|attempt| !attempt.contains("attempt=1;"));
    let fault = state.rules.lock().strike(|wanted| wanted == operation);
    state.struck.lock().extend(fault);
    state.seen.lock().push(operation);

    let sent = body.clone();
    let cut = || Err(io::Error::from(io::ErrorKind::ConnectionAborted));
    let forward = || state.forward(Request::from_parts(parts, body));
    match fault {
        None => forward().await,
        Some(Fault::Throttle) => Ok(refusal(400, "ThrottlingException")),
        Some(Fault::ThroughputExceeded) => {
            Ok(refusal(400, "ProvisionedThroughputExceededException"))
        }
        Some(Fault::ServerError) => Ok(refusal(500, "InternalServerError")),
        // DynamoDB recognises a retry by its token: it never reports a committed transaction as cancelled.
        Some(Fault::Cancelled(_)) if is_repeated => forward().await,
        Some(Fault::Cancelled(reason)) => Ok(cancellation(reason)),
        Some(Fault::GiveBack) => Ok(given_back(&sent)),
        Some(Fault::Stall) => std::future::pending::<Result<_, Infallible>>()
            .await
            .map_err(|never| match never {}),
        Some(Fault::CutBefore) => cut(),
        Some(Fault::CutAfter) => {
            forward().await?;
            cut()
        }
        Some(Fault::Delay(time)) => {
            let answer = forward().await;
            tokio::time::sleep(time).await;
            answer
        }
    }
}

impl State {
    /// What a request asks for that the role of the function with this endpoint does not allow.
    fn deny(&self, path: &str, operation: &str, body: &[u8]) -> Option<String> {
        let name = path.trim_matches('/');
        let function = self.roles.iter().find(|function| function.name == name)?;
        let input = serde_json::from_slice(body).unwrap_or_default();
        let accesses = Access::of(operation, &input);
        self.used
            .lock()
            .extend(accesses.iter().map(|access| access.action.clone()));
        let mut accesses = accesses.into_iter();
        let denied = accesses.find(|access| !function.may(access))?;
        Some(format!("{name}: {denied:?}"))
    }

    async fn forward(&self, request: Request<Bytes>) -> io::Result<Response<Full<Bytes>>> {
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("{}/", self.target)
            .parse()
            .map_err(io::Error::other)?;
        let answer = self.client.send(Request::from_parts(parts, body)).await;
        answer
            .map(|response| response.map(Full::new))
            .map_err(io::Error::other)
    }
}

fn refusal(status: u16, kind: &str) -> Response<Full<Bytes>> {
    refusal_with(status, kind, "")
}

fn cancellation(reason: &str) -> Response<Full<Bytes>> {
    let reasons = format!(r#","CancellationReasons":[{{"Code":"{reason}"}}]"#);
    refusal_with(400, "TransactionCanceledException", &reasons)
}

fn given_back(sent: &[u8]) -> Response<Full<Bytes>> {
    let sent: serde_json::Value = serde_json::from_slice(sent).unwrap_or_default();
    let keys = sent.get("RequestItems");
    let body = serde_json::json!({ "Responses": {}, "UnprocessedKeys": keys });
    response(200, body.to_string())
}

fn refusal_with(status: u16, kind: &str, more: &str) -> Response<Full<Bytes>> {
    let body = format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"injected fault"{more}}}"#
    );
    response(status, body)
}

fn response(status: u16, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let kind = hyper::header::HeaderValue::from_static("application/x-amz-json-1.0");
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, kind);
    response
}
