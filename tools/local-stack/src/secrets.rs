//! A fake of AWS Secrets Manager and Amazon SQS with the one call that Portcullis makes to each:
//! `GetSecretValue`, and `GetQueueAttributes` of the failure queue.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{
    Result,
    http::{self, Guard, aws_error, json},
};

/// A running service; it stops when this is dropped.
#[derive(Debug)]
pub struct Secrets {
    endpoint: String,
    held: Arc<Held>,
    _server: Guard,
}

#[derive(Debug, Default)]
struct Held {
    secrets: Mutex<BTreeMap<String, String>>,
    failures: AtomicU32,
}

impl Secrets {
    /// Starts the service on a port (0: any free one), without secrets.
    pub async fn start(port: u16) -> Result<Self> {
        let (listener, _) = http::listen(port, "SECRETS_PORT").await?;
        let endpoint = http::address(&listener)?;
        let held = Arc::<Held>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&held));
        Ok(Self {
            endpoint,
            held,
            _server: http::serve(listener, router),
        })
    }
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Creates a secret or replaces its value.
    pub fn set(&self, name: &str, value: &str) {
        let mut secrets = self.held.secrets.lock();
        secrets.insert(name.to_owned(), value.to_owned());
    }

    pub fn remove(&self, name: &str) {
        self.held.secrets.lock().remove(name);
    }

    /// Sets how many messages the failure queue has.
    pub fn set_failures(&self, messages: u32) {
        self.held.failures.store(messages, Ordering::Relaxed);
    }
}

async fn answer(State(held): State<Arc<Held>>, headers: HeaderMap, body: Bytes) -> Response {
    let called = headers.get("x-amz-target");
    if called.is_some_and(|it| it == "AmazonSQS.GetQueueAttributes") {
        let messages = held.failures.load(Ordering::Relaxed).to_string();
        return json(&json!({ "Attributes": { "ApproximateNumberOfMessages": messages } }));
    }
    get_secret_value(&held, &body)
}

fn get_secret_value(held: &Held, body: &Bytes) -> Response {
    let input: Value = serde_json::from_slice(body).unwrap_or_default();
    let name = input.get("SecretId").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    match held.secrets.lock().get(name) {
        Some(value) => json(&json!({ "Name": name, "SecretString": value })),
        None => aws_error(
            StatusCode::BAD_REQUEST,
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        ),
    }
}
