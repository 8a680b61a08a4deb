//! An application as it lies in the table.

use serde::{Deserialize, Serialize};

use super::{Application, Intent};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::ExperienceId;
use crate::domain::rules::RevisionRef;
use crate::domain::rules::enforcing::{Held, Level};
use crate::store::dynamo::items::{self, StoredRevision};
use crate::store::dynamo::schema::Item;

/// How long it is kept when the last change was made, in seconds: a week.
const KEPT: u64 = 7 * 86_400;

#[derive(Serialize, Deserialize)]
pub(super) struct ApplicationItem {
    #[serde(default)]
    intents: Vec<StoredIntent>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holds: Vec<StoredHeld>,
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
    /// None while something is held, or is to be looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct StoredIntent {
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
struct StoredHeld {
    /// Absent = the universe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<ExperienceId>,
    content: StoredRevision,
}

impl From<&Held> for StoredHeld {
    fn from(held: &Held) -> Self {
        Self {
            place: stored(held.level),
            content: held.content.into(),
        }
    }
}

impl From<StoredHeld> for Held {
    fn from(stored: StoredHeld) -> Self {
        Self {
            level: level(stored.place),
            content: stored.content.into(),
        }
    }
}

impl From<&Intent> for StoredIntent {
    fn from(intent: &Intent) -> Self {
        Self {
            place: stored(intent.level),
            content: intent.content.map(StoredRevision::from),
            key: intent.idempotency_key.clone(),
            first_sent: intent.first_sent.millis(),
            done: intent.done,
        }
    }
}

impl From<StoredIntent> for Intent {
    fn from(stored: StoredIntent) -> Self {
        Self {
            level: level(stored.place),
            content: stored.content.map(RevisionRef::from),
            idempotency_key: stored.key,
            first_sent: UnixMillis::from_millis(stored.first_sent),
            done: stored.done,
        }
    }
}

impl ApplicationItem {
    /// Of an application, and where and when somebody is to look again.
    pub(super) fn of(application: &Application, due: Option<(String, UnixMillis)>) -> Self {
        let (due, due_at) = due.unzip();
        let is_kept = !application.holds.is_empty() || due.is_some();
        Self {
            intents: application.intents.iter().map(StoredIntent::from).collect(),
            holds: application.holds.iter().map(StoredHeld::from).collect(),
            updates: application.updates.iter().map(|at| at.millis()).collect(),
            failures: application.failures,
            error: application.error.clone(),
            retry_at: application.retry_at.map(UnixMillis::millis),
            due,
            due_at: due_at.map(UnixMillis::millis),
            ttl: (!is_kept).then(|| UnixMillis::now().seconds().plus(KEPT).0),
        }
    }
}

impl Application {
    pub(super) fn read(item: Item) -> Result<Self, ApiError> {
        let item: ApplicationItem = items::read(item)?;
        Ok(Self {
            intents: item.intents.into_iter().map(Intent::from).collect(),
            holds: item.holds.into_iter().map(Held::from).collect(),
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

/// A level as it is stored: the place, or none for the universe.
const fn stored(level: Level) -> Option<ExperienceId> {
    match level {
        Level::Universe => None,
        Level::Place(place) => Some(place),
    }
}

fn level(stored: Option<ExperienceId>) -> Level {
    stored.map_or(Level::Universe, Level::Place)
}
