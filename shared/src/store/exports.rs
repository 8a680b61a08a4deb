//! Stores exports that are too large for an answer, as objects that expire after a day.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use tokio::task::JoinSet;

use super::Store;
use crate::domain::error::ApiError;
use crate::integrations::s3::{Bucket, ObjectRequest, SERVICE, element};
use crate::store::dynamo::meter::Meter;

/// How long the link to an export works: long enough to follow it at once, and short
/// because it outlives the key that asked for it. A download under way is not cut off. A link signed
/// with a role's temporary credentials ends with them, if that is earlier.
const LINK_WORKS: Duration = Duration::from_mins(5);

/// How many parts are uploaded in parallel; each is in memory until it has arrived.
const PARTS_UNDERWAY: usize = 2;

#[derive(Clone, Debug)]
pub struct ExportBucket(Bucket);

impl ExportBucket {
    /// The bucket named in the environment. A part takes longer than a row.
    pub fn from_environment(config: &SdkConfig) -> Result<Self, std::env::VarError> {
        let (attempt, all_attempts) = (Duration::from_secs(10), Duration::from_secs(15));
        Bucket::from_environment(config, "EXPORTS_BUCKET", attempt, all_attempts).map(Self)
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
        let begin = ObjectRequest::new("POST", key.clone())
            .query("uploads", "")
            .header("content-type", content_type)
            .header("content-disposition", content_disposition(file_name));
        let underway = meter.begin_call();
        let answer = self.0.send(begin).await?;
        drop(underway);
        let id = element(&answer.body, "UploadId");
        let id =
            id.ok_or_else(|| ApiError::Internal(format!("{SERVICE} returned no upload id")))?;
        let id = id.to_owned();
        Ok(Upload {
            bucket: self.0.clone(),
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
    bucket: Bucket,
    meter: Arc<Meter>,
    key: String,
    id: String,
    begun: u32,
    underway: JoinSet<Result<ArrivedPart, ApiError>>,
    arrived: Vec<ArrivedPart>,
}

#[derive(Clone, Debug)]
struct ArrivedPart {
    number: u32,
    /// As the bucket gives it, with quotes.
    etag: String,
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
        let put = ObjectRequest::new("PUT", self.key.clone())
            .query("partNumber", number.to_string())
            .query("uploadId", self.id.clone())
            .body(bytes);
        let bucket = self.bucket.clone();
        let underway = self.meter.begin_call();
        self.underway.spawn(async move {
            let _underway = underway;
            let part = bucket.send(put).await?;
            let etag = part.header("etag").unwrap_or_default().to_owned();
            Ok(ArrivedPart { number, etag })
        });
        Ok(())
    }

    /// Completes the upload and returns a link to the file.
    pub async fn finish(mut self) -> Result<String, ApiError> {
        while !self.underway.is_empty() {
            self.arrival().await?;
        }
        self.arrived.sort_unstable_by_key(|part| part.number);
        let parts = self.arrived.iter().map(ArrivedPart::xml);
        let body = format!(
            "<CompleteMultipartUpload>{}</CompleteMultipartUpload>",
            parts.collect::<String>()
        );
        let complete = ObjectRequest::new("POST", self.key.clone())
            .query("uploadId", self.id)
            .header("content-type", "application/xml")
            .body(body);
        let underway = self.meter.begin_call();
        let completed = self.bucket.send(complete).await?;
        drop(underway);
        // S3 answers 200 before it puts the parts together.
        if let Some(code) = element(&completed.body, "Code") {
            return Err(ApiError::ServiceUnavailable {
                service: SERVICE,
                detail: format!("{SERVICE} could not complete an upload: {code}"),
                retry_after: 1,
            });
        }
        let link = ObjectRequest::new("GET", self.key);
        self.bucket.presign(&link, LINK_WORKS).await
    }

    async fn arrival(&mut self) -> Result<(), ApiError> {
        if let Some(part) = self.underway.join_next().await {
            let part = part.map_err(|error| ApiError::Internal(error.to_string()))?;
            self.arrived.push(part?);
        }
        Ok(())
    }
}

impl ArrivedPart {
    fn xml(&self) -> String {
        let Self { number, etag } = self;
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    }
}

/// The header that makes a browser save an answer as a file.
#[must_use]
pub fn content_disposition(file_name: &str) -> String {
    format!("attachment; filename=\"{file_name}\"")
}
