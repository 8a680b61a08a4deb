//! Imports bans, written with the same care as a decision, many per transaction.
//!
//! An imported ban keeps its guid, its times and the experiences' reports, and gets one decision in
//! the history. Importing the same rows again changes nothing: a ban with a guid is recognised by
//! it, one without by a note of its contents that is written with it.

mod attempt;
mod found;
mod notes;
mod numbers;
mod rehearsal;

use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::digest;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, Guid, Uid, UserId, WorkspaceId, WorkspacePrefix};
use crate::domain::rules::{Ban, Ending, EndingKind, Identity, Scope, Terms};
use crate::store::Store;
use crate::store::decisions::actor::Actor;
use crate::store::decisions::write_policy::WritePolicy;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::schema::Key;

use rehearsal::Rehearsal;

pub use numbers::{Adopted, Numbering};

/// After how many seconds an import into an empty workspace starts to look up guids: while the
/// first claims of another, simultaneous import still exist.
const ALONE: u64 = 600;

/// A ban to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub user: UserId,
    pub scope: Scope,
    /// The experience it was made from.
    pub made_in: ExperienceId,
    pub terms: Terms,
    /// When it was made, if known.
    pub created: Option<UnixSeconds>,
    /// When the last decision on it was made, if known.
    pub updated: Option<UnixSeconds>,
    /// How it ended, at `updated`.
    pub ending: Option<EndingKind>,
    pub origin: Origin,
    /// Whether the experience it was made from has applied it.
    pub applied: bool,
    /// The terms of another ban of the same import that is in force instead: this one goes to the
    /// records.
    pub replaced_by: Option<Terms>,
}

/// The identity of a ban in its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It has none: it becomes a new ban.
    New,
    /// A ban of Portcullis or of a compatible API.
    Known {
        guid: Guid,
        /// Its number there.
        uid: Option<Uid>,
        /// Its workspace.
        workspace: Option<WorkspaceId>,
    },
}

/// A ban to import, and whether that was attempted.
#[derive(Clone, Debug)]
pub struct Candidate {
    incoming: Incoming,
    /// A write was sent and not answered with success, so it may be what is found.
    tried: bool,
}

impl From<Incoming> for Candidate {
    fn from(incoming: Incoming) -> Self {
        Self {
            incoming,
            tried: false,
        }
    }
}

impl Candidate {
    /// The ban's user. An attempt takes one ban per user.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.incoming.user
    }

    #[must_use]
    pub const fn incoming(&self) -> &Incoming {
        &self.incoming
    }
}

/// The result for an imported ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportVerdict {
    /// It was written, or would be.
    Added,
    /// It was written, or would be, as one that another ban of the same file replaces.
    Replaced,
    /// It exists already.
    Unchanged,
    /// It has no guid, and the user is banned in the same scope by this ban.
    AlreadyBanned(Guid),
    /// It has no guid and has ended: there is nothing to keep.
    Over,
    /// Another ban of the same scope is in force, or was made later.
    InTheWay(Guid),
    /// A ban with this guid exists and differs in these fields.
    Differs(Vec<&'static str>),
    /// The user is protected.
    Protected,
    /// Its guid belongs to a ban of this other user.
    Taken(UserId),
}

/// Why an attempt wrote nothing, or not everything.
#[derive(Debug)]
pub enum ImportFailure {
    /// A write conflict on one of the users: try them one by one.
    Conflict,
    /// The database is overloaded or unreachable: wait and retry. The write may have happened all
    /// the same, which the next attempt finds out.
    Busy(String),
    /// It cannot continue.
    Refused(ApiError),
}

impl From<DatabaseError> for ImportFailure {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Conflict => Self::Conflict,
            DatabaseError::Unavailable(detail) => Self::Busy(detail),
            DatabaseError::NoTime => Self::Busy(error.to_string()),
            DatabaseError::Refused(detail) => Self::Refused(ApiError::Internal(detail)),
        }
    }
}

impl From<ApiError> for ImportFailure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Unavailable(detail) => Self::Busy(detail),
            other => Self::Refused(other),
        }
    }
}

/// What is known about the bans before the first is imported.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    pub workspace: WorkspaceId,
    /// The experiences in which active bans count as applied.
    pub applied_in: BTreeSet<ExperienceId>,
    /// All experiences that will have reported something.
    pub reporting: BTreeSet<ExperienceId>,
    /// The largest number among the workspace's own bans.
    pub largest_own: u64,
    /// The other workspace whose numbers may be kept, with the largest of them.
    pub foreign: Option<(WorkspaceId, u64)>,
    /// The users with several bans.
    pub repeated: HashSet<UserId>,
    /// Whether to restore bans that an earlier import made and that were lifted since.
    pub again: bool,
    pub dry_run: bool,
}

/// An import in progress.
#[derive(Debug)]
pub struct Import {
    store: Store,
    prefix: WorkspacePrefix,
    workspace: WorkspaceId,
    key_id: String,
    principal: Option<String>,
    applied_in: BTreeSet<ExperienceId>,
    adopted: Option<Adopted>,
    protected: HashSet<UserId>,
    policy: WritePolicy,
    again: bool,
    /// Whether the workspace already has bans, one of which may have the guid of an imported one.
    checks_guids: AtomicBool,
    began: UnixSeconds,
    rehearsal: Mutex<Rehearsal>,
}

