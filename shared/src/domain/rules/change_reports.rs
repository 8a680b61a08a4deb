//! `/reports`: an experience reports exactly which change it has applied, or failed to apply.
//!
//! Unlike a report in the form of a ban call, it names the ban and its revision, so it is never
//! mistaken for a decision, however late it is.

use serde::{Deserialize, Serialize};

use super::ban::{Ban, RevisionRef};
use super::failures::FailedAttempts;
use super::pending::PendingChange;
use super::standing::Standing;
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{Guid, UserId};

/// What an experience reports about one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeReport {
    pub user: UserId,
    /// The ban that was set or lifted.
    pub guid: Guid,
    pub revision: u32,
    pub change: Change,
    pub attempt: ReportedAttempt,
}

/// A change to Roblox's own ban list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Ban,
    Unban,
}

/// What became of the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedAttempt {
    Applied,
    Failed {
        /// What Roblox or the game answered, if that is known.
        error: Option<String>,
    },
}

/// What became of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportStatus {
    /// Nothing is pending for the user any more.
    Applied,
    /// Something else is pending since, or what the report says has failed is not pending.
    Superseded,
    /// The change failed, and stays pending.
    Noted,
    /// The user has no such ban, or it has no such revision.
    Unknown,
}

impl ChangeReport {
    /// What the report says, for comparisons with another call.
    #[must_use]
    pub fn meaning(&self) -> String {
        let change = match self.change {
            Change::Ban => "ban",
            Change::Unban => "unban",
        };
        let failed = match &self.attempt {
            ReportedAttempt::Applied => None,
            ReportedAttempt::Failed { error } => Some(error.as_deref().unwrap_or_default()),
        };
        let (user, guid, revision) = (self.user, self.guid, self.revision);
        format!("{user} {guid} {revision} {change} {failed:?}")
    }
}

impl ReportStatus {
    /// The status in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "ok",
            Self::Superseded => "superseded",
            Self::Noted => "noted",
            Self::Unknown => "unknown",
        }
    }
}

/// Takes a report; returns the standing with it. `ban` is the user's ban with the report's guid, if
/// there is one that reaches the experience.
///
/// An applied change is recorded even if it is outdated: it is true, and what is pending follows
/// from it. A failure before the time of the next attempt is the last one, reported again.
#[must_use]
pub fn take_report(
    standing: &Standing,
    report: &ChangeReport,
    ban: Option<&Ban>,
    now: UnixSeconds,
) -> (Standing, ReportStatus) {
    let has_revision = |ban: &&Ban| (1..=ban.revision).contains(&report.revision);
    let Some(ban) = ban.filter(has_revision) else {
        return (standing.clone(), ReportStatus::Unknown);
    };
    let revision = RevisionRef {
        revision: report.revision,
        ..ban.current()
    };
    match &report.attempt {
        ReportedAttempt::Applied => {
            let reported = match report.change {
                Change::Ban => Some(revision),
                Change::Unban => None,
            };
            let after = standing.clone().with_report(reported);
            let status = match after.pending_at(now) {
                None => ReportStatus::Applied,
                Some(_) => ReportStatus::Superseded,
            };
            (after, status)
        }
        ReportedAttempt::Failed { error } => {
            let is_about = |pending: &PendingChange| match (report.change, pending) {
                (Change::Ban, PendingChange::Ban(pending)) => *pending == revision,
                (Change::Unban, PendingChange::Unban(pending)) => {
                    pending.reported.guid == report.guid
                }
                _ => false,
            };
            let Some(pending) = standing.pending_at(now).filter(is_about) else {
                return (standing.clone(), ReportStatus::Superseded);
            };
            let before = standing.here.failures.as_ref();
            let before = before.filter(|failures| failures.of == pending);
            if before.is_some_and(|failures| now < failures.not_before) {
                return (standing.clone(), ReportStatus::Noted);
            }
            let mut after = standing.clone();
            after.here.failures = Some(FailedAttempts::after(
                before,
                pending,
                error.as_deref(),
                now,
            ));
            (after, ReportStatus::Noted)
        }
    }
}
