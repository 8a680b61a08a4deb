//! A proxy in front of the database that misbehaves on demand.
//!
//! Functions are pointed at it with `AWS_ENDPOINT_URL_DYNAMODB`. A test injects a fault for the
//! next few requests or for all of them, for one operation or any, and takes it away again.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    Result,
    http::{self, Client, Guard},
    lock::lock,
    roles::Access,
    template::Function,
};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 400 `ThrottlingException`: the account or the API is over its limit.
    Throttle,
    /// 400 `ProvisionedThroughputExceededException`: a partition is over its limit.
    ThroughputExceeded,
    /// 500 `InternalServerError`.
    ServerError,
    /// 400 `TransactionCanceledException` for this reason, such as `TransactionConflict`: a
    /// transaction that the database gives up.
    Cancelled(&'static str),
    /// Taken, and never answered.
    Stall,
    /// The connection is cut before the database sees the request.
    CutBefore,
    /// The connection is cut after the database has carried it out, before the answer.
    CutAfter,
    /// The answer comes that much later.
    Delay(Duration),
}

/// Which requests a fault strikes.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// An operation such as `TransactWriteItems`; `None` is any.
    pub operation: Option<String>,
    /// Requests to let through first.
    pub after: usize,
    /// How many to strike; `None` is all.
    pub times: Option<usize>,
}

impl From<Fault> for Rule {
    /// Strikes every request.
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            operation: None,
            after: 0,
            times: None,
        }
    }
}

impl Rule {
    /// Strikes requests for one operation only.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Lets some through first.
    #[must_use]
    pub fn after(mut self, requests: usize) -> Self {
        self.after = requests;
        self
    }

    /// Strikes so many and no more.
    #[must_use]
    pub fn times(mut self, requests: usize) -> Self {
        self.times = Some(requests);
        self
    }
}

/// A running proxy; it stops when this is dropped, and cuts what it held.
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
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<String>>,
    struck: Mutex<Vec<Fault>>,
    roles: Vec<Function>,
    denied: Mutex<Vec<String>>,
    used: Mutex<BTreeSet<String>>,
}

impl FaultProxy {
    /// Starts a proxy for the database at an endpoint, on a free port, with no faults. What comes from
    /// one of these functions ([`FaultProxy::endpoint_of`]) has to be allowed by its role.
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

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where it listens for a function, whose role it then enforces.
    #[must_use]
    pub fn endpoint_of(&self, function: &str) -> String {
        format!("{}/{function}", self.endpoint)
    }

    /// Adds a fault to those there are; for each request the first that fits counts.
    pub fn inject(&self, rule: impl Into<Rule>) {
        lock(&self.state.rules).push(rule.into());
    }

    /// Takes all faults away. Requests that were stalled stay so.
    pub fn clear(&self) {
        lock(&self.state.rules).clear();
    }

    /// The operations of all requests seen so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        lock(&self.state.seen).clone()
    }

    /// The faults that requests were struck by so far, in order.
    #[must_use]
    pub fn struck(&self) -> Vec<Fault> {
        lock(&self.state.struck).clone()
    }

    /// What functions asked for that their roles do not allow, in order.
    #[must_use]
    pub fn denied(&self) -> Vec<String> {
        lock(&self.state.denied).clone()
    }

    /// The actions that functions with a role have asked for, such as `dynamodb:GetItem`.
    #[must_use]
    pub fn used(&self) -> BTreeSet<String> {
        lock(&self.state.used).clone()
    }

    /// Forgets what was seen.
    pub fn forget(&self) {
        lock(&self.state.seen).clear();
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
            // An error of the service is how a connection is cut.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Answers one request; an error closes the connection without a word.
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
        lock(&state.denied).push(denied);
        return Ok(refusal(400, "AccessDeniedException"));
    }
    let attempt = parts.headers.get("amz-sdk-request");
    let attempt = attempt.and_then(|value| value.to_str().ok());
    let is_repeated = attempt.is_some_and(|attempt| !attempt.contains("attempt=1;"));
    let fault = state.strike(&operation);
    lock(&state.struck).extend(fault);
    lock(&state.seen).push(operation);

    let cut = || Err(io::Error::from(io::ErrorKind::ConnectionAborted));
    let forward = || state.forward(Request::from_parts(parts, body));
    match fault {
        None => forward().await,
        Some(Fault::Throttle) => Ok(refusal(400, "ThrottlingException")),
        Some(Fault::ThroughputExceeded) => {
            Ok(refusal(400, "ProvisionedThroughputExceededException"))
        }
        Some(Fault::ServerError) => Ok(refusal(500, "InternalServerError")),
        // DynamoDB knows a repetition by its token: a transaction that was carried out, and whose
        // answer was lost, is never said to be cancelled.
        Some(Fault::Cancelled(_)) if is_repeated => forward().await,
        Some(Fault::Cancelled(reason)) => Ok(cancellation(reason)),
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
    /// What the role of the function whose endpoint has this path does not allow of a request.
    fn deny(&self, path: &str, operation: &str, body: &[u8]) -> Option<String> {
        let name = path.trim_matches('/');
        let function = self.roles.iter().find(|function| function.name == name)?;
        let input = serde_json::from_slice(body).unwrap_or_default();
        let accesses = Access::of(operation, &input);
        lock(&self.used).extend(accesses.iter().map(|access| access.action.clone()));
        let mut accesses = accesses.into_iter();
        let denied = accesses.find(|access| !function.may(access))?;
        Some(format!("{name}: {denied:?}"))
    }

    /// The fault for a request, counted off.
    fn strike(&self, operation: &str) -> Option<Fault> {
        let mut rules = lock(&self.rules);
        let at = rules.iter().position(|rule| {
            rule.operation
                .as_ref()
                .is_none_or(|wanted| wanted == operation)
        })?;
        let rule = rules.get_mut(at)?;
        if rule.after > 0 {
            rule.after -= 1;
            return None;
        }
        let fault = rule.fault;
        if let Some(left) = &mut rule.times {
            *left = left.saturating_sub(1);
            if *left == 0 {
                rules.remove(at);
            }
        }
        Some(fault)
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

fn refusal_with(status: u16, kind: &str, more: &str) -> Response<Full<Bytes>> {
    let body = format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"injected fault"{more}}}"#
    );
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let kind = hyper::header::HeaderValue::from_static("application/x-amz-json-1.0");
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, kind);
    response
}
