//! A past decision, as the history of a ban and the event log hold it.

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::ModeratorId;
use crate::domain::rules::{Ban, DecisionKind};

/// A decision in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDecision {
    pub kind: DecisionKind,
    pub at: UnixSeconds,
    /// The time of the decision in milliseconds.
    pub moment: UnixMillis,
    /// The ban after it.
    pub ban: Ban,
    /// What it replaced: the ban before it or, for a new ban, the previous ban in its scope.
    pub previous: Option<Ban>,
    /// Whether the experience that the ban was made from had reported this revision when it was
    /// decided.
    pub applied: bool,
    /// The same for the replaced ban.
    pub previous_applied: bool,
    /// The reason given for lifting it.
    pub reason: Option<String>,
    /// The public id of the key; the operator's decisions have names such as `operator` or
    /// `undo-1f2e3d4c`.
    pub key_id: String,
    /// The moderator, if the call named one.
    pub moderator: Option<ModeratorId>,
    /// Who ran the CLI, if it decided: an AWS principal or a local user.
    pub principal: Option<String>,
}

impl PastDecision {
    /// The id of the event: the ban and its number of decisions; an expiry does not count as one.
    #[must_use]
    pub fn id(&self) -> String {
        let suffix = match self.kind {
            DecisionKind::Expired => "-expired",
            _ => "",
        };
        format!("{}-{}{suffix}", self.ban.guid, self.ban.decisions)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its position in the workspace's log, from 1.
    pub position: u64,
    pub logged: UnixMillis,
    /// Whether a restore had it logged again, so that readers may already have it.
    pub repeated: bool,
    /// The decision or expiry.
    pub decision: PastDecision,
}
