//! The buckets of evidence, exports and snapshots.

use anyhow::{Result, bail};
use aws_config::SdkConfig;
use shared::store::EvidenceBucket;

use super::{Connection, local};

impl Connection {
    /// The name of the bucket of evidence: the one given, the stack's, or that of the local stack.
    pub fn evidence_bucket_name(&self) -> Result<&str> {
        match (&self.evidence_bucket, &self.stack) {
            (Some(name), _) => Ok(name),
            (None, Some(stack)) => stack.output("EvidenceBucketName"),
            (None, None) if self.is_local => Ok(local::EVIDENCE_BUCKET),
            (None, None) => bail!(
                "no bucket for evidence given: use --stack or --evidence-bucket, or set \
                 PORTCULLIS_STACK or EVIDENCE_BUCKET (the stack's output EvidenceBucketName)"
            ),
        }
    }

    /// The name of the bucket of exports: the stack's, or that of the local stack.
    pub fn exports_bucket_name(&self) -> Result<&str> {
        match &self.stack {
            Some(stack) => stack.output("ExportsBucketName"),
            None if self.is_local => Ok(local::EXPORTS_BUCKET),
            None => bail!("no bucket for exports given: use --stack"),
        }
    }

    /// The name of the bucket of snapshots: the stack's, or that of the local stack.
    pub fn snapshot_bucket_name(&self) -> Result<&str> {
        match &self.stack {
            Some(stack) => stack.output("SnapshotBucketName"),
            None if self.is_local => Ok(local::SNAPSHOT_BUCKET),
            None => bail!("no bucket for snapshots given: use --stack"),
        }
    }

    /// The bucket of evidence.
    pub async fn evidence_bucket(&self) -> Result<EvidenceBucket> {
        let name = self.evidence_bucket_name()?;
        detail!("files of evidence are in the bucket {name}");
        Ok(EvidenceBucket::new(&self.objects().await, name))
    }

    /// The SDK configuration for S3: the local stack's, unless the environment sets an endpoint.
    pub async fn objects(&self) -> SdkConfig {
        let mut sdk = self.sdk.to_builder();
        if std::env::var_os("AWS_ENDPOINT_URL_S3").is_none()
            && let Some(local) = self.local_stack().await
        {
            sdk.set_endpoint_url(local.objects);
        }
        sdk.build()
    }

    /// Whether the object store is known. A local database may not name one.
    pub async fn has_objects(&self) -> bool {
        !self.is_local
            || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some()
            || (self.local_stack().await).is_some_and(|local| local.objects.is_some())
    }
}
