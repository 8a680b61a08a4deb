//! A ban: who, where, on what terms, and whether it was ended.

use crate::clock::{Moment, Timestamp};
use crate::ids::{ExperienceId, Guid, ModeratorId, Uid, UserId};

/// One ban with its current terms. Its earlier revisions live on in the decisions that replaced
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The ban's public id.
    pub guid: Guid,
    /// Its number within the workspace.
    pub uid: Uid,
    /// Who is banned.
    pub user: UserId,
    /// Where it holds.
    pub scope: Scope,
    /// The experience it was made from; an Experience ban holds there.
    pub made_in: ExperienceId,
    /// What it says.
    pub terms: Terms,
    /// Grows with each change of the terms; the first is 1.
    pub revision: u32,
    /// How many decisions it has seen, its making and its ending included.
    pub decisions: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When the last decision on it was made.
    pub updated: Timestamp,
    /// Set when it was lifted or appealed. Expiry is not an ending: it is a matter of the clock.
    pub ending: Option<Ending>,
}

/// Where a ban holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In the experience it was made from.
    Experience,
    /// In every experience of the workspace.
    Global,
}

/// What a ban says; a change of any of it is a new revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who decided it.
    pub moderator: ModeratorId,
    /// For moderators.
    pub private_reason: String,
    /// Shown to the player.
    pub public_reason: String,
    /// Until when it holds.
    pub expires: Expiry,
    /// Whether it is to be applied to the whole universe of the place.
    pub universal: bool,
}

/// Until when a ban holds. Ordered by time: `Never` is the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expiry {
    /// From this second on it does not hold.
    At(Timestamp),
    /// It holds until it is lifted.
    Never,
}

impl Terms {
    /// The longest private reason, in bytes: what the published SDK accepts back.
    pub const LONGEST_PRIVATE_REASON: usize = 1000;

    /// The longest public reason, in bytes, likewise.
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

    /// Reads the wire form, in which 0 means never.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        if seconds == 0 {
            Self::Never
        } else {
            Self::At(Timestamp(seconds))
        }
    }

    /// Whether it has not been reached.
    #[must_use]
    pub fn is_after(self, now: Timestamp) -> bool {
        self > Self::At(now)
    }
}

/// How and when a ban was ended by a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// How.
    pub kind: EndingKind,
}

/// How a ban was ended by a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndingKind {
    /// Lifted by an unban.
    Lifted,
    /// Ended by an accepted appeal.
    Appealed,
}

/// One revision of one ban: what an experience reports to have applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RevisionRef {
    /// The ban.
    pub guid: Guid,
    /// Its revision.
    pub revision: u32,
    /// The experience the ban was made from, whose report the ban's record shows.
    pub made_in: ExperienceId,
}

/// What a new ban is called: given by storage, never twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its public id.
    pub guid: Guid,
    /// Its number within the workspace.
    pub uid: Uid,
}

impl Identity {
    /// What the ban of this number is called when it is made now.
    #[must_use]
    pub fn of(uid: Uid, now: Moment) -> Self {
        Self {
            guid: Guid::mint(now, uid),
            uid,
        }
    }
}

impl Ban {
    /// Whether the ban keeps the user out now: neither ended nor expired.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.ending.is_none() && self.terms.expires.is_after(now)
    }

    /// Whether it was ended by an accepted appeal.
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

    /// The current revision.
    #[must_use]
    pub const fn current(&self) -> RevisionRef {
        RevisionRef {
            guid: self.guid,
            revision: self.revision,
            made_in: self.made_in,
        }
    }

    /// From when on the ban does not hold, as far as is decided now: its ending, else its expiry.
    #[must_use]
    pub fn holds_until(&self) -> Expiry {
        match self.ending {
            Some(ending) => self.terms.expires.min(Expiry::At(ending.at)),
            None => self.terms.expires,
        }
    }

    /// The ban ended by a decision made `now`. Its terms, and so its revision, stay.
    #[must_use]
    pub fn ended(&self, kind: EndingKind, now: Timestamp) -> Self {
        Self {
            ending: Some(Ending { at: now, kind }),
            updated: now.max(self.updated),
            decisions: self.decisions.saturating_add(1),
            ..self.clone()
        }
    }

    /// The ban with other terms, decided `now`.
    #[must_use]
    pub fn revised(&self, terms: Terms, now: Timestamp) -> Self {
        Self {
            terms,
            revision: self.revision.saturating_add(1),
            updated: now.max(self.updated),
            decisions: self.decisions.saturating_add(1),
            ..self.clone()
        }
    }

    /// The ban in force again on these terms, decided `now`; `last` is its newest state. Experiences
    /// that reported these terms last owe nothing for it, so the revision only grows if it has seen
    /// others since.
    #[must_use]
    pub fn in_force_again(&self, last: &Self, now: Timestamp) -> Self {
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
