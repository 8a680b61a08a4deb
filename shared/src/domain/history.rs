//! Past decisions, and the entries of the event log.

use crate::domain::activity::Activity;
use crate::domain::actor::Channel;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::event::EventName;
use crate::domain::ids::{ModeratorId, UserId};
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
    /// The public id of the key or member; the operator's decisions have names such as `operator`
    /// or `undo-1f2e3d4c`.
    pub key_id: String,
    /// How it reached us; decisions of earlier versions do not say.
    pub channel: Option<Channel>,
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

/// A position in a workspace's log, as external readers see it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct LogPosition {
    /// How many times the log has been restored from a backup. Positions of an earlier epoch come
    /// before those of a later one.
    pub epoch: u64,
    /// The position; 0 is before the first event.
    pub position: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its position in the workspace's log, from 1.
    pub position: u64,
    pub logged: UnixMillis,
    /// Whether a restore had it logged again, so that readers may already have it.
    pub repeated: bool,
    pub entry: LogEvent,
}

/// What an entry of the event log records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// A decision or expiry.
    Decision(Box<PastDecision>),
    Activity(Box<Activity>),
}

impl LogEvent {
    /// The id of the event.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Decision(decision) => decision.id(),
            Self::Activity(activity) => activity.id.as_str().to_owned(),
        }
    }

    #[must_use]
    pub fn name(&self) -> EventName {
        match self {
            Self::Decision(decision) => EventName::of(decision.kind),
            Self::Activity(activity) => activity.details.name(),
        }
    }

    /// The user it is about. Events of one user are delivered in order.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::Decision(decision) => Some(decision.ban.user),
            Self::Activity(activity) => activity.user,
        }
    }

    #[must_use]
    pub fn at(&self) -> UnixSeconds {
        match self {
            Self::Decision(decision) => decision.at,
            Self::Activity(activity) => activity.moment.seconds(),
        }
    }
}
