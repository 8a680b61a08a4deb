//! The state of a workspace's snapshot: who asked for it last, what the last build reached, and when
//! the next is due. There is none until the workspace asks for a snapshot for the first time.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "admin")]
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::object::SnapshotHeader;
use super::plan::{DAY, SETTLED};
use crate::domain::clock::{Reading, UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::history::LogPosition;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, holds, number, refused, text};
use crate::store::dynamo::expression::expression;
use crate::store::dynamo::items;
#[cfg(feature = "admin")]
use crate::store::dynamo::schema::attributes;
use crate::store::dynamo::schema::{self, Key, StoredKind, names};
use crate::store::dynamo::versions::EXISTS;

/// How long a warm function uses a state: an erased user stays in its memory at most this long.
const CACHE_TTL: Duration = Duration::from_mins(1);

/// The same while there is no snapshot.
const UNBUILT_CACHE_TTL: Duration = Duration::from_secs(5);

/// How many seconds the state of a deleted workspace's snapshot stays at most: 30 days.
#[cfg(feature = "admin")]
const REMAINS: u64 = 30 * DAY;

/// How many due workspaces a sweep reads.
const SWEPT: i32 = 100;

/// The state of a workspace's snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotState {
    /// When a caller last asked for the snapshot, to the day.
    pub requested: UnixSeconds,
    /// When the next build is due.
    pub due_at: UnixSeconds,
    /// When a user whom the snapshot may list was last erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<UnixSeconds>,
    /// When the first of these users was erased; the last, if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted_since: Option<UnixSeconds>,
    /// The last build; none before the first, and after a restore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built: Option<SnapshotHeader>,
    /// Whether the workspace was deleted: the object is to be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

/// What a snapshot covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPosition {
    pub log: LogPosition,
    /// How many users it lists.
    pub count: u64,
    pub built: UnixSeconds,
}

impl SnapshotState {
    /// The version of the last build; 0 before the first.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.built.as_ref().map_or(0, |built| built.version)
    }
}

/// A snapshot that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueSnapshot {
    pub workspace: WorkspacePrefix,
    /// When it became due.
    pub since: UnixSeconds,
}

#[derive(Deserialize)]
struct DueItem {
    pk: String,
    due_at: UnixSeconds,
}

/// A state item.
#[derive(Serialize)]
struct StateItem {
    #[serde(flatten)]
    state: SnapshotState,
    due: &'static str,
}

