//! Replaces secrets in Secrets Manager without reading any.
//!
//! Each value has a number, which is in the id of its version. A value becomes the current one only in place of
//! the version that was compared before: so however calls overlap or repeat, none replaces a value with a
//! larger number.

use aws_config::SdkConfig;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::error::ErrorMetadata;
use serde_json::{Map, Value, json};

use crate::integrations::aws_call::{self, CallError};
use crate::integrations::secret_text::SecretText;
use crate::integrations::secrets::{SECRETS_MANAGER, SecretError};

/// Marks the version that everyone reads.
const CURRENT: &str = "AWSCURRENT";

/// Marks a version that is about to become the current one.
const NEXT: &str = "PORTCULLIS_NEXT";

/// How often a secret is compared again after another call has changed it.
const ROUNDS: u32 = 4;

/// How the ids of our versions begin.
const VERSION: &str = "portcullis-discord-";

/// A value on its way to a secret. `Debug` does not show it.
#[derive(Clone, Debug)]
struct NewVersion {
    secret: String,
    version: String,
    text: SecretText,
}

/// A version that is to be current instead of another.
#[derive(Clone, Debug)]
struct NewCurrent {
    secret: String,
    version: String,
    before: Option<String>,
}

/// Which version is current.
#[derive(Clone, Debug, PartialEq, Eq)]
enum CurrentVersion {
    /// The secret has no value.
    Nothing,
    Id(String),
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretOutcome {
    /// It is the current one.
    Stored,
    /// One with a larger number is the current one; nothing was changed.
    Superseded,
}

/// Secrets Manager, for new values alone. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct SecretWriter {
    describe: Operation<String, CurrentVersion, ErrorMetadata>,
    create: Operation<NewVersion, (), ErrorMetadata>,
    put: Operation<NewVersion, (), ErrorMetadata>,
    promote: Operation<NewCurrent, (), ErrorMetadata>,
}

impl SecretWriter {
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let service = &SECRETS_MANAGER;
        let done = |_: &HttpResponse| Some(());
        Self {
            describe: aws_call::operation(config, service, "DescribeSecret", describing, current),
            create: aws_call::operation(config, service, "CreateSecret", creating, done),
            put: aws_call::operation(config, service, "PutSecretValue", putting, done),
            promote: aws_call::operation(
                config,
                service,
                "UpdateSecretVersionStage",
                promoting,
                done,
            ),
        }
    }

    /// Stores a value with its number under a name, and creates the secret if there is none. A repeat with the
    /// same number and value changes nothing.
    pub async fn store(
        &self,
        secret: &str,
        number: u64,
        text: &SecretText,
    ) -> Result<SecretOutcome, SecretError> {
        let new = NewVersion {
            secret: secret.to_owned(),
            version: version(number),
            text: text.clone(),
        };
        for _ in 0..ROUNDS {
            let described = self.describe.invoke(secret.to_owned()).await;
            let before = match described {
                Ok(CurrentVersion::Id(id)) => Some(id),
                Ok(_) => None,
                Err(error) if is(&error, "ResourceNotFoundException") => {
                    match self.create.invoke(new.clone()).await {
                        Ok(()) => return Ok(SecretOutcome::Stored),
                        Err(error) if is(&error, "ResourceExistsException") => continue,
                        Err(error) => return Err(SecretError::of(&error)),
                    }
                }
                Err(error) => return Err(SecretError::of(&error)),
            };
            match before.as_deref().and_then(number_of) {
                Some(current) if current == number => return Ok(SecretOutcome::Stored),
                Some(current) if current > number => return Ok(SecretOutcome::Superseded),
                // Lower, or stored by the operator before.
                _ => {}
            }
            let put = self.put.invoke(new.clone()).await;
            put.map_err(|error| SecretError::of(&error))?;
            let next = NewCurrent {
                secret: secret.to_owned(),
                version: new.version.clone(),
                before,
            };
            match self.promote.invoke(next).await {
                Ok(()) => return Ok(SecretOutcome::Stored),
                // Another version has become the current one since.
                Err(error) if is(&error, "InvalidParameterException") => {}
                Err(error) => return Err(SecretError::of(&error)),
            }
        }
        let busy = "other calls change the secret at the same time";
        Err(SecretError::Unavailable(busy.to_owned()))
    }
}

