//! Evidence whose time has come: uploads that were never finished, pieces beyond the workspace's
//! retention, and objects that remain to be removed.

use super::bucket::EvidenceBucket;
use super::events::EvidenceChange;
use super::item::StoredEvidence;
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::evidence::EvidenceState;
use crate::domain::ids::{Guid, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{holds, number, text};
use crate::store::dynamo::schema::{self, Key, names};

pub use crate::store::dynamo::schema::EVIDENCE_SHARDS;

/// A piece that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueEvidence {
    prefix: WorkspacePrefix,
    guid: Guid,
}

impl Store {
    /// Some pieces of a shard that are due, earliest first. The index may be behind.
    pub async fn due_evidence(
        &self,
        shard: u64,
        now: UnixSeconds,
        limit: u16,
    ) -> Result<Vec<DueEvidence>, ApiError> {
        let query = self
            .database
            .querying()
            .index_name(names::DUE)
            .key_condition_expression("due = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", text(schema::due_evidence(shard)))
            .expression_attribute_values(":now", number(now.0))
            .limit(i32::from(limit));
        let (found, _) = self.database.query(query).await?;
        let pieces = found
            .iter()
            .filter_map(|item| Key::of(item)?.evidence_guid());
        Ok(pieces
            .map(|(prefix, guid)| DueEvidence { prefix, guid })
            .collect())
    }

    /// Does what is due with a piece; returns whether there was anything.
    pub async fn expire_evidence(
        &self,
        due: DueEvidence,
        now: UnixSeconds,
        bucket: &EvidenceBucket,
    ) -> Result<bool, ApiError> {
        let DueEvidence { prefix, guid } = due;
        match self.stored_evidence(prefix, guid).await? {
            Some(StoredEvidence::Present(item)) if item.due.has_come(now) => {
                if item.state == EvidenceState::Rejected && !item.object_removed {
                    self.remove_rejected_object(prefix, guid, bucket).await?;
                    return Ok(true);
                }
                let cause = EvidenceChange::Expired;
                if !holds(self.hide(prefix, guid, &item, cause).await)? {
                    // It has just been changed; the next run looks again.
                    return Ok(false);
                }
            }
            Some(StoredEvidence::Removed(removed)) if removed.due.has_come(now) => {
                self.remove_object(prefix, guid, &removed, bucket).await?;
                return Ok(true);
            }
            _ => return Ok(false),
        }
        if let Some(StoredEvidence::Removed(removed)) = self.stored_evidence(prefix, guid).await?
            && !removed.object_removed
        {
            self.remove_object(prefix, guid, &removed, bucket).await?;
        }
        Ok(true)
    }
}
