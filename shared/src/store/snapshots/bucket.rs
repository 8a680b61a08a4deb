//! The bucket of snapshots: one object per workspace, which each build replaces.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::object::SnapshotObject;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::integrations::aws::failure;

const SERVICE: &str = "Amazon S3";

#[derive(Clone, Debug)]
pub struct SnapshotBucket {
    client: Client,
    name: String,
}

impl SnapshotBucket {
    /// The bucket named in the environment, for a route: reading an object ends within its time limit.
    pub fn for_reading(config: &SdkConfig) -> Result<Self, std::env::VarError> {
        Self::from_environment(config, Duration::from_millis(1500), Duration::from_secs(3))
    }

    /// The same for the function that builds.
    pub fn for_building(config: &SdkConfig) -> Result<Self, std::env::VarError> {
        Self::from_environment(config, Duration::from_secs(5), Duration::from_secs(8))
    }

    fn from_environment(
        config: &SdkConfig,
        attempt: Duration,
        operation: Duration,
    ) -> Result<Self, std::env::VarError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(attempt)
            .operation_timeout(operation)
            .build();
        let config = config.to_builder().timeout_config(timeouts).build();
        Ok(Self::new(&config, std::env::var("SNAPSHOT_BUCKET")?))
    }

    /// A bucket with the timeouts of the configuration.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Self {
        let config = aws_sdk_s3::config::Builder::from(config)
            // The object has a checksum of its own.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self {
            client: Client::from_conf(config),
            name,
        }
    }

    /// A workspace's snapshot; `None` if there is none, or it is damaged.
    pub async fn read(&self, prefix: WorkspacePrefix) -> Result<Option<SnapshotObject>, ApiError> {
        let call = self.client.get_object().bucket(&self.name).key(key(prefix));
        let found = match call.send().await {
            Ok(found) => found,
            // The role may list the bucket: without that right, S3 would answer 403.
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let body = found.body.collect().await;
        let body = body.map_err(|error| ApiError::ServiceUnavailable {
            service: SERVICE,
            detail: error.to_string(),
            retry_after: 1,
        })?;
        Ok(SnapshotObject::parse(body.to_vec()))
    }

    pub(super) async fn write(
        &self,
        prefix: WorkspacePrefix,
        object: SnapshotObject,
    ) -> Result<(), ApiError> {
        let call = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key(prefix))
            .content_type("application/octet-stream")
            .body(object.into_bytes().into());
        call.send().await.map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Removes a workspace's snapshot; does nothing if there is none.
    pub async fn remove(&self, prefix: WorkspacePrefix) -> Result<(), ApiError> {
        let call = self
            .client
            .delete_object()
            .bucket(&self.name)
            .key(key(prefix));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn key(prefix: WorkspacePrefix) -> String {
    prefix.to_string()
}

fn failed<E>(error: &SdkError<E>) -> ApiError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    failure(SERVICE, error)
}
