//! What the model says.

use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, Guid, Uid, UserId};
use crate::domain::rules::{Scope, Terms};

/// What a call that may change something answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200.
    Ok,
    /// 409: this ban is in the way.
    AlreadyBanned(Box<BanState>),
    /// 400: the expiry has passed.
    ExpiryPassed,
    /// 404.
    NotFound,
}

/// What there is to say of a ban at some time, to some experience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanState {
    /// Its public id.
    pub guid: Guid,
    /// Its number.
    pub uid: Uid,
    /// Who is banned.
    pub user: UserId,
    /// Where it holds.
    pub scope: Scope,
    /// The experience it was made from.
    pub made_in: ExperienceId,
    /// Its current terms.
    pub terms: Terms,
    /// The number of its current terms, 1 for the first.
    pub revision: u32,
    /// When it was made.
    pub created: UnixSeconds,
    /// When the last decision on it was made.
    pub updated: UnixSeconds,
    /// Whether it is in force: not lifted, not appealed, not expired.
    pub active: bool,
    /// Whether it was ended by an accepted appeal.
    pub appealed: bool,
    /// Whether its current terms are what the experience asked about last reported.
    pub completed: bool,
}
