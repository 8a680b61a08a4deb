//! The units that a request consumes according to DynamoDB, and its other counts.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::ConsumedCapacity;

use super::retries::Retries;
use crate::domain::lock::lock;
use crate::domain::rules::{Decision, DecisionKind};

/// Adds up the consumption of one request's calls.
#[derive(Debug, Default)]
pub struct Meter {
    totals: Mutex<Totals>,
    retries: OnceLock<Retries>,
}

#[derive(Debug, Default)]
struct Totals {
    consumed: Consumed,
    /// How many calls and pauses are in progress.
    underway: u32,
    /// Since when at least one is.
    since: Option<Instant>,
}

/// Units and time consumed, and other counts of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Consumed {
    pub read_units: f64,
    pub write_units: f64,
    /// Calls to the database or the exports bucket, each counted once whatever its retries.
    pub calls: u32,
    /// How many retries the SDK made.
    pub retries: u32,
    /// The time during which at least one call or back-off was in progress.
    pub waited: Duration,
    /// How many times a call decided again after a write conflict.
    pub write_conflicts: u32,
    /// Whether the call succeeded without linking its experience, because no slot was left.
    pub link_limit: u32,
    pub decided: DecisionCounts,
}

/// Decisions by kind. Functions make no other kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionCounts {
    pub made: u32,
    /// Bans with new terms.
    pub changed: u32,
    pub lifted: u32,
    pub appealed: u32,
}

/// A call or a pause in progress; ends when dropped, including when it is cancelled.
#[derive(Debug)]
pub(in crate::store) struct Underway(Arc<Meter>);

impl Meter {
    #[must_use]
    pub fn consumed(&self) -> Consumed {
        let totals = self.totals();
        let mut consumed = totals.consumed;
        if let Some(since) = totals.since {
            consumed.waited = consumed.waited.saturating_add(since.elapsed());
        }
        consumed.retries = self.retries.get().map(Retries::count).unwrap_or_default();
        consumed
    }

    /// Counts the retries from now on.
    pub(in crate::store) fn watch(&self, retries: &Retries) {
        retries.begin();
        let _ = self.retries.set(retries.clone());
    }

    pub(in crate::store) fn begin_call(self: &Arc<Self>) -> Underway {
        let underway = self.begin_wait();
        let calls = &mut self.totals().consumed.calls;
        *calls = calls.saturating_add(1);
        underway
    }

    /// A wait that is not a call, for example a back-off.
    pub(in crate::store) fn begin_wait(self: &Arc<Self>) -> Underway {
        let mut totals = self.totals();
        totals.underway = totals.underway.saturating_add(1);
        totals.since.get_or_insert_with(Instant::now);
        Underway(Arc::clone(self))
    }

    pub(in crate::store) fn read<'a>(
        &self,
        capacity: impl IntoIterator<Item = &'a ConsumedCapacity>,
    ) {
        self.totals().consumed.read_units += units(capacity);
    }

    pub(in crate::store) fn written<'a>(
        &self,
        capacity: impl IntoIterator<Item = &'a ConsumedCapacity>,
    ) {
        self.totals().consumed.write_units += units(capacity);
    }

    pub(in crate::store) fn write_conflict(&self) {
        let write_conflicts = &mut self.totals().consumed.write_conflicts;
        *write_conflicts = write_conflicts.saturating_add(1);
    }

    pub(in crate::store) fn link_limit_reached(&self) {
        self.totals().consumed.link_limit = 1;
    }

    pub(in crate::store) fn decided(&self, decisions: &[Decision]) {
        let decided = &mut self.totals().consumed.decided;
        for decision in decisions {
            let count = match decision.kind {
                DecisionKind::Made => &mut decided.made,
                DecisionKind::Changed => &mut decided.changed,
                DecisionKind::Lifted => &mut decided.lifted,
                DecisionKind::Appealed => &mut decided.appealed,
                DecisionKind::Restored | DecisionKind::Imported | DecisionKind::Expired => continue,
            };
            *count = count.saturating_add(1);
        }
    }

    fn totals(&self) -> MutexGuard<'_, Totals> {
        lock(&self.totals)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut totals = self.0.totals();
        totals.underway = totals.underway.saturating_sub(1);
        if totals.underway == 0
            && let Some(since) = totals.since.take()
        {
            let waited = &mut totals.consumed.waited;
            *waited = waited.saturating_add(since.elapsed());
        }
    }
}

fn units<'a>(capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    capacity
        .into_iter()
        .filter_map(ConsumedCapacity::capacity_units)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait() {
        std::thread::sleep(Duration::from_millis(20));
    }

    #[test]
    fn parallel_calls_count_once_and_gaps_do_not() {
        let meter = Arc::new(Meter::default());
        let started = Instant::now();
        let (first, second) = (meter.begin_call(), meter.begin_call());
        wait();
        drop(first);
        wait();
        drop(second);
        let both = started.elapsed();
        let waited = meter.consumed().waited;
        assert!(waited >= Duration::from_millis(40) && waited <= both);
        let between = Instant::now();
        wait();
        let between = between.elapsed();
        assert_eq!(meter.consumed().waited, waited);
        let third = meter.begin_call();
        wait();
        assert!(meter.consumed().waited >= waited + Duration::from_millis(20));
        drop(third);
        assert!(meter.consumed().waited + between <= started.elapsed());
        assert_eq!(meter.consumed().calls, 3);
    }
}
