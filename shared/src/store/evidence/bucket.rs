//! The bucket of evidence: presigned uploads and downloads, and the check of an uploaded object.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use bytes::Bytes;
use serde::Serialize;

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::evidence::{ContentType, DeclaredFile, FileCheck, FileKey};
use crate::domain::ids::{Guid, WorkspacePrefix};
use crate::integrations::s3::{Bucket, ObjectAnswer, ObjectRequest};

/// How long an upload may begin.
const UPLOAD: Duration = Duration::from_mins(15);

/// How long the link to a file works. A download under way is not cut off. A link signed
/// with a role's temporary credentials ends with them, if that is earlier.
const DOWNLOAD: Duration = Duration::from_mins(5);

#[derive(Clone, Debug)]
pub struct EvidenceBucket(Bucket);

/// How to upload a file: S3 refuses any other size, type or content, and a second upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvidenceUpload {
    method: &'static str,
    url: String,
    /// To be sent exactly.
    headers: BTreeMap<String, String>,
    /// The Unix second by which the upload must have begun.
    expires: UnixSeconds,
}

impl EvidenceUpload {
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers to be sent, by name.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.headers.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl EvidenceBucket {
    /// The bucket named in the environment, with timeouts that fit a function's time limit.
    pub fn from_environment(config: &SdkConfig) -> Result<Self, std::env::VarError> {
        let (attempt, all_attempts) = (Duration::from_millis(1500), Duration::from_secs(2));
        Bucket::from_environment(config, "EVIDENCE_BUCKET", attempt, all_attempts).map(Self)
    }

    /// The same, with time to upload a file of the largest size.
    pub fn for_uploads(config: &SdkConfig) -> Result<Self, std::env::VarError> {
        let (attempt, all_attempts) = (Duration::from_secs(12), Duration::from_secs(14));
        Bucket::from_environment(config, "EVIDENCE_BUCKET", attempt, all_attempts).map(Self)
    }

    /// A bucket with the timeouts of the configuration.
    #[must_use]
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        Self(Bucket::new(config, name))
    }

    /// The scheme and host of the bucket's links, for a page that may use them.
    pub fn origin(&self) -> Result<String, ApiError> {
        self.0.origin()
    }

    /// A presigned upload of a file.
    pub async fn upload(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        file: &DeclaredFile,
    ) -> Result<EvidenceUpload, ApiError> {
        let expires = UnixMillis::now().seconds().plus(UPLOAD.as_secs());
        let headers = [
            ("content-length", file.size.bytes().to_string()),
            ("content-type", file.content_type.name().to_owned()),
            ("if-none-match", "*".to_owned()),
            (SHA256, file.sha256.as_str().to_owned()),
        ];
        let mut put = ObjectRequest::new("PUT", key(prefix, guid));
        for (name, value) in &headers {
            put = put.header(name, value);
        }
        let headers = headers.into_iter();
        Ok(EvidenceUpload {
            method: "PUT",
            url: self.0.presign(&put, UPLOAD).await?,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            expires,
        })
    }

    /// Uploads a file as declared, unless it is there already. S3 refuses other bytes.
    pub(crate) async fn store(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        file: &DeclaredFile,
        bytes: Bytes,
    ) -> Result<(), ApiError> {
        let put = ObjectRequest::new("PUT", key(prefix, guid))
            .header("content-type", file.content_type.name())
            .header(SHA256, file.sha256.as_str())
            .body(bytes);
        self.0.put_new(put).await.map(drop)
    }

    /// A presigned download of a file, which a browser saves under its name.
    pub async fn link(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        file: &DeclaredFile,
    ) -> Result<String, ApiError> {
        let get = ObjectRequest::new("GET", key(prefix, guid))
            .query("response-content-disposition", file.name.attachment())
            .query("response-content-type", file.content_type.name());
        self.0.presign(&get, DOWNLOAD).await
    }

    /// Whether the object has the declared size, type and hash and begins like its type.
    pub(in crate::store) async fn check(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        file: &DeclaredFile,
    ) -> Result<FileCheck, ApiError> {
        let head = ObjectRequest::new("HEAD", key(prefix, guid));
        let head = head.header("x-amz-checksum-mode", "ENABLED");
        let Some(head) = self.0.find(head).await? else {
            return Ok(FileCheck::Missing);
        };
        if !is_declared(&head, file) {
            return Ok(FileCheck::Differs);
        }
        let last = ContentType::LEADING_BYTES.saturating_sub(1);
        let start = ObjectRequest::new("GET", key(prefix, guid));
        let start = start.header("range", format!("bytes=0-{last}"));
        let Some(start) = self.0.find(start).await? else {
            return Ok(FileCheck::Missing);
        };
        Ok(if file.content_type.begins(&start.body) {
            FileCheck::Matches
        } else {
            FileCheck::Differs
        })
    }

    /// Removes an object; does nothing if there is none.
    pub(in crate::store) async fn remove(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<(), ApiError> {
        let delete = ObjectRequest::new("DELETE", key(prefix, guid));
        self.0.find(delete).await?;
        Ok(())
    }
}

const SHA256: &str = "x-amz-checksum-sha256";

/// Whether S3 stored what was declared. The presigned URL binds all of it.
fn is_declared(head: &ObjectAnswer, file: &DeclaredFile) -> bool {
    let size = head.header("content-length");
    size.and_then(|size| size.parse().ok()) == Some(file.size.bytes())
        && head.header("content-type") == Some(file.content_type.name())
        && head.header(SHA256) == Some(file.sha256.as_str())
}

fn key(prefix: WorkspacePrefix, guid: Guid) -> String {
    FileKey { prefix, guid }.to_string()
}
