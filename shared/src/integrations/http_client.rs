//! An HTTP client for addresses that others chose, with SSRF protection: it reaches the public
//! internet and nothing else.
//!
//! - A [`Target`] is parsed by the rules of browsers, so that no odd spelling of a host is missed:
//!   `https` only, no credentials, no low ports.
//! - The client resolves names itself (`resolver`) and refuses a name if any of its addresses is
//!   not public (`addresses`). It connects to the addresses that it checked, so a name that
//!   resolves differently a moment later gains nothing. Hosts that are addresses are checked
//!   against the same table (`connector`).
//! - It follows no redirect and uses no proxy, and limits time, headers and body of an answer.
//!
//! For local development, the environment variable [`ALLOW_LOOPBACK`] admits this machine, also over
//! plain HTTP. The template never sets it.

mod addresses;
mod answer;
mod connector;
mod resolver;

use std::io;
use std::time::{Duration, Instant};

use crate::domain::webhooks::{AddressPolicy, Failure, Target};
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lambda_http::http::{HeaderMap, Method, Request};

pub use addresses::may_be_public;
pub use answer::HttpResponse;
pub use resolver::{Lookup, System};

use connector::PublicOnlyConnector;
use resolver::Resolver;

/// Set to `true`, this environment variable admits this machine's own addresses.
pub const ALLOW_LOOPBACK: &str = "ALLOW_LOOPBACK";

/// The time for a whole call: resolving, connecting, TLS, the answer.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// How long a connection is kept for the next call of the same session. It leads to an address that
/// was checked when it was opened; a session ends with the work it was opened for.
const IDLE: Duration = Duration::from_secs(5);

/// The maximum number of header lines in an answer.
const HEADERS: usize = 64;

/// How many bytes of an answer are buffered, including headers.
const BUFFER: usize = 16 * 1024;

impl AddressPolicy {
    /// The environment's setting; [`Self::Public`] unless [`ALLOW_LOOPBACK`] is `true`.
    #[must_use]
    pub fn from_environment() -> Self {
        match std::env::var(ALLOW_LOOPBACK).as_deref() {
            Ok("true") => Self::PublicAndLoopback,
            _ => Self::Public,
        }
    }
}

/// The settings for outbound calls: trusted authorities and permitted addresses.
#[derive(Clone, Debug)]
pub struct PublicHttpClient<L = System> {
    connector: HttpsConnector<PublicOnlyConnector<L>>,
    reach: AddressPolicy,
    limit: Duration,
}

impl PublicHttpClient {
    /// A client that resolves with the system and trusts its authorities, or those in the file
    /// `SSL_CERT_FILE`.
    pub fn new(reach: AddressPolicy) -> io::Result<Self> {
        Self::resolving(System, reach)
    }
}

impl<L: Lookup> PublicHttpClient<L> {
    /// A client with another resolver.
    pub fn resolving(lookup: L, reach: AddressPolicy) -> io::Result<Self> {
        let connector = PublicOnlyConnector::new(Resolver::new(lookup, reach), reach);
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()?
            // Plain HTTP reaches only the guard, which admits it for this machine alone.
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self {
            connector,
            reach,
            limit: crate::testing::webhook_time_limit().unwrap_or(TIME_LIMIT),
        })
    }

    /// The same with another time limit per call.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Opens a session: connections for some calls, closed with it.
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

/// Connections shared by some calls.
#[derive(Clone, Debug)]
pub struct Session<L = System> {
    client: Client<HttpsConnector<PublicOnlyConnector<L>>, Full<Bytes>>,
    reach: AddressPolicy,
    limit: Duration,
}

impl<L: Lookup> Session<L> {
    /// Posts a body and returns the answer, whatever its status: a redirect is an answer like any
    /// other. The whole call obeys the time limit.
    pub async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<HttpResponse, Failure> {
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
        Ok(HttpResponse::read(response, left).await)
    }
}

#[cfg(test)]
mod tests;
