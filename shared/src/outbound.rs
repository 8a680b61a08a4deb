//! Calls to addresses that somebody else chose: a client that reaches the public internet and
//! nothing else.
//!
//! What is refused, and where it is checked:
//!
//! - A [`Target`] is parsed once, by the rules of browsers, so that no odd spelling of a host is
//!   missed: `https` only, no credentials, no low ports.
//! - Names are resolved by us ([`resolver`]), and a name is refused whole if any of its addresses
//!   is not public ([`addresses`]). The connection is made to the addresses that were checked, so a
//!   name that answers otherwise a moment later gains nothing. Hosts that are addresses already are
//!   judged by the same table ([`connector`]).
//! - No redirect is followed, no proxy is asked, and time, headers and body of an answer are
//!   bounded.
//!
//! For local development the environment variable [`ALLOW_LOOPBACK`] admits this machine itself,
//! over plain HTTP too. The template never sets it.

mod addresses;
mod answer;
mod connector;
mod failure;
mod resolver;
mod target;

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lambda_http::http::{HeaderMap, Method, Request};

pub use addresses::is_public;
pub use answer::Answer;
pub use failure::Failure;
pub use resolver::{Lookup, System};
pub use target::{InvalidTarget, Target};

use connector::Guard;
use resolver::Resolver;

/// The environment variable that admits this machine's own addresses, if it is `true`.
pub const ALLOW_LOOPBACK: &str = "ALLOW_LOOPBACK";

/// The time for one call with everything: resolving, connecting, TLS, the answer.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The environment variable by which a test makes the time limit another, in milliseconds. Only debug
/// builds know of it.
#[cfg(debug_assertions)]
pub const LIMIT: &str = "OUTBOUND_LIMIT_MS";

/// The time limit; in a debug build that of [`LIMIT`], if it is set.
fn time_limit() -> Duration {
    #[cfg(debug_assertions)]
    if let Some(millis) = std::env::var(LIMIT).ok().and_then(|text| text.parse().ok()) {
        return Duration::from_millis(millis);
    }
    TIME_LIMIT
}

/// How long a connection is kept for the next call of the same session. It leads to an address that
/// was checked when it was made; a session ends with the work it was opened for.
const IDLE: Duration = Duration::from_secs(5);

/// How many header lines an answer may have.
const HEADERS: usize = 64;

/// How many bytes of an answer are held at once, its headers included.
const BUFFER: usize = 16 * 1024;

/// What may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The public internet, by TLS.
    Public,
    /// And this machine itself, for local development.
    PublicAndLoopback,
}

impl Reach {
    /// What the environment says; [`Self::Public`] unless [`ALLOW_LOOPBACK`] is `true`.
    #[must_use]
    pub fn from_environment() -> Self {
        match std::env::var(ALLOW_LOOPBACK).as_deref() {
            Ok("true") => Self::PublicAndLoopback,
            _ => Self::Public,
        }
    }
}

/// What an environment needs for its calls: whom it trusts and what it may reach.
#[derive(Clone, Debug)]
pub struct Outbound<L = System> {
    connector: HttpsConnector<Guard<L>>,
    reach: Reach,
    limit: Duration,
}

impl Outbound {
    /// A client that resolves with the system and trusts the authorities of the system, or those of
    /// the file in `SSL_CERT_FILE`.
    pub fn new(reach: Reach) -> io::Result<Self> {
        Self::resolving(System, reach)
    }
}

impl<L: Lookup> Outbound<L> {
    /// The same with another way to resolve names.
    pub fn resolving(lookup: L, reach: Reach) -> io::Result<Self> {
        let guard = Guard::new(Resolver::new(lookup, reach), reach);
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()?
            // Plain HTTP goes no further than the guard, which admits it for this machine alone.
            .https_or_http()
            .enable_http1()
            .wrap_connector(guard);
        Ok(Self {
            connector,
            reach,
            limit: time_limit(),
        })
    }

    /// The same with another time limit for each call.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Connections for some calls, which end with it.
    #[must_use]
    pub fn session(&self) -> Session<L> {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(8)
            .http1_max_headers(HEADERS)
            .http1_max_buf_size(BUFFER)
            .build(self.connector.clone());
        Session {
            client,
            reach: self.reach,
            limit: self.limit,
        }
    }
}

/// Connections that serve some calls.
#[derive(Clone, Debug)]
pub struct Session<L = System> {
    client: Client<HttpsConnector<Guard<L>>, Full<Bytes>>,
    reach: Reach,
    limit: Duration,
}

impl<L: Lookup> Session<L> {
    /// Posts a body and gives the answer, whatever its status: a redirect is an answer like any
    /// other. The whole of it takes no longer than the time limit.
    pub async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let started = Instant::now();
        let uri = target.uri(self.reach)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let answering = tokio::time::timeout(self.limit, self.client.request(request));
        let response = answering
            .await
            .map_err(|_| Failure::TimedOut)?
            .map_err(|error| Failure::of(&error, error.is_connect()))?;
        let left = self.limit.saturating_sub(started.elapsed());
        Ok(Answer::read(response, left).await)
    }
}

#[cfg(test)]
mod tests;
