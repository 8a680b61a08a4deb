//! What is pending for an experience, as a function of what is stored.
//!
//! Time alone changes it in one way only: when the ban that ends last expires, a pending ban
//! disappears and, if the experience applied a ban, an unban becomes due. Both times are known when
//! the standing is written, so they are stored with it, and no job is needed at those times.

use super::ban::{Expiry, RevisionRef};
use super::standing::{Standing, last_to_end};
use crate::domain::clock::UnixSeconds;

/// What is pending for one user in an experience, now and later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PendingChanges {
    pub ban: Option<PendingBan>,
    /// The pending unban, possibly in the future.
    pub unban: Option<PendingUnban>,
}

/// A ban whose current revision the experience has not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingBan {
    /// The revision to report.
    pub revision: RevisionRef,
    /// No longer pending from then on.
    pub until: Expiry,
}

/// An unban that the experience has not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingUnban {
    /// Pending from then on: the end of the last ban.
    pub due: UnixSeconds,
    /// The experience's last report.
    pub reported: RevisionRef,
}

/// One pending change, as far as it differs from any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingChange {
    Ban(RevisionRef),
    Unban(PendingUnban),
}

impl Standing {
    /// The one change that is pending for the experience now.
    #[must_use]
    pub fn pending_at(&self, now: UnixSeconds) -> Option<PendingChange> {
        let pending = self.pending();
        let ban = pending
            .ban_at(now)
            .map(|ban| PendingChange::Ban(ban.revision));
        ban.or_else(|| pending.unban_at(now).map(PendingChange::Unban))
    }

    /// What is pending for the experience. Valid until the standing changes.
    #[must_use]
    pub fn pending(&self) -> PendingChanges {
        let lasting = last_to_end(self.bans().filter(|ban| ban.ending.is_none()));
        let ban = lasting
            .filter(|ban| self.here.report != Some(ban.current()))
            .map(|ban| PendingBan {
                revision: ban.current(),
                until: ban.terms.expires,
            });

        let end_of_all = self.bans().map(super::Ban::holds_until).max();
        let unban = match (self.here.report, end_of_all) {
            (Some(reported), Some(Expiry::At(due))) => Some(PendingUnban { due, reported }),
            // The reported ban was in force in a place that became part of this one.
            (Some(reported), None) => {
                let due = UnixSeconds::default();
                Some(PendingUnban { due, reported })
            }
            _ => None,
        };
        PendingChanges { ban, unban }
    }
}

impl PendingChanges {
    /// The ban pending now.
    #[must_use]
    pub fn ban_at(&self, now: UnixSeconds) -> Option<PendingBan> {
        self.ban.filter(|ban| ban.until.is_after(now))
    }

    /// Whether this change is pending, now or later.
    #[must_use]
    pub fn contains(&self, change: &PendingChange) -> bool {
        match change {
            PendingChange::Ban(revision) => self.ban.is_some_and(|ban| ban.revision == *revision),
            PendingChange::Unban(unban) => self.unban == Some(*unban),
        }
    }

    /// The unban pending now.
    #[must_use]
    pub fn unban_at(&self, now: UnixSeconds) -> Option<PendingUnban> {
        self.unban.filter(|unban| unban.due <= now)
    }
}
