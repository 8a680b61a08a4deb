//! The fake database: it forwards calls to the embedded engine, answers repeated reads from memory if
//! asked to, and records when each call was in progress.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use local_stack::fake_server::{FakeServer, Reply, Request};
use local_stack::http::Client;
use local_stack::runtime::Runtime;
use parking_lot::Mutex;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::runtime::Handle;

use crate::process::Process;

const JSON: &str = "application/x-amz-json-1.0";

/// Answers a call instead of the engine, or leaves it to the engine.
pub type Override = Box<dyn Fn(&Request) -> Option<anyhow::Result<Bytes>> + Send + Sync>;

/// A running fake; its threads live as long as the process.
pub struct FakeDatabase {
    pub port: u16,
    state: Arc<State>,
}

/// Status and body of answers to reads, by operation and input.
type CachedReads = HashMap<(String, Bytes), (u16, Bytes)>;

struct State {
    engine: String,
    client: Client,
    tasks: Handle,
    overrides: Option<Override>,
    /// `None` until reads are cached.
    cache: Mutex<Option<CachedReads>>,
    calls: Mutex<Vec<Span>>,
    watched: Mutex<Watched>,
}

/// The function that the fake waits for, or what its process had computed at its first call.
enum Watched {
    Nothing,
    Waiting(Runtime, String),
    Seen(Duration),
}

/// From when to when.
pub type Span = (Instant, Instant);

impl FakeDatabase {
    /// Starts a fake in front of an engine, with or without TLS.
    pub fn start(
        engine: &str,
        tls: Option<Arc<ServerConfig>>,
        overrides: Option<Override>,
    ) -> anyhow::Result<Self> {
        let state = Arc::new(State {
            engine: format!("{engine}/"),
            client: Client::new(),
            tasks: Handle::current(),
            overrides,
            cache: Mutex::default(),
            calls: Mutex::default(),
            watched: Mutex::new(Watched::Nothing),
        });
        let answering = Arc::clone(&state);
        let answer = move |request| answering.answer(request);
        let server = match tls {
            None => FakeServer::start(0, "", answer)?,
            Some(config) => {
                let accept = move |socket| {
                    let session = ServerConnection::new(Arc::clone(&config));
                    let session = session.map_err(std::io::Error::other)?;
                    Ok(StreamOwned::new(session, socket))
                };
                FakeServer::start_with(0, "", accept, answer)?
            }
        };
        let port = server.address().port();
        Ok(Self { port, state })
    }

    /// From now on answers each repeated read from memory.
    pub fn cache_reads(&self) {
        *self.state.cache.lock() = Some(HashMap::new());
    }

    /// Records what the function's process has computed when its next call is answered.
    pub fn watch(&self, runtime: &Runtime, function: &str) {
        *self.state.watched.lock() = Watched::Waiting(runtime.clone(), function.to_owned());
    }

    /// What the watched process had computed when its first call was answered.
    pub fn computed(&self) -> Option<Duration> {
        match std::mem::replace(&mut *self.state.watched.lock(), Watched::Nothing) {
            Watched::Seen(computed) => Some(computed),
            Watched::Nothing | Watched::Waiting(..) => None,
        }
    }

    /// When each call since the last look was in progress, earliest first.
    pub fn take_calls(&self) -> Vec<Span> {
        let mut spans = std::mem::take(&mut *self.state.calls.lock());
        spans.sort_unstable();
        spans
    }
}

impl State {
    fn answer(&self, request: Request) -> Reply {
        let begun = Instant::now();
        let (status, body) = self
            .overridden_or_cached(request)
            .unwrap_or_else(|error| (501, Bytes::from(format!("{error:#}"))));
        self.calls.lock().push((begun, Instant::now()));
        let mut watched = self.watched.lock();
        // The process waits for this answer and computes nothing meanwhile.
        if let Watched::Waiting(runtime, function) = &*watched
            && let Some(id) = runtime.process(function)
            && let Ok(computed) = Process::with_id(id).computed()
        {
            *watched = Watched::Seen(computed);
        }
        Reply::Body(status, JSON, body)
    }

    fn overridden_or_cached(&self, request: Request) -> anyhow::Result<(u16, Bytes)> {
        if let Some(answer) = self.overrides.as_ref().and_then(|answer| answer(&request)) {
            return Ok((200, answer?));
        }
        let target = request.headers.get("x-amz-target");
        let target = target.context("an operation")?.to_str()?.to_owned();
        let is_read = ["GetItem", "Query"].iter().any(|op| target.ends_with(op));
        let call = (target, request.body);
        let cached = self
            .cache
            .lock()
            .as_ref()
            .map(|all| all.get(&call).cloned());
        match cached {
            Some(Some(answer)) if is_read => Ok(answer),
            cached => {
                let answer = self.forward(&call.0, call.1.clone())?;
                if is_read && cached.is_some() {
                    let mut cache = self.cache.lock();
                    cache.get_or_insert_default().insert(call, answer.clone());
                }
                Ok(answer)
            }
        }
    }

    fn forward(&self, target: &str, body: Bytes) -> anyhow::Result<(u16, Bytes)> {
        let request = http::Request::post(&self.engine)
            .header("content-type", JSON)
            .header("x-amz-target", target)
            .header("x-amz-date", "20260101T000000Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=0",
            )
            .body(body)?;
        let answer = self.tasks.block_on(self.client.send(request));
        let answer = answer.map_err(|error| anyhow!(error))?;
        Ok((answer.status().as_u16(), answer.into_body()))
    }
}

/// How many calls, in the order of their starts, began within a time, and how long at least one of them was
/// in progress.
pub fn in_progress(calls: &[Span], (from, to): Span) -> (usize, Duration) {
    let mut count = 0;
    let mut busy = Duration::ZERO;
    let mut until = from;
    for &(begun, ended) in calls {
        if (from..to).contains(&begun) {
            count += 1;
            busy += ended.saturating_duration_since(begun.max(until));
            until = until.max(ended);
        }
    }
    (count, busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrent_calls_count_twice_and_their_time_once() {
        let zero = Instant::now();
        let at = |millis| zero + Duration::from_millis(millis);
        let calls = [
            (at(1), at(3)),
            (at(2), at(5)),
            (at(7), at(8)),
            (at(20), at(30)),
        ];
        let seen = in_progress(&calls, (at(0), at(10)));
        assert_eq!(seen, (3, Duration::from_millis(5)));
    }
}
