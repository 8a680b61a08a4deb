//! Which imported bans keep their numbers, so that no number is assigned twice.
//!
//! A ban that returns to its own workspace keeps its number. The first import into a workspace
//! without bans *adopts* the workspace of its bans: their numbers up to the largest at that time
//! are kept, then and when the import is repeated. All others get new ones.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::Deserialize;

use super::ImportPlan;
use crate::domain::error::ApiError;
use crate::domain::ids::{Uid, WorkspaceId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind, attributes};

/// A workspace whose bans keep their numbers in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The workspace of those bans.
    pub workspace: WorkspaceId,
    /// The largest number that is kept.
    pub up_to: u64,
}

impl Adopted {
    pub(super) fn covers(&self, workspace: WorkspaceId, uid: Uid) -> bool {
        self.workspace == workspace && uid.0 <= self.up_to
    }
}

/// The state of a workspace's numbering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbering {
    /// The last number assigned; 0 if there was never a ban.
    pub last: u64,
    /// The workspace whose numbers are kept.
    pub adopted: Option<Adopted>,
}

#[derive(Deserialize)]
struct CounterItem {
    value: u64,
    #[serde(default)]
    adopted: Option<WorkspaceId>,
    #[serde(default)]
    adopted_up_to: u64,
}

impl Store {
    pub async fn numbering(&self, prefix: WorkspacePrefix) -> Result<Numbering, ApiError> {
        let Some(item) = self.database.get(Key::uid_counter(prefix)).await? else {
            return Ok(Numbering::default());
        };
        let counter: CounterItem = items::read(item)?;
        let adopted = counter.adopted.map(|workspace| Adopted {
            workspace,
            up_to: counter.adopted_up_to,
        });
        Ok(Numbering {
            last: counter.value,
            adopted,
        })
    }

    /// Adopts the workspace of the bans if this one never had any, and moves the counter past every
    /// number that will be kept.
    pub(super) async fn settle_numbering(
        &self,
        plan: &ImportPlan,
    ) -> Result<Option<Adopted>, ApiError> {
        let prefix = plan.workspace.prefix();
        let before = self.numbering(prefix).await?;
        let adopting = match (before.last, plan.foreign) {
            (0, Some((workspace, up_to))) => Some(Adopted { workspace, up_to }),
            _ => None,
        };
        if plan.dry_run {
            return Ok(adopting.or(before.adopted));
        }
        if let Some(adopting) = adopting {
            let first = adopting.up_to.max(plan.largest_own);
            match self.adopt(prefix, adopting, first).await {
                Ok(()) => return Ok(Some(adopting)),
                // Another caller has just made the first ban, or started another import.
                Err(DatabaseError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if plan.largest_own > 0 {
            self.raise(prefix, plan.largest_own).await?;
        }
        Ok(self.numbering(prefix).await?.adopted)
    }

    async fn adopt(
        &self,
        prefix: WorkspacePrefix,
        adopting: Adopted,
        last: u64,
    ) -> Result<(), DatabaseError> {
        let update = self
            .database
            .updating(Key::uid_counter(prefix))
            .update_expression(
                "SET kind = :kind, #value = :last, adopted = :from, adopted_up_to = :up_to",
            )
            .condition_expression("attribute_not_exists(pk)")
            .expression_attribute_names("#value", attributes::VALUE)
            .expression_attribute_values(":kind", text(StoredKind::Counter))
            .expression_attribute_values(":last", number(last))
            .expression_attribute_values(":from", text(adopting.workspace.to_string()))
            .expression_attribute_values(":up_to", number(adopting.up_to));
        self.database.update(update).await.map(|_| ())
    }

    async fn raise(&self, prefix: WorkspacePrefix, last: u64) -> Result<(), DatabaseError> {
        let update = self
            .database
            .updating(Key::uid_counter(prefix))
            .update_expression("SET kind = :kind, #value = :last")
            .condition_expression("attribute_not_exists(pk) OR #value < :last")
            .expression_attribute_names("#value", attributes::VALUE)
            .expression_attribute_values(":kind", text(StoredKind::Counter))
            .expression_attribute_values(":last", number(last));
        // If not, it is past them already.
        self.database.update_if(update).await?;
        Ok(())
    }

    /// Takes this many consecutive numbers and returns the first. Unused ones leave a gap.
    pub(super) async fn take_numbers(
        &self,
        prefix: WorkspacePrefix,
        count: u64,
    ) -> Result<u64, DatabaseError> {
        let update = self
            .database
            .updating(Key::uid_counter(prefix))
            .update_expression("SET kind = :kind ADD #value :count")
            .expression_attribute_names("#value", attributes::VALUE)
            .expression_attribute_values(":kind", text(StoredKind::Counter))
            .expression_attribute_values(":count", AttributeValue::N(count.to_string()))
            .return_values(ReturnValue::UpdatedNew);
        let updated = self.database.update(update).await?;
        updated
            .get(attributes::VALUE)
            .and_then(|value| value.as_n().ok()?.parse::<u64>().ok())
            .map(|last| last.saturating_sub(count).saturating_add(1))
            .ok_or_else(|| {
                DatabaseError::Refused("the counter update returned no value".to_owned())
            })
    }
}