impl Store {
    /// Starts an import: takes the numbers that will be kept out of the counter, and links the
    /// experiences that will have reported something.
    pub async fn begin_import(&self, plan: &ImportPlan) -> Result<Import, ApiError> {
        let prefix = plan.workspace.prefix();
        let before = self.numbering(prefix).await?;
        let adopted = self.settle_numbering(plan).await?;
        if !plan.dry_run {
            for experience in &plan.reporting {
                // Only linked experiences get later decisions.
                let now = UnixMillis::now().seconds();
                self.write_link(prefix, *experience, now).await?;
            }
        }
        let users = self.protected_users(prefix).await?;
        Ok(Import {
            store: self.clone(),
            prefix,
            workspace: plan.workspace,
            key_id: Actor::run_name("import"),
            principal: None,
            applied_in: plan.applied_in.clone(),
            adopted,
            protected: users.into_iter().map(|(user, _)| user).collect(),
            policy: self.record_policy(prefix).await?,
            again: plan.again,
            checks_guids: AtomicBool::new(before.last > 0),
            began: UnixMillis::now().seconds(),
            rehearsal: Mutex::new(Rehearsal::of(plan.repeated.clone())),
        })
    }
}

impl Import {
    /// The actor name of this run's decisions in the history.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Sets who runs the import, for the history.
    #[must_use]
    pub fn run_by(mut self, principal: String) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Whether to look up guids: there were bans at the start, another writer has appeared, or so
    /// much time has passed that one may have come and gone.
    fn checks_guids(&self) -> bool {
        self.checks_guids.load(Ordering::Relaxed)
            || UnixMillis::now().seconds() > self.began.plus(ALONE)
    }

    /// Records that another writer is active.
    fn meet_another(&self) {
        self.checks_guids.store(true, Ordering::Relaxed);
    }

    /// The number that a ban keeps, if it does.
    fn kept(&self, origin: Origin) -> Option<Uid> {
        let Origin::Known { uid, workspace, .. } = origin else {
            return None;
        };
        let (uid, workspace) = (uid.filter(|uid| uid.0 > 0)?, workspace?);
        let is_adopted = self
            .adopted
            .is_some_and(|adopted| adopted.covers(workspace, uid));
        (workspace == self.workspace || is_adopted).then_some(uid)
    }
}

impl Incoming {
    const fn is_replaced(&self) -> bool {
        self.replaced_by.is_some()
    }

    /// The ban with this identity.
    fn ban(&self, identity: Identity, now: UnixSeconds) -> Ban {
        let made = match self.origin {
            Origin::New => now,
            Origin::Known { guid, .. } => guid.created(),
        };
        let created = self.created.unwrap_or(made);
        let since = if self.is_replaced() { now } else { created };
        let updated = self.updated.unwrap_or(since);
        Ban {
            guid: identity.guid,
            uid: identity.uid,
            user: self.user,
            scope: self.scope,
            made_in: self.made_in,
            terms: self.terms.clone(),
            revision: 1,
            decisions: 1,
            created,
            updated,
            ending: self.ending.map(|kind| Ending { at: updated, kind }),
        }
    }

    /// What is written with a ban that has a guid, so that no simultaneous import gives the guid to
    /// another user. It names no user.
    fn claim(&self, prefix: WorkspacePrefix) -> Option<Key> {
        let Origin::Known { guid, .. } = self.origin else {
            return None;
        };
        let hash = digest::of(&["guid", &guid.to_string()]);
        Some(Key::request(prefix, &hash))
    }

    /// The note by which a ban without a guid is recognised.
    fn note(&self, prefix: WorkspacePrefix) -> Key {
        let Terms {
            moderator,
            private_reason,
            public_reason,
            expires,
            universal,
        } = &self.terms;
        let created = self.created.map_or(String::new(), |at| at.to_string());
        let hash = digest::of(&[
            "import",
            &self.user.to_string(),
            if self.scope == Scope::Global {
                "G"
            } else {
                "E"
            },
            &self.made_in.to_string(),
            &moderator.to_string(),
            private_reason,
            public_reason,
            &expires.seconds().to_string(),
            &universal.to_string(),
            &created,
        ]);
        Key::request(prefix, &hash)
    }

    /// The fields in which a stored ban differs. Later reports of experiences do not count.
    fn differences(&self, uid: Option<Uid>, stored: &Ban, now: UnixSeconds) -> Vec<&'static str> {
        let identity = Identity {
            guid: stored.guid,
            uid: uid.unwrap_or(stored.uid),
        };
        let own = self.ban(identity, now);
        let fields = [
            ("isGlobal", own.scope != stored.scope),
            ("isActive", own.holds(now) != stored.holds(now)),
            (
                "privateReason",
                own.terms.private_reason != stored.terms.private_reason,
            ),
            (
                "publicReason",
                own.terms.public_reason != stored.terms.public_reason,
            ),
            ("moderatorId", own.terms.moderator != stored.terms.moderator),
            (
                "created",
                self.created.is_some_and(|at| at != stored.created),
            ),
            (
                "updated",
                self.updated.is_some_and(|at| at != stored.updated),
            ),
            ("experienceId", own.made_in != stored.made_in),
            ("expires", own.terms.expires != stored.terms.expires),
            ("isAppealed", own.is_appealed() != stored.is_appealed()),
            (
                "experienceUniversal",
                own.terms.universal != stored.terms.universal,
            ),
            ("uid", own.uid != stored.uid),
        ];
        let differing = fields.into_iter().filter(|(_, differs)| *differs);
        differing.map(|(field, _)| field).collect()
    }
}
