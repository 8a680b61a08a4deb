//! A studio's own server: takes webhooks, verifies their signatures, and misbehaves on demand.
//!
//! Each path `/hooks/<name>` is an endpoint with a secret of its own ([`Receiver::register`], or
//! `PUT /hooks/<name>` with the secret as the body). Deliveries are verified by the crate of the
//! Standard Webhooks specification, so that a mistake in what signs them cannot be made twice. All
//! that arrives is kept, verified or not.

mod answer;
mod connection;
mod delivery;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode};
use standardwebhooks::Webhook;
use tokio::sync::watch;

pub use answer::Answer;
pub use delivery::Delivery;

use crate::{
    Error, Result,
    http::{self, Guard},
    lock::lock,
};

/// How long to wait for what is to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many deliveries are remembered.
const REMEMBERED: usize = 10_000;

/// What comes before the name of an endpoint in its path.
const HOOKS: &str = "/hooks/";

/// A running receiver; it stops, and cuts its connections, when this is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: String,
    state: Arc<State>,
    _server: Guard,
}

/// What the receiver's connections share.
#[derive(Debug)]
struct State {
    hooks: Mutex<BTreeMap<String, Hook>>,
    got: watch::Sender<Got>,
    /// Say each verified event aloud?
    announces: bool,
}

/// One endpoint.
#[derive(Default)]
struct Hook {
    secrets: Vec<Webhook>,
    /// What the next requests get, and how many of them.
    next: VecDeque<(Answer, usize)>,
    /// What every other request gets.
    always: Option<Answer>,
}

impl fmt::Debug for Hook {
    /// Says nothing of the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}

/// What has arrived.
#[derive(Debug, Default)]
struct Got {
    connections: usize,
    deliveries: Vec<Delivery>,
}

impl Receiver {
    /// Starts a receiver on a port (0: any free one) that knows no endpoint. If it `announces`, it
    /// prints a line for each delivery.
    pub async fn start(port: u16, announces: bool) -> Result<Self> {
        let (listener, _) = http::listen(port, "RECEIVER_PORT").await?;
        let address = http::address(&listener)?;
        let state = Arc::new(State {
            hooks: Mutex::default(),
            got: watch::Sender::new(Got::default()),
            announces,
        });
        let server = Guard::new(connection::serve(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            _server: server,
        })
    }

    /// Where it listens, such as `http://127.0.0.1:9001`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The URL of an endpoint.
    #[must_use]
    pub fn url(&self, hook: &str) -> String {
        format!("{}{HOOKS}{hook}", self.address)
    }

    /// Gives an endpoint a secret, `whsec_…`, beside those it has; its URL.
    pub fn register(&self, hook: &str, secret: &str) -> Result<String> {
        self.state.register(hook, secret)?;
        Ok(self.url(hook))
    }

    /// Takes every secret of an endpoint away.
    pub fn unregister(&self, hook: &str) {
        self.state.with(hook, |hook| hook.secrets.clear());
    }

    /// Says how to answer the next requests to an endpoint, after those that were spoken of before.
    pub fn answer_next(&self, hook: &str, answer: Answer, requests: usize) {
        self.state
            .with(hook, |hook| hook.next.push_back((answer, requests)));
    }

    /// Says how to answer every request to an endpoint of which nothing else was said.
    pub fn answer_always(&self, hook: &str, answer: Answer) {
        self.state.with(hook, |hook| hook.always = Some(answer));
    }

    /// Answers again as a receiver should: 204 to what is verified, 401 to what is not.
    pub fn answer_as_usual(&self, hook: &str) {
        self.state.with(hook, |hook| {
            hook.next.clear();
            hook.always = None;
        });
    }

    /// All that was sent to an endpoint, oldest first, repetitions included.
    #[must_use]
    pub fn deliveries(&self, hook: &str) -> Vec<Delivery> {
        self.state.got.borrow().of(hook)
    }

    /// The verified events that were sent to an endpoint, each as it came first, in that order.
    #[must_use]
    pub fn events(&self, hook: &str) -> Vec<Delivery> {
        self.state.got.borrow().events(hook)
    }

    /// How often somebody connected, requests or not.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.got.borrow().connections
    }

