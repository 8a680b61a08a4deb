//! One build of a snapshot, over anything that has the tables and the bucket: the tests simulate them.

use std::collections::{BTreeMap, BTreeSet};

use super::object::{Contents, SnapshotHeader, SnapshotObject};
use super::plan::{ENTRIES, NextBuild, Plan, SETTLED, Situation};
use super::state::SnapshotState;
use crate::domain::banned_users::BannedUsers;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::history::LogPosition;
use crate::domain::ids::UserId;

/// How often recording a build is retried after a conflict with an erasure.
const ROUNDS: u32 = 10;

/// The result of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildOutcome {
    Built {
        header: SnapshotHeader,
        /// Whether all bans were read.
        is_full: bool,
    },
    /// The last build was less than a minute ago; the schedule makes the next.
    TooEarly,
    /// Nobody has asked for a week: the snapshot was removed.
    Removed,
    /// The workspace has never asked, or another worker is building.
    Skipped,
}

/// The users of some entries of the log.
#[derive(Clone, Debug, Default)]
pub(super) struct ChangedUsers {
    pub users: BTreeSet<UserId>,
    pub reached: u64,
    /// Whether there may be more entries.
    pub is_full: bool,
}

/// What a build reads and writes.
pub(super) trait Source {
    fn now(&self) -> UnixMillis;

    /// Strongly consistent.
    async fn state(&self) -> Result<Option<SnapshotState>, ApiError>;

    /// Replaces the state that was read; `false` if it has changed since.
    async fn replace(
        &self,
        before: &SnapshotState,
        after: &SnapshotState,
    ) -> Result<bool, ApiError>;

    /// Deletes the object, then the state if it is still the one that was read.
    async fn remove(&self, before: &SnapshotState) -> Result<(), ApiError>;

    /// The stored snapshot; none if it is missing or damaged.
    async fn object(&self) -> Result<Option<SnapshotObject>, ApiError>;

    async fn store(&self, object: SnapshotObject) -> Result<(), ApiError>;

    /// Whether there are changes that the event log may never show.
    async fn is_log_incomplete(&self) -> Result<bool, ApiError>;

    /// The end of the log, strongly consistent.
    async fn head(&self) -> Result<LogPosition, ApiError>;

    /// The position up to which everything was logged before this time.
    async fn position_at(&self, time: UnixMillis) -> Result<u64, ApiError>;

    /// The users of at most `limit` entries after a position.
    async fn changes(&self, after: u64, limit: usize) -> Result<ChangedUsers, ApiError>;

