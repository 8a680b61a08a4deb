//! Sets a piece aside: it is removed for everyone, and its content is kept for some minutes, so that the
//! removal can be undone. The scheduled function removes it when it is due. An erasure does not wait.

use super::bucket::EvidenceBucket;
use super::events::{EvidenceActor, EvidenceChange};
use super::item::{EvidenceItem, StoredEvidence};
use super::read::NO_EVIDENCE;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::evidence::Evidence;
use crate::domain::ids::{Guid, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::DatabaseError;

/// For how many seconds a removed piece can be restored: ten minutes.
const SET_ASIDE: u64 = 600;

/// How often a change is retried after a conflict.
const ROUNDS: u32 = 8;

impl Store {
    /// Removes a piece so that it can be restored for some minutes. One that was never available is
    /// removed at once. Nothing changes if it is set aside already; 404 if there is none.
    pub async fn set_aside_evidence(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        by: EvidenceActor<'_>,
        bucket: &EvidenceBucket,
    ) -> Result<(), ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let item = self.stored_piece(prefix, guid).await?;
            if item.set_aside.is_some() {
                return Ok(());
            }
            if !item.is_announced() {
                return self.remove_evidence(prefix, guid, by, bucket).await;
            }
            let now = UnixMillis::now().seconds();
            let after = item.set_aside(now, now.plus(SET_ASIDE));
            let change = EvidenceChange::Removed(by);
            let written = self.replace_piece(prefix, &item, &after, change).await;
            let written = self.database.retry_on_conflict(&mut rounds, written?);
            if written.await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Undoes such a removal. Nothing changes if the piece is not removed; 404 if its time is over.
    pub async fn restore_evidence(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        by: EvidenceActor<'_>,
    ) -> Result<Evidence, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let item = self.stored_piece(prefix, guid).await?;
            if item.set_aside.is_none() {
                return Ok(item.evidence()?);
            }
            let now = UnixMillis::now().seconds();
            if item.due.has_come(now) {
                return Err(NO_EVIDENCE);
            }
            let after = item.restored(now);
            let change = EvidenceChange::Added(by);
            let written = self.replace_piece(prefix, &item, &after, change).await;
            let written = self.database.retry_on_conflict(&mut rounds, written?);
            if written.await?.is_some() {
                return Ok(after.evidence()?);
            }
        }
    }

    /// A piece, also one that is set aside.
    pub async fn kept_evidence(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<Evidence, ApiError> {
        Ok(self.stored_piece(prefix, guid).await?.evidence()?)
    }

    async fn stored_piece(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<EvidenceItem, ApiError> {
        match self.stored_evidence(prefix, guid).await? {
            Some(StoredEvidence::Present(item)) => Ok(item),
            _ => Err(NO_EVIDENCE),
        }
    }

    /// Writes a piece over what was read, with the event about it.
    async fn replace_piece(
        &self,
        prefix: WorkspacePrefix,
        before: &EvidenceItem,
        after: &EvidenceItem,
        change: EvidenceChange<'_>,
    ) -> Result<Result<(), DatabaseError>, ApiError> {
        let event = self.evidence_event(prefix, before, change).await?;
        let write = after.write(&self.database.tables().bans, prefix)?;
        Ok(self.database.transact_counted(vec![write, event]).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::UnixSeconds;
    use crate::domain::evidence::{EvidenceMetadata, EvidenceText, NewEvidence, NewEvidenceBody};
    use crate::domain::ids::UserId;
    use crate::store::evidence::item::Due;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn piece(due: Option<UnixSeconds>) -> EvidenceItem {
        let guid = Guid::from(7);
        let new = NewEvidence {
            case: Guid::from(8),
            user: UserId::new(156).unwrap(),
            body: NewEvidenceBody::Text(EvidenceText::new("Seen".to_owned()).unwrap()),
            metadata: EvidenceMetadata::default(),
            key_id: "mem_0123456789abcdef".to_owned(),
            channel: None,
            moderator: None,
        };
        let due = due.map_or_else(Due::default, |at| Due::at(guid, at));
        EvidenceItem::new(guid, &new, NOW, due)
    }

    #[test]
    fn piece_is_due_at_the_end_of_its_time_and_restored_as_it_was() {
        for due in [None, Some(NOW.plus(86_400))] {
            let before = piece(due);
            let aside = before.set_aside(NOW, NOW.plus(SET_ASIDE));
            assert_eq!(aside.due.at, Some(NOW.plus(SET_ASIDE)));
            assert!(before.is_announced() && !aside.is_announced());
            assert_eq!(aside.counted_bytes(), before.counted_bytes());
            let restored = aside.restored(NOW.plus(1));
            assert_eq!(restored.due.at, due);
            assert!(restored.is_announced());
        }
    }

    #[test]
    fn retention_is_never_extended() {
        let soon = NOW.plus(60);
        let aside = piece(Some(soon)).set_aside(NOW, NOW.plus(SET_ASIDE));
        assert_eq!(aside.due.at, Some(soon));
    }
}
