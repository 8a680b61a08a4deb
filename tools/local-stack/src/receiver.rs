//! A webhook receiver, as a studio runs one: it verifies signatures and misbehaves on request.
//!
//! Each path `/hooks/<name>` is an endpoint. Its secrets come from [`Receiver::register`] or from
//! `PUT /hooks/<name>` with the secret as the body. The Standard Webhooks crate verifies deliveries, so
//! that the verification shares no code with the signing. The receiver keeps every delivery, verified or
//! not.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hyper::HeaderMap;
use parking_lot::Mutex;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::sync::watch;

use crate::{
    Error, Result,
    fake_server::{FakeServer, Reply, Request},
};

/// How long to wait for deliveries.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many deliveries to keep.
const KEPT: usize = 10_000;

const HOOKS: &str = "/hooks/";

#[derive(Debug)]
pub struct Receiver {
    server: FakeServer,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    hooks: Mutex<BTreeMap<String, Hook>>,
    deliveries: watch::Sender<Vec<Delivery>>,
    prints: bool,
}

/// One endpoint.
#[derive(Default)]
struct Hook {
    secrets: Vec<Webhook>,
    /// The replies to the next requests, each with how many requests get it.
    next: VecDeque<(Reply, usize)>,
    /// The reply to every other request.
    always: Option<Reply>,
}

impl fmt::Debug for Hook {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}

/// A request to an endpoint.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The endpoint's name, or the whole path of any other request.
    pub hook: String,
    /// When it had arrived in full.
    pub at: SystemTime,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Why its signature is wrong; `None` if a secret of the endpoint verifies it.
    pub problem: Option<String>,
}

impl Receiver {
    /// Starts a receiver without endpoints on a port (0: any free one). With `prints` it prints a line for
    /// each delivery.
    pub fn start(port: u16, prints: bool) -> Result<Self> {
        let state = Arc::new(State {
            hooks: Mutex::default(),
            deliveries: watch::Sender::default(),
            prints,
        });
        let receiving = Arc::clone(&state);
        let server = FakeServer::start(port, "RECEIVER_PORT", move |request| {
            receiving.receive(request)
        })?;
        Ok(Self { server, state })
    }

    /// The URL of an endpoint.
    pub fn url(&self, hook: &str) -> String {
        format!("http://{}{HOOKS}{hook}", self.server.address())
    }

    /// Adds a secret, `whsec_…`, to an endpoint, and returns the endpoint's URL.
    pub fn register(&self, hook: &str, secret: &str) -> Result<String> {
        self.state.register(hook, secret)?;
        Ok(self.url(hook))
    }

    /// Sets the reply to the next requests, after those that are set already.
    pub fn answer_next(&self, hook: &str, reply: Reply, requests: usize) {
        self.state
            .with(hook, |hook| hook.next.push_back((reply, requests)));
    }

    /// Sets the reply to every request that [`Self::answer_next`] does not cover.
    pub fn answer_always(&self, hook: &str, reply: Reply) {
        self.state.with(hook, |hook| hook.always = Some(reply));
    }

    /// Replies again with 204 to verified deliveries and 401 to others.
    pub fn answer_as_usual(&self, hook: &str) {
        self.state.with(hook, |hook| {
            hook.next.clear();
            hook.always = None;
        });
    }

    /// All deliveries to an endpoint, oldest first.
    pub fn deliveries(&self, hook: &str) -> Vec<Delivery> {
        let all = self.state.deliveries.borrow();
        let of_hook = all.iter().filter(|delivery| delivery.hook == hook);
        of_hook.cloned().collect()
    }

    /// The verified events of an endpoint in the order of their first arrival, without retries.
    pub fn events(&self, hook: &str) -> Vec<Delivery> {
        events(&self.state.deliveries.borrow(), hook)
    }

