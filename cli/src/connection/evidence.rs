//! The bucket with the files of evidence.

use anyhow::{Result, bail};
use shared::store::EvidenceBucket;

use super::{Connection, local};

impl Connection {
    /// The bucket: the one named, the stack's, or that of the local stack.
    pub async fn evidence_bucket(&self) -> Result<EvidenceBucket> {
        let name = match (&self.evidence_bucket, &self.stack) {
            (Some(name), _) => name,
            (None, Some(stack)) => stack.output("EvidenceBucketName")?,
            (None, None) if self.is_local => local::EVIDENCE_BUCKET,
            (None, None) => bail!(
                "no bucket for evidence given: use --stack or --evidence-bucket, or set \
                 PORTCULLIS_STACK or EVIDENCE_BUCKET (the stack's output EvidenceBucketName)"
            ),
        };
        detail!("files of evidence are in the bucket {name}");
        let mut sdk = self.sdk.to_builder();
        if std::env::var_os("AWS_ENDPOINT_URL_S3").is_none()
            && let Some(local) = self.local_stack().await
        {
            sdk.set_endpoint_url(local.objects);
        }
        Ok(EvidenceBucket::new(&sdk.build(), name.to_owned()))
    }
}
