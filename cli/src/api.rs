//! A client of the API, for those who have a key and no access to the tables.

mod failure;
mod key;
mod received;
mod secure_url;

use std::fmt;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

pub use failure::ApiFailure;
pub use key::ApiKey;
pub use received::ReceivedBan;
pub use secure_url::require_secure_url;

/// How often a call is made before its failure is reported.
const ATTEMPTS: u32 = 4;

/// How long a call may take, in seconds. A route answers within 28.
const TIMEOUT: u64 = 40;

/// The most elements of a page.
pub const LARGEST_PAGE: usize = 1000;

/// The scheme and host of an API, without `/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAddress(String);

impl ApiAddress {
    /// Fails unless a key may be sent there. The path `/api/v1` may be left out.
    pub fn parse(text: &str) -> Result<Self> {
        require_secure_url(text)?;
        let text = text.trim_end_matches('/').trim_end_matches("/api/v1");
        Ok(Self(text.to_owned()))
    }

    /// Whether the API runs on this machine.
    pub fn is_here(&self) -> bool {
        secure_url::is_here(&self.0)
    }
}

/// A parser of an argument.
pub fn api_address(text: &str) -> Result<ApiAddress, String> {
    ApiAddress::parse(text).map_err(|error| format!("{error:#}"))
}

impl fmt::Display for ApiAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parameters of a query.
pub type Query<'a> = Vec<(&'a str, String)>;

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiPage<T> {
    pub list: Vec<T>,
    pub next_cursor: Option<String>,
}

enum Method<'a> {
    Get,
    Delete,
    /// With a body and a key under which a repeat has no second effect.
    Post(&'a Value, String),
}

#[derive(Debug)]
pub struct ApiClient {
    address: ApiAddress,
    key: ApiKey,
    agent: Agent,
}

impl ApiClient {
    pub fn new(address: &ApiAddress, key: ApiKey) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // The key must not follow a redirect.
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(Duration::from_secs(TIMEOUT)))
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            address: address.clone(),
            key,
            agent: agent.into(),
        }
    }

    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &Query<'_>) -> Result<T> {
        parsed(self.send(&Method::Get, path, query)?)
    }

    /// Makes a change, or a check. A repeat after a failure has no second effect.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Query<'_>,
        body: &Value,
    ) -> Result<T> {
        let name = uuid::Uuid::new_v4().to_string();
        parsed(self.send(&Method::Post(body, name), path, query)?)
    }

    pub fn delete(&self, path: &str) -> Result<()> {
        self.send(&Method::Delete, path, &Vec::new()).map(drop)
    }

    /// All elements of a list that comes in pages.
    pub fn all<T: DeserializeOwned>(&self, path: &str, query: &Query<'_>) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut page: ApiPage<T> = self.get(path, query)?;
        loop {
            all.append(&mut page.list);
            let Some(cursor) = page.next_cursor else {
                return Ok(all);
            };
            let mut next = query.clone();
            next.push(("cursor", cursor));
            page = self.get(path, &next)?;
        }
    }

    /// A file, from the API or from where it redirects to.
    pub fn download(&self, path: &str, query: &Query<'_>) -> Result<Body> {
        let answer = self.send(&Method::Get, path, query)?;
        if answer.status() != 303 {
            return Ok(answer.into_body());
        }
        let link = answer.headers().get("location");
        let link = link.and_then(|link| link.to_str().ok());
        let link = link.context("the API's answer contains no link to the file")?;
        // The link is presigned, so the key must not be sent along.
        let file = self.agent.get(link).call();
        let file = file.context("could not download the file")?;
        if file.status() != 200 {
            anyhow::bail!("could not download the file: {}", file.status());
        }
        Ok(file.into_body())
    }

    /// Makes a call, and again after a failure that may pass.
    fn send(&self, method: &Method<'_>, path: &str, query: &Query<'_>) -> Result<Response<Body>> {
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(method, path, query) {
                Ok(answer) if answer.status().as_u16() < 400 => return Ok(answer),
                Ok(answer) => ApiFailure::read(answer, &self.key),
                Err(error) => ApiFailure::unreachable(&self.address, &error),
            };
            let wait = failure.wait(attempt).filter(|_| attempt < ATTEMPTS);
            let Some(wait) = wait else {
                return Err(failure.into());
            };
            note!("{failure}; trying again in {} s", wait.as_secs());
            sleep(wait);
            attempt = attempt.saturating_add(1);
        }
    }

    fn attempt(
        &self,
        method: &Method<'_>,
        path: &str,
        query: &Query<'_>,
    ) -> Result<Response<Body>, ureq::Error> {
        let url = format!("{}/api/v1/{path}", self.address);
        let query = query.iter().map(|(name, value)| (*name, value.as_str()));
        let key = self.key.authorization();
        match method {
            Method::Get => {
                let request = self.agent.get(&url).query_pairs(query);
                request.header("authorization", key).call()
            }
            Method::Delete => {
                let request = self.agent.delete(&url).query_pairs(query);
                request.header("authorization", key).call()
            }
            Method::Post(body, name) => {
                let request = self.agent.post(&url).query_pairs(query);
                request
                    .header("authorization", key)
                    .header("content-type", "application/json")
                    .header("prefer", "return=representation")
                    .header("idempotency-key", name)
                    .send(body.to_string())
            }
        }
    }
}

fn parsed<T: DeserializeOwned>(mut answer: Response<Body>) -> Result<T> {
    let text = answer.body_mut().read_to_string();
    let text = text.context("the API's answer was interrupted")?;
    serde_json::from_str(&text).context("the API's answer is not what this version understands")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_may_have_the_path_of_the_api() {
        for url in [
            "https://bans.example.com",
            "https://bans.example.com/",
            "https://bans.example.com/api/v1",
            "https://bans.example.com/api/v1/",
        ] {
            let address = ApiAddress::parse(url).unwrap();
            assert_eq!(address.to_string(), "https://bans.example.com");
        }
        assert!(ApiAddress::parse("http://bans.example.com").is_err());
    }
}
