//! What a request consumes of the database, as DynamoDB itself says.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Adds up what the calls of one request consume.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Consumed>);

/// Capacity and time consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Consumed {
    /// Read request units.
    pub read_units: f64,
    /// Write request units.
    pub write_units: f64,
    /// Calls, each counted once whatever its retries.
    pub calls: u32,
    /// The time spent waiting for the calls; parallel ones add up.
    pub waited: Duration,
}

impl Meter {
    /// What was consumed so far.
    #[must_use]
    pub fn consumed(&self) -> Consumed {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn call(&self, waited: Duration) {
        let mut total = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        total.calls = total.calls.saturating_add(1);
        total.waited = total.waited.saturating_add(waited);
    }

    pub(super) fn read<'a>(&self, capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read_units += units(capacity);
    }

    pub(super) fn written<'a>(&self, capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_units += units(capacity);
    }
}

fn units<'a>(capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    capacity
        .into_iter()
        .filter_map(ConsumedCapacity::capacity_units)
        .sum()
}
