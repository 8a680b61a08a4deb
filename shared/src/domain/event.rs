//! A decision or expiry as readers see it: the same in a ban's history, in the event log and in
//! webhooks.

use serde::Serialize;

use crate::domain::ban_info::{BanInfo, BanPresenter, Flag};
use crate::domain::history::{LoggedEvent, PastDecision};
use crate::domain::ids::ModeratorId;
use crate::domain::rules::DecisionKind;

/// What happened to a user, whatever the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventName {
    /// A ban is in force.
    Banned,
    /// A ban in force has new terms.
    BanUpdated,
    /// A ban has ended: lifted, appealed or expired.
    Unbanned,
}

impl EventName {
    pub const ALL: [Self; 3] = [Self::Banned, Self::BanUpdated, Self::Unbanned];

    /// The event of a decision.
    #[must_use]
    pub const fn of(kind: DecisionKind) -> Self {
        match kind {
            DecisionKind::Made | DecisionKind::Restored | DecisionKind::Imported => Self::Banned,
            DecisionKind::Changed => Self::BanUpdated,
            DecisionKind::Lifted | DecisionKind::Appealed | DecisionKind::Expired => Self::Unbanned,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Banned => "GAME_BANNED",
            Self::BanUpdated => "GAME_BAN_UPDATED",
            Self::Unbanned => "GAME_UNBANNED",
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    id: String,
    #[serde(rename = "event")]
    name: &'static str,
    created: u64,
    workspace_guid: String,
    data: BanInfo,
    previous: Option<BanInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    actor: EventActor,
    /// Set if a restore logged the event again: readers may already have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeated: Option<Flag>,
}

/// The origin of a decision.
#[derive(Debug, Serialize)]
struct EventActor {
    key: String,
    moderator: Option<u64>,
}

impl Event {
    /// The event as it appears in the log.
    #[must_use]
    pub fn logged(event: &LoggedEvent, presenter: &BanPresenter) -> Self {
        Self {
            repeated: event.repeated.then(|| presenter.flag(true)),
            ..Self::of(&event.decision, presenter)
        }
    }

    /// The decision as seen when it was made: a ban in force then is shown as in force, and as
    /// applied if the experience it was made from had reported it.
    #[must_use]
    pub fn of(decision: &PastDecision, presenter: &BanPresenter) -> Self {
        let at = decision.at;
        let seen_at = |now| presenter.at(now);
        // The ban was in force until it expired.
        let before = match decision.kind {
            DecisionKind::Expired => seen_at(at.minus(1)),
            _ => seen_at(at),
        };
        let previous = decision.previous.as_ref();
        Self {
            id: decision.id(),
            name: EventName::of(decision.kind).as_str(),
            created: at.0,
            workspace_guid: presenter.workspace().to_string(),
            data: seen_at(at).show(&decision.ban, decision.applied),
            previous: previous.map(|ban| before.show(ban, decision.previous_applied)),
            reason: decision
                .reason
                .clone()
                .and_then(|reason| presenter.moderation(reason)),
            actor: EventActor {
                key: decision.key_id.clone(),
                moderator: decision
                    .moderator
                    .map(ModeratorId::get)
                    .and_then(|moderator| presenter.moderation(moderator)),
            },
            repeated: None,
        }
    }
}
