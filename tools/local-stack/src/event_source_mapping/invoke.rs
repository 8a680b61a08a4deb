//! How a mapping or a schedule calls its function.

use std::future::Future;

use bytes::Bytes;
use serde_json::Value;

use crate::{http::Client, lambda_api::invocation_url};

#[derive(Debug, Clone)]
pub enum InvokeError {
    /// Nothing answered: the host is starting or restarting.
    Unreachable(String),
    /// The function failed, was killed or timed out.
    Function(String),
}

pub trait Invoke: Send + Sync + 'static {
    fn invoke(&self, event: Value) -> impl Future<Output = Result<Value, InvokeError>> + Send;
}

/// A function behind Lambda's invocation API, as [`crate::gateway`] and `cargo lambda watch` offer it.
#[derive(Debug, Clone)]
pub struct HttpInvoke {
    client: Client,
    url: String,
}

impl HttpInvoke {
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
