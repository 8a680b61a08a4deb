//! The bucket of evidence: presigned uploads and downloads, and the check of an uploaded object.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::head_object::{HeadObjectError, HeadObjectOutput};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::ChecksumMode;
use serde::Serialize;

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::evidence::{ContentType, DeclaredFile, FileCheck, FileKey};
use crate::domain::ids::{Guid, WorkspacePrefix};
use crate::integrations::aws::failure;

/// How long an upload may begin, in seconds.
const UPLOAD: u64 = 900;

/// How long the link to a file works, in seconds. A download under way is not cut off. A link signed
/// with a role's temporary credentials ends with them, if that is earlier.
const DOWNLOAD: u64 = 300;

#[derive(Clone, Debug)]
pub struct EvidenceBucket {
    client: Client,
    name: String,
}

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
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_millis(1500))
            .operation_timeout(Duration::from_secs(2))
            .build();
        let config = config.to_builder().timeout_config(timeouts).build();
        Ok(Self::new(&config, std::env::var("EVIDENCE_BUCKET")?))
    }

    /// A bucket with the timeouts of the configuration.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Self {
        let config = aws_sdk_s3::config::Builder::from(config)
            // A presigned upload has exactly the checksum that its uploader declares.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self {
            client: Client::from_conf(config),
            name,
        }
    }

    /// The scheme and host of the bucket's links, for a page that may use them.
    pub async fn origin(&self) -> Result<String, ApiError> {
        let signed = self
            .client
            .get_object()
            .bucket(&self.name)
            .key("-")
            .presigned(valid_for(DOWNLOAD)?)
            .await
            .map_err(|error| failed(&error))?;
        let url = url::Url::parse(signed.uri());
        let url = url.map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(url.origin().ascii_serialization())
    }

    /// A presigned upload of a file.
    pub async fn upload(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        file: &DeclaredFile,
    ) -> Result<EvidenceUpload, ApiError> {
        let expires = UnixMillis::now().seconds().plus(UPLOAD);
        let size = i64::try_from(file.size.bytes());
        let size = size.map_err(|error| ApiError::Internal(error.to_string()))?;
        let signed = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key(prefix, guid))
            .content_length(size)
            .content_type(file.content_type.name())
            .checksum_sha256(file.sha256.as_str())
            .if_none_match("*")
            .presigned(valid_for(UPLOAD)?)
            .await
            .map_err(|error| failed(&error))?;
        // The SDK adds the function's trace id, which is not the uploader's to send.
        let headers = signed
            .headers()
            .filter(|(name, _)| is_signed(signed.uri(), name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(EvidenceUpload {
            method: "PUT",
            url: signed.uri().to_owned(),
            headers: headers.collect(),
            expires,
        })
    }

    /// A presigned download of a file, which a browser saves under its name.
    pub async fn link(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        file: &DeclaredFile,
    ) -> Result<String, ApiError> {
        let signed = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key(prefix, guid))
            .response_content_disposition(file.name.attachment())
            .response_content_type(file.content_type.name())
            .presigned(valid_for(DOWNLOAD)?)
            .await
            .map_err(|error| failed(&error))?;
        Ok(signed.uri().to_owned())
    }

    /// Whether the object has the declared size, type and hash and begins like its type.
    pub(in crate::store) async fn check(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        file: &DeclaredFile,
    ) -> Result<FileCheck, ApiError> {
        let head = self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key(prefix, guid))
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        let head = match head {
            Ok(head) => head,
            Err(error) if is(&error, HeadObjectError::is_not_found) => {
                return Ok(FileCheck::Missing);
            }
            Err(error) => return Err(failed(&error)),
        };
        if !is_declared(&head, file) {
            return Ok(FileCheck::Differs);
        }
        let Some(leading) = self.leading(prefix, guid).await? else {
            return Ok(FileCheck::Missing);
        };
        Ok(if file.content_type.begins(&leading) {
            FileCheck::Matches
        } else {
            FileCheck::Differs
        })
    }

    /// The first bytes of an object.
    async fn leading(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<Option<Vec<u8>>, ApiError> {
        let last = ContentType::LEADING_BYTES.saturating_sub(1);
        let found = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key(prefix, guid))
            .range(format!("bytes=0-{last}"))
            .send()
            .await;
        let found = match found {
            Ok(found) => found,
            Err(error) if is(&error, GetObjectError::is_no_such_key) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let body = found.body.collect().await;
        let body = body.map_err(|error| ApiError::ServiceUnavailable {
            service: SERVICE,
            detail: error.to_string(),
            retry_after: 1,
        })?;
        Ok(Some(body.to_vec()))
    }

    /// Removes an object; does nothing if there is none.
    pub(in crate::store) async fn remove(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<(), ApiError> {
        let removed = self
            .client
            .delete_object()
            .bucket(&self.name)
            .key(key(prefix, guid))
            .send()
            .await;
        match removed {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }
}

const SERVICE: &str = "Amazon S3";

/// Whether a presigned URL binds a header.
fn is_signed(url: &str, header: &str) -> bool {
    let names = url.split_once("X-Amz-SignedHeaders=");
    let names = names.and_then(|(_, rest)| rest.split('&').next());
    names.is_some_and(|names| names.split("%3B").any(|name| name == header))
}

/// Whether S3 stored what was declared. The presigned URL binds all of it.
fn is_declared(head: &HeadObjectOutput, file: &DeclaredFile) -> bool {
    let size = head.content_length().and_then(|it| u64::try_from(it).ok());
    size == Some(file.size.bytes())
        && head.content_type() == Some(file.content_type.name())
        && head.checksum_sha256() == Some(file.sha256.as_str())
}

fn key(prefix: WorkspacePrefix, guid: Guid) -> String {
    FileKey { prefix, guid }.to_string()
}

fn valid_for(seconds: u64) -> Result<PresigningConfig, ApiError> {
    PresigningConfig::expires_in(Duration::from_secs(seconds))
        .map_err(|error| ApiError::Internal(error.to_string()))
}

fn is<E>(error: &SdkError<E>, kind: impl Fn(&E) -> bool) -> bool {
    error.as_service_error().is_some_and(kind)
}

fn failed<E>(error: &SdkError<E>) -> ApiError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    failure(SERVICE, error)
}
