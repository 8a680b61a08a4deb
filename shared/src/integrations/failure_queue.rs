//! The queue of what failed after all retries: whether it has messages.

use aws_config::SdkConfig;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::error::ErrorMetadata;
use serde_json::{Value, json};

use crate::domain::error::ApiError;
use crate::integrations::aws::failure;
use crate::integrations::aws_call::{self, Service, SigningStyle};

const SQS: Service = Service {
    id: "SQS",
    host: "sqs",
    signing: SigningStyle::Standard,
};

/// Waiting, being read, and delayed. The numbers are approximate for a minute after a change.
const COUNTS: [&str; 3] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
];

/// The failure queue of the stack. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct FailureQueue {
    url: String,
    counting: Operation<String, u64, ErrorMetadata>,
}

impl FailureQueue {
    /// The queue named in the environment.
    pub fn from_environment(config: &SdkConfig) -> Result<Self, std::env::VarError> {
        Ok(Self {
            url: std::env::var("FAILURE_QUEUE")?,
            counting: aws_call::operation(config, &SQS, "GetQueueAttributes", request, count),
        })
    }

    pub async fn has_messages(&self) -> Result<bool, ApiError> {
        let counted = self.counting.invoke(self.url.clone()).await;
        let count = counted.map_err(|error| failure("Amazon SQS", &error))?;
        Ok(count > 0)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits the operation")]
fn request(url: String) -> Result<HttpRequest, BoxError> {
    let body = json!({ "QueueUrl": url, "AttributeNames": COUNTS });
    aws_call::json_request("AmazonSQS.GetQueueAttributes", "1.0", &body)
}

fn count(response: &HttpResponse) -> Option<u64> {
    total(response.body().bytes()?)
}

fn total(body: &[u8]) -> Option<u64> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let attributes = body.get("Attributes")?;
    let counts = COUNTS.map(|name| attributes.get(name)?.as_str()?.parse::<u64>().ok());
    let [waiting, being_read, delayed] = counts;
    let others = being_read.unwrap_or(0).saturating_add(delayed.unwrap_or(0));
    Some(waiting?.saturating_add(others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_in_every_state_count() {
        let body = |waiting: &str, being_read: &str, delayed: &str| {
            let counts = COUNTS.into_iter().zip([waiting, being_read, delayed]);
            let counts: serde_json::Map<_, _> = counts
                .map(|(name, count)| (name.to_owned(), json!(count)))
                .collect();
            total(json!({ "Attributes": counts }).to_string().as_bytes())
        };
        assert_eq!(body("0", "0", "0"), Some(0));
        assert_eq!(body("1", "0", "0"), Some(1));
        assert_eq!(body("0", "2", "1"), Some(3));
        assert_eq!(total(br#"{"Attributes":{}}"#), None);
        assert_eq!(total(b""), None);
    }
}
