//! A fake Roblox Open Cloud with user restrictions, messages, groups, keys, places, users' names, rate limits
//! and faults, after the published documents.
//!
//! What these leave open is a setting: the windows of the rate limits, and whether a 429 carries
//! `retry-after`. Tests read the restrictions, the log of changes, the messages and the rate limit
//! violations.

mod answer;
mod faults;
mod groups;
mod limits;
mod restrictions;
mod routes;
mod state;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use parking_lot::{Mutex, MutexGuard};
use tokio::net::TcpListener;

pub use faults::{Fault, FaultRule};
pub use groups::{Group, Role};
pub use limits::{Limits, Violation};
pub use state::{Key, LogEntry, Message, Restriction, SCOPES};

use crate::exchange::Exchange;
use crate::http::{self, Guard};
use crate::{Error, Result};
use state::State;

const LONGEST_BODY: usize = 64 * 1024;

/// A running fake; it stops when this is dropped.
#[derive(Debug)]
pub struct Roblox {
    endpoint: String,
    state: Arc<Mutex<State>>,
    _server: Guard,
}

impl Roblox {
    /// Starts a fake on a port (0: any free one) without keys or places, with the documented limits.
    pub async fn start(port: u16) -> Result<Self> {
        let (listener, port) = http::listen(port, "ROBLOX_PORT").await?;
        let state = Arc::new(Mutex::new(State::default()));
        Ok(Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            _server: Guard::new(serve(listener, Arc::clone(&state))),
            state,
        })
    }

    /// Prints each change and message from now on.
    #[must_use]
    pub fn printing(self) -> Self {
        self.state().prints = true;
        self
    }
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Creates a key with every scope for these universes.
    pub fn add_key(&self, secret: &str, universes: &[u64]) {
        self.set_key(secret, Key::new(universes));
    }

    /// Creates or replaces a key.
    pub fn set_key(&self, secret: &str, key: Key) {
        self.state().keys.insert(secret.to_owned(), key);
    }

    /// Makes a key invalid, as Roblox does after 60 days without use.
    pub fn kill_key(&self, secret: &str) {
        self.change_key(secret, |key| key.alive = false);
    }

    /// Makes a key valid again.
    pub fn revive_key(&self, secret: &str) {
        self.change_key(secret, |key| key.alive = true);
    }

    fn change_key(&self, secret: &str, change: impl FnOnce(&mut Key)) {
        if let Some(key) = self.state().keys.get_mut(secret) {
            change(key);
        }
    }

    /// Adds a place to a universe.
    pub fn add_place(&self, place: u64, universe: u64) {
        self.state().places.insert(place, universe);
    }

    /// Creates or replaces a group.
    pub fn set_group(&self, id: u64, group: Group) {
        self.state().groups.insert(id, group);
    }

    /// The roles that a member holds, by id; none if the user is not in the group.
    pub fn roles_of(&self, group: u64, user: u64) -> Vec<u64> {
        let state = self.state();
        let group = state.groups.get(&group);
        let held = group.and_then(|group| group.members.get(&user));
        held.map(|held| held.iter().copied().collect())
            .unwrap_or_default()
    }

    /// The calls that changed roles, such as `assign 99 156`, oldest first.
    pub fn role_changes(&self) -> Vec<String> {
        self.state().role_changes.clone()
    }

    /// How many calls about groups each owner of keys may make per minute.
    pub fn set_group_limit(&self, per_minute: usize) {
        self.state().group_calls.per_minute = per_minute;
    }

    /// Names a user; their name until now becomes a previous one. Others than the named are called
    /// `user_` and their id.
    pub fn set_user(&self, user: u64, name: &str, display_name: &str) {
        self.state().users.set(user, name, display_name);
    }

    /// Makes a user unknown to Roblox.
    pub fn remove_user(&self, user: u64) {
        self.state().users.remove(user);
    }

    pub fn set_limits(&self, limits: Limits) {
        self.state().limits.set(limits);
    }

    /// Adds a fault. For each call the oldest that matches counts.
    pub fn fail(&self, rule: FaultRule) {
        self.state().faults.push(rule);
    }

    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Delays every answer.
    pub fn set_delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// The restriction of a user in a universe or in one of its places, as it was set there.
    pub fn restriction(&self, universe: u64, place: Option<u64>, user: u64) -> Restriction {
        let state = self.state();
        let found = state.restrictions.get(&(universe, place, user));
        found.cloned().unwrap_or_default()
    }

    /// Whether a restriction of either level keeps a user out of a place.
    pub fn keeps_out(&self, universe: u64, place: u64, user: u64) -> bool {
        let now = jiff::Timestamp::now();
        [None, Some(place)]
            .into_iter()
            .any(|level| self.restriction(universe, level, user).holds(now))
    }

    /// Sets a restriction as a game server would, outside of the rate limits.
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

    /// The restrictions in force in a universe, by place and user.
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

    /// The changes through the API, oldest first.
    pub fn logs(&self) -> Vec<LogEntry> {
        self.state().logs.clone()
    }

    /// The published messages, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    /// The calls over a rate limit.
    pub fn violations(&self) -> Vec<Violation> {
        self.state().limits.violations().to_vec()
    }

    /// The last 10,000 calls that no fault prevented, with their answers, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state().exchanges.all()
    }

    /// The number of calls, including failed ones.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
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
            // A client may go away at any time.
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

/// Answers a call, or drops its connection if a fault demands it.
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
        let mut state = state.lock();
        state.calls += 1;
        let fits = |part: &str| call.method == part || call.path.contains(part);
        let fault = state.faults.strike(fits);
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
    let answer = {
        let mut state = state.lock();
        let answer = routes::answer(&mut state, &call);
        state.exchanges.keep(Exchange {
            method: call.method,
            path: call.path,
            query: call.query,
            body: call.body,
            status: answer.status,
            answer: answer.body.clone(),
        });
        answer
    };
    match fault {
        Some(fault) => fault.spoil(answer),
        None => Ok(answer.into_response()),
    }
}

/// An error that makes the server cut the connection.
fn cut() -> Error {
    Error::Tool("the connection is to be dropped".to_owned())
}
