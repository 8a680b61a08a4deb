//! How evidence is answered.

use serde::Serialize;

use super::Reply;
use crate::api::auth::Caller;
use crate::domain::error::ApiError;
use crate::domain::evidence::{Evidence, EvidenceInfo, EvidenceText};
use crate::store::{EvidenceBucket, EvidenceUpload};

/// The answer to a call about one piece: its fields beside the status.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceReply {
    status: &'static str,
    #[serde(flatten)]
    evidence: EvidenceInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<EvidenceUpload>,
    /// That a link in the text will expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl EvidenceReply {
    /// The piece without a link to its file.
    #[must_use]
    pub fn without_link<P>(caller: &Caller<P>, evidence: &Evidence) -> Self {
        Self::new(caller, evidence, None)
    }

    /// The piece with a new link, if its file can be read.
    pub async fn with_link<P>(
        caller: &Caller<P>,
        evidence: &Evidence,
        bucket: &EvidenceBucket,
    ) -> Result<Self, ApiError> {
        let link = match evidence.body.file() {
            Some(file) if evidence.state.is_readable() => {
                Some(bucket.link(caller.prefix(), evidence.guid, file).await?)
            }
            _ => None,
        };
        Ok(Self::new(caller, evidence, link))
    }

    fn new<P>(caller: &Caller<P>, evidence: &Evidence, link: Option<String>) -> Self {
        Self {
            status: "ok",
            evidence: EvidenceInfo::of(evidence, caller.workspace(), link),
            evidence_content: None,
            upload: None,
            hint: None,
        }
    }

    /// Adds the content of a text.
    #[must_use]
    pub fn content(mut self, text: &EvidenceText) -> Self {
        self.evidence_content = Some(text.encode());
        self
    }

    /// Adds how to upload the file.
    #[must_use]
    pub fn upload(mut self, upload: EvidenceUpload) -> Self {
        self.upload = Some(upload);
        self
    }

    /// Adds a hint if the text contains a link that will expire.
    #[must_use]
    pub fn hint_about(mut self, text: &EvidenceText) -> Self {
        self.hint = text.expiring_link().map(|link| link.to_string());
        self
    }

    pub fn reply(&self) -> Result<Reply, ApiError> {
        Reply::json(self)
    }
}
