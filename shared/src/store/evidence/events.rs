//! The events of evidence.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::item::EvidenceItem;
use crate::domain::activity::{Activity, ActivityDetails, ActivityId, EvidenceSummary};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;

/// The actor name of a removal by the workspace's retention, where a call has the id of its key.
const RETENTION: &str = "retention";

/// Which event, and the public id of the key that caused it.
#[derive(Clone, Copy, Debug)]
pub(super) enum EvidenceChange<'a> {
    Added(&'a str),
    Removed(&'a str),
    /// By the workspace's retention.
    Expired,
}

impl Store {
    pub(super) async fn evidence_event(
        &self,
        prefix: WorkspacePrefix,
        item: &EvidenceItem,
        change: EvidenceChange<'_>,
    ) -> Result<TransactWriteItem, ApiError> {
        let evidence = item.evidence()?;
        let summary = EvidenceSummary {
            evidence_guid: evidence.guid.to_string(),
            case_id: evidence.case.to_string(),
            evidence_type: evidence.body.type_name().to_owned(),
            file_name: evidence.body.file().map(|file| file.name.to_string()),
        };
        let (key_id, details) = match change {
            EvidenceChange::Added(key) => (key, ActivityDetails::EvidenceAdded(summary)),
            EvidenceChange::Removed(key) => (key, ActivityDetails::EvidenceRemoved(summary)),
            EvidenceChange::Expired => (RETENTION, ActivityDetails::EvidenceRemoved(summary)),
        };
        let activity = Activity {
            id: ActivityId::random(),
            moment: UnixMillis::now(),
            user: Some(evidence.user),
            key_id: key_id.to_owned(),
            channel: None,
            moderator: match change {
                EvidenceChange::Added(_) => evidence.moderator,
                _ => None,
            },
            principal: None,
            reason: None,
            details,
        };
        self.activity_write(prefix, &activity).await
    }
}
