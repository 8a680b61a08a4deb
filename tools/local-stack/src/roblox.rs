//! Roblox Open Cloud on one machine: user restrictions, messages, keys and places, as faithful as
//! the published documents allow, its limits and its bad days included.
//!
//! What it cannot know it makes a setting: how long a window of a limit is, whether a refusal says
//! when to come back. A test reads what it holds, what was logged and published, and how often a
//! caller went over a limit.

mod answer;
mod faults;
mod limits;
mod restrictions;
mod routes;
mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;

pub use faults::{Fault, FaultRule};
pub use limits::{Limits, Violation};
pub use state::{Key, LogEntry, Message, Restriction, SCOPES};

use crate::http::{self, Guard};
use crate::{Error, Result};
use state::State;

/// How many bytes of a request are read.
const LONGEST_BODY: usize = 64 * 1024;

/// A running stand-in; it ends, and forgets everything, when this is dropped.
#[derive(Debug)]
pub struct Roblox {
    endpoint: String,
    state: Arc<Mutex<State>>,
    _server: Guard,
}

impl Roblox {
    /// Starts it on a port (0: any free one) with no key, no place and the documented limits.
    pub async fn start(port: u16) -> Result<Self> {
        let (listener, port) = http::listen(port, "ROBLOX_PORT").await?;
        let state = Arc::new(Mutex::new(State::default()));
        Ok(Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            _server: Guard::new(serve(listener, Arc::clone(&state))),
            state,
        })
    }

    /// The same, saying aloud what is changed there.
    #[must_use]
    pub fn printing(self) -> Self {
        self.state().prints = true;
        self
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes a key with every scope for these universes.
    pub fn add_key(&self, secret: &str, universes: &[u64]) {
        self.set_key(secret, Key::new(universes));
    }

    /// Makes or changes a key.
    pub fn set_key(&self, secret: &str, key: Key) {
        self.state().keys.insert(secret.to_owned(), key);
    }

    /// Makes a key invalid, as Roblox does with one that was not used for 60 days.
    pub fn kill_key(&self, secret: &str) {
        self.change_key(secret, |key| key.alive = false);
    }

    /// Makes it valid again.
    pub fn revive_key(&self, secret: &str) {
        self.change_key(secret, |key| key.alive = true);
    }

    fn change_key(&self, secret: &str, change: impl FnOnce(&mut Key)) {
        if let Some(key) = self.state().keys.get_mut(secret) {
            change(key);
        }
    }

    /// Says which universe a place belongs to.
    pub fn add_place(&self, place: u64, universe: u64) {
        self.state().places.insert(place, universe);
    }

    /// Sets how long the windows of the limits are, and whether a refusal says when to come back.
    pub fn set_limits(&self, limits: Limits) {
        self.state().limits.set(limits);
    }

    /// Adds a fault; the oldest that fits a call and is not used up strikes.
    pub fn fail(&self, rule: FaultRule) {
        self.state().faults.push(rule);
    }

    /// Removes all faults.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Makes every answer wait so long.
    pub fn set_delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// The restriction of a user in a universe, or in one place of it, as it was set there.
    #[must_use]
    pub fn restriction(&self, universe: u64, place: Option<u64>, user: u64) -> Restriction {
        let state = self.state();
        let found = state.restrictions.get(&(universe, place, user));
        found.cloned().unwrap_or_default()
    }

    /// Whether a user is kept out of a place, by either level.
    #[must_use]
    pub fn keeps_out(&self, universe: u64, place: u64, user: u64) -> bool {
        let now = jiff::Timestamp::now();
        [None, Some(place)]
            .into_iter()
            .any(|level| self.restriction(universe, level, user).holds(now))
    }

    /// Sets a restriction by another hand, such as a game server; no limit counts it.
    pub fn set_restriction(
        &self,
        universe: u64,
        place: Option<u64>,
        user: u64,
        restriction: Restriction,
    ) {
        let mut state = self.state();
        state
            .restrictions
            .insert((universe, place, user), restriction);
    }

    /// Everyone who is restricted in a universe now, by level and user.
    #[must_use]
    pub fn active(&self, universe: u64) -> BTreeMap<(Option<u64>, u64), Restriction> {
        let now = jiff::Timestamp::now();
        let state = self.state();
        let of_it = state
            .restrictions
            .iter()
            .filter(|((of, _, _), it)| *of == universe && it.holds(now));
        of_it
            .map(|((_, place, user), it)| ((*place, *user), it.clone()))
            .collect()
    }

    /// The changes that were made through the API, oldest first.
    #[must_use]
    pub fn logs(&self) -> Vec<LogEntry> {
        self.state().logs.clone()
    }

    /// What was published, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    /// How often a caller went over a limit that it could have known of.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.state().limits.violations().to_vec()
    }

    /// How many calls came, those that were refused or dropped included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(move |request| carry_out(Arc::clone(&state), request));
            // A client that goes away in the middle is its own affair.
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

/// Answers a call, or drops its connection where a fault says so.
async fn carry_out(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(answer::gateway(413, "Request Entity Too Large").into_response()),
    };
    let call = routes::Call::of(&parts, &body);
    let (fault, delay) = {
        let mut state = lock(&state);
        state.calls += 1;
        let fault = state.faults.strike(&call);
        let pause = match fault {
            Some(Fault::Delay(pause)) => pause,
            _ => Duration::ZERO,
        };
        (fault, state.delay + pause)
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if let Some(fault) = &fault
        && let Some(instead) = fault.instead()?
    {
        return Ok(instead);
    }
    let answer = routes::answer(&mut lock(&state), &call);
    match fault {
        Some(fault) => fault.spoil(answer),
        None => Ok(answer.into_response()),
    }
}

/// A lock whose holder cannot panic.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error that makes the server cut a connection.
fn cut() -> Error {
    Error::Tool("the connection is to be dropped".to_owned())
}
