//! The stored item of a sync. Its attributes keep older words: `intents` are requested changes, and `holds`
//! are applied restrictions.

use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::ExperienceId;
use crate::domain::rules::RevisionRef;
use crate::domain::rules::mirror::{AppliedRestriction, Level, RequestedChange, RestrictionSync};
use crate::store::dynamo::items::{self, StoredRevision};
use crate::store::dynamo::schema::Item;

/// How long a sync is kept once it holds nothing and nothing is due, in seconds: a week.
const KEPT: u64 = 7 * 86_400;

#[derive(Serialize, Deserialize)]
pub(super) struct SyncItem {
    #[serde(default)]
    intents: Vec<StoredRequest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holds: Vec<StoredRestriction>,
    /// Unix milliseconds.
    #[serde(default)]
    updates: Vec<u64>,
    #[serde(default)]
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    /// Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<u64>,
    /// None while a restriction is applied, or the sync is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct StoredRequest {
    /// Absent = the universe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<ExperienceId>,
    /// Absent = a lift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<StoredRevision>,
    key: String,
    first_sent: u64,
    done: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredRestriction {
    /// Absent = the universe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<ExperienceId>,
    content: StoredRevision,
}

impl From<&AppliedRestriction> for StoredRestriction {
    fn from(held: &AppliedRestriction) -> Self {
        Self {
            place: stored(held.level),
            content: held.content.into(),
        }
    }
}

impl From<StoredRestriction> for AppliedRestriction {
    fn from(stored: StoredRestriction) -> Self {
        Self {
            level: level(stored.place),
            content: stored.content.into(),
        }
    }
}

impl From<&RequestedChange> for StoredRequest {
    fn from(intent: &RequestedChange) -> Self {
        Self {
            place: stored(intent.level),
            content: intent.content.map(StoredRevision::from),
            key: intent.idempotency_key.clone(),
            first_sent: intent.first_sent.millis(),
            done: intent.done,
        }
    }
}

impl From<StoredRequest> for RequestedChange {
    fn from(stored: StoredRequest) -> Self {
        Self {
            level: level(stored.place),
            content: stored.content.map(RevisionRef::from),
            idempotency_key: stored.key,
            first_sent: UnixMillis::from_millis(stored.first_sent),
            done: stored.done,
        }
    }
}

impl SyncItem {
    /// The item of a sync; `due` is when to look again, and in which partition of the index.
    pub(super) fn of(sync: &RestrictionSync, due: Option<(String, UnixMillis)>) -> Self {
        let (due, due_at) = due.unzip();
        let is_kept = !sync.applied.is_empty() || due.is_some();
        Self {
            intents: sync.requested.iter().map(StoredRequest::from).collect(),
            holds: sync.applied.iter().map(StoredRestriction::from).collect(),
            updates: sync.updates.iter().map(|at| at.millis()).collect(),
            failures: sync.failures,
            error: sync.error.clone(),
            retry_at: sync.retry_at.map(UnixMillis::millis),
            due,
            due_at: due_at.map(UnixMillis::millis),
            ttl: (!is_kept).then(|| UnixMillis::now().seconds().plus(KEPT).0),
        }
    }
}

impl RestrictionSync {
    pub(super) fn read(item: Item) -> Result<Self, ApiError> {
        let item: SyncItem = items::read(item)?;
        Ok(Self {
            requested: item
                .intents
                .into_iter()
                .map(RequestedChange::from)
                .collect(),
            applied: item
                .holds
                .into_iter()
                .map(AppliedRestriction::from)
                .collect(),
            updates: item
                .updates
                .into_iter()
                .map(UnixMillis::from_millis)
                .collect(),
            failures: item.failures,
            error: item.error,
            retry_at: item.retry_at.map(UnixMillis::from_millis),
        })
    }
}

/// The stored form of a level: the place, or none for the universe.
const fn stored(level: Level) -> Option<ExperienceId> {
    match level {
        Level::Universe => None,
        Level::Place(place) => Some(place),
    }
}

fn level(stored: Option<ExperienceId>) -> Level {
    stored.map_or(Level::Universe, Level::Place)
}
