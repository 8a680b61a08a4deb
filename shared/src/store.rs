//! Storage: what the rules decide is written to DynamoDB whole or not at all.
//!
//! [`Store`] is what a handler holds. Each submodule serves one access pattern; the table of them
//! with their costs stands in `docs/architecture.md`.

mod access;
mod admin;
mod applications;
mod checks;
mod decisions;
pub mod dynamo;
mod enforcements;
mod erasure;
mod events;
mod exports;
mod lists;
mod queue;

pub use access::keys::{KnownKey, NewKey};
pub use access::links::{Link, LinkedBy, Linking};
pub use access::self_linking::{LinkSlots, SELF_LINKED};
pub use access::workspaces::Workspace;
pub use admin::counts::BanCounts;
pub use admin::import::{
    Adopted, Candidate, Import, ImportFailure, ImportPlan, Incoming, Numbering, Origin, Verdict,
};
pub use admin::linking::LinkedExperience;
pub use admin::removal::RemovalPosition;
pub use admin::restore::{
    Absent, Forwarded, KnownLogs, Piece, Place, RestoreRun, Restored, Restoring, TablePage,
};
pub use admin::undo::{Chain, UndoWindow};
pub use applications::{Application, Applying, Intent};
pub use decisions::answers::{Answer, Named, Shows};
pub use decisions::backfill::BackfillPosition;
pub use decisions::changed::Changed;
pub use decisions::commit::Actor;
pub use decisions::commit_with_retry::{Call, Settled};
pub use decisions::expiry::{EXPIRY_SHARDS, Expiring};
pub use decisions::propagate::Step;
pub use decisions::snapshot::Snapshot;
pub use decisions::write_policy::{Bounds, Decided, Permit};
pub use dynamo::database::{Database, Tables};
pub use dynamo::deadline::STEP;
pub use dynamo::first_read::FirstRead;
pub use dynamo::lease::Lease;
pub use dynamo::meter::{Consumed, Meter};
pub use dynamo::schema::{Item, Key};
pub use enforcements::{Enforcement, EnforcementSettings, Mirror, Stopped};
pub use erasure::erase_user::{ForgetSource, Receipt};
pub use erasure::requests::{ErasureIntake, ErasureMode, NotificationId, QueuedErasure};
pub use events::deliveries::{ReplayPage, Replayed};
pub use events::endpoints::ChangedEndpoint;
pub use events::event_log::{LOGGED_AT_ONCE, LogEntry, LogPage, LogPosition, LoggedEvent};
pub use exports::{ExportBucket, Upload};
pub use lists::ban_list::{Filter, Ledger, Recorded};
pub use lists::history::{HistoryPage, HistoryPosition, PastDecision};
pub use lists::pending::{Pending, PollPosition};
pub use queue::Queue;

use std::sync::Arc;
use std::time::Instant;

use crate::cache::{List, Memory};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ExperienceId, WorkspaceTag};
use crate::domain::keys::{KeyHash, KeyRecord};
use crate::domain::rules::RevisionRef;

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
    checks: checks::cap::Checks,
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
