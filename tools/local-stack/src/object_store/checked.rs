//! What S3 does and `s3s-fs` does not: it stores an upload only when it is complete and correct, lets one of
//! several conditional uploads win, returns checksums only on request, and hides missing objects from those
//! that may not list the bucket.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

#[allow(
    clippy::wildcard_imports,
    reason = "an input and an output for each operation"
)]
use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, auth::Credentials};
use s3s_fs::FileSystem;
use tokio::sync::RwLock;

use super::{
    rights::{Rights, refused},
    settings, staging,
};
use crate::{Error, Result, template::Bucket};

pub(super) struct Checked {
    files: Arc<FileSystem>,
    root: PathBuf,
    buckets: Vec<Bucket>,
    rights: Arc<Rights>,
    /// Held while an object and its checksum change, which `s3s-fs` writes one after the other.
    change: Arc<RwLock<()>>,
}

impl Checked {
    pub(super) fn new(root: &Path, buckets: &[Bucket], rights: Arc<Rights>) -> Result<Self> {
        let files =
            FileSystem::new(root).map_err(|e| Error::Tool(format!("the object store: {e:?}")))?;
        Ok(Self {
            files: Arc::new(files),
            root: root.to_owned(),
            buckets: buckets.to_vec(),
            rights,
            change: Arc::default(),
        })
    }

    /// A key that is only the prefix of other keys is a folder here and nothing on S3.
    fn is_folder(&self, bucket: &str, key: &str) -> bool {
        self.root.join(bucket).join(key).is_dir()
    }

    fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        let mut buckets = self.buckets.iter();
        let found = buckets.find(|bucket| bucket.name == name);
        found.ok_or_else(|| S3Error::new(S3ErrorCode::NoSuchBucket))
    }

    fn missing(&self, error: S3Error, signer: Option<&Credentials>, bucket: &str) -> S3Error {
        let is_missing = *error.code() == S3ErrorCode::NoSuchKey;
        if is_missing && !self.rights.may_list(signer, bucket) {
            refused("Access Denied")
        } else {
            error
        }
    }
}

/// For the outputs of two operations, which are different types with the same fields.
macro_rules! remove_checksums {
    ($output:expr) => {{
        $output.checksum_crc32 = None;
        $output.checksum_crc32c = None;
        $output.checksum_crc64nvme = None;
        $output.checksum_sha1 = None;
        $output.checksum_sha256 = None;
    }};
}

#[async_trait::async_trait]
impl S3 for Checked {
    async fn put_object(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let trailers = request.trailing_headers.as_ref();
        staging::stage(&self.root, &mut request.input, trailers).await?;
        let (files, change) = (Arc::clone(&self.files), Arc::clone(&self.change));
        whole(async move {
            let _changing = change.write().await;
            files.put_object(request).await
        })
        .await
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let (signer, bucket) = (request.credentials.clone(), request.input.bucket.clone());
        let with_checksum = is_enabled(request.input.checksum_mode.as_ref());
        let _reading = self.change.read().await;
        let found = if self.is_folder(&bucket, &request.input.key) {
            Err(S3Error::new(S3ErrorCode::NoSuchKey))
        } else {
            self.files.get_object(request).await
        };
        let mut found = found.map_err(|error| self.missing(error, signer.as_ref(), &bucket))?;
        if !with_checksum {
            remove_checksums!(found.output);
        }
        Ok(found)
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let (signer, bucket) = (request.credentials.clone(), request.input.bucket.clone());
        let with_checksum = is_enabled(request.input.checksum_mode.as_ref());
        let _reading = self.change.read().await;
        let found = if self.is_folder(&bucket, &request.input.key) {
            Err(S3Error::new(S3ErrorCode::NoSuchKey))
        } else {
            self.files.head_object(request).await
        };
        let mut found = found.map_err(|error| self.missing(error, signer.as_ref(), &bucket))?;
        if !with_checksum {
            remove_checksums!(found.output);
        }
        Ok(found)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        if self.is_folder(&request.input.bucket, &request.input.key) {
            return Ok(S3Response::new(DeleteObjectOutput::default()));
        }
        let (files, change) = (Arc::clone(&self.files), Arc::clone(&self.change));
        whole(async move {
            let _changing = change.write().await;
            files.delete_object(request).await
        })
        .await
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
        settings::lifecycle(self.bucket(&request.input.bucket)?).map(S3Response::new)
    }

    async fn get_bucket_policy(
        &self,
        request: S3Request<GetBucketPolicyInput>,
    ) -> S3Result<S3Response<GetBucketPolicyOutput>> {
        settings::policy(self.bucket(&request.input.bucket)?).map(S3Response::new)
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let versioning = settings::versioning(self.bucket(&request.input.bucket)?);
        Ok(S3Response::new(versioning))
    }

    async fn get_object_lock_configuration(
        &self,
        request: S3Request<GetObjectLockConfigurationInput>,
    ) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
        settings::object_lock(self.bucket(&request.input.bucket)?).map(S3Response::new)
    }

    async fn get_public_access_block(
        &self,
        request: S3Request<GetPublicAccessBlockInput>,
    ) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
        settings::public_access(self.bucket(&request.input.bucket)?).map(S3Response::new)
    }

    // `s3s-fs` does these as S3 does.

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.files.abort_multipart_upload(request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.files.complete_multipart_upload(request).await
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        self.files.copy_object(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.files.create_multipart_upload(request).await
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.files.delete_objects(request).await
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.files.head_bucket(request).await
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        self.files.list_objects(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.files.list_objects_v2(request).await
    }

    async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        self.files.list_parts(request).await
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        self.files.upload_part(request).await
    }
}

/// Completes a change even if its caller disconnects, so that no object is left without its checksum.
async fn whole<T: Send + 'static>(
    change: impl Future<Output = S3Result<T>> + Send + 'static,
) -> S3Result<T> {
    let done = tokio::spawn(change).await;
    done.map_err(S3Error::internal_error)?
}

fn is_enabled(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}
