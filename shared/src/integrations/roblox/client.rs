//! An HTTPS call with its time limit, size limit and key.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lambda_http::http::{HeaderValue, Method, Request};
use serde_json::{Value, json};
use url::{Host, Url};

use super::answer::{self, RobloxError};
use super::keys::KeyInfo;
use super::restriction::{Restriction, RestrictionPage, RestrictionRequest};
use crate::domain::ids::{ExperienceId, UniverseId, UserId};
use crate::domain::rules::mirror::Level;

/// The address of Open Cloud, unless `ROBLOX_API_URL` has another.
pub const BASE_URL: &str = "https://apis.roblox.com";

/// The time for a whole call.
pub const TIME_LIMIT: Duration = Duration::from_secs(5);

/// How many bytes of an answer are read: a page of 100 restrictions is below 200 KB.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// The topic on which running servers receive kicks.
const TOPIC: &str = "SentinelAPI";

/// How many restrictions a page has.
const PAGE: u32 = 100;

/// An Open Cloud key. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RobloxKey(HeaderValue);

impl RobloxKey {
    /// The key, if it is a valid header value.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        (!text.is_empty()).then_some(Self(value))
    }

    fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Debug for RobloxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RobloxKey(..)")
    }
}

/// Open Cloud at one address. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Roblox {
    client: Connection,
    base: Url,
}

#[derive(Clone, Debug)]
enum Connection {
    Secure(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
    /// To a fake on this machine.
    Plain(Client<HttpConnector, Full<Bytes>>),
}

/// Keys must not be sent to this address.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "ROBLOX_API_URL and ROBLOX_USERS_URL must be an https address without a path, or http on this \
     machine"
)]
pub struct InvalidBase;

impl Roblox {
    /// Open Cloud at `ROBLOX_API_URL`, or at its public address.
    pub fn from_environment() -> Result<Self, lambda_http::Error> {
        Self::from_variable("ROBLOX_API_URL", BASE_URL)
    }

    /// Roblox at the address in a variable, or at this one.
    pub(super) fn from_variable(name: &str, or: &str) -> Result<Self, lambda_http::Error> {
        let set = std::env::var(name).ok().filter(|text| !text.is_empty());
        Self::at(set.as_deref().unwrap_or(or))
    }

    /// Open Cloud at an address. A key is sent there, so plain HTTP is for this machine only.
    pub fn at(base: &str) -> Result<Self, lambda_http::Error> {
        let base = checked(base)?;
        let mut builder = Client::builder(TokioExecutor::new());
        let builder = builder.pool_idle_timeout(Duration::from_secs(20));
        let client = if base.scheme() == "https" {
            let connector = hyper_rustls::HttpsConnectorBuilder::new()
                .with_native_roots()?
                .https_only()
                .enable_http1()
                .build();
            Connection::Secure(builder.build(connector))
        } else {
            Connection::Plain(builder.build_http())
        };
        Ok(Self { client, base })
    }

    /// Sets or lifts a restriction, and checks Roblox's answer against the request.
    pub async fn change(
        &self,
        key: &RobloxKey,
        universe: UniverseId,
        user: UserId,
        request: &RestrictionRequest,
    ) -> Result<(), RobloxError> {
        let mut url = self.of_user(universe, request.level, user);
        url.query_pairs_mut().extend_pairs(request.query());
        let answer = self.send(Method::PATCH, url, Some(key), Some(request.body()));
        let answer = json_object(&answer.await?)?;
        request.check(&answer)
    }

    pub async fn restriction(
        &self,
        key: &RobloxKey,
        universe: UniverseId,
        level: Level,
        user: UserId,
    ) -> Result<Restriction, RobloxError> {
        let url = self.of_user(universe, level, user);
        let answer = self.send(Method::GET, url, Some(key), None).await?;
        Ok(Restriction::read(&json_object(&answer)?))
    }

    /// A page of the restrictions of a level, including all past ones.
    pub async fn restrictions(
        &self,
        key: &RobloxKey,
        universe: UniverseId,
        level: Level,
        after: Option<&str>,
    ) -> Result<RestrictionPage, RobloxError> {
        let mut url = self.url(&restrictions_path(universe, level));
        url.query_pairs_mut()
            .append_pair("maxPageSize", &PAGE.to_string());
        if let Some(token) = after {
            url.query_pairs_mut().append_pair("pageToken", token);
        }
        let answer = self.send(Method::GET, url, Some(key), None).await?;
        Ok(RestrictionPage::read(&json_object(&answer)?))
    }

    pub async fn publish(
        &self,
        key: &RobloxKey,
        universe: UniverseId,
        message: &str,
    ) -> Result<(), RobloxError> {
        let url = self.url(&format!("cloud/v2/universes/{universe}:publishMessage"));
        let body = json!({ "topic": TOPIC, "message": message });
        // The answer has no body.
        self.send(Method::POST, url, Some(key), Some(body)).await?;
        Ok(())
    }

