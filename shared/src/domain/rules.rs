//! The ban rules: pure functions over plain types, with the clock passed in.
//!
//! A workspace **decides** (bans, changes, lifts). An experience **applies** the decision to Roblox's
//! own ban list and **reports** it. [`Standing`] is what is stored about a user in one experience: the
//! decisions that can keep the user out there, and the experience's last report. It determines
//!
//! - whether the user is banned ([`Standing::counting`]),
//! - what is pending for the experience ([`Standing::pending`]),
//! - what a call changes: each call is first *judged* ([`judge_ban`], [`judge_unban`]) and then
//!   turned into an [`Outcome`], the standing afterwards and the decisions made on the way.
//!
//! Nothing here uses HTTP or a database; storage writes an outcome or nothing.

mod appealing;
mod ban;
mod banning;
mod carrying_over;
mod change_reports;
mod check_rate;
mod erasing;
mod failures;
pub mod group_roles;
mod importing;
pub mod mirror;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod pace;
mod pending;
mod repeating;
mod restoring;
mod standing;
mod unbanning;
mod undoing;

pub use appealing::appeal;
pub use ban::{Ban, Ending, EndingKind, Expiry, Identity, RevisionRef, Scope, Terms};
pub use banning::{
    BanRequest, Judgement, LATE_WINDOW, Length, REPEAT_WINDOW, Revision, current_revision, decides,
    judge_ban, make, may_be_late, overwrite, report,
};
pub use carrying_over::{CarriedOver, carry_over, is_to_carry, needs_identity};
pub use change_reports::{Change, ChangeReport, ReportStatus, ReportedAttempt, take_report};
pub use check_rate::{CheckRate, CheckReport};
pub use erasing::{Wording, erased, may_mean_erased, report_erased};
pub use failures::{FailedAttempts, LONGEST_ERROR};
pub use importing::{import, import_replaced, import_report, reinstate};
pub use pace::Pace;
pub use pending::{PendingBan, PendingChange, PendingChanges, PendingUnban};
pub use repeating::{CallDigest, CallMark, Meaning, REPEAT_LIMIT};
pub use restoring::restore;
pub use standing::{Decision, DecisionKind, Here, Outcome, Standing, unchanged};
pub use unbanning::{UnbanJudgement, UnbanRequest, judge_unban, lift, lift_only, report_unbanned};
pub use undoing::{UndoStep, undo};

use crate::domain::clock::UnixSeconds;

/// Why a call changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A ban in force conflicts, and the call does not overwrite.
    AlreadyBanned(Box<Ban>),
    /// A decision cannot set an expiry in the past.
    ExpiryPassed(UnixSeconds),
    /// There is no ban (in force) that the call could act on.
    NotFound,
}

#[cfg(test)]
mod tests;
