//! A fake of AWS Secrets Manager with the one call that Portcullis makes: `GetSecretValue`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, response::Response};
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
    values: Values,
    _server: Guard,
}

type Values = Arc<Mutex<BTreeMap<String, String>>>;

impl Secrets {
    /// Starts the service on a port (0: any free one), without secrets.
    pub async fn start(port: u16) -> Result<Self> {
        let (listener, _) = http::listen(port, "SECRETS_PORT").await?;
        let endpoint = http::address(&listener)?;
        let values = Values::default();
        let router = Router::new()
            .fallback(get_secret_value)
            .with_state(Arc::clone(&values));
        Ok(Self {
            endpoint,
            values,
            _server: http::serve(listener, router),
        })
    }
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Creates a secret or replaces its value.
    pub fn set(&self, name: &str, value: &str) {
        self.values.lock().insert(name.to_owned(), value.to_owned());
    }
}

async fn get_secret_value(State(values): State<Values>, body: Bytes) -> Response {
    let input: Value = serde_json::from_slice(&body).unwrap_or_default();
    let name = input.get("SecretId").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    match values.lock().get(name) {
        Some(value) => json(&json!({ "Name": name, "SecretString": value })),
        None => aws_error(
            StatusCode::BAD_REQUEST,
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        ),
    }
}