    /// Forgets what has arrived.
    pub fn forget(&self) {
        self.state.got.send_modify(|got| *got = Got::default());
    }

    /// Waits until so many different verified events have been sent to an endpoint; all there are
    /// by then, or what is there instead.
    pub async fn wait_for_events(&self, hook: &str, count: usize) -> Result<Vec<Delivery>, String> {
        self.wait_for(hook, count, |got| got.events(hook)).await
    }

    /// The same with all deliveries, repeated and not verified ones included.
    pub async fn wait_for_deliveries(
        &self,
        hook: &str,
        count: usize,
    ) -> Result<Vec<Delivery>, String> {
        self.wait_for(hook, count, |got| got.of(hook)).await
    }

    async fn wait_for(
        &self,
        hook: &str,
        count: usize,
        look: impl Fn(&Got) -> Vec<Delivery>,
    ) -> Result<Vec<Delivery>, String> {
        let mut got = self.state.got.subscribe();
        let enough = got.wait_for(|got| look(got).len() >= count);
        if let Ok(Ok(got)) = tokio::time::timeout(PATIENCE, enough).await {
            return Ok(look(&got));
        }
        let all: Vec<_> = self.deliveries(hook).iter().map(Delivery::line).collect();
        Err(format!(
            "in {PATIENCE:?} {hook} did not get {count}, but:\n  {}",
            all.join("\n  ")
        ))
    }
}

impl State {
    fn with<T>(&self, hook: &str, change: impl FnOnce(&mut Hook) -> T) -> T {
        change(lock(&self.hooks).entry(hook.to_owned()).or_default())
    }

    fn register(&self, hook: &str, secret: &str) -> Result<()> {
        let Ok(secret) = Webhook::new(secret.trim()) else {
            let message = "the secret of a webhook is whsec_ and base64 after it";
            return Err(Error::Tool(message.to_owned()));
        };
        self.with(hook, |hook| hook.secrets.push(secret));
        Ok(())
    }

    /// Takes one request in and says how it is to be answered.
    fn take(&self, method: &Method, path: &str, headers: HeaderMap, body: Bytes) -> Answer {
        let name = path.strip_prefix(HOOKS).unwrap_or(path);
        if method == Method::PUT {
            let text = String::from_utf8_lossy(&body);
            return Answer::Status(match self.register(name, &text) {
                Ok(()) => StatusCode::NO_CONTENT,
                Err(_) => StatusCode::BAD_REQUEST,
            });
        }
        let mut hooks = lock(&self.hooks);
        let hook = hooks.entry(name.to_owned()).or_default();
        let (verified_by, problem) = delivery::verify(&hook.secrets, &headers, &body);
        let usual = if hook.secrets.is_empty() {
            StatusCode::NOT_FOUND
        } else if verified_by.is_empty() {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::NO_CONTENT
        };
        let answer = hook.next_answer().unwrap_or(Answer::Status(usual));
        drop(hooks);
        let delivery = Delivery {
            hook: name.to_owned(),
            method: method.clone(),
            at: SystemTime::now(),
            headers,
            body,
            verified_by,
            problem,
        };
        if self.announces {
            println!("{}", delivery.line());
        }
        self.got.send_modify(|got| {
            if got.deliveries.len() == REMEMBERED {
                got.deliveries.remove(0);
            }
            got.deliveries.push(delivery);
        });
        answer
    }
}

impl Hook {
    fn next_answer(&mut self) -> Option<Answer> {
        while let Some((answer, left)) = self.next.front_mut() {
            if *left > 0 {
                *left -= 1;
                return Some(answer.clone());
            }
            self.next.pop_front();
        }
        self.always.clone()
    }
}

impl Got {
    fn of(&self, hook: &str) -> Vec<Delivery> {
        let all = self.deliveries.iter();
        all.filter(|delivery| delivery.hook == hook)
            .cloned()
            .collect()
    }

    fn events(&self, hook: &str) -> Vec<Delivery> {
        let mut events: Vec<Delivery> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for delivery in &self.deliveries {
            let is_news = delivery.hook == hook && delivery.is_verified();
            if is_news && seen.insert(delivery.id()) {
                events.push(delivery.clone());
            }
        }
        events
    }
}
