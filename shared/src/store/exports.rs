//! Stores exports that are too large for an answer, as objects that expire after a day.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use tokio::task::JoinSet;

use super::Store;
use crate::domain::error::ApiError;
use crate::store::dynamo::meter::Meter;

/// How long the link to an export works, in seconds: long enough to follow it at once, and short
/// because it outlives the key that asked for it. A download under way is not cut off. A link signed
/// with a role's temporary credentials ends with them, if that is earlier.
const LINK_WORKS: u64 = 300;

/// How many parts are uploaded in parallel; each is in memory until it has arrived.
const PARTS_UNDERWAY: usize = 2;

#[derive(Clone, Debug)]
pub struct ExportBucket {
    client: Client,
    name: String,
}

impl ExportBucket {
    /// The bucket named in the environment.
    pub fn from_environment(config: &SdkConfig) -> Result<Self, std::env::VarError> {
        // The bucket checks the length and the signature of each part.
        let config = aws_sdk_s3::config::Builder::from(config)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            // A part takes longer than a row.
            .timeout_config(
                aws_config::timeout::TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(1))
                    .operation_attempt_timeout(Duration::from_secs(10))
                    .operation_timeout(Duration::from_secs(15))
                    .build(),
            )
            .build();
        Ok(Self {
            client: Client::from_conf(config),
            name: std::env::var("EXPORTS_BUCKET")?,
        })
    }

    /// Starts a multipart upload. Its waiting time counts like the store's own.
    pub async fn begin(
        &self,
        store: &Store,
        key: String,
        file_name: &str,
        content_type: &str,
    ) -> Result<Upload, ApiError> {
        let meter = Arc::clone(store.meter());
        let call = self
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(&key)
            .content_type(content_type)
            .content_disposition(content_disposition(file_name));
        let underway = meter.begin_call();
        let begun = call.send().await.map_err(failed)?;
        drop(underway);
        let id = begun
            .upload_id
            .ok_or_else(|| ApiError::Internal("CreateMultipartUpload returned no id".to_owned()))?;
        let bucket = self.clone();
        Ok(Upload {
            bucket,
            meter,
            key,
            id,
            begun: 0,
            underway: JoinSet::new(),
            arrived: Vec::new(),
        })
    }
}

/// A file being uploaded. If dropped before [`Upload::finish`], its parts are removed from the
/// bucket within a day.
#[derive(Debug)]
pub struct Upload {
    bucket: ExportBucket,
    meter: Arc<Meter>,
    key: String,
    id: String,
    begun: i32,
    underway: JoinSet<Result<CompletedPart, ApiError>>,
    arrived: Vec<CompletedPart>,
}

impl Upload {
    /// The minimum size of a part except the last, in bytes.
    pub const PART: usize = 8 * 1024 * 1024;

    pub async fn part(&mut self, bytes: Vec<u8>) -> Result<(), ApiError> {
        while self.underway.len() >= PARTS_UNDERWAY {
            self.arrival().await?;
        }
        self.begun = self.begun.saturating_add(1);
        let number = self.begun;
        let call = self
            .bucket
            .client
            .upload_part()
            .bucket(&self.bucket.name)
            .key(&self.key)
            .upload_id(&self.id)
            .part_number(number)
            .body(bytes.into());
        let underway = self.meter.begin_call();
        self.underway.spawn(async move {
            let _underway = underway;
            let part = call.send().await.map_err(failed)?;
            Ok(CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag)
                .build())
        });
        Ok(())
    }

    /// Completes the upload and returns a link to the file.
    pub async fn finish(mut self) -> Result<String, ApiError> {
        while !self.underway.is_empty() {
            self.arrival().await?;
        }
        self.arrived.sort_by_key(CompletedPart::part_number);
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(self.arrived))
            .build();
        let ExportBucket { client, name } = &self.bucket;
        let underway = self.meter.begin_call();
        client
            .complete_multipart_upload()
            .bucket(name)
            .key(&self.key)
            .upload_id(&self.id)
            .multipart_upload(parts)
            .send()
            .await
            .map_err(failed)?;
        drop(underway);
        let signing = PresigningConfig::expires_in(Duration::from_secs(LINK_WORKS))
            .map_err(|error| ApiError::Internal(error.to_string()))?;
        let link = client
            .get_object()
            .bucket(name)
            .key(&self.key)
            .presigned(signing)
            .await
            .map_err(failed)?;
        Ok(link.uri().to_owned())
    }

    async fn arrival(&mut self) -> Result<(), ApiError> {
        if let Some(part) = self.underway.join_next().await {
            let part = part.map_err(|error| ApiError::Internal(error.to_string()))?;
            self.arrived.push(part?);
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn failed<E>(error: aws_sdk_s3::error::SdkError<E>) -> ApiError
where
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    crate::integrations::aws::failure("Amazon S3", &error)
}

/// The header that makes a browser save an answer as a file.
#[must_use]
pub fn content_disposition(file_name: &str) -> String {
    format!("attachment; filename=\"{file_name}\"")
}
