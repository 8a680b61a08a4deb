//! What a warm environment caches between requests.
//!
//! The lifetime of an entry bounds how long a revoked key, a changed setting or an unlinked
//! experience remains effective. An environment can be frozen for hours between two requests, so
//! ages are measured by both clocks ([`Reading`]), and a wall clock that is set back empties the
//! cache.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::domain::clock::Reading;
use crate::domain::lock::lock;

/// The most entries, enough for any one environment. With one more, the cache starts over empty.
pub const MAX_ENTRIES: usize = 4096;

/// Entries by name, each with the time at which its look-up started: its age counts from there.
#[derive(Debug)]
pub struct TtlCache<K, V>(Mutex<Known<K, V>>);

#[derive(Debug)]
struct Known<K, V> {
    things: HashMap<K, (V, Reading)>,
    /// The latest reading, to detect a wall clock that was set back.
    latest: Option<Reading>,
}

impl<K, V> Default for TtlCache<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Known {
            things: HashMap::new(),
            latest: None,
        }))
    }
}

impl<K: Eq + Hash, V: Clone> TtlCache<K, V> {
    /// The entry of this name, if it is younger than its lifetime `kept`.
    pub fn get(&self, name: &K, kept: impl FnOnce(&V) -> Duration) -> Option<V> {
        let mut known = self.known();
        known.get(name, kept, Reading::now())
    }

    /// Caches a value whose look-up started at `since`.
    pub fn put(&self, name: K, value: V, since: Reading) {
        let mut known = self.known();
        known.put(name, value, since, Reading::now());
    }

    /// Removes an entry.
    pub fn remove(&self, name: &K) {
        self.known().things.remove(name);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.known().things.len()
    }

    fn known(&self) -> MutexGuard<'_, Known<K, V>> {
        lock(&self.0)
    }
}

impl<K: Eq + Hash, V: Clone> Known<K, V> {
    fn get(&mut self, name: &K, kept: impl FnOnce(&V) -> Duration, now: Reading) -> Option<V> {
        self.notice(now);
        let (value, since) = self.things.get(name)?;
        let age = now.since(*since)?;
        (age < kept(value)).then(|| value.clone())
    }

    fn put(&mut self, name: K, value: V, since: Reading, now: Reading) {
        self.notice(now);
        if now.since(since).is_none() {
            return;
        }
        if self.things.len() >= MAX_ENTRIES {
            self.things.clear();
        }
        self.things.insert(name, (value, since));
    }

    /// Empties the cache if the wall clock was set back: ages are unknown then.
    fn notice(&mut self, now: Reading) {
        if self
            .latest
            .is_some_and(|latest| now.since(latest).is_none())
        {
            self.things.clear();
        }
        self.latest = Some(now);
    }
}

/// How long a list is used without reading it again.
const CACHE_TTL: Duration = Duration::from_mins(1);

/// The same for an empty list: short, because something may be about to be set up.
const NONE_REMEMBERED: Duration = Duration::from_secs(5);

/// A list that is cached as a whole.
#[derive(Debug)]
pub struct CachedList<T>(TtlCache<(), Arc<[T]>>);

impl<T> Default for CachedList<T> {
    fn default() -> Self {
        Self(TtlCache::default())
    }
}

impl<T> CachedList<T> {
    /// The cached list, or else the result of a look-up.
    pub async fn or<E>(
        &self,
        look_up: impl Future<Output = Result<Vec<T>, E>>,
    ) -> Result<Arc<[T]>, E> {
        let kept = |list: &Arc<[T]>| {
            if list.is_empty() {
                NONE_REMEMBERED
            } else {
                CACHE_TTL
            }
        };
        if let Some(known) = self.0.get(&(), kept) {
            return Ok(known);
        }
        let looked_up = Reading::now();
        let found: Arc<[T]> = look_up.await?.into();
        self.0.put((), Arc::clone(&found), looked_up);
        Ok(found)
    }

    #[cfg(feature = "admin")]
    pub fn remove(&self) {
        self.0.remove(&());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the memory asks so")]
    fn a_minute(_: &u8) -> Duration {
        MINUTE
    }

    /// A cache that looked something up at this reading.
    fn remembering(since: Reading) -> Known<&'static str, u8> {
        let mut known = Known {
            things: HashMap::new(),
            latest: None,
        };
        known.put("a", 1, since, since);
        known
    }

    #[test]
    fn expired_entries_are_looked_up_again() {
        let cache = TtlCache::default();
        let hour = |_: &u8| Duration::from_hours(1);
        assert_eq!(cache.get(&"a", hour), None);
        cache.put("a", 1, Reading::now());
        assert_eq!(cache.get(&"a", hour), Some(1));
        assert_eq!(cache.get(&"a", |_| Duration::ZERO), None);
        assert_eq!(cache.get(&"b", hour), None);
        cache.remove(&"a");
        assert_eq!(cache.get(&"a", hour), None);
    }

    #[test]
    fn frozen_monotonic_clock_does_not_extend_lifetimes() {
        let since = Reading::now();
        let mut known = remembering(since);
        let later = |millis| since.later(Duration::from_millis(1), millis);
        assert_eq!(known.get(&"a", a_minute, later(59_999)), Some(1));
        assert_eq!(known.get(&"a", a_minute, later(60_000)), None);
    }

    #[test]
    fn stopped_wall_clock_does_not_extend_lifetimes() {
        let since = Reading::now();
        let mut known = remembering(since);
        let almost = MINUTE.saturating_sub(Duration::from_millis(1));
        assert_eq!(known.get(&"a", a_minute, since.later(almost, 0)), Some(1));
        assert_eq!(known.get(&"a", a_minute, since.later(MINUTE, 0)), None);
    }

    /// Frozen for 50 s, then the wall clock is set back by 40 s: neither clock shows the age.
    #[test]
    fn wall_clock_set_back_empties_the_cache() {
        let since = Reading::now();
        let mut known = remembering(since);
        let frozen = since.later(Duration::ZERO, 50_000);
        assert_eq!(known.get(&"a", a_minute, frozen), Some(1));
        let set_back = since.later(Duration::ZERO, 10_000);
        assert_eq!(known.get(&"a", a_minute, set_back), None);
        assert_eq!(
            known.get(&"a", a_minute, since.later(Duration::ZERO, 11_000)),
            None
        );
    }

    #[test]
    fn lookup_that_spans_a_clock_change_is_not_cached() {
        let since = Reading::now();
        let mut known = remembering(since);
        known.put("b", 2, since, since.later(Duration::from_secs(1), -1));
        assert_eq!(known.things.len(), 0);
    }

    #[test]
    fn cache_is_bounded() {
        let cache = TtlCache::default();
        for number in 0..3 * MAX_ENTRIES {
            cache.put(number, (), Reading::now());
        }
        assert!(cache.len() <= MAX_ENTRIES);
    }
}
