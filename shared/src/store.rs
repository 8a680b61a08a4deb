//! Storage: what the rules decide is written to DynamoDB whole or not at all.
//!
//! [`Store`] is what a handler holds. Each submodule serves one access pattern; the table of them
//! with their costs stands in `docs/architecture.md`.

mod access;
mod admin;
mod checks;
mod decisions;
pub mod dynamo;
mod erasure;
mod events;
mod exports;
mod lists;
mod mirrors;
mod queue;
mod restriction_syncs;

pub use access::keys::{KnownKey, NewKey};
pub use access::links::{Link, LinkedBy, Linking};
pub use access::self_linking::{LinkSlots, SELF_LINKED};
pub use access::workspaces::Workspace;
pub use admin::counts::BanCounts;
pub use admin::import::{
    Adopted, Candidate, Import, ImportFailure, ImportPlan, ImportVerdict, Incoming, Numbering,
    Origin,
};
pub use admin::linking::LinkedExperience;
pub use admin::removal::RemovalPosition;
pub use admin::restore::{
    Absent, Forwarded, KnownLogs, Piece, RestorePosition, RestoreRun, Restored, Restoring,
    TablePage,
};
pub use admin::undo::{Chain, UndoWindow};
pub use decisions::answers::{Answer, Named, Shows};
pub use decisions::backfill::BackfillPosition;
pub use decisions::changed::Changed;
pub use decisions::commit::Actor;
pub use decisions::commit_with_retry::{Committed, WriteContext};
pub use decisions::expiry::{EXPIRY_SHARDS, Expiring};
pub use decisions::propagate::PropagationStep;
pub use decisions::snapshot::Snapshot;
pub use decisions::write_policy::{CallerLimits, PolicyOutcome, WritePolicy};
pub use dynamo::database::{Database, Tables};
pub use dynamo::deadline::STEP;
pub use dynamo::first_read::FirstRead;
pub use dynamo::lease::Lease;
pub use dynamo::meter::{Consumed, Meter};
pub use dynamo::schema::{Item, Key};
pub use erasure::erase_user::{ErasureReceipt, ErasureSource};
pub use erasure::requests::{ErasureIntake, ErasureMode, NotificationId, QueuedErasure};
pub use events::deliveries::{ReplayPage, Replayed};
pub use events::endpoints::ChangedEndpoint;
pub use events::event_log::{LOGGED_AT_ONCE, LogEntry, LogPage, LogPosition};
pub use exports::{ExportBucket, Upload, content_disposition};
pub use lists::ban_list::{BanPages, BanRecord, Filter};
pub use lists::history::{HistoryPage, HistoryPosition};
pub use lists::pending::{Pending, PollPosition};
pub use mirrors::{Mirror, MirrorOptions, MirrorSettings};
pub use queue::Queue;
pub use restriction_syncs::SyncState;

use std::sync::Arc;
use std::time::Instant;

use crate::cache::{CachedList, TtlCache};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, WorkspacePrefix};
use crate::domain::keys::{KeyHash, KeyRecord};
use crate::domain::rules::RevisionRef;

/// The tables, with what a warm function remembers of them. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    caches: Arc<Caches>,
}

/// What stays in memory from one request to the next. Each module says for how long.
#[derive(Debug, Default)]
struct Caches {
    /// Keys.
    keys: TtlCache<KeyHash, Arc<KeyRecord>>,
    /// Hashes that are no key's. They have a memory of their own, so that a flood of made-up keys
    /// pushes no real one out.
    unknown_keys: TtlCache<KeyHash, ()>,
    /// What keys with a cap have checked lately.
    checks: checks::cap::Checks,
    /// Workspaces and their settings, or that there is none.
    workspaces: TtlCache<WorkspacePrefix, Option<Arc<Workspace>>>,
    /// Experiences that are linked.
    links: TtlCache<(WorkspacePrefix, ExperienceId), ()>,
    /// Workspaces in which no further experience can link itself.
    without_slots: TtlCache<WorkspacePrefix, ()>,
    /// Experiences whose polling was noted.
    last_polls: TtlCache<(WorkspacePrefix, ExperienceId), ()>,
    /// The oldest thing pending for an experience, and since when it is handed out.
    handed_out: TtlCache<(Pending, WorkspacePrefix, ExperienceId), (RevisionRef, UnixSeconds)>,
    /// Who takes in erasure requests.
    intakes: CachedList<ErasureIntake>,
    /// Which experiences are mirrored.
    mirrors: CachedList<Mirror>,
}

impl Store {
    /// A store on these tables.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self {
            database,
            caches: Arc::default(),
        }
    }

    /// The same store, counting what one request consumes.
    #[must_use]
    pub fn metered(&self, meter: Arc<Meter>) -> Self {
        Self {
            database: self.database.metered(meter),
            caches: Arc::clone(&self.caches),
        }
    }

    /// The same store for a request that is answered by then. A write that might not be finished and
    /// looked up in time does not begin.
    #[must_use]
    pub fn answering_by(&self, answer_by: Instant) -> Self {
        Self {
            database: self.database.answering_by(answer_by),
            caches: Arc::clone(&self.caches),
        }
    }

    /// What counts.
    pub(crate) const fn meter(&self) -> &Arc<Meter> {
        self.database.meter()
    }
}
