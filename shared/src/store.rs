//! Storage: what the rules decide is written to DynamoDB whole or not at all.
//!
//! [`Store`] is what a handler holds. Each submodule serves one access pattern; the table of them
//! with their costs stands in `docs/architecture.md`.

mod answers;
mod applications;
mod backfill;
mod bans;
mod changed;
mod checks;
mod commit;
mod connection;
mod counts;
mod database;
mod deadline;
mod deliveries;
mod endpoints;
mod enforcements;
mod erased;
mod erasure;
mod expiry;
mod exports;
mod failure;
mod first_read;
mod forget;
mod history;
mod import;
mod items;
mod keys;
mod lease;
mod ledger;
mod lifetime;
mod linking;
mod links;
mod local_stack;
mod log;
mod merge;
mod meter;
mod pending;
mod permits;
mod protected;
mod queue;
mod removal;
mod requests;
mod restore;
mod retries;
mod schema;
mod self_linking;
mod settle;
mod sightings;
mod spread;
mod steady;
mod undo;
mod versions;
mod workspaces;

pub use answers::{Answer, Named, Shows};
pub use applications::{Application, Applying, Intent};
pub use backfill::BackfillPosition;
pub use bans::Snapshot;
pub use changed::Changed;
pub use commit::Actor;
pub(crate) use connection::is_plain;
pub use connection::sdk_config;
pub use counts::BanCounts;
pub use database::{Database, Tables};
pub use deadline::STEP;
pub use deliveries::{ReplayPage, Replayed};
pub use endpoints::ChangedEndpoint;
pub use enforcements::{Enforcement, EnforcementSettings, Mirror, Stopped};
pub use erasure::{ErasureIntake, ErasureMode, NotificationId, QueuedErasure};
pub use expiry::{EXPIRY_SHARDS, Expiring};
pub use exports::{ExportBucket, Upload};
pub(crate) use failure::causes;
pub use first_read::FirstRead;
pub use forget::{ForgetSource, Receipt};
pub use history::{HistoryPage, HistoryPosition, PastDecision};
pub use import::{
    Adopted, Candidate, Import, ImportFailure, ImportPlan, Incoming, Numbering, Origin, Verdict,
};
pub use keys::{KnownKey, NewKey};
pub use lease::Lease;
pub use ledger::{Filter, Ledger, Recorded};
pub use linking::LinkedExperience;
pub use links::{Link, LinkedBy, Linking};
pub use log::{LOGGED_AT_ONCE, LogEntry, LogPage, LogPosition, LoggedEvent};
pub use meter::{Consumed, Meter};
pub use pending::{Pending, PollPosition};
pub use permits::{Bounds, Decided, Permit};
pub use queue::Queue;
pub use removal::RemovalPosition;
pub use restore::{
    Absent, Forwarded, KnownLogs, Piece, Place, RestoreRun, Restored, Restoring, TablePage,
};
pub use schema::{Item, Key};
pub use self_linking::{LinkSlots, SELF_LINKED};
pub use settle::{Call, Settled};
pub use spread::Step;
pub use undo::{Chain, UndoWindow};
pub use workspaces::Workspace;

use std::sync::Arc;
use std::time::Instant;

use crate::auth::{KeyHash, KeyRecord};
use crate::clock::Timestamp;
use crate::ids::{ExperienceId, WorkspaceTag};
use crate::memory::{List, Memory};
use crate::rules::RevisionRef;

/// The tables, with what a warm function remembers of them. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    known: Arc<Known>,
}

/// What stays in memory from one request to the next. Each module says for how long.
#[derive(Debug, Default)]
struct Known {
    /// Keys.
    keys: Memory<KeyHash, Arc<KeyRecord>>,
    /// Hashes that are no key's. They have a memory of their own, so that a flood of made-up keys
    /// pushes no real one out.
    unknown_keys: Memory<KeyHash, ()>,
    /// What keys with a cap have checked lately.
    checks: checks::Checks,
    /// Workspaces and their settings, or that there is none.
    workspaces: Memory<WorkspaceTag, Option<Arc<Workspace>>>,
    /// Experiences that are linked.
    links: Memory<(WorkspaceTag, ExperienceId), ()>,
    /// Workspaces in which no further experience can link itself.
    without_slots: Memory<WorkspaceTag, ()>,
    /// Experiences whose polling was noted.
    sightings: Memory<(WorkspaceTag, ExperienceId), ()>,
    /// The oldest thing pending for an experience, and since when it is handed out.
    handed_out: Memory<(Pending, WorkspaceTag, ExperienceId), (RevisionRef, Timestamp)>,
    /// Who takes in erasure requests.
    intakes: List<ErasureIntake>,
    /// Which experiences are mirrored.
    enforcements: List<Enforcement>,
}

impl Store {
    /// A store on these tables.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self {
            database,
            known: Arc::default(),
        }
    }

    /// The same store, counting what one request consumes.
    #[must_use]
    pub fn metered(&self, meter: Arc<Meter>) -> Self {
        Self {
            database: self.database.metered(meter),
            known: Arc::clone(&self.known),
        }
    }

    /// The same store for a request that is answered by then. A write that might not be finished and
    /// looked up in time does not begin.
    #[must_use]
    pub fn answering_by(&self, answer_by: Instant) -> Self {
        Self {
            database: self.database.answering_by(answer_by),
            known: Arc::clone(&self.known),
        }
    }

    /// What counts.
    pub(crate) const fn meter(&self) -> &Arc<Meter> {
        self.database.meter()
    }
}
