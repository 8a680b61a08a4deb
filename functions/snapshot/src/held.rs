//! The snapshots in the memory of a warm function.

use std::sync::{Arc, Mutex};

use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;
use shared::domain::lock::lock;
use shared::store::{SnapshotBucket, SnapshotObject};

/// How many workspaces' snapshots are held.
const WORKSPACES: usize = 4;

/// How many bytes they may have together. A larger one is loaded for each request.
const BYTES: usize = 48 * 1024 * 1024;

/// The bucket, and what was read from it.
#[derive(Debug)]
pub struct HeldSnapshots {
    bucket: SnapshotBucket,
    /// The most recently used last.
    held: Mutex<Vec<(WorkspacePrefix, Arc<SnapshotObject>)>>,
}

impl HeldSnapshots {
    #[must_use]
    pub fn new(bucket: SnapshotBucket) -> Self {
        Self {
            bucket,
            held: Mutex::default(),
        }
    }

    /// A workspace's snapshot of at least this version; none if the bucket has only an older one.
    pub async fn at_least(
        &self,
        prefix: WorkspacePrefix,
        version: u64,
    ) -> Result<Option<Arc<SnapshotObject>>, ApiError> {
        // Whatever the state says is current: a held snapshot of another version may be of an
        // erased user.
        let held = self.take(prefix);
        if let Some(held) = held.filter(|held| held.header().version >= version) {
            self.hold(prefix, &held);
            return Ok(Some(held));
        }
        let read = self.bucket.read(prefix).await?.map(Arc::new);
        let current = read.filter(|read| read.header().version >= version);
        if let Some(current) = &current {
            self.hold(prefix, current);
        }
        Ok(current)
    }

    fn take(&self, prefix: WorkspacePrefix) -> Option<Arc<SnapshotObject>> {
        let mut held = lock(&self.held);
        let at = held.iter().position(|(of, _)| *of == prefix)?;
        Some(held.remove(at).1)
    }

    fn hold(&self, prefix: WorkspacePrefix, object: &Arc<SnapshotObject>) {
        let mut held = lock(&self.held);
        held.push((prefix, Arc::clone(object)));
        let bytes = |held: &[(WorkspacePrefix, Arc<SnapshotObject>)]| -> usize {
            held.iter().map(|(_, object)| object.encoded().len()).sum()
        };
        while held.len() > WORKSPACES || bytes(&held) > BYTES {
            held.remove(0);
        }
    }
}
