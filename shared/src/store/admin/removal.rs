//! Deletes a workspace with everything in it.
//!
//! The order allows for interruptions: the links first, so that nothing is propagated any more; of
//! each user the records of bans last, because they lead to the user; the workspace itself at the
//! very end. Activities of a user without bans are found through the event log, so the stream must
//! have logged them; it does within seconds. Started again, it continues with the rest. Used
//! idempotency keys, codes of account links, names of users without bans, markers of erased bans, leases, counts of caps and
//! what is left of removed evidence are left to the table's own expiry, and files of evidence and the
//! snapshot to the scheduled functions.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use futures::future::try_join_all;

use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, failure, refused, text};
use crate::store::dynamo::schema::{
    self, GLOBAL_SHARDS, Item, Key, LEDGER_SHARDS, LOG_SHARDS, names,
};

/// How many items DynamoDB deletes in one call.
const BATCH: usize = 25;

/// How many bans' users are deleted in one step.
const USERS: i32 = 50;

/// How many retries an unfinished batch gets: with the back-offs, a few seconds.
const ROUNDS: u32 = 30;

impl Store {
    /// Removes all links of a workspace and its users' Global bans, and returns the number of
    /// items.
    pub async fn remove_global(&self, prefix: WorkspacePrefix) -> Result<u64, ApiError> {
        let mut removed = self
            .remove_partition(schema::link_partition(prefix))
            .await?;
        for shard in 0..GLOBAL_SHARDS {
            let partition = schema::global_partition(prefix, shard);
            removed = removed.saturating_add(self.remove_partition(partition).await?);
        }
        Ok(removed)
    }

    /// Removes some users of a workspace, found by their bans, and returns how many bans they had;
    /// `None` at the end of the list.
    pub async fn remove_some_users(
        &self,
        prefix: WorkspacePrefix,
        at: &mut RemovalPosition,
    ) -> Result<Option<u64>, ApiError> {
        if at.shard >= LEDGER_SHARDS {
            return Ok(None);
        }
        let query = self
            .database
            .querying()
            .index_name(names::BY_WORKSPACE)
            .key_condition_expression("ledger = :list")
            .projection_expression("pk, sk")
            .expression_attribute_values(":list", text(schema::ledger_partition(prefix, at.shard)))
            .limit(USERS)
            .set_exclusive_start_key(at.after.take());
        let (found, next) = self.database.query(query).await?;
        at.after = next;
        if at.after.is_none() {
            at.shard = at.shard.saturating_add(1);
        }
        let users: BTreeSet<UserId> = found
            .iter()
            .filter_map(|item| Key::of(item)?.user())
            .collect();
        let bans =
            try_join_all(users.into_iter().map(|user| self.remove_user(prefix, user))).await?;
        Ok(Some(bans.into_iter().sum()))
    }

