//! What is stored about a user in one experience, and what a call makes of it.

use serde::{Deserialize, Serialize};

use super::ban::{Ban, RevisionRef, Scope};
use super::failures::FailedAttempts;
use super::repeating::CallMark;
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::Guid;

/// A user's standing in one experience.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The part for this experience alone.
    pub here: Here,
    /// The user's latest Global ban, in force or not.
    pub global: Option<Ban>,
    /// The mark of the call that made the latest decision in the Global scope.
    pub global_mark: Option<CallMark>,
}

/// The part of a standing that concerns one experience alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Here {
    /// The user's latest Experience ban here, in force or not.
    pub ban: Option<Ban>,
    /// The experience's last report: the revision by which the user is banned there, or `None` for
    /// "not banned", which is also the state before any report.
    pub report: Option<RevisionRef>,
    /// The experience's failed attempts at what is pending.
    pub failures: Option<FailedAttempts>,
    /// The mark of the call that made the latest decision in this experience's scope.
    pub mark: Option<CallMark>,
}

/// The result of a call: the new standing, and the decisions made (none if the call was a report).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The standing to be stored.
    pub standing: Standing,
    /// The decisions, for the records and the history.
    pub decisions: Vec<Decision>,
}

/// One decision on one ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub kind: DecisionKind,
    /// The ban after it.
    pub ban: Ban,
    /// What it replaced: the ban before it or, for a new ban, the previous ban in its scope.
    pub previous: Option<Ban>,
    /// The reason given for lifting it.
    pub reason: Option<String>,
}

/// What a decision does to a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecisionKind {
    /// A new ban.
    Made,
    /// New terms.
    Changed,
    Lifted,
    /// Ended by an accepted appeal.
    Appealed,
    /// In force again as before its end, by an undo.
    Restored,
    /// Imported from another system.
    Imported,
    /// Expired: not a decision, but an event like one. It leaves no trace in a standing.
    Expired,
}

impl Standing {
    /// The latest ban of a scope, in force or not.
    #[must_use]
    pub const fn latest_in(&self, scope: Scope) -> Option<&Ban> {
        match scope {
            Scope::Experience => self.here.ban.as_ref(),
            Scope::Global => self.global.as_ref(),
        }
    }

    /// The ban in force in a scope.
    #[must_use]
    pub fn in_force(&self, scope: Scope, now: UnixSeconds) -> Option<&Ban> {
        self.latest_in(scope).filter(|ban| ban.holds(now))
    }

    /// The ban that keeps the user out now. Of two in force, the one that ends last, on a tie the
    /// Global one, so that only the end of that one changes anything.
    #[must_use]
    pub fn counting(&self, now: UnixSeconds) -> Option<&Ban> {
        last_to_end(self.bans().filter(|ban| ban.holds(now)))
    }

    /// The ban to show for the user: the one in force, else the latest ever made.
    #[must_use]
    pub fn shown(&self, now: UnixSeconds) -> Option<&Ban> {
        self.counting(now)
            .or_else(|| self.bans().max_by_key(|ban| ban.guid))
    }

    /// This standing for a check that must also see another experience of the game: with the ban
    /// of the one that keeps the user out longer, else with the latest one. What is reported remains
    /// that of the experience in which the call acts.
    #[must_use]
    pub fn with_other(mut self, other: Here, now: UnixSeconds) -> Self {
        let rank = |here: &Here| {
            let ban = here.ban.as_ref()?;
            let holds = ban.holds(now).then_some(ban.terms.expires);
            Some((holds, ban.guid))
        };
        if rank(&other) > rank(&self.here) {
            self.here.ban = other.ban;
        }
        self
    }

    /// The latest ban of a scope with this guid.
    #[must_use]
    pub fn ban(&self, guid: Guid) -> Option<&Ban> {
        self.bans().find(|ban| ban.guid == guid)
    }

    /// Whether the user was never banned here or globally, and nothing was reported.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        self.here.ban.is_none() && self.global.is_none() && self.here.report.is_none()
    }

    /// The latest bans of both scopes, in force or not.
    pub(super) fn bans(&self) -> impl Iterator<Item = &Ban> {
        self.here.ban.iter().chain(&self.global)
    }

    /// This standing after a decision in the ban's scope. It drops the mark of an earlier call.
    pub(super) fn with_ban(mut self, ban: Ban) -> Self {
        match ban.scope {
            Scope::Experience => {
                self.here.ban = Some(ban);
                self.here.mark = None;
            }
            Scope::Global => {
                self.global = Some(ban);
                self.global_mark = None;
            }
        }
        self.without_stale_failures()
    }

    /// This standing with another report.
    pub(super) fn with_report(mut self, report: Option<RevisionRef>) -> Self {
        self.here.report = report;
        self.without_stale_failures()
    }
}

/// The ban that ends last, on a tie the Global one.
pub(super) fn last_to_end<'a>(bans: impl Iterator<Item = &'a Ban>) -> Option<&'a Ban> {
    bans.max_by_key(|ban| (ban.terms.expires, ban.scope == Scope::Global))
}

/// The outcome of a call that changes nothing.
#[must_use]
pub fn unchanged(standing: &Standing) -> Outcome {
    Outcome::reported(standing.clone())
}

impl Outcome {
    /// An outcome without a decision.
    #[must_use]
    pub const fn reported(standing: Standing) -> Self {
        Self {
            standing,
            decisions: Vec::new(),
        }
    }

    /// Whether it bans a user or changes a ban: what caps count and protection forbids.
    #[must_use]
    pub fn bans(&self) -> bool {
        let bans = |kind| matches!(kind, DecisionKind::Made | DecisionKind::Changed);
        self.decisions.iter().any(|decision| bans(decision.kind))
    }

    /// Whether it makes or ends a Global ban, which requires a separate scope.
    #[must_use]
    pub fn decides_globally(&self) -> bool {
        self.decisions
            .iter()
            .any(|decision| decision.ban.scope == Scope::Global)
    }
}
