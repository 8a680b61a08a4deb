//! How the pump reaches its function.

use std::future::Future;

use bytes::Bytes;
use serde_json::Value;

use crate::{http::Client, lambda_api::invocation_url};

/// Why a call came to nothing.
#[derive(Debug, Clone)]
pub enum InvokeError {
    /// There was nobody to call: the host is starting, or being restarted.
    Unreachable(String),
    /// The function failed, was killed, or took too long.
    Function(String),
}

/// Calls a function with an event and hands back its answer.
pub trait Invoke: Send + Sync + 'static {
    /// Calls the function once.
    fn invoke(&self, event: Value) -> impl Future<Output = Result<Value, InvokeError>> + Send;
}

/// The invocation API of Lambda, as `cargo lambda watch` and [`crate::gateway`] offer it.
#[derive(Debug, Clone)]
pub struct HttpInvoke {
    client: Client,
    url: String,
}

impl HttpInvoke {
    /// The function of that name behind an address such as `http://127.0.0.1:9000`.
    #[must_use]
    pub fn new(address: &str, function: &str) -> Self {
        Self {
            client: Client::new(),
            url: invocation_url(address, function),
        }
    }
}

impl Invoke for HttpInvoke {
    async fn invoke(&self, event: Value) -> Result<Value, InvokeError> {
        let body = Bytes::from(event.to_string());
        let response = self
            .client
            .post_json(&self.url, body)
            .await
            .map_err(InvokeError::Unreachable)?;
        let failed = response.headers().contains_key("x-amz-function-error");
        if failed || !response.status().is_success() {
            let text = String::from_utf8_lossy(response.body());
            return Err(InvokeError::Function(format!(
                "{}: {text}",
                response.status()
            )));
        }
        serde_json::from_slice(response.body())
            .map_err(|e| InvokeError::Function(format!("its answer is not JSON: {e}")))
    }
}