    /// Removes what the event log still lists: activities of users who had no bans.
    async fn remove_logged(&self, prefix: WorkspacePrefix) -> Result<u64, DatabaseError> {
        let mut removed = 0_u64;
        for shard in 0..LOG_SHARDS {
            let mut after = None;
            loop {
                let query = self
                    .database
                    .querying()
                    .index_name(names::EVENTS)
                    .key_condition_expression("log_shard = :shard")
                    .projection_expression("pk, sk")
                    .expression_attribute_values(":shard", text(schema::log_shard(prefix, shard)))
                    .set_exclusive_start_key(after.take());
                let (found, next) = self.database.query(query).await?;
                let keys: Vec<_> = found.iter().filter_map(Key::of).collect();
                removed = removed.saturating_add(u64::try_from(keys.len()).unwrap_or(u64::MAX));
                self.remove(keys).await?;
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(removed)
    }

    /// Removes the rest of a workspace, itself last: its account links, its event log, its webhooks with their
    /// deliveries, its counter, its protected users, when its experiences polled, erasure requests
    /// and their receipts, its members, its keys, its groups, its mirrors.
    pub async fn remove_rest(&self, prefix: WorkspacePrefix) -> Result<u64, ApiError> {
        self.discard_snapshot(prefix).await?;
        let mut removed = self.remove_endpoints(prefix).await?;
        removed = removed.saturating_add(self.remove_members(prefix).await?);
        removed = removed.saturating_add(self.remove_logged(prefix).await?);
        for partition in schema::workspace_partitions(prefix) {
            removed = removed.saturating_add(self.remove_partition(partition).await?);
        }
        let keys = self.key_items(prefix).await?;
        for item in keys {
            if let Some(key) = Key::of(&item) {
                self.database.delete(key).await?;
                removed = removed.saturating_add(1);
            }
        }
        self.database.delete(Key::erasure_intake(prefix)).await?;
        for allowed in self.groups(prefix).await? {
            self.database
                .delete(Key::group(prefix, allowed.group))
                .await?;
            removed = removed.saturating_add(1);
        }
        for mirrored in self.mirrors_of(prefix).await? {
            let key = Key::mirror(prefix, mirrored.experience);
            self.database.delete(key).await?;
            removed = removed.saturating_add(1);
        }
        for ended in self.ended_mirrors(prefix, None).await? {
            let universe = ended.settings.universe;
            let key = Key::ended_mirror(prefix, ended.experience, universe);
            self.database.delete(key).await?;
            removed = removed.saturating_add(1);
        }
        self.database.delete(Key::workspace(prefix)).await?;
        Ok(removed.saturating_add(1))
    }

    /// Removes a user's evidence and partition and returns how many bans were in it. Evidence requires
    /// the record of its ban, so what a call still adds is found after the records are gone.
    async fn remove_user(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<u64, DatabaseError> {
        self.erase_evidence(prefix, user, None).await?;
        let keys = self.keys_of(schema::user_partition(prefix, user)).await?;
        let (bans, others): (Vec<_>, Vec<_>) = keys
            .into_iter()
            .partition(|key| key.sk.starts_with(schema::BAN_PREFIX));
        self.remove(others).await?;
        let count = u64::try_from(bans.len()).unwrap_or(u64::MAX);
        self.remove(bans).await?;
        self.erase_evidence(prefix, user, None).await?;
        Ok(count)
    }

    pub(in crate::store) async fn remove_partition(
        &self,
        partition: String,
    ) -> Result<u64, DatabaseError> {
        let keys = self.keys_of(partition).await?;
        let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        self.remove(keys).await?;
        Ok(count)
    }

    async fn keys_of(&self, partition: String) -> Result<Vec<Key>, DatabaseError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :partition")
            .projection_expression("pk, sk")
            .expression_attribute_values(":partition", text(partition));
        let items = self.database.query_all(query).await?;
        Ok(items.iter().filter_map(Key::of).collect())
    }

    /// Deletes items of the bans table, in no particular order.
    pub(in crate::store) async fn remove(&self, keys: Vec<Key>) -> Result<(), DatabaseError> {
        let table = &self.database.tables().bans;
        for batch in keys.chunks(BATCH) {
            let delete = |key: &Key| {
                let request = DeleteRequest::builder().set_key(Some(key.clone().item()));
                let request = request.build().map_err(refused)?;
                Ok(WriteRequest::builder().delete_request(request).build())
            };
            let mut left: Vec<_> = batch.iter().map(delete).collect::<Result<_, _>>()?;
            let mut rounds = Rounds::at_most(ROUNDS);
            while !left.is_empty() {
                let call = self
                    .database
                    .client()
                    .batch_write_item()
                    .request_items(table, std::mem::take(&mut left));
                let output = self.database.timed(call.send()).await.map_err(failure)?;
                left = output
                    .unprocessed_items
                    .and_then(|mut all| all.remove(table))
                    .unwrap_or_default();
                if !left.is_empty() {
                    let detail = "items were left unprocessed".to_owned();
                    let error = DatabaseError::Unavailable(detail);
                    self.database.retry_after_pause(&mut rounds, error).await?;
                }
            }
        }
        Ok(())
    }
}

/// The position of the removal of users.
#[derive(Clone, Debug, Default)]
pub struct RemovalPosition {
    shard: u64,
    after: Option<Item>,
}
