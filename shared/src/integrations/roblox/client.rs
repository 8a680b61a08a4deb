//! A call to Open Cloud with its key.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use lambda_http::http::{HeaderValue, Method, Request};
use serde_json::{Value, json};
use url::Url;

use super::answer::{self, RobloxError};
use super::keys::KeyInfo;
use super::restriction::{Restriction, RestrictionPage, RestrictionRequest};
use crate::domain::ids::{ExperienceId, UniverseId, UserId};
use crate::domain::rules::mirror::Level;
use crate::integrations::secret_text::SecretText;
use crate::integrations::service_client::{CallLimits, ServiceClient};

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
        SecretText::new(text).map(Self::from)
    }

    fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl From<SecretText> for RobloxKey {
    fn from(text: SecretText) -> Self {
        Self(text.into_header())
    }
}

impl fmt::Debug for RobloxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RobloxKey(..)")
    }
}

/// Open Cloud at one address. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Roblox(ServiceClient);

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
        let limits = CallLimits {
            time: TIME_LIMIT,
            answer: LONGEST_ANSWER,
        };
        ServiceClient::at(base, limits).map(Self)
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
        self.0.url(path)
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
        let answer = self.0.send(request.body(body)).await;
        let answer = answer.map_err(RobloxError::Unavailable)?;
        match answer::refusal(answer.status, &answer.headers, &answer.body) {
            None => Ok(answer.body),
            Some(error) => Err(error),
        }
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

pub(super) fn json_object(body: &Bytes) -> Result<Value, RobloxError> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    value
        .filter(Value::is_object)
        .ok_or_else(|| RobloxError::Unavailable("the answer is not a JSON object".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
