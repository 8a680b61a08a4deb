//! What is stored for a user as seen from one experience, and what a call makes of it.

use serde::{Deserialize, Serialize};

use super::ban::{Ban, RevisionRef, Scope};
use super::repeating::CallMark;
use crate::domain::clock::UnixSeconds;

/// A user's standing in one experience.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What concerns this experience alone.
    pub here: Here,
    /// The user's latest Global ban, in force or not.
    pub global: Option<Ban>,
    /// What the latest decision in the Global scope leaves of the call that made it.
    pub global_mark: Option<CallMark>,
}

/// The part of a standing that concerns one experience alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Here {
    /// The user's latest Experience ban here, in force or not.
    pub ban: Option<Ban>,
    /// The last thing the experience reported: the revision by which the user is banned there,
    /// or `None` for "not banned", which is also the state before any report.
    pub report: Option<RevisionRef>,
    /// What the latest decision in this experience's scope leaves of the call that made it.
    pub mark: Option<CallMark>,
}

/// What a call leads to: the standing afterwards, and the decisions made on the way (none when
/// the call was a report).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The standing to be stored.
    pub standing: Standing,
    /// What was decided, for the records and the history.
    pub decisions: Vec<Decision>,
}

/// One decision on one ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub kind: DecisionKind,
    /// The ban after it.
    pub ban: Ban,
    /// What it replaced: the ban before it, or for a new ban the one that stood last in its scope.
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
    /// Other terms.
    Changed,
    /// Lifted.
    Lifted,
    /// Ended by an accepted appeal.
    Appealed,
    /// In force again as it was before it was ended: an undo.
    Restored,
    /// Brought in from another system.
    Imported,
    /// Run out: nobody's decision, but an event like one. It leaves no trace in a standing.
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

    /// The ban of a scope that holds now.
    #[must_use]
    pub fn in_force(&self, scope: Scope, now: UnixSeconds) -> Option<&Ban> {
        self.latest_in(scope).filter(|ban| ban.holds(now))
    }

    /// The ban that keeps the user out now. When two hold, the one that ends last counts, on a
    /// tie the Global one, so that only the end of that one changes anything.
    #[must_use]
    pub fn counting(&self, now: UnixSeconds) -> Option<&Ban> {
        last_to_end(self.bans().filter(|ban| ban.holds(now)))
    }

    /// The ban to show for the user: the one that counts, else the latest ever made.
    #[must_use]
    pub fn shown(&self, now: UnixSeconds) -> Option<&Ban> {
        self.counting(now)
            .or_else(|| self.bans().max_by_key(|ban| ban.guid))
    }

    /// Whether the user was ever banned here or globally.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        self.here.ban.is_none() && self.global.is_none()
    }

    /// The latest bans of both scopes, in force or not.
    pub(super) fn bans(&self) -> impl Iterator<Item = &Ban> {
        self.here.ban.iter().chain(&self.global)
    }

    /// This standing after a decision in the ban's scope. The mark of an earlier call goes with the
    /// decision that it made.
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
        self
    }

    /// This standing with another report of the experience.
    pub(super) const fn with_report(mut self, report: Option<RevisionRef>) -> Self {
        self.here.report = report;
        self
    }
}

/// The ban that ends last, on a tie the Global one.
pub(super) fn last_to_end<'a>(bans: impl Iterator<Item = &'a Ban>) -> Option<&'a Ban> {
    bans.max_by_key(|ban| (ban.terms.expires, ban.scope == Scope::Global))
}

/// The outcome of a call that says nothing new.
#[must_use]
pub fn unchanged(standing: &Standing) -> Outcome {
    Outcome::reported(standing.clone())
}

impl Outcome {
    /// An outcome in which nothing was decided.
    pub(super) const fn reported(standing: Standing) -> Self {
        Self {
            standing,
            decisions: Vec::new(),
        }
    }

    /// Whether it bans someone or changes a ban: what a cap counts, and a protected user is spared.
    #[must_use]
    pub fn bans(&self) -> bool {
        let bans = |kind| matches!(kind, DecisionKind::Made | DecisionKind::Changed);
        self.decisions.iter().any(|decision| bans(decision.kind))
    }

    /// Whether it makes or ends a Global ban, for which a key needs a scope of its own.
    #[must_use]
    pub fn decides_globally(&self) -> bool {
        self.decisions
            .iter()
            .any(|decision| decision.ban.scope == Scope::Global)
    }
}
