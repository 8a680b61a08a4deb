//! Storage: writes what the rules decide to DynamoDB, in full or not at all.
//!
//! A handler holds a [`Store`]. Each submodule serves one access pattern; `docs/architecture.md`
//! has the table of them with their costs.

mod access;
mod account_links;
#[cfg(feature = "admin")]
pub mod admin;
mod checks;
mod decisions;
pub mod dynamo;
mod erasure;
mod events;
mod evidence;
mod exports;
mod lists;
mod members;
mod mirror;
mod snapshots;
mod user_names;

pub use access::groups::{AllowedGroup, GroupSettings};
pub use access::keys::KnownKey;
pub use access::links::{Link, LinkRights, LinkedBy, Linking};
pub use access::self_linking::SELF_LINKED;
pub use access::workspaces::{EVIDENCE_GIB, Workspace};
pub use account_links::{DiscordLinkState, LinkActor, NewLinkCode, OpenLinkCode, TypedLinkCode};
pub use checks::many_users::{Consistency, UsersRead};
pub use decisions::actor::Actor;
pub use decisions::answers::{Answer, Effect, Named, Shows};
pub use decisions::backfill::BackfillPosition;
pub use decisions::carry_over::Joining;
pub use decisions::changed::Changed;
pub use decisions::commit_with_retry::{Committed, WriteContext};
pub use decisions::expiry::{EXPIRY_SHARDS, Expiring};
pub use decisions::propagate::PropagationStep;
pub use decisions::snapshot::Snapshot;
pub use decisions::write_policy::{CallerLimits, DryRun, PolicyOutcome, WritePolicy};
pub use dynamo::database::{Database, Tables};
pub use dynamo::deadline::STEP;
pub use dynamo::first_read::FirstRead;
pub use dynamo::lease::Lease;
pub use dynamo::meter::{Consumed, Meter};
pub use dynamo::schema::{
    ACCOUNT_LINK_SHARDS, Item, Key, Partition, StoredKind, attributes, names,
};
pub use erasure::erase_user::{ErasureReceipt, ErasureSource};
pub use erasure::requests::{ErasureIntake, ErasureMode, NotificationId, QueuedErasure};
pub use events::discord_acts::{ActProgress, DiscordAct};
pub use events::endpoints::ChangedEndpoint;
pub use events::event_log::{Changes, LOGGED_AT_ONCE, LogEntry, LogHead, LogPage};
pub use evidence::bucket::{EvidenceBucket, EvidenceUpload};
pub use evidence::due::{DueEvidence, EVIDENCE_SHARDS};
pub use evidence::events::EvidenceActor;
pub use evidence::read::{EvidenceOfUser, EvidencePage, ListedEvidence};
pub use exports::{ExportBucket, Upload, content_disposition};
pub use lists::ban_list::{BanPages, BanRecord, Filter};
pub use lists::history::{HistoryPage, HistoryPosition};
pub use lists::of_user::{AppliedIn, NewestDecisions, UserStandings};
pub use lists::pending::{Pending, PendingItem, PollPosition};
pub use members::guild_watches::WatchedGuild;
pub use members::role_rules::{LinkTurn, RoleSyncState, RuledWorkspace, SyncedEvents};
pub use members::sessions::SignedIn;
pub use mirror::queue::Queue;
pub use mirror::restriction_syncs::SyncState;
pub use mirror::settings::{Mirror, MirrorOptions, MirrorSettings};
pub use snapshots::{
    BuildOutcome, DueSnapshot, SnapshotBucket, SnapshotBuilder, SnapshotHeader, SnapshotObject,
    SnapshotPosition, SnapshotState,
};
pub use user_names::CachedNames;

use std::sync::Arc;
use std::time::Instant;

use crate::cache::{CachedList, TtlCache};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, GroupId, PlaceId, WorkspacePrefix};
use crate::domain::keys::{KeyHash, KeyRecord};
use crate::domain::members::ReasonPresets;
use crate::domain::places::Membership;
use crate::domain::rules::RevisionRef;

/// The tables, with a warm function's caches. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    caches: Arc<Caches>,
}

/// Caches that outlive a request. Each module sets its lifetime.
#[derive(Debug, Default)]
struct Caches {
    keys: TtlCache<KeyHash, Arc<KeyRecord>>,
    /// Hashes of unknown keys. They have a separate cache, so that a flood of invented keys evicts
    /// no real one.
    unknown_keys: TtlCache<KeyHash, ()>,
    /// Recent checks by keys with a cap.
    checks: checks::cap::Checks,
    /// Workspaces and their settings, including the absence of one.
    workspaces: TtlCache<WorkspacePrefix, Option<Arc<Workspace>>>,
    /// The reasons that workspaces offer.
    presets: TtlCache<WorkspacePrefix, Arc<ReasonPresets>>,
    /// The settings of groups, including the absence of them.
    groups: TtlCache<(WorkspacePrefix, GroupId), Option<Arc<GroupSettings>>>,
    /// Linked places, and whether each is part of another.
    links: TtlCache<(WorkspacePrefix, PlaceId), Membership>,
    /// Places that are not linked. They have a separate cache, so that a flood of invented places
    /// evicts no link.
    unlinked: TtlCache<(WorkspacePrefix, PlaceId), ()>,
    /// Workspaces in which no further experience can link itself.
    without_slots: TtlCache<WorkspacePrefix, ()>,
    /// Experiences whose poll was recently recorded.
    last_polls: TtlCache<(WorkspacePrefix, ExperienceId), ()>,
    /// The oldest thing pending for an experience, and since when polls return it.
    handed_out: TtlCache<(Pending, WorkspacePrefix, ExperienceId), (RevisionRef, UnixSeconds)>,
    /// The workspaces that accept erasure requests.
    intakes: CachedList<ErasureIntake>,
    /// Which experiences are mirrored.
    mirrors: CachedList<Mirror>,
    /// The states of snapshots, including the absence of one.
    snapshots: TtlCache<WorkspacePrefix, Option<Arc<SnapshotState>>>,
    /// The last tick that has come through the stream.
    last_tick: events::event_log::LastTick,
}

impl Store {
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

    /// The same store for a request with this deadline. A write that might not be finished and
    /// looked up in time does not start.
    #[must_use]
    pub fn answering_by(&self, answer_by: Instant) -> Self {
        Self {
            database: self.database.answering_by(answer_by),
            caches: Arc::clone(&self.caches),
        }
    }

    /// Whether this much time is left to answer the request.
    #[must_use]
    pub fn has_time(&self, time: std::time::Duration) -> bool {
        self.database.has_time(time)
    }

    pub(crate) const fn meter(&self) -> &Arc<Meter> {
        self.database.meter()
    }
}
