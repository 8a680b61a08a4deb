//! Changes the metadata of a piece.

use serde_json::{Map, Value};

use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::evidence::Evidence;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::{Guid, WorkspacePrefix};
use crate::store::Store;
use crate::store::decisions::requests;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::versions;

/// How often a change is retried after a conflict with another one.
const ROUNDS: u32 = 8;

impl Store {
    /// Merges these fields into the metadata of a piece; `null` removes a field. A repeat under the
    /// same idempotency key changes nothing, whatever has changed in between.
    pub async fn change_evidence_metadata(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        change: &Map<String, Value>,
        named: Option<(&str, &IdempotencyKey)>,
    ) -> Result<Evidence, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let now = UnixMillis::now().seconds();
            let mut item = self.present_evidence(prefix, guid).await?;
            if let Some((key_id, name)) = named
                && self.is_repeat(prefix, key_id, name, now).await?
            {
                return Ok(item.evidence()?);
            }
            let before = item.evidence()?;
            let merged = before
                .metadata
                .merged(change.clone())
                .map_err(|fault| ApiError::field("body", fault.to_string()))?;
            let table = &self.database.tables().bans;
            let mut writes = Vec::new();
            if merged != before.metadata {
                item.set_metadata(&merged);
                item.updated = now;
                writes.push(item.write(table, prefix)?);
            }
            if let Some((key_id, name)) = named {
                let key = requests::key(prefix, key_id, name);
                let used = requests::item(key, name, None, now)?;
                writes.push(versions::put_new(table, used)?);
            }
            if writes.is_empty() {
                return Ok(before);
            }
            let written = self.database.transact_counted(writes).await;
            let written = self.database.retry_on_conflict(&mut rounds, written);
            if written.await?.is_some() {
                return Ok(item.evidence()?);
            }
        }
    }
}