impl Store {
    /// The state of a workspace's snapshot, eventually consistent and cached for up to 60 s.
    pub async fn snapshot_state(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Option<Arc<SnapshotState>>, ApiError> {
        let kept = |state: &Option<Arc<SnapshotState>>| match state {
            Some(state) if state.built.is_some() => CACHE_TTL,
            _ => UNBUILT_CACHE_TTL,
        };
        if let Some(known) = self.caches.snapshots.get(&prefix, kept) {
            return Ok(known);
        }
        let looked_up = Reading::now();
        let found = self
            .database
            .batch_get([Key::snapshot(prefix)], false)
            .await?;
        let found = found.into_iter().next().map(items::read::<SnapshotState>);
        let state = found.transpose()?.map(Arc::new);
        self.caches.snapshots.put(prefix, state.clone(), looked_up);
        Ok(state)
    }

    /// What the workspace's snapshot covers, if there is one; cached like the state.
    pub async fn snapshot_position(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Option<SnapshotPosition>, ApiError> {
        let state = self.snapshot_state(prefix).await?;
        let built = state.as_ref().and_then(|state| state.built.as_ref());
        Ok(built.map(|built| SnapshotPosition {
            log: built.log_position(),
            count: built.count,
            built: built.built,
        }))
    }

    /// Orders the first snapshot of a workspace.
    pub async fn order_snapshot(
        &self,
        prefix: WorkspacePrefix,
        now: UnixSeconds,
    ) -> Result<(), ApiError> {
        let item = StateItem {
            state: SnapshotState {
                requested: now,
                due_at: now,
                doubt: None,
                doubted_since: None,
                built: None,
                removed: false,
            },
            due: schema::DUE_SNAPSHOTS,
        };
        let item = items::write(Key::snapshot(prefix), StoredKind::Snapshot, item)?;
        self.database.create(item).await?;
        self.caches.snapshots.remove(&prefix);
        Ok(())
    }

    /// Records beside the answer, at most once per day, that a caller asked for the snapshot.
    pub fn note_snapshot_request(
        &self,
        prefix: WorkspacePrefix,
        state: &SnapshotState,
        now: UnixSeconds,
    ) {
        if now.0.saturating_sub(state.requested.0) < DAY {
            return;
        }
        let update = self
            .database
            .updating(Key::snapshot(prefix))
            .update_expression("SET requested = :now")
            .condition_expression(EXISTS)
            .expression_attribute_values(":now", number(now));
        self.database.beside(update);
        self.caches.snapshots.remove(&prefix);
    }

    /// Makes the next build due now: the object is missing, damaged or too old.
    pub async fn hasten_snapshot(
        &self,
        prefix: WorkspacePrefix,
        now: UnixSeconds,
    ) -> Result<(), ApiError> {
        self.advance_snapshot(prefix, now).await?;
        Ok(())
    }

    /// Brings the next build forward to this second; `false` if it is due by then anyway.
    async fn advance_snapshot(
        &self,
        prefix: WorkspacePrefix,
        due_at: UnixSeconds,
    ) -> Result<bool, DatabaseError> {
        let update = self
            .database
            .updating(Key::snapshot(prefix))
            .update_expression("SET due_at = :due")
            .condition_expression("due_at > :due")
            .expression_attribute_values(":due", number(due_at));
        self.database.update_if(update).await
    }

    /// Makes a full build due once the index of bans no longer shows a user who is being erased. Does
    /// nothing without a snapshot.
    pub(in crate::store) async fn doubt_snapshot(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<(), DatabaseError> {
        let now = UnixMillis::now().seconds();
        let update = self
            .database
            .updating(Key::snapshot(prefix))
            .update_expression(
                "SET doubt = :now, doubted_since = if_not_exists(doubted_since, :now)",
            )
            .condition_expression(EXISTS)
            .expression_attribute_values(":now", number(now));
        if self.database.update_if(update).await? {
            self.advance_snapshot(prefix, now.plus(SETTLED)).await?;
        }
        Ok(())
    }

    /// Forgets the last build, so that the next is a full one, now. Nobody gets the snapshot until
    /// then.
    #[cfg(feature = "admin")]
    pub(in crate::store) async fn reset_snapshot(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<(), DatabaseError> {
        let update = self
            .database
            .updating(Key::snapshot(prefix))
            .update_expression("SET due_at = :now REMOVE built")
            .condition_expression(EXISTS)
            .expression_attribute_values(":now", number(UnixMillis::now().seconds()));
        self.database.update_if(update).await.map(drop)
    }

    /// Has the snapshot of a deleted workspace removed: its state remains until then.
    #[cfg(feature = "admin")]
    pub(in crate::store) async fn discard_snapshot(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<(), DatabaseError> {
        let now = UnixMillis::now().seconds();
        let update = self
            .database
            .updating(Key::snapshot(prefix))
            .update_expression("SET due_at = :now, removed = :removed, #ttl = :ttl REMOVE built")
            .condition_expression(EXISTS)
            .expression_attribute_names("#ttl", attributes::TTL)
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":removed", AttributeValue::Bool(true))
            .expression_attribute_values(":ttl", number(now.plus(REMAINS)));
        self.database.update_if(update).await.map(drop)
    }

    /// Some workspaces whose snapshots are due, longest overdue first.
    pub async fn due_snapshots(&self, now: UnixSeconds) -> Result<Vec<DueSnapshot>, ApiError> {
        let query = self
            .database
            .querying()
            .index_name(names::DUE)
            .key_condition_expression("due = :snapshots AND due_at <= :now")
            .expression_attribute_values(":snapshots", text(schema::DUE_SNAPSHOTS))
            .expression_attribute_values(":now", number(now))
            .limit(SWEPT);
        let (found, _) = self.database.query(query).await?;
        let due = |item| {
            let DueItem { pk, due_at } = items::read(item)?;
            let sk = String::new();
            let workspace = Key { pk, sk }.partition().map(|it| it.prefix);
            Ok(workspace.map(|workspace| DueSnapshot {
                workspace,
                since: due_at,
            }))
        };
        let due: Result<Vec<_>, DatabaseError> = found.into_iter().map(due).collect();
        Ok(due?.into_iter().flatten().collect())
    }

    /// The state, strongly consistent.
    pub(super) async fn stored_snapshot_state(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Option<SnapshotState>, ApiError> {
        let found = self.database.get(Key::snapshot(prefix)).await?;
        Ok(found.map(items::read).transpose()?)
    }

    /// Replaces what a build changes of a state that was read; `false` if it has changed since.
    pub(super) async fn replace_snapshot_state(
        &self,
        prefix: WorkspacePrefix,
        before: &SnapshotState,
        after: &SnapshotState,
    ) -> Result<bool, ApiError> {
        let mut sets = vec!["due_at = :due_at"];
        let mut removes = Vec::new();
        let mut conditions = vec![EXISTS, "attribute_not_exists(removed)"];
        let update = self.database.updating(Key::snapshot(prefix));
        let mut update = update.expression_attribute_values(":due_at", number(after.due_at));
        match &before.doubt {
            Some(doubt) => {
                conditions.push("doubt = :doubt");
                update = update.expression_attribute_values(":doubt", number(doubt));
            }
            None => conditions.push("attribute_not_exists(doubt)"),
        }
        match &before.built {
            Some(built) => {
                conditions.push("built.version = :version");
                update = update.expression_attribute_values(":version", number(built.version));
            }
            None => conditions.push("attribute_not_exists(built)"),
        }
        if let Some(built) = &after.built {
            sets.push("built = :built");
            update = update.expression_attribute_values(":built", items::attribute(built)?);
        }
        match after.doubted_since {
            Some(since) => {
                sets.push("doubted_since = :since");
                update = update.expression_attribute_values(":since", number(since));
            }
            None => removes.extend(["doubt", "doubted_since"]),
        }
        let update = update
            .update_expression(expression(&sets, &removes))
            .condition_expression(conditions.join(" AND "));
        Ok(self.database.update_if(update).await?)
    }

    /// Deletes the state of a snapshot that nobody asks for, unless it was asked for since.
    pub(super) async fn delete_snapshot_state(
        &self,
        prefix: WorkspacePrefix,
        before: &SnapshotState,
    ) -> Result<(), ApiError> {
        let delete = Delete::builder()
            .table_name(&self.database.tables().bans)
            .set_key(Some(Key::snapshot(prefix).item()))
            .condition_expression("requested = :requested")
            .expression_attribute_values(":requested", number(before.requested))
            .build()
            .map_err(refused)?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        holds(self.database.transact(vec![delete]).await)?;
        Ok(())
    }
}
