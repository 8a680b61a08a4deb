//! Bans from elsewhere: written with the same care as a decision, many to a transaction.
//!
//! An imported ban keeps its name, its times and what experiences have reported of it, and gets one
//! decision in the history. Bringing in the same rows again changes nothing: a ban that has a guid is
//! recognised by it, one without by a note of its contents that is written along with it.

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
use crate::store::decisions::commit::Actor;
use crate::store::decisions::write_policy::WritePolicy;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::schema::Key;

use rehearsal::Rehearsal;

pub use numbers::{Adopted, Numbering};

/// After how many seconds an import into an empty workspace begins to look guids up: while the first
/// claims of another import that runs beside it are still there.
const ALONE: u64 = 600;

/// A ban to be brought in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Who is banned.
    pub user: UserId,
    /// Where it holds.
    pub scope: Scope,
    /// The experience it was made from.
    pub made_in: ExperienceId,
    /// What it says.
    pub terms: Terms,
    /// When it was made, if that is known.
    pub created: Option<UnixSeconds>,
    /// When the last decision on it was made, if that is known.
    pub updated: Option<UnixSeconds>,
    /// How it was ended, at `updated`.
    pub ending: Option<EndingKind>,
    /// Whether it has a name already.
    pub origin: Origin,
    /// Whether the experience it was made from has applied it.
    pub applied: bool,
    /// What another ban of the same import says that holds in its place: it goes to the records.
    pub replaced_by: Option<Terms>,
}

/// What a ban was called where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It has no name: it becomes a new ban.
    New,
    /// A ban of Portcullis or of an API like it.
    Known {
        /// Its public id.
        guid: Guid,
        /// Its number there.
        uid: Option<Uid>,
        /// The workspace it comes from.
        workspace: Option<WorkspaceId>,
    },
}

/// A ban to be brought in, and whether that was tried.
#[derive(Clone, Debug)]
pub struct Candidate {
    incoming: Incoming,
    /// A write was sent and not answered with success, so that it may be what is found.
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
    /// Whose ban it is. An attempt takes one ban of each user.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.incoming.user
    }

    /// The ban.
    #[must_use]
    pub const fn incoming(&self) -> &Incoming {
        &self.incoming
    }
}

/// What becomes of a ban that is brought in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportVerdict {
    /// It is written, or would be.
    Added,
    /// It is written, or would be, as one that another ban of the same file replaces.
    Replaced,
    /// It is there already.
    Unchanged,
    /// It has no guid, and the user is banned in the same scope by this ban.
    AlreadyBanned(Guid),
    /// It has no guid and has ended: there is nothing to be kept of it.
    Over,
    /// Another ban of the same scope is in force, or was made later.
    InTheWay(Guid),
    /// A ban with this guid is there and says something else in these fields.
    Differs(Vec<&'static str>),
    /// Nobody may ban the user.
    Protected,
    /// Its guid is that of a ban of this other user.
    Taken(UserId),
}

/// Why an attempt wrote nothing, or not all.
#[derive(Debug)]
pub enum ImportFailure {
    /// Somebody else wrote about one of the users: try them one by one.
    Conflict,
    /// The database has too much to do or is out of reach: wait and try again. What was sent may
    /// have been written all the same, which the next attempt finds out.
    Busy(String),
    /// It cannot go on.
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

/// What is known of the bans before the first is brought in.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    /// Into which workspace.
    pub workspace: WorkspaceId,
    /// The experiences in which the bans in force count as applied.
    pub applied_in: BTreeSet<ExperienceId>,
    /// All experiences that are going to have reported something.
    pub reporting: BTreeSet<ExperienceId>,
    /// The largest number among the workspace's own bans.
    pub largest_own: u64,
    /// The other workspace whose numbers may be kept, with the largest of them.
    pub foreign: Option<(WorkspaceId, u64)>,
    /// The users of several bans.
    pub repeated: HashSet<UserId>,
    /// Whether bans that an earlier import made, and that were lifted since, are made again.
    pub again: bool,
    /// Whether anything is to be written at all.
    pub dry_run: bool,
}

/// An import that has begun.
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
    /// Whether bans are there, one of which may have the guid of one that is brought in.
    checks_guids: AtomicBool,
    began: UnixSeconds,
    rehearsal: Mutex<Rehearsal>,
}

impl Store {
    /// Begins an import: numbers that are going to be kept are taken out of the counter, and the
    /// experiences that are going to have reported something are linked.
    pub async fn begin_import(&self, plan: &ImportPlan) -> Result<Import, ApiError> {
        let prefix = plan.workspace.prefix();
        let before = self.numbering(prefix).await?;
        let adopted = self.settle_numbering(plan).await?;
        if !plan.dry_run {
            for experience in &plan.reporting {
                // Only so do later decisions reach it.
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
    /// The name under which the decisions of this run stand in the history.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The same import with the name of who runs it, for the history.
    #[must_use]
    pub fn run_by(mut self, principal: String) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Whether guids are looked up: bans were there at the beginning, another writer has turned up, or
    /// it is so long ago that one may have come and gone.
    fn checks_guids(&self) -> bool {
        self.checks_guids.load(Ordering::Relaxed)
            || UnixMillis::now().seconds() > self.began.plus(ALONE)
    }

    /// Notes that another writer is at work.
    fn meet_another(&self) {
        self.checks_guids.store(true, Ordering::Relaxed);
    }

    /// Whether a ban keeps its number.
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

    /// The ban under this name.
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

    /// What is written along with a ban that has a guid, so that no other import gives the guid to
    /// another user at the same time. It names no user.
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

    /// In which fields a ban on record says something else. What experiences have reported of it
    /// since is no difference.
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
