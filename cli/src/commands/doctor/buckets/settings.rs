//! Reads the settings of a bucket from S3.

use std::fmt;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_bucket::HeadBucketError;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DefaultRetention, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    ObjectLockRetentionMode, PublicAccessBlockConfiguration,
};
use serde::Deserialize;

use super::super::finding::Finding;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BucketSettings {
    pub(super) blocks_public_access: bool,
    pub(super) is_versioned: bool,
    pub(super) lock: Option<BucketLock>,
    pub(super) lifecycle: BucketLifecycle,
    /// The ids of the statements that deny something.
    pub(super) denials: Vec<String>,
}

/// The default retention of Object Lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BucketLock {
    pub(super) days: i32,
    /// Whether an operator with the right to do so may remove a locked version.
    pub(super) is_governance: bool,
}

impl fmt::Display for BucketLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.is_governance {
            "governance"
        } else {
            "compliance"
        };
        write!(f, "locked for {} days ({mode} mode)", self.days)
    }
}

/// What the active rules do together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BucketLifecycle {
    /// After how many days S3 deletes an object.
    pub(super) expiration_days: Option<i32>,
    pub(super) removes_remains: bool,
    pub(super) aborts_uploads: bool,
}

/// Reads all settings; the error is a finding.
pub(super) async fn read(
    check: &'static str,
    client: &Client,
    name: &str,
) -> Result<BucketSettings, Finding> {
    if let Err(error) = client.head_bucket().bucket(name).send().await {
        return Err(unreachable(check, name, &error));
    }
    let failed = |part: &str, error: String| {
        let remedy = "grant your credentials what `portcullis iam-policy` prints";
        Finding::failed(
            check,
            format!("{name}: S3 does not show its {part} ({error})"),
            remedy,
        )
    };
    let access = client.get_public_access_block().bucket(name).send().await;
    let access = found(access, "NoSuchPublicAccessBlockConfiguration")
        .map_err(|error| failed("public access", error))?;
    let versioning = client.get_bucket_versioning().bucket(name).send().await;
    let versioning = found(versioning, "").map_err(|error| failed("versioning", error))?;
    let lock = client.get_object_lock_configuration().bucket(name).send();
    let lock = found(lock.await, "ObjectLockConfigurationNotFoundError")
        .map_err(|error| failed("Object Lock", error))?;
    let rules = client.get_bucket_lifecycle_configuration().bucket(name);
    let rules = found(rules.send().await, "NoSuchLifecycleConfiguration")
        .map_err(|error| failed("lifecycle", error))?;
    let policy = client.get_bucket_policy().bucket(name).send().await;
    let policy = found(policy, "NoSuchBucketPolicy").map_err(|error| failed("policy", error))?;
    let retention = lock
        .and_then(|lock| lock.object_lock_configuration)
        .and_then(|lock| lock.rule)
        .and_then(|rule| rule.default_retention);
    let rules = rules.and_then(|answer| answer.rules).unwrap_or_default();
    Ok(BucketSettings {
        blocks_public_access: access
            .and_then(|answer| answer.public_access_block_configuration)
            .is_some_and(|block| blocks_all(&block)),
        is_versioned: versioning.and_then(|answer| answer.status)
            == Some(BucketVersioningStatus::Enabled),
        lock: retention.as_ref().map(lock_of),
        lifecycle: lifecycle_of(&rules),
        denials: policy
            .and_then(|answer| answer.policy)
            .map(|policy| denials_of(&policy))
            .unwrap_or_default(),
    })
}

fn unreachable(check: &str, name: &str, error: &SdkError<HeadBucketError>) -> Finding {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    match status {
        Some(404) => Finding::failed(
            check,
            format!("{name} does not exist"),
            "check --evidence-bucket, --stack and --region; if it was deleted, its files are lost",
        ),
        Some(403) => Finding::failed(
            check,
            format!("{name} may not be read"),
            "grant your credentials what `portcullis iam-policy` prints",
        ),
        Some(301) => Finding::failed(
            check,
            format!("{name} is in another region"),
            "check --region",
        ),
        _ => Finding::failed(
            check,
            format!("{name} cannot be reached ({})", short(error)),
            "check the network and --region, and try again",
        ),
    }
}

/// The answer, or `None` if S3 answers that nothing is set.
fn found<T, E>(answer: Result<T, SdkError<E>>, nothing: &str) -> Result<Option<T>, String>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code() == Some(nothing) => Ok(None),
        Err(error) => Err(short(&error)),
    }
}

fn short<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if let Some(code) = error.code() {
        return code.to_owned();
    }
    let text = DisplayErrorContext(error).to_string();
    text.split(" (").next().unwrap_or_default().to_owned()
}

fn blocks_all(block: &PublicAccessBlockConfiguration) -> bool {
    [
        block.block_public_acls(),
        block.block_public_policy(),
        block.ignore_public_acls(),
        block.restrict_public_buckets(),
    ]
    .iter()
    .all(|it| *it == Some(true))
}

fn lock_of(retention: &DefaultRetention) -> BucketLock {
    let years = retention.years().unwrap_or_default();
    let days = retention.days().unwrap_or_default();
    BucketLock {
        days: years.saturating_mul(365).saturating_add(days),
        is_governance: retention.mode() == Some(&ObjectLockRetentionMode::Governance),
    }
}

fn lifecycle_of(rules: &[LifecycleRule]) -> BucketLifecycle {
    let mut lifecycle = BucketLifecycle::default();
    let active = rules
        .iter()
        .filter(|rule| rule.status() == &ExpirationStatus::Enabled);
    for rule in active {
        let days = rule.expiration().and_then(LifecycleExpiration::days);
        let known = lifecycle.expiration_days;
        lifecycle.expiration_days = match (known, days) {
            (Some(known), Some(days)) => Some(known.min(days)),
            (known, days) => known.or(days),
        };
        lifecycle.removes_remains |= rule.noncurrent_version_expiration().is_some();
        lifecycle.aborts_uploads |= rule.abort_incomplete_multipart_upload().is_some();
    }
    lifecycle
}

fn denials_of(policy: &str) -> Vec<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Statement {
        #[serde(default)]
        sid: String,
        effect: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Policy {
        statement: Vec<Statement>,
    }
    let policy: Option<Policy> = serde_json::from_str(policy).ok();
    let statements = policy.map(|policy| policy.statement).unwrap_or_default();
    let denials = statements.into_iter().filter(|it| it.effect == "Deny");
    denials.map(|statement| statement.sid).collect()
}
