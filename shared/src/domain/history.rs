//! A past decision, as the history of a ban and the event log hold it.

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::ModeratorId;
use crate::domain::rules::{Ban, DecisionKind};

/// A decision in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDecision {
    /// What was decided.
    pub kind: DecisionKind,
    /// When.
    pub at: UnixSeconds,
    /// The same to the millisecond.
    pub moment: UnixMillis,
    /// The ban after it.
    pub ban: Ban,
    /// What it replaced: the ban before it, or for a new ban the one that stood last in its scope.
    pub previous: Option<Ban>,
    /// Whether the experience that the ban was made from had reported this revision of it when it
    /// was decided.
    pub applied: bool,
    /// The same of what it replaced.
    pub previous_applied: bool,
    /// The reason given for lifting it.
    pub reason: Option<String>,
    /// The public id of the key that made it; the operator's own decisions have names of their
    /// own, such as `operator` or `undo-1f2e3d4c`.
    pub key_id: String,
    /// The moderator, if the call named one.
    pub moderator: Option<ModeratorId>,
    /// Who ran the operator's program, if it decided: an AWS principal or a local user.
    pub principal: Option<String>,
}

impl PastDecision {
    /// The event's own id: the ban and how many decisions it had seen; its running out is none.
    #[must_use]
    pub fn id(&self) -> String {
        let suffix = match self.kind {
            DecisionKind::Expired => "-expired",
            _ => "",
        };
        format!("{}-{}{suffix}", self.ban.guid, self.ban.decisions)
    }
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its place in the workspace's log, from 1.
    pub position: u64,
    /// When it was logged.
    pub logged: UnixMillis,
    /// Whether a restore had it logged again, so that readers may know it already.
    pub repeated: bool,
    /// What was decided, or ran out.
    pub decision: PastDecision,
}
