//! Which decision a moderator may undo with one press.

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::history::PastDecision;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::members::MemberId;
use crate::store::Store;

/// For how many seconds moderators undo what they decided: as long as a session can last.
pub const UNDONE_WITHIN: u64 = 12 * 3_600;

/// The reason in the history.
pub const UNDO_REASON: &str = "Undone by the moderator who decided it.";

/// How many of the user's newest decisions are searched.
const SEARCHED: usize = 50;

/// A decision that a moderator wants to undo.
#[derive(Clone, Debug)]
pub enum OwnDecision {
    /// They may.
    Theirs(Box<PastDecision>),
    /// It is not among the user's newest ones.
    Unknown,
    OfAnother,
    TooOld,
}

/// Looks for the decision with this id about a user.
pub async fn own_decision(
    store: &Store,
    prefix: WorkspacePrefix,
    user: UserId,
    id: &str,
    by: MemberId,
    now: UnixSeconds,
) -> Result<OwnDecision, ApiError> {
    let newest = store.newest_decisions(prefix, user, None, SEARCHED).await?;
    let mut newest = newest.decisions.into_iter();
    let Some(decision) = newest.find(|decision| decision.id() == id) else {
        return Ok(OwnDecision::Unknown);
    };
    Ok(if decision.key_id != by.to_string() {
        OwnDecision::OfAnother
    } else if decision.at.plus(UNDONE_WITHIN) < now {
        OwnDecision::TooOld
    } else {
        OwnDecision::Theirs(Box::new(decision))
    })
}
