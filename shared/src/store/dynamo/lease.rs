//! Leases: the exclusive right to work on something for a limited time.

use aws_sdk_dynamodb::types::ReturnValue;

use super::database::{number, text};
use super::schema::{Key, StoredKind, attributes};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;

/// How many seconds after its end a lease's item is kept: a day.
const KEPT: u64 = 86_400;

/// The right to work on something, until it is returned or expires.
#[derive(Debug)]
#[must_use = "a lease is to be given back"]
pub struct Lease {
    key: Key,
    holder: String,
}

impl Store {
    /// Takes the lease with this name for some seconds; none if another worker holds it. A worker
    /// that is killed keeps it until it expires, so it is taken for longer than a worker can run.
    pub async fn take_lease(
        &self,
        prefix: WorkspacePrefix,
        name: &str,
        seconds: u64,
        now: UnixMillis,
    ) -> Result<Option<Lease>, ApiError> {
        let key = Key::lease(prefix, name);
        let holder = uuid::Uuid::new_v4().simple().to_string();
        let until = now.millis().saturating_add(seconds.saturating_mul(1000));
        let ttl = now.seconds().plus(seconds).plus(KEPT);
        let update = self
            .database
            .updating(key.clone())
            .update_expression(
                "SET kind = :kind, holder = :holder, held_until = :until, #ttl = :ttl",
            )
            // The last part is for an attempt of this very call whose answer was lost.
            .condition_expression(
                "attribute_not_exists(held_until) OR held_until < :now OR holder = :holder",
            )
            .expression_attribute_names("#ttl", attributes::TTL)
            .expression_attribute_values(":kind", text(StoredKind::Lease))
            .expression_attribute_values(":holder", text(&holder))
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":ttl", number(ttl))
            .expression_attribute_values(":now", number(now.millis()))
            .return_values(ReturnValue::None);
        let is_taken = self.database.update_if(update).await?;
        Ok(is_taken.then_some(Lease { key, holder }))
    }

    /// Returns a lease. If another worker has taken it meanwhile, that one keeps it.
    pub async fn release(&self, lease: Lease) -> Result<(), ApiError> {
        let update = self
            .database
            .updating(lease.key)
            .update_expression("REMOVE held_until")
            .condition_expression("holder = :holder")
            .expression_attribute_values(":holder", text(lease.holder));
        self.database.update_if(update).await?;
        Ok(())
    }
}
