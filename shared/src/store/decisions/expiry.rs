//! Records the expiry of bans. That they are no longer in force depends on the clock and needs no
//! job; the event does.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use serde::Serialize;

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::rules::{Ban, DecisionKind, Expiry};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{number, refused, text};
use crate::store::dynamo::items::{self, BanItem, StoredBan};
use crate::store::dynamo::schema::{self, Key, StoredKind, attributes, names};
use crate::store::dynamo::versions;

pub use crate::store::dynamo::schema::EXPIRY_SHARDS;

/// The actor name of an expiry in the log, where a decision has the id of its key.
const BY: &str = "expiry";

/// How often recording an expiry is retried after a conflict with a decision on the ban.
const ROUNDS: u32 = 10;

/// The record of a ban that is due to expire.
#[derive(Clone, Debug)]
pub struct Expiring {
    prefix: WorkspacePrefix,
    user: UserId,
    key: Key,
}

impl Expiring {
    fn of(key: Key) -> Option<Self> {
        let (prefix, user) = (key.partition()?.prefix, key.user()?);
        Some(Self { prefix, user, key })
    }
}

/// The expiry of a ban, stored beside the decisions on it.
#[derive(Serialize)]
struct ExpiryItem {
    decision: DecisionKind,
    at: UnixSeconds,
    at_ms: u64,
    ban: StoredBan,
    previous: StoredBan,
    applied: bool,
    previous_applied: bool,
    key_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
}

impl Store {
    /// Some expired bans of a shard whose expiry is not recorded yet, earliest first.
    pub async fn expiring(
        &self,
        shard: u64,
        now: UnixSeconds,
        limit: u16,
    ) -> Result<Vec<Expiring>, ApiError> {
        let query = self
            .database
            .querying()
            .index_name(names::DUE)
            .key_condition_expression("due = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", text(schema::expiries(shard)))
            .expression_attribute_values(":now", number(now.0))
            .limit(i32::from(limit));
        let (found, _) = self.database.query(query).await?;
        let keys = found.iter().filter_map(Key::of);
        Ok(keys.filter_map(Expiring::of).collect())
    }

    /// Records that a ban has expired, if it has and this is not recorded; returns whether it did.
    pub async fn record_expiry(
        &self,
        expiring: &Expiring,
        now: UnixMillis,
    ) -> Result<bool, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let Some(item) = self.database.get(expiring.key.clone()).await? else {
                return Ok(false);
            };
            if !item.contains_key(attributes::DUE) {
                return Ok(false);
            }
            let stored = items::read::<BanItem>(item)?;
            let applied = stored.applied;
            let ban = Ban::from(stored.ban);
            let at = match ban.terms.expires {
                Expiry::At(at) if ban.ending.is_none() && at <= now.seconds() => at,
                // It has another end, which the index does not show yet.
                _ => return Ok(false),
            };
            let writes = self.expiry_writes(expiring, &ban, applied, at).await?;
            let written = self.database.transact(writes).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(true);
            }
        }
    }

    async fn expiry_writes(
        &self,
        expiring: &Expiring,
        ban: &Ban,
        applied: Option<u32>,
        at: UnixSeconds,
    ) -> Result<Vec<TransactWriteItem>, ApiError> {
        let Expiring { prefix, user, key } = expiring;
        let table = &self.database.tables().bans;
        let applied = applied == Some(ban.revision);
        let policy = self.record_policy(*prefix).await?;
        let item = ExpiryItem {
            decision: DecisionKind::Expired,
            at,
            at_ms: at.0.saturating_mul(1000),
            ban: ban.into(),
            previous: ban.into(),
            applied,
            previous_applied: applied,
            key_id: BY,
            ttl: policy.leaves(UnixMillis::now().seconds()),
        };
        let of_expiry = Key::expiry(*prefix, *user, ban.guid, ban.decisions);
        let put = versions::put_new(table, items::write(of_expiry, StoredKind::Expiry, item)?)?;
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key.clone().item()))
            .update_expression("REMOVE due, due_at")
            // Every decision counts, so the ban is unchanged since it was read.
            .condition_expression("due_at = :at AND ban.decisions = :decisions")
            .expression_attribute_values(":at", number(at.0))
            .expression_attribute_values(":decisions", number(ban.decisions))
            .build()
            .map_err(refused)?;
        Ok(vec![
            put,
            TransactWriteItem::builder().update(update).build(),
        ])
    }
}
