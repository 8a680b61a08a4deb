//! Erases a user: deletes every item of a workspace that names them, and leaves a receipt that does
//! not. Reads and transactions are bounded, however much there is.

mod batch;
mod keeping;
pub(in crate::store) mod sweep;

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::Serialize;

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{Database, DatabaseError, refused};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{BAN_PREFIX, Item, Key, StoredKind};
use crate::store::erasure::markers::{Markers, Marking};
use batch::ErasureBatch;
use keeping::Keeping;
use sweep::Sweep;

/// How often the user's items are read again because there may be more, or after a write conflict.
const ROUNDS: u32 = 20;

/// An erasure that takes longer puts the snapshot in doubt once more: the next full build starts a minute
/// after that, and must not see the user in an index that lags.
const LONG: Duration = Duration::from_secs(5);

/// Who requested an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ErasureSource {
    Operator,
    /// Roblox, by a notification.
    Roblox,
}

/// A request for erasure.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct UserErasure {
    pub prefix: WorkspacePrefix,
    pub user: UserId,
    pub source: ErasureSource,
    /// What was decided after this second is kept; none = nothing is kept.
    pub until: Option<UnixSeconds>,
}

/// What was removed: all that is kept about an erased user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErasureReceipt {
    /// Records of bans.
    pub bans: u64,
    /// All items, including those records.
    pub items: u64,
}

#[derive(Serialize)]
struct ReceiptItem {
    #[serde(flatten)]
    receipt: ErasureReceipt,
    at: UnixSeconds,
    source: ErasureSource,
}

impl ErasureReceipt {
    pub(in crate::store) fn with(self, items: &[Item]) -> Self {
        let keys = items.iter().filter_map(Key::of);
        let bans = keys.filter(|key| key.sk.starts_with(BAN_PREFIX)).count();
        let sum = |before: u64, more: usize| {
            before.saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
        };
        Self {
            bans: sum(self.bans, bans),
            items: sum(self.items, items.len()),
        }
    }
}

impl Store {
    pub(in crate::store) async fn erase_user_as(
        &self,
        erasure: &UserErasure,
    ) -> Result<ErasureReceipt, ApiError> {
        let marking = self.marking(erasure.prefix).await?;
        let began = Instant::now();
        let mut removed = ErasureReceipt::default();
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let sweeping = self.erase_round(erasure, marking.as_ref(), &mut removed);
            let swept = Box::pin(sweeping).await;
            match self.database.retry_on_conflict(&mut rounds, swept).await? {
                Some(false) => {
                    if removed.bans > 0 && began.elapsed() > LONG {
                        self.doubt_snapshot(erasure.prefix).await?;
                    }
                    return Ok(removed);
                }
                // There may be more.
                Some(true) => {
                    rounds.another(DatabaseError::Conflict)?;
                }
                None => {}
            }
        }
    }

    /// One pass over what names a user and, if there is nothing left, over their evidence; `false` if
    /// there was none either. New evidence requires the record of its ban, which is gone by then.
    async fn erase_round(
        &self,
        erasure: &UserErasure,
        marking: Option<&Marking>,
        removed: &mut ErasureReceipt,
    ) -> Result<bool, DatabaseError> {
        if self.erase_found(erasure, marking, removed).await? {
            return Ok(true);
        }
        let (prefix, user) = (erasure.prefix, erasure.user);
        let pieces = self.erase_evidence(prefix, user, erasure.until).await?;
        removed.items = removed.items.saturating_add(pieces);
        Ok(pieces > 0)
    }

    /// Deletes what one pass finds of a user; `false` if there was nothing.
    async fn erase_found(
        &self,
        erasure: &UserErasure,
        marking: Option<&Marking>,
        removed: &mut ErasureReceipt,
    ) -> Result<bool, DatabaseError> {
        let (prefix, user) = (erasure.prefix, erasure.user);
        let mut batch = ErasureBatch::new(prefix, user);
        let mut sweep = Sweep::of(prefix, user);
        let mut keeping = Keeping::since(erasure.until);
        while let Some(page) = sweep.next(&self.database).await? {
            let now = UnixMillis::now().seconds();
            for item in page {
                if keeping.keeps(&item)? {
                    continue;
                }
                let markers = match marking {
                    Some(marking) => marking.of(&item, now)?,
                    None => Markers::default(),
                };
                if !batch.has_room_for(&item, &markers)? {
                    let full = std::mem::replace(&mut batch, ErasureBatch::new(prefix, user));
                    self.erase(&full, marking, None, removed).await?;
                }
                batch.add(item, markers)?;
            }
        }
        if batch.items().is_empty() {
            return Ok(false);
        }
        self.erase(&batch, marking, Some(erasure), removed).await?;
        Ok(true)
    }

    /// Deletes a batch in one transaction, with the markers that it leaves and, if it is the last,
    /// the receipt.
    async fn erase(
        &self,
        batch: &ErasureBatch,
        marking: Option<&Marking>,
        last_of: Option<&UserErasure>,
        removed: &mut ErasureReceipt,
    ) -> Result<(), DatabaseError> {
        let sum = removed.with(batch.items());
        // If this is interrupted, a repeat finds no record, so the snapshot is in doubt before.
        if removed.bans == 0 && sum.bans > 0 {
            self.doubt_snapshot(batch.prefix()).await?;
        }
        let mut writes = batch.writes(&self.database, marking)?;
        if let Some(erasure) = last_of {
            writes.push(receipt(&self.database, erasure, sum)?);
        }
        self.database.transact(writes).await?;
        *removed = sum;
        Ok(())
    }
}

fn receipt(
    database: &Database,
    erasure: &UserErasure,
    receipt: ErasureReceipt,
) -> Result<TransactWriteItem, DatabaseError> {
    let now = UnixMillis::now();
    let item = ReceiptItem {
        receipt,
        at: now.seconds(),
        source: erasure.source,
    };
    let name = uuid::Uuid::new_v4().simple().to_string();
    let key = Key::receipt(erasure.prefix, now, &name);
    let put = Put::builder()
        .table_name(&database.tables().bans)
        .set_item(Some(items::write(key, StoredKind::Receipt, item)?))
        .build()
        .map_err(refused)?;
    Ok(TransactWriteItem::builder().put(put).build())
}
