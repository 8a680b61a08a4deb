//! What an experience owes, as a function of what is stored alone.
//!
//! Time changes what is owed only in one way: when the ban that ends last runs out, a pending ban
//! vanishes and, if the experience applied a ban, an unban becomes due. Both moments are known
//! when the standing is written, so they are stored with it, and nothing has to run when they come.

use super::ban::{Expiry, RevisionRef};
use super::standing::{Standing, last_to_end};
use crate::domain::clock::UnixSeconds;

/// What an experience owes for one user, now and later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// A ban to be applied.
    pub ban: Option<OwedBan>,
    /// An unban to be applied, possibly in the future.
    pub unban: Option<OwedUnban>,
}

/// A ban that the experience has not reported exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwedBan {
    /// What it should report.
    pub revision: RevisionRef,
    /// From then on it is no longer owed.
    pub until: Expiry,
}

/// An unban that the experience has not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwedUnban {
    /// From then on it is owed: the end of the last ban.
    pub due: UnixSeconds,
    /// What the experience last reported.
    pub reported: RevisionRef,
}

impl Standing {
    /// What the experience owes. True at any time until the standing changes.
    #[must_use]
    pub fn owed(&self) -> Owed {
        let lasting = last_to_end(self.bans().filter(|ban| ban.ending.is_none()));
        let ban = lasting
            .filter(|ban| self.here.report != Some(ban.current()))
            .map(|ban| OwedBan {
                revision: ban.current(),
                until: ban.terms.expires,
            });

        let end_of_all = self.bans().map(super::Ban::holds_until).max();
        let unban = match (self.here.report, end_of_all) {
            (Some(reported), Some(Expiry::At(due))) => Some(OwedUnban { due, reported }),
            _ => None,
        };
        Owed { ban, unban }
    }
}

impl Owed {
    /// The ban that is owed now.
    #[must_use]
    pub fn ban_at(&self, now: UnixSeconds) -> Option<OwedBan> {
        self.ban.filter(|ban| ban.until.is_after(now))
    }

    /// The unban that is owed now.
    #[must_use]
    pub fn unban_at(&self, now: UnixSeconds) -> Option<OwedUnban> {
        self.unban.filter(|unban| unban.due <= now)
    }
}
