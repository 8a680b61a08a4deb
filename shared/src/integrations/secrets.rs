//! Keys and tokens of other services from Secrets Manager, cached in memory for a minute.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;

use crate::cache::TtlCache;
use crate::domain::clock::Reading;
use crate::integrations::roblox::RobloxKey;
use crate::integrations::secret_text::SecretText;

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
    client: Client,
    known: Arc<TtlCache<String, SecretText>>,
}

impl SecretStore {
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
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
        let call = self.client.get_secret_value().secret_id(name);
        let found = call.send().await.map_err(|error| match &error {
            SdkError::ServiceError(service) if !crate::integrations::aws::is_transient(&error) => {
                let code = service.err().meta().code().unwrap_or("refused");
                SecretError::Unusable(if service.err().is_resource_not_found_exception() {
                    "Secrets Manager has no such secret".to_owned()
                } else {
                    format!("Secrets Manager answered {code}")
                })
            }
            _ => SecretError::Unavailable(crate::domain::error::causes(&error)),
        })?;
        let text = found.secret_string().unwrap_or_default();
        let text = SecretText::new(text).ok_or_else(|| {
            SecretError::Unusable("the secret must be the key's text alone".to_owned())
        })?;
        self.known.put(name.to_owned(), text.clone(), looked_up);
        Ok(text)
    }
}
