//! A fake of AWS Secrets Manager and Amazon SQS with the calls that Portcullis makes to each: reading and storing
//! secrets, and `GetQueueAttributes` of the failure queue.

mod versions;

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
use versions::{Refused, Versions};

/// A running service; it stops when this is dropped.
#[derive(Debug)]
pub struct Secrets {
    endpoint: String,
    held: Arc<Held>,
    _server: Guard,
}

#[derive(Debug, Default)]
struct Held {
    secrets: Mutex<BTreeMap<String, Versions>>,
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
        secrets.entry(name.to_owned()).or_default().set(value);
    }

    /// The current value of a secret.
    pub fn get(&self, name: &str) -> Option<String> {
        let secrets = self.held.secrets.lock();
        secrets.get(name)?.current().map(str::to_owned)
    }

    /// The names of all secrets.
    pub fn names(&self) -> Vec<String> {
        self.held.secrets.lock().keys().cloned().collect()
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
    let called = called.and_then(|it| it.to_str().ok()).unwrap_or_default();
    if called == "AmazonSQS.GetQueueAttributes" {
        let messages = held.failures.load(Ordering::Relaxed).to_string();
        return json(&json!({ "Attributes": { "ApproximateNumberOfMessages": messages } }));
    }
    let input: Value = serde_json::from_slice(&body).unwrap_or_default();
    let action = called.strip_prefix("secretsmanager.").unwrap_or_default();
    match act(&mut held.secrets.lock(), action, &input) {
        Ok(output) => json(&output),
        Err((code, message)) => aws_error(StatusCode::BAD_REQUEST, code, message),
    }
}

fn act(
    secrets: &mut BTreeMap<String, Versions>,
    action: &str,
    input: &Value,
) -> Result<Value, Refused> {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    if action == "CreateSecret" {
        let name = text("Name").unwrap_or_default();
        if secrets.contains_key(name) {
            let exists = "The operation failed because the secret already exists.";
            return Err(("ResourceExistsException", exists));
        }
        let mut versions = Versions::default();
        versions.put(input, &["AWSCURRENT"])?;
        secrets.insert(name.to_owned(), versions);
        return Ok(json!({ "Name": name, "VersionId": text("ClientRequestToken") }));
    }
    let name = text("SecretId").unwrap_or_default();
    let found = secrets.get_mut(name).ok_or((
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    ))?;
    match action {
        "GetSecretValue" => match found.current() {
            Some(value) => Ok(json!({ "Name": name, "SecretString": value })),
            None => Err((
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
            )),
        },
        "DescribeSecret" => Ok(json!({ "Name": name, "VersionIdsToStages": found.stages() })),
        "PutSecretValue" => {
            let stages = input.get("VersionStages").and_then(Value::as_array);
            let stages: Vec<_> = stages
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            found.put(
                input,
                if stages.is_empty() {
                    &["AWSCURRENT"]
                } else {
                    &stages
                },
            )?;
            Ok(json!({ "Name": name, "VersionId": text("ClientRequestToken") }))
        }
        "UpdateSecretVersionStage" => {
            found.move_stage(
                text("VersionStage").unwrap_or_default(),
                text("MoveToVersionId"),
                text("RemoveFromVersionId"),
            )?;
            Ok(json!({ "Name": name }))
        }
        _ => Err(("InvalidRequestException", "The fake has no such call.")),
    }
}
