//! Mutexes whose holders cannot panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex. One that a panic poisoned is locked all the same.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
