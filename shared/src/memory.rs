//! What a warm environment remembers from one request to the next, so that a call reads only what
//! it is about.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// How long a list is taken for current without looking.
const REMEMBERED: Duration = Duration::from_mins(1);

/// The same of an empty one: short, since something may be about to be set up.
const NONE_REMEMBERED: Duration = Duration::from_secs(5);

/// A list that is looked up whole.
#[derive(Debug)]
pub struct List<T>(Memory<(), Arc<[T]>>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Memory::default())
    }
}

impl<T> List<T> {
    /// What is remembered, or else looked up now.
    pub async fn or<E>(
        &self,
        look_up: impl Future<Output = Result<Vec<T>, E>>,
    ) -> Result<Arc<[T]>, E> {
        let kept = |list: &Arc<[T]>| {
            if list.is_empty() {
                NONE_REMEMBERED
            } else {
                REMEMBERED
            }
        };
        if let Some(known) = self.0.get(&(), kept) {
            return Ok(known);
        }
        let looked_up = Instant::now();
        let found: Arc<[T]> = look_up.await?.into();
        self.0.put((), Arc::clone(&found), looked_up);
        Ok(found)
    }

    /// Forgets it.
    pub fn forget(&self) {
        self.0.forget(&());
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
