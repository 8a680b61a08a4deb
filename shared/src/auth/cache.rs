//! Keys that a warm function remembers, so that a ban check reads only bans.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::key::KeyHash;
use super::record::KeyRecord;

/// How long a key is taken for live without looking. A revocation is effective everywhere within
/// this time.
const FOUND: Duration = Duration::from_mins(1);

/// How long an unknown key is refused without looking: short, since it may be about to be made.
const UNKNOWN: Duration = Duration::from_secs(5);

/// Enough for any one environment; past it, it starts over.
const MOST: usize = 1024;

/// What is known of keys, by their hash.
#[derive(Debug, Default)]
pub struct KeyCache(Mutex<HashMap<KeyHash, Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    record: Option<Arc<KeyRecord>>,
    looked_up: Instant,
}

impl KeyCache {
    /// What is known of a key: nothing, that it does not exist, or its record.
    #[expect(clippy::option_option, reason = "unknown, known to be absent, known")]
    pub(crate) fn get(&self, hash: &KeyHash) -> Option<Option<Arc<KeyRecord>>> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = keys.get(hash)?;
        let kept = if entry.record.is_some() {
            FOUND
        } else {
            UNKNOWN
        };
        (entry.looked_up.elapsed() < kept).then(|| entry.record.clone())
    }

    /// Remembers what a look-up that began at `looked_up` found.
    pub(crate) fn put(&self, hash: KeyHash, record: Option<Arc<KeyRecord>>, looked_up: Instant) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MOST {
            keys.clear();
        }
        keys.insert(hash, Entry { record, looked_up });
    }
}
