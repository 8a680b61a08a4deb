//! Locks of the stack's own state.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock whose holder cannot panic, so there is nothing to repair if it is poisoned.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
