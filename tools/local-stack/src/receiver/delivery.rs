//! What arrived at an endpoint, and whether its signature is right.

use std::time::SystemTime;

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::Value;
use standardwebhooks::Webhook;

/// One request to an endpoint.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The endpoint's name; the whole path if that is no endpoint's.
    pub hook: String,
    /// The method.
    pub method: Method,
    /// When its last byte was there.
    pub at: SystemTime,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The endpoint's secrets under which its signature is right, by the order in which they were
    /// registered, from 0.
    pub verified_by: Vec<usize>,
    /// Why it is not verified.
    pub problem: Option<String>,
}

impl Delivery {
    /// Is it signed with a secret of the endpoint, and was that done just now?
    #[must_use]
    pub fn is_verified(&self) -> bool {
        !self.verified_by.is_empty()
    }

    /// The header `webhook-id`, empty if there is none.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// A header, empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The body as JSON, null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What there is to say of it in one line.
    #[must_use]
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

/// The secrets under which a signature is right, or else what the first of them says.
pub(super) fn verify(
    secrets: &[Webhook],
    headers: &HeaderMap,
    body: &[u8],
) -> (Vec<usize>, Option<String>) {
    let mut right = Vec::new();
    let mut problem = None;
    for (number, secret) in secrets.iter().enumerate() {
        match secret.verify(body, headers) {
            Ok(()) => right.push(number),
            Err(error) => {
                problem.get_or_insert_with(|| error.to_string());
            }
        }
    }
    match (right.is_empty(), problem) {
        (false, _) => (right, None),
        (true, None) => (right, Some("no secret is known for it".to_owned())),
        (true, problem) => (right, problem),
    }
}
