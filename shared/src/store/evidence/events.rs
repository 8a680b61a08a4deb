//! The events of evidence.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::item::EvidenceItem;
use crate::domain::activity::{Activity, ActivityDetails, ActivityId, EvidenceSummary};
use crate::domain::actor::Channel;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;

/// The actor name of a removal by the workspace's retention, where a call has the id of its key.
const RETENTION: &str = "retention";

/// Who changes evidence.
#[derive(Clone, Copy, Debug)]
pub struct EvidenceActor<'a> {
    /// The public id of the key or member, or a name such as `operator`.
    pub id: &'a str,
    pub channel: Option<Channel>,
}

impl<'a> From<&'a str> for EvidenceActor<'a> {
    fn from(id: &'a str) -> Self {
        Self { id, channel: None }
    }
}

/// Which event, and who caused it.
#[derive(Clone, Copy, Debug)]
pub(super) enum EvidenceChange<'a> {
    Added(EvidenceActor<'a>),
    Removed(EvidenceActor<'a>),
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
        let (by, details) = match change {
            EvidenceChange::Added(by) => (by, ActivityDetails::EvidenceAdded(summary)),
            EvidenceChange::Removed(by) => (by, ActivityDetails::EvidenceRemoved(summary)),
            EvidenceChange::Expired => {
                (RETENTION.into(), ActivityDetails::EvidenceRemoved(summary))
            }
        };
        let activity = Activity {
            id: ActivityId::random(),
            moment: UnixMillis::now(),
            user: Some(evidence.user),
            key_id: by.id.to_owned(),
            channel: by.channel,
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
