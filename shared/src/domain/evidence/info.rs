//! A piece of evidence as answers show it: the fields of the published type `evidenceMetadata`, with
//! its misspelling, and our own.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Evidence, EvidenceState};
use crate::domain::ids::WorkspaceId;

/// All fields, with a link to the file or an empty text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceInfo {
    stream_uri: String,
    #[serde(flatten)]
    attached: AttachedEvidence,
}

/// The same without a link, as in lists.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachedEvidence {
    evidence_guid: String,
    /// The published type's spelling.
    #[serde(rename = "worskpaceGuid")]
    misspelt_workspace_guid: String,
    workspace_guid: String,
    /// Unix seconds. The published type has texts.
    created: String,
    updated: String,
    /// The moderator, or else the public id of the key.
    created_by: String,
    file_name: String,
    case_id: String,
    evidence_type: &'static str,
    metadata: Map<String, Value>,
    archive_pending: bool,
    state: EvidenceState,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl AttachedEvidence {
    #[must_use]
    pub fn of(evidence: &Evidence, workspace: WorkspaceId) -> Self {
        let file = evidence.body.file();
        let moderator = evidence.moderator.map(|moderator| moderator.to_string());
        Self {
            evidence_guid: evidence.guid.to_string(),
            misspelt_workspace_guid: workspace.to_string(),
            workspace_guid: workspace.to_string(),
            created: evidence.created.to_string(),
            updated: evidence.updated.to_string(),
            created_by: moderator.unwrap_or_else(|| evidence.key_id.clone()),
            file_name: file.map_or_else(String::new, |file| file.name.to_string()),
            case_id: evidence.case.to_string(),
            evidence_type: evidence.body.type_name(),
            metadata: shown(evidence),
            archive_pending: evidence.state.awaits_upload(),
            state: evidence.state,
            size: evidence.body.bytes(),
            content_type: file.map(|file| file.content_type.name()),
            sha256: file.map(|file| file.sha256.as_str().to_owned()),
        }
    }
}

impl EvidenceInfo {
    #[must_use]
    pub fn of(evidence: &Evidence, workspace: WorkspaceId, link: Option<String>) -> Self {
        Self {
            stream_uri: link.unwrap_or_default(),
            attached: AttachedEvidence::of(evidence, workspace),
        }
    }
}

/// The metadata with the two fields that the published type always has.
fn shown(evidence: &Evidence) -> Map<String, Value> {
    let mut fields = evidence.metadata.fields().clone();
    fields.entry("comment").or_insert_with(|| Value::from(""));
    fields
        .entry("customS3")
        .or_insert_with(|| Value::from(false));
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::clock::UnixSeconds;
    use crate::domain::evidence::{EvidenceBody, EvidenceMetadata};
    use crate::domain::ids::{Guid, ModeratorId, UserId};

    fn text(state: EvidenceState, moderator: Option<u64>) -> Evidence {
        Evidence {
            guid: Guid::from(7),
            case: Guid::from(8),
            user: UserId::new(156).unwrap(),
            state,
            body: EvidenceBody::Text { bytes: 3 },
            metadata: EvidenceMetadata::default(),
            created: UnixSeconds(1),
            updated: UnixSeconds(2),
            key_id: "key".to_owned(),
            moderator: moderator.and_then(ModeratorId::new),
        }
    }

    #[test]
    fn published_fields_are_all_there() {
        let workspace: WorkspaceId = "f2ab4802-48d6-41ef-82a0-222326092f67".parse().unwrap();
        let evidence = text(EvidenceState::Available, None);
        let info = serde_json::to_value(EvidenceInfo::of(&evidence, workspace, None)).unwrap();
        let expected = json!({
            "streamUri": "", "evidenceGuid": "7", "worskpaceGuid": workspace.to_string(),
            "workspaceGuid": workspace.to_string(), "created": "1", "updated": "2",
            "createdBy": "key", "fileName": "", "caseId": "8", "evidenceType": "Metadata",
            "metadata": { "comment": "", "customS3": false }, "archivePending": false,
            "state": "available", "size": 3,
        });
        assert_eq!(info, expected);
    }

    #[test]
    fn moderator_is_shown_instead_of_the_key() {
        let workspace = WorkspaceId::random();
        let evidence = text(EvidenceState::Pending, Some(42));
        let info = serde_json::to_value(AttachedEvidence::of(&evidence, workspace)).unwrap();
        assert_eq!(info["createdBy"], "42");
        assert_eq!(info["archivePending"], true);
        assert_eq!(info.get("streamUri"), None);
    }
}
