//! How many bytes of evidence a workspace stores.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};

use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::access::workspaces::EVIDENCE_GIB;
use crate::store::dynamo::database::{DatabaseError, number, refused, text};
use crate::store::dynamo::schema::{Key, StoredKind, attributes};

impl Store {
    /// Counts these bytes, if the workspace may store them.
    pub(super) async fn take_quota(
        &self,
        prefix: WorkspacePrefix,
        bytes: u64,
    ) -> Result<TransactWriteItem, ApiError> {
        let limit = self.evidence_limit(prefix).await?;
        // What does not fit an empty workspace would pass the condition on a missing item.
        let room = limit
            .checked_sub(bytes)
            .ok_or(ApiError::EvidenceQuotaReached)?;
        let update = Update::builder()
            .condition_expression("attribute_not_exists(pk) OR #value <= :room")
            .expression_attribute_values(":room", number(room));
        Ok(self.count_bytes(prefix, &bytes.to_string(), update)?)
    }

    /// Returns the bytes of removed pieces.
    pub(super) fn return_quota(
        &self,
        prefix: WorkspacePrefix,
        bytes: u64,
    ) -> Result<TransactWriteItem, DatabaseError> {
        self.count_bytes(prefix, &format!("-{bytes}"), Update::builder())
    }

    /// Whether the workspace may store this much more.
    pub(super) async fn has_quota(
        &self,
        prefix: WorkspacePrefix,
        bytes: u64,
    ) -> Result<bool, ApiError> {
        let limit = self.evidence_limit(prefix).await?;
        let found = self.database.get(Key::evidence_quota(prefix)).await?;
        let stored = found.and_then(|item| item.get(attributes::VALUE)?.as_n().ok()?.parse().ok());
        // After a restore, the count may be below 0.
        let stored: i128 = stored.unwrap_or_default();
        Ok(stored.saturating_add(i128::from(bytes)) <= i128::from(limit))
    }

    async fn evidence_limit(&self, prefix: WorkspacePrefix) -> Result<u64, ApiError> {
        let workspace = self.known_workspace(prefix).await?;
        let gib = workspace.and_then(|workspace| workspace.evidence_gib);
        Ok(u64::from(gib.unwrap_or(EVIDENCE_GIB).get()) << 30)
    }

    fn count_bytes(
        &self,
        prefix: WorkspacePrefix,
        difference: &str,
        update: UpdateBuilder,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let update = update
            .table_name(&self.database.tables().bans)
            .set_key(Some(Key::evidence_quota(prefix).item()))
            .update_expression("SET #kind = :kind ADD #value :difference")
            .expression_attribute_names("#kind", attributes::KIND)
            .expression_attribute_names("#value", attributes::VALUE)
            .expression_attribute_values(":kind", text(StoredKind::EvidenceBytes))
            .expression_attribute_values(":difference", number(difference));
        Ok(TransactWriteItem::builder()
            .update(update.build().map_err(refused)?)
            .build())
    }
}