/// The id of a version: Secrets Manager requires at least 32 characters.
fn version(number: u64) -> String {
    format!("{VERSION}{number:020}")
}

fn number_of(version: &str) -> Option<u64> {
    version.strip_prefix(VERSION)?.parse().ok()
}

fn is(error: &CallError, code: &str) -> bool {
    error.as_service_error().and_then(ErrorMetadata::code) == Some(code)
}

fn request(target: &'static str, body: &Value) -> Result<HttpRequest, BoxError> {
    aws_call::json_request(target, "1.1", body)
}

#[expect(clippy::needless_pass_by_value, reason = "fits the operation")]
fn describing(secret: String) -> Result<HttpRequest, BoxError> {
    let body = json!({ "SecretId": secret });
    request("secretsmanager.DescribeSecret", &body)
}

/// A secret without a current version has no such stage.
fn current(response: &HttpResponse) -> Option<CurrentVersion> {
    current_of(response.body().bytes()?)
}

fn current_of(body: &[u8]) -> Option<CurrentVersion> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let none = Map::new();
    let versions = body.get("VersionIdsToStages").and_then(Value::as_object);
    let mut versions = versions.unwrap_or(&none).iter();
    let is_current = |(_, stages): &(&String, &Value)| {
        let stages = stages.as_array().into_iter().flatten();
        stages.into_iter().any(|stage| stage == CURRENT)
    };
    let found = versions.find(is_current).map(|(id, _)| id.clone());
    Some(found.map_or(CurrentVersion::Nothing, CurrentVersion::Id))
}

#[expect(clippy::needless_pass_by_value, reason = "fits the operation")]
fn creating(new: NewVersion) -> Result<HttpRequest, BoxError> {
    let body = json!({
        "Name": new.secret,
        "ClientRequestToken": new.version,
        "Description": "A key of Roblox Open Cloud, sent with /bindapikey on Discord",
        "SecretString": new.text.reveal(),
    });
    request("secretsmanager.CreateSecret", &body)
}

#[expect(clippy::needless_pass_by_value, reason = "fits the operation")]
fn putting(new: NewVersion) -> Result<HttpRequest, BoxError> {
    let body = json!({
        "SecretId": new.secret,
        "ClientRequestToken": new.version,
        "SecretString": new.text.reveal(),
        "VersionStages": [NEXT],
    });
    request("secretsmanager.PutSecretValue", &body)
}

/// Fails with `InvalidParameterException` if another version than `before` is the current one.
fn promoting(next: NewCurrent) -> Result<HttpRequest, BoxError> {
    let mut body = json!({
        "SecretId": next.secret,
        "VersionStage": CURRENT,
        "MoveToVersionId": next.version,
    });
    if let (Some(body), Some(before)) = (body.as_object_mut(), next.before) {
        body.insert("RemoveFromVersionId".to_owned(), before.into());
    }
    request("secretsmanager.UpdateSecretVersionStage", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_keep_their_number_and_have_a_length_that_aws_accepts() {
        for number in [0, 1_441_700_000_000_000_156, u64::MAX] {
            let version = version(number);
            assert!((32..=64).contains(&version.len()), "{version}");
            assert_eq!(number_of(&version), Some(number));
        }
        for other in [
            "",
            "portcullis-discord-",
            "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE",
        ] {
            assert_eq!(number_of(other), None);
        }
    }

    #[test]
    fn current_version_is_the_one_with_the_stage() {
        let of = |stages: Value| {
            let body = json!({ "Name": "x", "VersionIdsToStages": stages });
            current_of(body.to_string().as_bytes()).unwrap()
        };
        let stages = json!({ "a": ["AWSPREVIOUS"], "b": ["PORTCULLIS_NEXT", "AWSCURRENT"] });
        assert_eq!(of(stages), CurrentVersion::Id("b".to_owned()));
        assert_eq!(of(Value::Null), CurrentVersion::Nothing);
        assert_eq!(
            of(json!({ "a": ["PORTCULLIS_NEXT"] })),
            CurrentVersion::Nothing
        );
        assert_eq!(current_of(b"<html>"), None);
    }

    #[test]
    fn value_is_never_printed() {
        let new = NewVersion {
            secret: "portcullis/x/y".to_owned(),
            version: version(1),
            text: SecretText::new("the-key").unwrap(),
        };
        assert!(!format!("{new:?}").contains("the-key"));
    }
}
