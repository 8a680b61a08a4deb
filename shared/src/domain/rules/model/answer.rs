//! The model's answers.

use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, Guid, Uid, UserId};
use crate::domain::rules::{ReportStatus, Scope, Terms};

/// The answer to a call that may change something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200.
    Ok,
    /// 409: this ban conflicts.
    AlreadyBanned(Box<BanState>),
    /// 400: the expiry is in the past.
    ExpiryPassed,
    /// 404.
    NotFound,
    /// 200 to one report of `/reports`.
    Reported(ReportStatus),
}

/// A ban at some time, as seen from some experience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanState {
    pub guid: Guid,
    pub uid: Uid,
    pub user: UserId,
    pub scope: Scope,
    /// The experience it was made from.
    pub made_in: ExperienceId,
    /// Its current terms.
    pub terms: Terms,
    /// The number of its current terms, from 1.
    pub revision: u32,
    pub created: UnixSeconds,
    /// The time of the last decision on it.
    pub updated: UnixSeconds,
    /// Whether it is in force: not lifted, not appealed, not expired.
    pub active: bool,
    /// Whether it was ended by an accepted appeal.
    pub appealed: bool,
    /// Whether the experience in question last reported the current terms.
    pub applied: bool,
    /// Only in the lists of what is pending: how many attempts have failed, and when the next one
    /// may follow.
    pub failures: Option<(u32, UnixSeconds)>,
}