    /// Those of the users whom a ban blocks now, strongly consistent.
    async fn banned_among(
        &self,
        users: BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, bool>, ApiError>;

    /// All users whom a ban in the index blocks. The index may lag by [`SETTLED`] seconds.
    async fn all_banned(&self) -> Result<Vec<UserId>, ApiError>;
}

/// Builds the next snapshot. The object is written before the state, and is complete without it: a
/// build that ends in between is only repeated.
pub(super) async fn build(source: &impl Source) -> Result<BuildOutcome, ApiError> {
    let started = source.now();
    let now = started.seconds();
    let Some(state) = source.state().await? else {
        return Ok(BuildOutcome::Skipped);
    };
    if !state.is_wanted(now) {
        source.remove(&state).await?;
        return Ok(BuildOutcome::Removed);
    }
    if now < state.may_build_at() {
        return too_early(source, &state).await;
    }
    let previous = source.object().await?;
    let is_log_incomplete = source.is_log_incomplete().await?;
    let head = source.head().await?;
    let situation = Situation {
        state: &state,
        previous: previous.as_ref().map(SnapshotObject::header),
        head,
        is_log_incomplete,
        now,
    };
    let least = situation.previous.map_or(0, |previous| previous.version);
    let version = least.max(state.version()).saturating_add(1);
    let version = version.max(started.millis());
    let planned = match (situation.plan(), previous) {
        (Plan::Incremental, Some(previous)) => incremental(source, &previous, version).await?,
        _ => None,
    };
    let is_full = planned.is_none();
    let (contents, is_unfinished) = match planned {
        Some(planned) => planned,
        None => (full(source, head, version).await?, false),
    };
    // A restore begins a new epoch: what was read before it says nothing about it.
    if source.head().await?.epoch != contents.reached.epoch {
        let detail = "the event log began a new epoch during the build".to_owned();
        return Err(ApiError::Unavailable(detail));
    }
    let object = SnapshotObject::new(&contents);
    drop(contents);
    let header = object.header().clone();
    source.store(object).await?;
    let next = NextBuild {
        full_since: is_full.then_some(now),
        is_log_incomplete,
        is_unfinished,
    };
    record(source, state, &header, &next).await?;
    Ok(BuildOutcome::Built { header, is_full })
}

/// Leaves a build that comes too early to the schedule.
async fn too_early(source: &impl Source, state: &SnapshotState) -> Result<BuildOutcome, ApiError> {
    let due_at = state.may_build_at();
    if due_at < state.due_at {
        let sooner = SnapshotState {
            due_at,
            ..state.clone()
        };
        source.replace(state, &sooner).await?;
    }
    Ok(BuildOutcome::TooEarly)
}

/// The previous snapshot with the changes since, and whether there are more; none if it is damaged.
async fn incremental(
    source: &impl Source,
    previous: &SnapshotObject,
    version: u64,
) -> Result<Option<(Contents, bool)>, ApiError> {
    let header = previous.header();
    let Some(users) = previous.users() else {
        return Ok(None);
    };
    let read = source.now().seconds();
    let changes = source.changes(header.position, ENTRIES).await?;
    // Read after the log: each user is at least as recent as the entries that name them.
    let users = users.with(&source.banned_among(changes.users).await?);
    let contents = Contents {
        version,
        reached: LogPosition {
            epoch: header.epoch,
            position: changes.reached,
        },
        read,
        built: source.now().seconds(),
        full: header.full,
        users,
    };
    Ok(Some((contents, changes.is_full)))
}

/// A snapshot of all bans in the index. A ban that the index may not show yet was logged after the
/// position.
async fn full(source: &impl Source, head: LogPosition, version: u64) -> Result<Contents, ApiError> {
    let started = source.now();
    let before = started
        .millis()
        .saturating_sub(SETTLED.saturating_mul(1000));
    let before = UnixMillis::from_millis(before);
    let position = source.position_at(before).await?;
    let users = BannedUsers::new(source.all_banned().await?);
    Ok(Contents {
        version,
        reached: LogPosition {
            epoch: head.epoch,
            position,
        },
        read: before.seconds(),
        built: source.now().seconds(),
        full: started.seconds(),
        users,
    })
}

/// Records a build. Erasures and requests in between are kept.
async fn record(
    source: &impl Source,
    state: SnapshotState,
    built: &SnapshotHeader,
    next: &NextBuild,
) -> Result<(), ApiError> {
    let version = state.version();
    let mut current = Some(state);
    for _ in 0..ROUNDS {
        // Deleted, or built by another worker.
        let Some(state) = current.filter(|state| state.version() == version) else {
            return Ok(());
        };
        if source.replace(&state, &state.after(built, next)).await? {
            return Ok(());
        }
        current = source.state().await?;
    }
    Err(ApiError::Unavailable(
        "the state of the snapshot keeps changing".to_owned(),
    ))
}

/// When a ban ended by its own length, clocks may disagree: in seconds.
const CLOCKS: u64 = 10;

/// Whether a ban may block its user. It lists a user a little too long rather than not.
pub(super) fn may_block(has_ended: bool, expires: UnixSeconds, now: UnixSeconds) -> bool {
    !has_ended && (expires.0 == 0 || expires.plus(CLOCKS) > now)
}

#[cfg(test)]
mod tests;
