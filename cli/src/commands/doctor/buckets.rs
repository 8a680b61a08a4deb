//! Checks that the buckets of evidence, exports and snapshots are set up as the template says.

mod settings;
#[cfg(test)]
mod tests;

use anyhow::Result;
use aws_sdk_s3::Client;

use super::finding::Finding;
use crate::connection::{Connection, Stack};
use settings::{BucketLock, BucketSettings};

const DEPLOY: &str = "deploy the current version with `portcullis deploy`, which sets it up";

/// The statements of the policy of every bucket of evidence.
const DENIALS: [&str; 2] = ["EncryptedConnectionsOnly", "RecentSignaturesOnly"];

/// The statement that hides files until a scan has found them clean.
const CLEAN_FILES_ONLY: &str = "CleanFilesOnly";

/// The parameters of the stack about evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EvidenceParameters {
    lock_days: i32,
    scans: bool,
}

impl EvidenceParameters {
    /// A stack of an older version lacks them.
    fn of(stack: &Stack) -> Option<Self> {
        Some(Self {
            lock_days: stack.parameter("EvidenceLockDays")?.parse().ok()?,
            scans: stack.parameter("ScanEvidence")? == "true",
        })
    }
}

pub async fn examine(connection: &Connection) -> Vec<Finding> {
    if !connection.has_objects().await {
        let why = "the local database names no object store";
        return vec![Finding::skipped("buckets", why)];
    }
    let client = Client::new(&connection.objects().await);
    let evidence = examine_evidence(connection, &client);
    let exports = examine_exports(connection, &client);
    let snapshots = examine_snapshots(connection, &client);
    let (mut findings, exports, snapshots) =
        futures::future::join3(evidence, exports, snapshots).await;
    findings.extend(exports);
    findings.extend(snapshots);
    findings
}

async fn examine_evidence(connection: &Connection, client: &Client) -> Vec<Finding> {
    let check = "evidence bucket";
    let name = match known(check, connection, connection.evidence_bucket_name()) {
        Ok(name) => name,
        Err(finding) => return vec![finding],
    };
    let stack = connection.stack.as_ref();
    let parameters = stack.and_then(EvidenceParameters::of);
    match settings::read(check, client, name).await {
        Ok(settings) => evidence(name, &settings, parameters),
        Err(finding) => vec![finding],
    }
}

async fn examine_exports(connection: &Connection, client: &Client) -> Vec<Finding> {
    let check = "exports bucket";
    let name = match known(check, connection, connection.exports_bucket_name()) {
        Ok(name) => name,
        Err(finding) => return vec![finding],
    };
    match settings::read(check, client, name).await {
        Ok(settings) => exports(name, &settings),
        Err(finding) => vec![finding],
    }
}

async fn examine_snapshots(connection: &Connection, client: &Client) -> Vec<Finding> {
    let check = "snapshot bucket";
    let name = match known(check, connection, connection.snapshot_bucket_name()) {
        Ok(name) => name,
        Err(finding) => return vec![finding],
    };
    match settings::read(check, client, name).await {
        Ok(settings) => snapshots(name, &settings),
        Err(finding) => vec![finding],
    }
}

/// The name of a bucket, or why it is not checked.
fn known<'a>(
    check: &'static str,
    connection: &Connection,
    name: Result<&'a str>,
) -> Result<&'a str, Finding> {
    name.map_err(|error| match connection.stack {
        Some(_) => Finding::of_error(check, &error),
        None => Finding::skipped(check, "its name is unknown: use --stack"),
    })
}

fn evidence(
    name: &str,
    settings: &BucketSettings,
    parameters: Option<EvidenceParameters>,
) -> Vec<Finding> {
    vec![
        Finding::ok("evidence bucket", name),
        public_access("public access to the evidence bucket", settings),
        versions(settings, parameters),
        evidence_lifecycle(settings),
        policy(settings),
        scans(settings, parameters),
    ]
}

fn exports(name: &str, settings: &BucketSettings) -> Vec<Finding> {
    let lifecycle = "lifecycle of the exports bucket";
    vec![
        Finding::ok("exports bucket", name),
        public_access("public access to the exports bucket", settings),
        match settings.lifecycle.expiration_days {
            Some(1) => Finding::ok(lifecycle, "exports are deleted after a day"),
            Some(days) => {
                let detail = format!("exports are deleted only after {days} days");
                Finding::warning(lifecycle, detail, DEPLOY)
            }
            None => Finding::failed(lifecycle, "exports are never deleted", DEPLOY),
        },
    ]
}

