//! Changes the metadata of a piece.

use serde_json::{Map, Value};

use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::evidence::Evidence;
use crate::domain::ids::{Guid, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;

/// How often a change is retried after a conflict with another one.
const ROUNDS: u32 = 8;

impl Store {
    /// Merges these fields into the metadata of a piece; `null` removes a field.
    pub async fn change_evidence_metadata(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        change: &Map<String, Value>,
    ) -> Result<Evidence, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let mut item = self.present_evidence(prefix, guid).await?;
            let before = item.evidence()?;
            let merged = before
                .metadata
                .merged(change.clone())
                .map_err(|fault| ApiError::field("body", fault.to_string()))?;
            if merged == before.metadata {
                return Ok(before);
            }
            item.set_metadata(&merged);
            item.updated = UnixMillis::now().seconds();
            let write = item.write(&self.database.tables().bans, prefix)?;
            let written = self.database.transact_counted(vec![write]).await;
            let written = self.database.retry_on_conflict(&mut rounds, written);
            if written.await?.is_some() {
                return Ok(item.evidence()?);
            }
        }
    }
}
