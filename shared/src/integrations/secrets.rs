//! Keys and tokens of other services from Secrets Manager, cached in memory for a minute.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::error::ErrorMetadata;
use serde_json::{Value, json};

use crate::cache::TtlCache;
use crate::domain::clock::Reading;
use crate::domain::error::causes;
use crate::integrations::aws::is_transient;
use crate::integrations::aws_call::{self, CallError, Service, SigningStyle};
use crate::integrations::roblox::RobloxKey;
use crate::integrations::secret_text::SecretText;

pub(super) const SECRETS_MANAGER: Service = Service {
    id: "Secrets Manager",
    host: "secretsmanager",
    signing: SigningStyle::Standard,
};

/// How long a secret is used without reading it again.
const CACHE_TTL: Duration = Duration::from_mins(1);

/// Why there is no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager has none with this name, or denies access, or the value is not a single line.
    #[error("{0}")]
    Unusable(String),
    #[error("no answer from Secrets Manager: {0}")]
    Unavailable(String),
}

/// Secrets Manager with a cache. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct SecretStore {
    /// By the secret's name or ARN.
    reading: Operation<String, String, ErrorMetadata>,
    known: Arc<TtlCache<String, SecretText>>,
}

impl SecretStore {
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            reading: aws_call::operation(config, &SECRETS_MANAGER, "GetSecretValue", request, text),
            known: Arc::default(),
        }
    }

    /// The Open Cloud key with this name or ARN, from the cache or read now.
    pub async fn key(&self, name: &str) -> Result<RobloxKey, SecretError> {
        self.text(name).await.map(RobloxKey::from)
    }

    /// The same, always read now: it may have been replaced.
    pub async fn fresh_key(&self, name: &str) -> Result<RobloxKey, SecretError> {
        self.fresh_text(name).await.map(RobloxKey::from)
    }

    /// The secret with this name or ARN, from the cache or read now.
    pub async fn text(&self, name: &str) -> Result<SecretText, SecretError> {
        let known = self.known.get(&name.to_owned(), |_| CACHE_TTL);
        match known {
            Some(text) => Ok(text),
            None => self.fresh_text(name).await,
        }
    }

    /// The same, always read now.
    pub async fn fresh_text(&self, name: &str) -> Result<SecretText, SecretError> {
        let looked_up = Reading::now();
        self.known.remove(&name.to_owned());
        let read = self.reading.invoke(name.to_owned()).await;
        let text = read.map_err(|error| SecretError::of(&error))?;
        let text = SecretText::new(&text).ok_or_else(|| {
            SecretError::Unusable("the secret must be the key's text alone".to_owned())
        })?;
        self.known.put(name.to_owned(), text.clone(), looked_up);
        Ok(text)
    }
}

impl SecretError {
    pub(super) fn of(error: &CallError) -> Self {
        match error.as_service_error() {
            Some(service) if !is_transient(error) => {
                let code = service.code().unwrap_or("refused");
                Self::Unusable(if code == "ResourceNotFoundException" {
                    "Secrets Manager has no such secret".to_owned()
                } else {
                    format!("Secrets Manager answered {code}")
                })
            }
            _ => Self::Unavailable(causes(error)),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits the operation")]
fn request(name: String) -> Result<HttpRequest, BoxError> {
    let body = json!({ "SecretId": name });
    aws_call::json_request("secretsmanager.GetSecretValue", "1.1", &body)
}

/// The secret's text; empty if it is binary.
fn text(response: &HttpResponse) -> Option<String> {
    let body: Value = serde_json::from_slice(response.body().bytes()?).ok()?;
    let text = body.get("SecretString").and_then(Value::as_str);
    Some(text.unwrap_or_default().to_owned())
}
