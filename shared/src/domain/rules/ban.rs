//! A ban: its user, scope, terms and ending.

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::{ExperienceId, Guid, ModeratorId, Uid, UserId};

/// One ban with its current terms. Its earlier revisions are in the decisions that replaced them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    pub guid: Guid,
    pub uid: Uid,
    pub user: UserId,
    pub scope: Scope,
    /// The experience it was made from; an Experience ban applies there.
    pub made_in: ExperienceId,
    pub terms: Terms,
    /// Grows with each change of the terms, from 1.
    pub revision: u32,
    /// The number of decisions on it, including its making and its ending.
    pub decisions: u32,
    pub created: UnixSeconds,
    /// The time of the last decision on it.
    pub updated: UnixSeconds,
    /// Set when it was lifted or appealed. Expiry is not an ending: it depends on the clock.
    pub ending: Option<Ending>,
}

/// Where a ban applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In the experience it was made from.
    Experience,
    /// In every experience of the workspace.
    Global,
}

/// The terms of a ban; changing any of them makes a new revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who decided the terms.
    pub moderator: ModeratorId,
    /// Shown to moderators only.
    pub private_reason: String,
    pub public_reason: String,
    pub expires: Expiry,
    /// Whether it applies to the whole universe of the place.
    pub universal: bool,
}

/// When a ban expires. Ordered by time: `Never` is the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expiry {
    /// No longer in force from this second on.
    At(UnixSeconds),
    Never,
}

impl Terms {
    /// The longest private reason in bytes: what the published SDK accepts back.
    pub const LONGEST_PRIVATE_REASON: usize = 1000;

    /// The longest public reason in bytes: what the published SDK accepts back.
    pub const LONGEST_PUBLIC_REASON: usize = 400;
}

impl Expiry {
    /// The second of expiry; 0 means never, as on the wire.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        match self {
            Self::At(at) => at.0,
            Self::Never => 0,
        }
    }

    /// Parses the wire form, in which 0 means never.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        if seconds == 0 {
            Self::Never
        } else {
            Self::At(UnixSeconds(seconds))
        }
    }

    /// Whether it is still in the future.
    #[must_use]
    pub fn is_after(self, now: UnixSeconds) -> bool {
        self > Self::At(now)
    }
}

/// How and when a decision ended a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    pub at: UnixSeconds,
    pub kind: EndingKind,
}

/// How a decision ended a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndingKind {
    /// Lifted by an unban.
    Lifted,
    /// Ended by an accepted appeal.
    Appealed,
}

/// One revision of one ban: what an experience reports as applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RevisionRef {
    pub guid: Guid,
    pub revision: u32,
    /// The experience the ban was made from; the ban's record shows its report.
    pub made_in: ExperienceId,
}

/// The identity of a new ban: assigned by storage, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub guid: Guid,
    pub uid: Uid,
}

impl Identity {
    /// The identity of the ban with this number, made now.
    #[must_use]
    pub fn of(uid: Uid, now: UnixMillis) -> Self {
        Self {
            guid: Guid::mint(now, uid),
            uid,
        }
    }
}

impl Ban {
    /// Whether the ban keeps the user out now: neither ended nor expired.
    #[must_use]
    pub fn holds(&self, now: UnixSeconds) -> bool {
        self.ending.is_none() && self.terms.expires.is_after(now)
    }

    #[must_use]
    pub fn is_appealed(&self) -> bool {
        matches!(
            self.ending,
            Some(Ending {
                kind: EndingKind::Appealed,
                ..
            })
        )
    }

    #[must_use]
    pub const fn current(&self) -> RevisionRef {
        RevisionRef {
            guid: self.guid,
            revision: self.revision,
            made_in: self.made_in,
        }
    }

    /// When the ban ends according to present decisions: its ending, else its expiry.
    #[must_use]
    pub fn holds_until(&self) -> Expiry {
        match self.ending {
            Some(ending) => self.terms.expires.min(Expiry::At(ending.at)),
            None => self.terms.expires,
        }
    }

    /// The ban ended by a decision made `now`. Its terms, and so its revision, stay.
    #[must_use]
    pub fn ended(&self, kind: EndingKind, now: UnixSeconds) -> Self {
        Self {
            ending: Some(Ending { at: now, kind }),
            updated: now.max(self.updated),
            decisions: self.decisions.saturating_add(1),
            ..self.clone()
        }
    }

    /// The ban with new terms, decided `now`.
    #[must_use]
    pub fn revised(&self, terms: Terms, now: UnixSeconds) -> Self {
        Self {
            terms,
            revision: self.revision.saturating_add(1),
            updated: now.max(self.updated),
            decisions: self.decisions.saturating_add(1),
            ..self.clone()
        }
    }

    /// The ban in force again with these terms, decided `now`; `last` is its newest state. Nothing
    /// is pending for experiences that reported these terms last, so the revision only grows if
    /// there were others since.
    #[must_use]
    pub fn in_force_again(&self, last: &Self, now: UnixSeconds) -> Self {
        let revision = if last.terms == self.terms {
            last.revision
        } else {
            last.revision.saturating_add(1)
        };
        Self {
            revision,
            decisions: last.decisions.saturating_add(1),
            updated: now.max(last.updated),
            ending: None,
            ..self.clone()
        }
    }
}
