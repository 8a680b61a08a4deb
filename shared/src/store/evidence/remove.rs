//! Removes evidence in two steps: a transaction after which nobody sees the piece, and then its object.
//! If a function is killed in between, the scheduled function finishes. What is left of the piece is
//! kept for a day, and the object is removed once more at its end: an upload may have arrived late.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::bucket::EvidenceBucket;
use super::events::{EvidenceActor, EvidenceChange};
use super::item::{Due, EvidenceItem, RemovedItem, StoredEvidence, UNFINISHED, deleting};
use super::read::NO_EVIDENCE;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::evidence::EvidenceState;
use crate::domain::ids::{Guid, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, holds};
use crate::store::dynamo::schema::Key;

/// How often a removal is retried after a conflict.
const ROUNDS: u32 = 8;

impl Store {
    /// Removes a piece and its file. 404 if there was none within the last day.
    pub async fn remove_evidence(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        by: EvidenceActor<'_>,
        bucket: &EvidenceBucket,
    ) -> Result<(), ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            match self.stored_evidence(prefix, guid).await? {
                None => return Err(NO_EVIDENCE),
                Some(StoredEvidence::Removed(removed)) => {
                    if !removed.object_removed {
                        self.remove_object(prefix, guid, &removed, bucket).await?;
                    }
                    return Ok(());
                }
                Some(StoredEvidence::Present(item)) => {
                    let cause = EvidenceChange::Removed(by);
                    let hidden = self.hide(prefix, guid, &item, cause).await;
                    let hidden = self.database.retry_on_conflict(&mut rounds, hidden);
                    // Read again: what is left, or what another call made of it.
                    hidden.await?;
                }
            }
        }
    }

    /// Takes a piece out of all lists and counts and leaves a [`RemovedItem`].
    pub(super) async fn hide(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        item: &EvidenceItem,
        cause: EvidenceChange<'_>,
    ) -> Result<(), DatabaseError> {
        let mut writes = self.hiding(prefix, guid, item)?;
        writes.push(self.return_quota(prefix, item.counted_bytes())?);
        if item.is_announced() {
            let event = self.evidence_event(prefix, item, cause).await;
            writes.push(event.map_err(|error| DatabaseError::Unavailable(error.to_string()))?);
        }
        self.database.transact_counted(writes).await
    }

    /// The same writes without the count and the event: at most three.
    pub(super) fn hiding(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        item: &EvidenceItem,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let table = &self.database.tables().bans;
        let now = UnixMillis::now().seconds();
        let evidence = item.evidence()?;
        let entry = Key::evidence_entry(prefix, evidence.user, evidence.case, guid);
        let mut writes = vec![
            item.removed(now).write(table, prefix, guid)?,
            deleting(table, entry, Delete::builder())?,
        ];
        if item.file().is_none() {
            let text = Key::evidence_text(prefix, guid);
            writes.push(deleting(table, text, Delete::builder())?);
        }
        Ok(writes)
    }

    /// Removes the object of a removed piece; the second time also the item.
    pub(super) async fn remove_object(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        removed: &RemovedItem,
        bucket: &EvidenceBucket,
    ) -> Result<(), ApiError> {
        if removed.is_file {
            let _underway = self.meter().begin_call();
            bucket.remove(prefix, guid).await?;
        }
        let table = &self.database.tables().bans;
        let write = if removed.object_removed {
            removed.delete(table, prefix, guid)?
        } else {
            let now = UnixMillis::now().seconds();
            let after = RemovedItem {
                object_removed: true,
                due: Due::at(guid, now.plus(UNFINISHED)),
                ..removed.clone()
            };
            after.write(table, prefix, guid)?
        };
        // Another call may have done the same.
        holds(self.database.transact(vec![write]).await)?;
        Ok(())
    }

    /// Removes the object of a rejected file, if that is still to be done.
    pub(super) async fn remove_rejected_object(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        bucket: &EvidenceBucket,
    ) -> Result<(), ApiError> {
        let item = self.present_evidence(prefix, guid).await?;
        if item.state != EvidenceState::Rejected || item.object_removed {
            return Ok(());
        }
        let underway = self.meter().begin_call();
        bucket.remove(prefix, guid).await?;
        drop(underway);
        let now = UnixMillis::now().seconds();
        let after = item.without_object(Due::at(guid, now.plus(UNFINISHED)));
        let write = after.write(&self.database.tables().bans, prefix)?;
        holds(self.database.transact(vec![write]).await)?;
        Ok(())
    }
}
