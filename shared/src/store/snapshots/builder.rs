//! Builds snapshots from the tables into the bucket.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;

use super::bucket::SnapshotBucket;
use super::build::{self, BuildOutcome, ChangedUsers, Source, may_block};
use super::object::SnapshotObject;
use super::state::SnapshotState;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::history::LogPosition;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::sync::SyncPosition;
use crate::integrations::failure_queue::FailureQueue;
use crate::store::Store;
use crate::store::dynamo::database::text;
use crate::store::dynamo::deadline::STEP;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, BAN_PREFIX, Item, LEDGER_SHARDS, names};

/// How many users are checked in parallel.
const CHECKS_AT_ONCE: usize = 16;

/// The attributes that tell whether a ban blocks its user.
const READ: &str = "ban.#user, ban.expires, ban.ended";

/// Builds the snapshot of one workspace.
#[derive(Debug)]
pub struct SnapshotBuilder<'a> {
    pub store: &'a Store,
    pub bucket: &'a SnapshotBucket,
    pub failures: &'a FailureQueue,
    pub prefix: WorkspacePrefix,
}

/// A ban, as far as a snapshot needs it.
#[derive(Deserialize)]
struct ListedBan {
    ban: ListedTerms,
}

#[derive(Deserialize)]
struct ListedTerms {
    user: UserId,
    #[serde(default)]
    expires: UnixSeconds,
    #[serde(default)]
    ended: Option<UnixSeconds>,
}

impl ListedTerms {
    fn may_block(&self, now: UnixSeconds) -> bool {
        may_block(self.ended.is_some(), self.expires, now)
    }
}

fn read(item: Item) -> Result<ListedTerms, ApiError> {
    Ok(items::read::<ListedBan>(item)?.ban)
}

impl SnapshotBuilder<'_> {
    /// Builds the next snapshot, unless another worker does.
    pub async fn build(&self, lease: u64) -> Result<BuildOutcome, ApiError> {
        let now = UnixMillis::now();
        let name = schema::SNAPSHOT_LEASE;
        let Some(lease) = self.store.take_lease(self.prefix, name, lease, now).await? else {
            return Ok(BuildOutcome::Skipped);
        };
        let built = build::build(self).await;
        self.store.release(lease).await?;
        built
    }

    async fn is_banned(&self, user: UserId) -> Result<(UserId, bool), ApiError> {
        let query = self
            .store
            .database
            .querying()
            .consistent_read(true)
            .key_condition_expression("pk = :user AND begins_with(sk, :bans)")
            .projection_expression(READ)
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":user", text(schema::user_partition(self.prefix, user)))
            .expression_attribute_values(":bans", text(BAN_PREFIX));
        let mut start = None;
        loop {
            let page = query.clone().set_exclusive_start_key(start);
            let (found, next) = self.store.database.query(page).await?;
            let now = self.now().seconds();
            for item in found {
                if read(item)?.may_block(now) {
                    return Ok((user, true));
                }
            }
            start = next;
            if start.is_none() {
                return Ok((user, false));
            }
        }
    }

    fn shard_query(&self, shard: u64) -> QueryFluentBuilder {
        let list = schema::ledger_partition(self.prefix, shard);
        self.store
            .database
            .querying()
            .index_name(names::BY_WORKSPACE)
            .key_condition_expression("ledger = :list")
            .projection_expression(READ)
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":list", text(list))
    }

    /// The banned users in one shard of the index.
    async fn banned_in(&self, shard: u64) -> Result<Vec<UserId>, ApiError> {
        let query = self.shard_query(shard);
        let (mut users, mut start) = (Vec::new(), None);
        loop {
            let page = query.clone().set_exclusive_start_key(start);
            let (found, next) = self.store.database.query(page).await?;
            let now = self.now().seconds();
            for item in found {
                let ban = read(item)?;
                if ban.may_block(now) {
                    users.push(ban.user);
                }
            }
            start = next;
            if start.is_none() {
                return Ok(users);
            }
        }
    }
}

impl Source for SnapshotBuilder<'_> {
    fn now(&self) -> UnixMillis {
        UnixMillis::now()
    }

    async fn state(&self) -> Result<Option<SnapshotState>, ApiError> {
        self.store.stored_snapshot_state(self.prefix).await
    }

    async fn replace(
        &self,
        before: &SnapshotState,
        after: &SnapshotState,
    ) -> Result<bool, ApiError> {
        let store = self.store;
        store
            .replace_snapshot_state(self.prefix, before, after)
            .await
    }

    async fn remove(&self, before: &SnapshotState) -> Result<(), ApiError> {
        self.bucket.remove(self.prefix).await?;
        self.store.delete_snapshot_state(self.prefix, before).await
    }

    async fn object(&self) -> Result<Option<SnapshotObject>, ApiError> {
        self.bucket.read(self.prefix).await
    }

    async fn store(&self, object: SnapshotObject) -> Result<(), ApiError> {
        // The object and the state, with time to spare.
        if !self.store.has_time(STEP.saturating_mul(2)) {
            let detail = "there is no time left to store the snapshot".to_owned();
            return Err(ApiError::Unavailable(detail));
        }
        self.bucket.write(self.prefix, object).await
    }

    async fn is_log_incomplete(&self) -> Result<bool, ApiError> {
        self.failures.has_messages().await
    }

    async fn head(&self) -> Result<LogPosition, ApiError> {
        self.store.log_head(self.prefix, true).await
    }

    async fn position_at(&self, time: UnixMillis) -> Result<u64, ApiError> {
        self.store.position_since(self.prefix, time).await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<ChangedUsers, ApiError> {
        let now = self.now();
        let head = self
            .store
            .log_end(self.prefix, LogPosition::default())
            .await?;
        let from = SyncPosition {
            log: LogPosition {
                epoch: head.last.epoch,
                position: after,
            },
            at: UnixSeconds::default(),
        };
        let changes = self
            .store
            .changes_after(self.prefix, from, &head, limit, now)
            .await?;
        Ok(ChangedUsers {
            users: changes.users,
            reached: changes.next.log.position,
            is_full: changes.is_full,
        })
    }

    async fn banned_among(
        &self,
        users: BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, bool>, ApiError> {
        stream::iter(users)
            .map(|user| self.is_banned(user))
            .buffer_unordered(CHECKS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn all_banned(&self) -> Result<Vec<UserId>, ApiError> {
        let shards = (0..LEDGER_SHARDS).map(|shard| self.banned_in(shard));
        Ok(try_join_all(shards).await?.concat())
    }
}
