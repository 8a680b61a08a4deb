//! The bucket of snapshots: one object per workspace, which each build replaces.

use std::time::Duration;

use aws_config::SdkConfig;

use super::object::SnapshotObject;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::integrations::s3::{Bucket, ObjectRequest};

#[derive(Clone, Debug)]
pub struct SnapshotBucket(Bucket);

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
        Bucket::from_environment(config, "SNAPSHOT_BUCKET", attempt, operation).map(Self)
    }

    /// A bucket with the timeouts of the configuration.
    #[must_use]
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        Self(Bucket::new(config, name))
    }

    /// A workspace's snapshot; `None` if there is none, or it is damaged.
    pub async fn read(&self, prefix: WorkspacePrefix) -> Result<Option<SnapshotObject>, ApiError> {
        let found = self.0.find(ObjectRequest::new("GET", key(prefix))).await?;
        Ok(found.and_then(|found| SnapshotObject::parse(found.body.into())))
    }

    pub(super) async fn write(
        &self,
        prefix: WorkspacePrefix,
        object: SnapshotObject,
    ) -> Result<(), ApiError> {
        let put = ObjectRequest::new("PUT", key(prefix))
            .header("content-type", "application/octet-stream")
            .body(object.into_bytes());
        self.0.send(put).await?;
        Ok(())
    }

    /// Removes a workspace's snapshot; does nothing if there is none.
    pub async fn remove(&self, prefix: WorkspacePrefix) -> Result<(), ApiError> {
        self.0
            .find(ObjectRequest::new("DELETE", key(prefix)))
            .await?;
        Ok(())
    }
}

fn key(prefix: WorkspacePrefix) -> String {
    prefix.to_string()
}
