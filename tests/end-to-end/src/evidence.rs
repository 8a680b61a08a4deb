//! Evidence of a workspace: bodies of calls, stored items, and the removal of what is due.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::workspace::Workspace;

pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// The body with which the published SDK creates evidence.
pub fn text_body(case: &str, text: &str) -> Value {
    json!({
        "caseId": case, "evidenceType": "Metadata", "evidenceContent": base64(text.as_bytes()),
    })
}

pub fn file_body(case: &str, content_type: &str, bytes: &[u8]) -> Value {
    json!({
        "caseId": case, "evidenceType": "File", "fileName": "clip 1.png",
        "contentType": content_type, "size": bytes.len(), "sha256": base64(&Sha256::digest(bytes)),
    })
}

impl Workspace<'_> {
    /// The stored items of one kind.
    pub async fn stored_of(&self, kind: &str) -> Vec<Value> {
        let mut items = self.stored().await;
        items.retain(|item| item["kind"]["S"] == kind);
        items
    }

    /// Makes the time of all evidence that waits for its removal come, and returns how much there
    /// is.
    pub async fn bring_evidence_due(&self) -> usize {
        let past = json!({ ":past": { "N": "1" } });
        let mut due = 0;
        for kind in ["evidence", "removed-evidence"] {
            for item in self.stored_of(kind).await {
                if item.get("due_at").is_some() {
                    let update = self.app().update_item(&item, "SET due_at = :past", &past);
                    update.await;
                    due += 1;
                }
            }
        }
        due
    }
}