    /// Waits until this many different verified events have arrived at an endpoint.
    pub async fn wait_for_events(&self, hook: &str, count: usize) -> Result<Vec<Delivery>, String> {
        let mut deliveries = self.state.deliveries.subscribe();
        let enough = deliveries.wait_for(|all| events(all, hook).len() >= count);
        if let Ok(Ok(all)) = tokio::time::timeout(PATIENCE, enough).await {
            return Ok(events(&all, hook));
        }
        let all: Vec<_> = self.deliveries(hook).iter().map(Delivery::line).collect();
        Err(format!(
            "in {PATIENCE:?} {hook} did not get {count}, but:\n  {}",
            all.join("\n  ")
        ))
    }
}

fn events(deliveries: &[Delivery], hook: &str) -> Vec<Delivery> {
    let mut seen = BTreeSet::new();
    let verified = deliveries
        .iter()
        .filter(|it| it.hook == hook && it.problem.is_none());
    verified
        .filter(|delivery| seen.insert(delivery.id()))
        .cloned()
        .collect()
}

impl State {
    fn with(&self, hook: &str, change: impl FnOnce(&mut Hook)) {
        change(self.hooks.lock().entry(hook.to_owned()).or_default());
    }

    fn register(&self, hook: &str, secret: &str) -> Result<()> {
        let secret = Webhook::new(secret.trim())
            .map_err(|_| Error::Tool("a webhook secret is whsec_ and base64".to_owned()))?;
        self.with(hook, |hook| hook.secrets.push(secret));
        Ok(())
    }

    fn receive(&self, request: Request) -> Reply {
        let Request {
            method,
            path,
            headers,
            body,
        } = request;
        let name = path.strip_prefix(HOOKS).unwrap_or(&path);
        if method == "PUT" {
            let registered = self.register(name, &String::from_utf8_lossy(&body));
            return Reply::Status(if registered.is_ok() { 204 } else { 400 }, "");
        }
        let mut hooks = self.hooks.lock();
        let hook = hooks.entry(name.to_owned()).or_default();
        let problem = hook.problem(&headers, &body);
        let usual = match (hook.secrets.is_empty(), &problem) {
            (true, _) => 404,
            (false, Some(_)) => 401,
            (false, None) => 204,
        };
        let reply = hook.next_reply().unwrap_or(Reply::Status(usual, ""));
        drop(hooks);
        let delivery = Delivery {
            hook: name.to_owned(),
            at: SystemTime::now(),
            headers,
            body,
            problem,
        };
        if self.prints {
            println!("{}", delivery.line());
        }
        self.deliveries.send_modify(|deliveries| {
            if deliveries.len() == KEPT {
                deliveries.remove(0);
            }
            deliveries.push(delivery);
        });
        reply
    }
}

impl Hook {
    fn next_reply(&mut self) -> Option<Reply> {
        while let Some((reply, left)) = self.next.front_mut() {
            if *left > 0 {
                *left -= 1;
                return Some(reply.clone());
            }
            self.next.pop_front();
        }
        self.always.clone()
    }

    /// Why no secret verifies a signature: the reason that the first secret gives.
    fn problem(&self, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        let mut problem = None;
        for secret in &self.secrets {
            match secret.verify(body, headers) {
                Ok(()) => return None,
                Err(error) => problem = problem.or_else(|| Some(error.to_string())),
            }
        }
        Some(problem.unwrap_or_else(|| "the endpoint has no secret".to_owned()))
    }
}

impl Delivery {
    /// The header `webhook-id`, or nothing.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The body as JSON, or null.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// One line for a log.
    pub fn line(&self) -> String {
        if let Some(problem) = &self.problem {
            let (hook, id) = (&self.hook, self.id());
            return format!("webhook: {hook}: {id} is not verified: {problem}");
        }
        let body = self.json();
        let event = body.get("event").or_else(|| body.get("type"));
        let event = event.and_then(Value::as_str).unwrap_or("event");
        let user = body.pointer("/data/robloxId").and_then(Value::as_u64);
        let user = user.map_or_else(String::new, |user| format!(" user {user}"));
        format!("webhook: {event} {}{user} (signature verified)", self.id())
    }
}
