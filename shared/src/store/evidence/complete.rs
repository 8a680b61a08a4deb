//! Completes an upload: checks the object, and makes the piece available or rejects it.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::bucket::EvidenceBucket;
use super::events::{EvidenceActor, EvidenceChange};
use super::item::{Due, EvidenceItem};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::evidence::{Completion, Evidence, EvidenceState};
use crate::domain::ids::{Guid, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;

/// How often a completion is retried after a conflict.
const ROUNDS: u32 = 8;

impl Store {
    /// The piece once its file is available; 409 if nothing has been uploaded or a scan found malware, 422 if the file is not
    /// what was declared. Of simultaneous calls one records the state and its event; all answer the
    /// same.
    pub async fn complete_evidence(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        by: EvidenceActor<'_>,
        bucket: &EvidenceBucket,
    ) -> Result<Evidence, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let mut item = self.present_evidence(prefix, guid).await?;
            if let Some(file) = item.file().filter(|_| item.state.awaits_upload()) {
                let underway = self.meter().begin_call();
                let check = bucket.check(prefix, guid, file).await?;
                drop(underway);
                let state = match item.state.complete(check) {
                    Completion::UploadFirst => {
                        // A removal at the same time takes the object after the piece.
                        self.present_evidence(prefix, guid).await?;
                        return Err(ApiError::NotUploaded);
                    }
                    Completion::Already(state) | Completion::Becomes(state) => state,
                };
                let (after, writes) = self.completion(prefix, guid, &item, state, by).await?;
                let written = self.database.transact_counted(writes).await;
                let written = self.database.retry_on_conflict(&mut rounds, written);
                if written.await?.is_none() {
                    continue;
                }
                item = after;
            }
            if item.state.is_readable() {
                return Ok(item.evidence()?);
            }
            if item.state == EvidenceState::Quarantined {
                return Err(ApiError::Quarantined);
            }
            // If this fails, the schedule does it.
            self.remove_rejected_object(prefix, guid, bucket).await?;
            return Err(ApiError::ContentMismatch);
        }
    }

    /// The piece in its state after the upload, and the writes that record it.
    async fn completion(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        item: &EvidenceItem,
        state: EvidenceState,
        by: EvidenceActor<'_>,
    ) -> Result<(EvidenceItem, Vec<TransactWriteItem>), ApiError> {
        let now = UnixMillis::now().seconds();
        let (due, besides);
        if state.is_readable() {
            due = self.retention_due(prefix, guid, now).await?;
            let added = EvidenceChange::Added(by);
            besides = self.evidence_event(prefix, item, added).await?;
        } else {
            due = Due::at(guid, now);
            besides = self.return_quota(prefix, item.counted_bytes())?;
        }
        let after = item.in_state(state, now, due);
        let write = after.write(&self.database.tables().bans, prefix)?;
        Ok((after, vec![write, besides]))
    }
}
