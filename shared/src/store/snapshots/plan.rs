//! Which build a snapshot needs, and when the next is due. Pure: times are passed in.

use super::object::SnapshotHeader;
use super::state::SnapshotState;
use crate::domain::clock::UnixSeconds;
use crate::domain::history::LogPosition;

/// In seconds.
pub(super) const DAY: u64 = 86_400;

/// For how many seconds an index may not show a write yet. A full build's position in the log lies
/// this long before its first read.
pub(super) const SETTLED: u64 = 60;

/// The age in seconds at which a snapshot is built again, without events in between.
const HOURLY: u64 = 3600;

/// How many seconds lie between two builds at least.
pub(super) const PACE: u64 = 60;

/// The same for full builds while the failure queue has messages, or the log grows faster than it is
/// read.
const FULL_PACE: u64 = 900;

/// A snapshot that is older is built in full: its entries of the log may be gone.
const OLD: u64 = 21_600;

/// For how many seconds after the last request a workspace's snapshot is built: a week.
const WANTED: u64 = 7 * DAY;

/// How many entries of the log one build reads. A full build is cheaper than reading many more: a ban
/// costs it about a twelfth of a read unit, and an entry one here.
pub(super) const ENTRIES: usize = 20_000;

/// How to build a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// From all bans.
    Full,
    /// From the previous snapshot and the entries of the log since.
    Incremental,
}

/// What a plan depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation<'a> {
    pub state: &'a SnapshotState,
    /// The previous snapshot; none if it is missing or damaged.
    pub previous: Option<&'a SnapshotHeader>,
    pub head: LogPosition,
    /// Whether there are changes that the event log may never show.
    pub is_log_incomplete: bool,
    pub now: UnixSeconds,
}

impl Situation<'_> {
    pub fn plan(&self) -> Plan {
        match self.previous {
            Some(previous) if !self.is_in_doubt(previous) => Plan::Incremental,
            _ => Plan::Full,
        }
    }

    fn is_in_doubt(&self, previous: &SnapshotHeader) -> bool {
        let age = |of: UnixSeconds| self.now.0.abs_diff(of.0);
        let is_behind = self.head.position.saturating_sub(previous.position) > BEHIND;
        self.state.built.is_none()
            || previous.epoch != self.head.epoch
            || previous.position > self.head.position
            // Another build has replaced this one, and then been replaced by it.
            || previous.version < self.state.version()
            || self.state.doubted_since().is_some_and(|since| has_settled(since, self.now))
            || age(previous.full) >= DAY
            || age(previous.built) >= OLD
            || ((self.is_log_incomplete || is_behind) && age(previous.full) >= FULL_PACE)
    }
}

/// How far the log may be ahead of a snapshot.
const BEHIND: u64 = 20_000;

/// Whether the index of bans shows what happened at `at`.
pub(super) const fn has_settled(at: UnixSeconds, now: UnixSeconds) -> bool {
    now.0 >= at.0.saturating_add(SETTLED)
}

impl SnapshotState {
    /// Whether a caller has asked for the snapshot within a week, and the workspace still exists.
    #[must_use]
    pub const fn is_wanted(&self, now: UnixSeconds) -> bool {
        !self.removed && now.0.saturating_sub(self.requested.0) < WANTED
    }

    /// When a build may start: a minute after the last, or when an erasure has settled.
    pub(super) fn may_build_at(&self) -> UnixSeconds {
        let built = self.built.as_ref().map(|built| built.built);
        let regular = built.unwrap_or_default().plus(PACE);
        let settled = self.doubted_since().map(|since| since.plus(SETTLED));
        settled.map_or(regular, |settled| settled.min(regular))
    }

    /// When the first user was erased whom the snapshot may still list.
    pub(super) fn doubted_since(&self) -> Option<UnixSeconds> {
        self.doubt.map(|last| self.doubted_since.unwrap_or(last))
    }

    /// The last and the first erasure that a build may not show. A full build shows all that had settled
    /// when it started.
    fn doubt_after(
        &self,
        full_since: Option<UnixSeconds>,
    ) -> (Option<UnixSeconds>, Option<UnixSeconds>) {
        match (self.doubt, full_since) {
            (Some(last), Some(start)) if has_settled(last, start) => (None, None),
            // Of the others, only the last is known. If more follow, a minute without a build is short
            // enough, and long enough not to build in full all the time.
            (Some(last), Some(start)) => (Some(last), Some(last.min(start))),
            (last, None) => (last, self.doubted_since()),
            (None, Some(_)) => (None, None),
        }
    }

    /// The state after a build.
    pub(super) fn after(&self, built: &SnapshotHeader, next: &NextBuild) -> Self {
        let (doubt, doubted_since) = self.doubt_after(next.full_since);
        let regular = match next.is_log_incomplete {
            _ if next.is_unfinished => PACE,
            true => FULL_PACE,
            false => HOURLY,
        };
        let regular = built.built.plus(regular);
        let due_at = match doubted_since {
            Some(since) => since.plus(SETTLED).min(regular),
            None => regular,
        };
        Self {
            requested: self.requested,
            due_at,
            doubt,
            doubted_since,
            built: Some(built.clone()),
            removed: self.removed,
        }
    }
}

/// What the next build depends on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NextBuild {
    /// When this build started to read all bans; none for an incremental build.
    pub full_since: Option<UnixSeconds>,
    pub is_log_incomplete: bool,
    /// Whether the log had more entries than one build reads.
    pub is_unfinished: bool,
}

#[cfg(test)]
mod tests;
