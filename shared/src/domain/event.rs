//! An event as readers see it: the same in a ban's history, in the event log and in webhooks.

use serde::Serialize;

use crate::domain::activity::{
    Activity, ActivityDetails, DiscordBanSummary, EvidenceSummary, GroupRoleChange, KeyBinding,
    LinkSummary,
};
use crate::domain::actor::{ActorKind, Channel, DecidedBy};
use crate::domain::ban_info::{BanInfo, BanPresenter, Flag};
use crate::domain::history::{LogEvent, LoggedEvent, PastDecision};
use crate::domain::ids::{ModeratorId, UserId};
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
    GroupRoleChanged,
    EvidenceAdded,
    EvidenceRemoved,
    LinkAdded,
    LinkRemoved,
    /// A key of Roblox Open Cloud was stored.
    KeyBound,
    /// A user was banned in a Discord guild.
    DiscordBanned,
    DiscordUnbanned,
}

impl EventName {
    pub const ALL: [Self; 11] = [
        Self::Banned,
        Self::BanUpdated,
        Self::Unbanned,
        Self::GroupRoleChanged,
        Self::EvidenceAdded,
        Self::EvidenceRemoved,
        Self::LinkAdded,
        Self::LinkRemoved,
        Self::KeyBound,
        Self::DiscordBanned,
        Self::DiscordUnbanned,
    ];

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }

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
            Self::GroupRoleChanged => "GROUP_ROLE_CHANGED",
            Self::EvidenceAdded => "EVIDENCE_ADDED",
            Self::EvidenceRemoved => "EVIDENCE_REMOVED",
            Self::LinkAdded => "LINK_ADDED",
            Self::LinkRemoved => "LINK_REMOVED",
            Self::KeyBound => "KEY_BOUND",
            Self::DiscordBanned => "DISCORD_BANNED",
            Self::DiscordUnbanned => "DISCORD_UNBANNED",
        }
    }
}

/// An event as it appears in the log.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ShownEvent {
    Decision(Box<Event>),
    Activity(Box<ActivityEvent>),
}

impl ShownEvent {
    #[must_use]
    pub fn of(event: &LoggedEvent, presenter: &BanPresenter) -> Self {
        let repeated = event.repeated.then(|| presenter.flag(true));
        match &event.entry {
            LogEvent::Decision(decision) => Self::Decision(Box::new(Event {
                repeated,
                ..Event::of(decision, presenter)
            })),
            LogEvent::Activity(activity) => {
                let event = ActivityEvent::of(activity, repeated, presenter);
                Self::Activity(Box::new(event))
            }
        }
    }
}

/// An activity, in the envelope of a decision.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivityEvent {
    id: String,
    #[serde(rename = "event")]
    name: &'static str,
    created: u64,
    workspace_guid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    roblox_id: Option<u64>,
    data: ActivityData,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    actor: EventActor,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeated: Option<Flag>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ActivityData {
    GroupRole(GroupRoleChange),
    Evidence(EvidenceSummary),
    Link(LinkSummary),
    KeyBinding(KeyBinding),
    DiscordBan(DiscordBanSummary),
}

impl ActivityEvent {
    fn of(activity: &Activity, repeated: Option<Flag>, presenter: &BanPresenter) -> Self {
        let Activity { id, user, .. } = activity;
        let reason = activity.reason.clone();
        Self {
            id: id.as_str().to_owned(),
            name: activity.details.name().as_str(),
            created: activity.moment.seconds().0,
            workspace_guid: presenter.workspace().to_string(),
            roblox_id: user.map(UserId::get),
            data: match activity.details.clone() {
                ActivityDetails::GroupRoleChanged(change) => ActivityData::GroupRole(change),
                ActivityDetails::EvidenceAdded(evidence)
                | ActivityDetails::EvidenceRemoved(evidence) => ActivityData::Evidence(evidence),
                ActivityDetails::LinkAdded(link) | ActivityDetails::LinkRemoved(link) => {
                    ActivityData::Link(link)
                }
                ActivityDetails::KeyBound(binding) => ActivityData::KeyBinding(binding),
                ActivityDetails::DiscordBanned(ban) | ActivityDetails::DiscordUnbanned(ban) => {
                    let by = ban.by_discord_id.and_then(|by| presenter.moderation(by));
                    ActivityData::DiscordBan(DiscordBanSummary {
                        by_discord_id: by,
                        ..ban
                    })
                }
            },
            reason: reason.and_then(|reason| presenter.moderation(reason)),
            actor: EventActor::of(
                DecidedBy::new(&activity.key_id, activity.channel),
                activity.moderator,
                activity.principal.as_ref(),
                presenter,
            ),
            repeated,
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

/// The origin of an event: its actor and the channel.
#[derive(Debug, Serialize)]
struct EventActor {
    #[serde(rename = "type")]
    kind: ActorKind,
    /// The public id of the key or member, or a name such as `operator`.
    key: String,
    moderator: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
    /// Who ran the command: an AWS principal or a local user.
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
}

impl EventActor {
    fn of(
        by: DecidedBy,
        moderator: Option<ModeratorId>,
        principal: Option<&String>,
        presenter: &BanPresenter,
    ) -> Self {
        Self {
            kind: by.kind(),
            channel: by.channel(),
            key: by.id,
            moderator: moderator
                .map(ModeratorId::get)
                .and_then(|moderator| presenter.moderation(moderator)),
            principal: principal
                .cloned()
                .and_then(|principal| presenter.moderation(principal)),
        }
    }
}

/// A ban in a list or an export, with who made the last decision about it.
#[derive(Debug, Serialize)]
pub struct ListedBan {
    #[serde(flatten)]
    pub ban: BanInfo,
    /// Absent for a ban whose last decision was made by an earlier version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<ListedActor>,
}

#[derive(Debug, Serialize)]
pub struct ListedActor {
    #[serde(rename = "type")]
    kind: ActorKind,
    /// The public id of the key or member, or a name such as `operator`.
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
}

impl From<&DecidedBy> for ListedActor {
    fn from(by: &DecidedBy) -> Self {
        Self {
            kind: by.kind(),
            key: by.id.clone(),
            channel: by.channel(),
        }
    }
}

impl Event {
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
            actor: EventActor::of(
                DecidedBy::new(&decision.key_id, decision.channel),
                decision.moderator,
                decision.principal.as_ref(),
                presenter,
            ),
            repeated: None,
        }
    }
}
