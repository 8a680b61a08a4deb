//! A decision as callers see it.

use serde::Serialize;
use shared::ban_info::{BanInfo, View};
use shared::rules::{Ban, DecisionKind};
use shared::store::PastDecision;

/// An entry of `events`.
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
    actor: Actor,
}

/// Who decided.
#[derive(Debug, Serialize)]
struct Actor {
    key: String,
    moderator: Option<u64>,
}

impl Event {
    /// The decision as it was seen when it was made: a ban that was in force then is shown as in
    /// force. `applied` tells whether the experience a ban was made from has reported just that
    /// revision of it.
    pub fn of(decision: PastDecision, view: &View, applied: impl Fn(&Ban) -> bool) -> Self {
        let then = View {
            now: decision.at,
            ..*view
        };
        let show = |ban: &Ban| then.show(ban, applied(ban));
        Self {
            id: decision.id(),
            name: name(decision.kind),
            created: decision.at.0,
            workspace_guid: view.workspace.to_string(),
            data: show(&decision.ban),
            previous: decision.previous.as_ref().map(show),
            reason: decision.reason,
            actor: Actor {
                key: decision.key_id,
                moderator: decision.moderator.map(shared::ids::ModeratorId::get),
            },
        }
    }
}

/// What happened to the user, whichever way it came about.
const fn name(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Made | DecisionKind::Restored | DecisionKind::Imported => "GAME_BANNED",
        DecisionKind::Changed => "GAME_BAN_UPDATED",
        DecisionKind::Lifted | DecisionKind::Appealed => "GAME_UNBANNED",
    }
}
