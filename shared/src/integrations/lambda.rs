//! Lambda's `Invoke` as a signed request.

use aws_config::SdkConfig;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use serde_json::Value;

use crate::integrations::aws_call::{self, CallError, Service, SigningStyle, USER_AGENT};

const LAMBDA: Service = Service {
    id: "Lambda",
    host: "lambda",
    signing: SigningStyle::Standard,
};

/// Queues events for functions. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct LambdaClient {
    invoke: Operation<(String, Value), (), ErrorMetadata>,
}

impl LambdaClient {
    /// Uses the configuration's credentials, region, endpoint, time limits and retries.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let serialize = |(function, event): (String, Value)| serialize(&function, &event);
        let invoke = aws_call::operation(config, &LAMBDA, "Invoke", serialize, |_| Some(()));
        Self { invoke }
    }

    /// Queues an event for a function, given by its name or ARN.
    pub async fn send_event(&self, function: &str, event: Value) -> Result<(), CallError> {
        self.invoke.invoke((function.to_owned(), event)).await
    }
}

fn serialize(function: &str, event: &Value) -> Result<HttpRequest, BoxError> {
    let function: String = url::form_urlencoded::byte_serialize(function.as_bytes()).collect();
    let mut request = HttpRequest::new(SdkBody::from(event.to_string()));
    request.set_method("POST")?;
    request.set_uri(format!("/2015-03-31/functions/{function}/invocations"))?;
    let headers = request.headers_mut();
    headers.insert("user-agent", USER_AGENT);
    headers.insert("content-type", "application/json");
    headers.insert("x-amz-invocation-type", "Event");
    Ok(request)
}

#[cfg(test)]
mod tests;
