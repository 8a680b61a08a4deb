//! What a warm environment remembers from one request to the next, so that a call reads only what
//! it is about.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many things are remembered; past that, it starts over. Enough for any one environment.
const MOST: usize = 4096;

/// Things by name, each with the time from which on it is old: when its look-up began.
#[derive(Debug)]
pub struct Memory<K, V>(Mutex<HashMap<K, (V, Instant)>>);

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memory<K, V> {
    /// What is remembered under a name, if it is younger than `kept` says for it.
    pub fn get(&self, name: &K, kept: impl FnOnce(&V) -> Duration) -> Option<V> {
        let known = self.known();
        let (value, since) = known.get(name)?;
        (since.elapsed() < kept(value)).then(|| value.clone())
    }

    /// Remembers something that was looked up at `since`.
    pub fn put(&self, name: K, value: V, since: Instant) {
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name, (value, since));
    }

    /// Forgets what is remembered under a name.
    pub fn forget(&self, name: &K) {
        self.known().remove(name);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<K, (V, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_it_is_kept_is_looked_up_again() {
        let memory = Memory::default();
        let hour = |_: &u8| Duration::from_hours(1);
        assert_eq!(memory.get(&"a", hour), None);
        memory.put("a", 1, Instant::now());
        assert_eq!(memory.get(&"a", hour), Some(1));
        assert_eq!(memory.get(&"a", |_| Duration::ZERO), None);
        assert_eq!(memory.get(&"b", hour), None);
        memory.forget(&"a");
        assert_eq!(memory.get(&"a", hour), None);
    }

    #[test]
    fn it_does_not_grow_without_bound() {
        let memory = Memory::default();
        for number in 0..3 * MOST {
            memory.put(number, (), Instant::now());
        }
        assert!(memory.known().len() <= MOST);
    }
}
