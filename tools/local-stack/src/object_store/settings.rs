//! The settings of a bucket as S3 reports them, from the template.

#[allow(clippy::wildcard_imports, reason = "an output for each operation")]
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Result};
use serde_json::Value;

use crate::template::Bucket;

pub(super) fn public_access(bucket: &Bucket) -> S3Result<GetPublicAccessBlockOutput> {
    let block = bucket.properties.get("PublicAccessBlockConfiguration");
    let block = block.ok_or_else(|| none("NoSuchPublicAccessBlockConfiguration"))?;
    let is_on = |name: &str| Some(block.get(name) == Some(&Value::Bool(true)));
    Ok(GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(PublicAccessBlockConfiguration {
            block_public_acls: is_on("BlockPublicAcls"),
            block_public_policy: is_on("BlockPublicPolicy"),
            ignore_public_acls: is_on("IgnorePublicAcls"),
            restrict_public_buckets: is_on("RestrictPublicBuckets"),
        }),
    })
}

pub(super) fn versioning(bucket: &Bucket) -> GetBucketVersioningOutput {
    let status = text(&bucket.properties, "/VersioningConfiguration/Status");
    GetBucketVersioningOutput {
        status: status.map(|status| status.to_owned().into()),
        ..Default::default()
    }
}

pub(super) fn object_lock(bucket: &Bucket) -> S3Result<GetObjectLockConfigurationOutput> {
    let lock = bucket.properties.get("ObjectLockConfiguration");
    let lock = lock.ok_or_else(|| none("ObjectLockConfigurationNotFoundError"))?;
    let enabled = text(lock, "/ObjectLockEnabled");
    let mode = text(lock, "/Rule/DefaultRetention/Mode");
    Ok(GetObjectLockConfigurationOutput {
        object_lock_configuration: Some(ObjectLockConfiguration {
            object_lock_enabled: enabled.map(|enabled| enabled.to_owned().into()),
            rule: Some(ObjectLockRule {
                default_retention: Some(DefaultRetention {
                    days: number(lock, "/Rule/DefaultRetention/Days"),
                    mode: mode.map(|mode| mode.to_owned().into()),
                    years: None,
                }),
            }),
        }),
    })
}

pub(super) fn lifecycle(bucket: &Bucket) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    let rules = bucket.properties.pointer("/LifecycleConfiguration/Rules");
    let rules = rules.and_then(Value::as_array);
    let rules = rules.ok_or_else(|| none("NoSuchLifecycleConfiguration"))?;
    Ok(GetBucketLifecycleConfigurationOutput {
        rules: Some(rules.iter().map(rule).collect()),
        ..Default::default()
    })
}

pub(super) fn policy(bucket: &Bucket) -> S3Result<GetBucketPolicyOutput> {
    let policy = bucket.policy.as_ref();
    let policy = policy.ok_or_else(|| none("NoSuchBucketPolicy"))?;
    Ok(GetBucketPolicyOutput {
        policy: Some(policy.to_string()),
    })
}

fn rule(rule: &Value) -> LifecycleRule {
    let days = number(rule, "/ExpirationInDays");
    let marker = rule
        .get("ExpiredObjectDeleteMarker")
        .and_then(Value::as_bool);
    let expires = days.is_some() || marker.is_some();
    let noncurrent = number(rule, "/NoncurrentVersionExpiration/NoncurrentDays");
    let unfinished = number(rule, "/AbortIncompleteMultipartUpload/DaysAfterInitiation");
    LifecycleRule {
        abort_incomplete_multipart_upload: unfinished.map(|days| AbortIncompleteMultipartUpload {
            days_after_initiation: Some(days),
        }),
        expiration: expires.then_some(LifecycleExpiration {
            date: None,
            days,
            expired_object_delete_marker: marker,
        }),
        filter: None,
        id: text(rule, "/Id").map(str::to_owned),
        noncurrent_version_expiration: noncurrent.map(|days| NoncurrentVersionExpiration {
            newer_noncurrent_versions: None,
            noncurrent_days: Some(days),
        }),
        noncurrent_version_transitions: None,
        prefix: None,
        status: text(rule, "/Status").unwrap_or_default().to_owned().into(),
        transitions: None,
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// A parameter of the template is text.
fn number(value: &Value, pointer: &str) -> Option<i32> {
    let value = value.pointer(pointer)?;
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    i32::try_from(number).ok()
}

fn none(code: &'static str) -> S3Error {
    let mut error = S3Error::new(
        S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InternalError),
    );
    error.set_status_code(hyper::StatusCode::NOT_FOUND);
    error
}