    /// The permissions of a key.
    pub async fn introspect(&self, key: &RobloxKey) -> Result<KeyInfo, RobloxError> {
        let url = self.url("api-keys/v1/introspect");
        let body = json!({ "apiKey": key.text() });
        let answer = self.send(Method::POST, url, None, Some(body)).await?;
        Ok(KeyInfo::read(&json_object(&answer)?))
    }

    /// The universe of a place, if Roblox knows one.
    pub async fn universe_of(
        &self,
        place: ExperienceId,
    ) -> Result<Option<UniverseId>, RobloxError> {
        let url = self.url(&format!("universes/v1/places/{place}/universe"));
        let answer = self.send(Method::GET, url, None, None).await?;
        let universe = json_object(&answer)?.get("universeId").cloned();
        Ok(universe
            .as_ref()
            .and_then(Value::as_u64)
            .and_then(UniverseId::new))
    }

    pub async fn is_place_of(
        &self,
        key: &RobloxKey,
        universe: UniverseId,
        place: ExperienceId,
    ) -> Result<bool, RobloxError> {
        let url = self.url(&format!("cloud/v2/universes/{universe}/places/{place}"));
        match self.send(Method::GET, url, Some(key), None).await {
            Ok(_) => Ok(true),
            Err(RobloxError::Refused { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn of_user(&self, universe: UniverseId, level: Level, user: UserId) -> Url {
        self.url(&format!("{}/{user}", restrictions_path(universe, level)))
    }

    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        key: Option<&RobloxKey>,
        body: Option<Value>,
    ) -> Result<Bytes, RobloxError> {
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("accept", "application/json")
            .header(
                "user-agent",
                concat!("portcullis/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(RobloxKey(key)) = key {
            request = request.header("x-api-key", key);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let request = request
            .body(Full::new(body))
            .map_err(|error| unavailable(&error))?;
        let exchange = async {
            let response = match &self.client {
                Connection::Secure(client) => client.request(request).await,
                Connection::Plain(client) => client.request(request).await,
            };
            let (parts, body) = response.map_err(|error| unavailable(&error))?.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await;
            let body = body.map_err(|error| unavailable(&*error))?.to_bytes();
            match answer::refusal(parts.status, &parts.headers, &body) {
                None => Ok(body),
                Some(error) => Err(error),
            }
        };
        tokio::time::timeout(TIME_LIMIT, exchange)
            .await
            .unwrap_or_else(|_| {
                let detail = format!("timed out after {TIME_LIMIT:?}");
                Err(RobloxError::Unavailable(detail))
            })
    }
}

fn restrictions_path(universe: UniverseId, level: Level) -> String {
    match level {
        Level::Universe => format!("cloud/v2/universes/{universe}/user-restrictions"),
        Level::Place(place) => {
            format!("cloud/v2/universes/{universe}/places/{place}/user-restrictions")
        }
    }
}

/// The address, if keys may be sent there.
fn checked(base: &str) -> Result<Url, InvalidBase> {
    let url = Url::parse(base).map_err(|_| InvalidBase)?;
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => is_here,
        _ => false,
    };
    let is_bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    (is_safe && is_bare).then_some(url).ok_or(InvalidBase)
}

pub(super) fn json_object(body: &Bytes) -> Result<Value, RobloxError> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    value
        .filter(Value::is_object)
        .ok_or_else(|| RobloxError::Unavailable("the answer is not a JSON object".to_owned()))
}

fn unavailable(error: &dyn std::error::Error) -> RobloxError {
    RobloxError::Unavailable(crate::domain::error::causes(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_only_sent_over_tls_or_within_the_machine() {
        for (base, fits) in [
            (BASE_URL, true),
            ("https://proxy.example", true),
            ("http://127.0.0.1:4010", true),
            ("http://[::1]:4010", true),
            ("http://localhost:4010", true),
            ("http://apis.roblox.com", false),
            ("http://10.0.0.1", false),
            ("https://proxy.example/roblox", false),
            ("https://me@proxy.example", false),
            ("ftp://localhost", false),
            ("apis.roblox.com", false),
        ] {
            assert_eq!(checked(base).is_ok(), fits, "{base}");
        }
    }

    #[test]
    fn a_key_is_never_printed() {
        let key = RobloxKey::new(" secret\n").unwrap();
        assert_eq!(key.text(), "secret");
        assert_eq!(format!("{key:?}"), "RobloxKey(..)");
        for text in ["", " \n", "a\nb"] {
            assert_eq!(RobloxKey::new(text), None);
        }
    }
}
