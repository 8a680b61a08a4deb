//! The numbers of the new bans of a bulk call, taken in one update.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::lock::Mutex;

use crate::domain::error::ApiError;
use crate::domain::ids::{Uid, WorkspacePrefix};
use crate::store::Store;

/// The numbers that a bulk call has taken and not used.
///
/// The first user who needs a number takes one for each user who is not done yet. Those who turn out
/// to need none leave gaps; a call that makes no ban takes none.
#[derive(Debug)]
pub struct NumberBlock {
    users: AtomicU64,
    numbers: Mutex<Range<u64>>,
}

impl NumberBlock {
    /// For this many users.
    #[must_use]
    pub fn of(users: usize) -> Self {
        Self {
            users: AtomicU64::new(users.try_into().unwrap_or(u64::MAX)),
            numbers: Mutex::new(0..0),
        }
    }

    /// A user is done.
    pub fn ended(&self) {
        self.users.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) async fn take(
        &self,
        store: &Store,
        prefix: WorkspacePrefix,
    ) -> Result<Uid, ApiError> {
        let mut numbers = self.numbers.lock().await;
        if let Some(number) = numbers.next() {
            return Ok(Uid(number));
        }
        let count = self.users.load(Ordering::Relaxed).max(1);
        let Uid(first) = store.new_uids(prefix, count).await?;
        *numbers = first.saturating_add(1)..first.saturating_add(count);
        Ok(Uid(first))
    }
}