/// An old version would list users who have been erased since.
fn snapshots(name: &str, settings: &BucketSettings) -> Vec<Finding> {
    let versions = "versions of the snapshot bucket";
    vec![
        Finding::ok("snapshot bucket", name),
        public_access("public access to the snapshot bucket", settings),
        if settings.is_versioned || settings.lock.is_some() {
            let detail = "versions are kept: they list users who have been erased since";
            let remedy = "suspend versioning, and delete the old versions";
            Finding::failed(versions, detail, remedy)
        } else {
            Finding::ok(versions, "none, and no lock")
        },
    ]
}

fn public_access(check: &str, settings: &BucketSettings) -> Finding {
    if settings.blocks_public_access {
        Finding::ok(check, "blocked")
    } else {
        Finding::failed(check, "not blocked", DEPLOY)
    }
}

/// Without a lock, a removed file must not stay as an old version.
fn versions(settings: &BucketSettings, parameters: Option<EvidenceParameters>) -> Finding {
    let check = "versions of the evidence bucket";
    let (lock, is_versioned) = (settings.lock, settings.is_versioned);
    let found = match lock {
        Some(lock) => lock.to_string(),
        None => "no lock".to_owned(),
    };
    let wanted = parameters.map(|it| it.lock_days);
    match (lock, wanted) {
        (None, None | Some(0)) if !is_versioned => Finding::ok(check, "none, and no lock"),
        (None, None | Some(0)) => Finding::warning(
            check,
            "versions are kept without a lock: a removed file lasts a day longer",
            "suspend versioning, unless you want that",
        ),
        (
            Some(BucketLock {
                days,
                is_governance,
            }),
            wanted,
        ) if is_versioned && is_governance && wanted.is_none_or(|wanted| wanted == days) => {
            Finding::ok(check, found)
        }
        (_, Some(wanted)) => Finding::failed(
            check,
            format!("{found}, but EvidenceLockDays is {wanted}"),
            "deploy with the value that you want; a bucket with Object Lock cannot lose it",
        ),
        (_, None) => Finding::warning(
            check,
            format!("{found}, which is not what the template sets up"),
            DEPLOY,
        ),
    }
}

fn evidence_lifecycle(settings: &BucketSettings) -> Finding {
    let check = "lifecycle of the evidence bucket";
    let lifecycle = settings.lifecycle;
    if let Some(days) = lifecycle.expiration_days {
        return Finding::failed(
            check,
            format!("S3 deletes files after {days} days, and the API still lists them"),
            "remove that rule: `portcullis workspace set --evidence-days` limits the days",
        );
    }
    if lifecycle.removes_remains && lifecycle.aborts_uploads {
        Finding::ok(check, "removes old versions and unfinished uploads")
    } else {
        let detail = "old versions and unfinished uploads are never removed";
        Finding::warning(check, detail, DEPLOY)
    }
}

fn policy(settings: &BucketSettings) -> Finding {
    let check = "policy of the evidence bucket";
    let has = |sid: &&str| settings.denials.iter().any(|own| own == sid);
    let missing: Vec<_> = DENIALS.into_iter().filter(|sid| !has(sid)).collect();
    if missing.is_empty() {
        Finding::ok(check, "denies unencrypted connections and old links")
    } else {
        let detail = format!("it lacks {}", missing.join(" and "));
        Finding::failed(check, detail, DEPLOY)
    }
}

fn scans(settings: &BucketSettings, parameters: Option<EvidenceParameters>) -> Finding {
    let check = "malware scans of evidence";
    let hides = settings.denials.iter().any(|sid| sid == CLEAN_FILES_ONLY);
    match (hides, parameters.map(|it| it.scans)) {
        (true, Some(true) | None) => Finding::ok(check, "only clean files can be read"),
        (false, Some(false) | None) => Finding::ok(check, "off"),
        (false, Some(true)) => Finding::failed(
            check,
            "ScanEvidence is true, but files can be read before a scan",
            DEPLOY,
        ),
        (true, Some(false)) => Finding::failed(
            check,
            "ScanEvidence is false, and no new file can be read",
            DEPLOY,
        ),
    }
}
