//! Collects the final state of one user.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, Guid, Uid, UserId};
use shared::domain::rules::{DecisionKind, Identity};

use end_to_end::requests::is_set;

use super::places::{SeenPlace, join_of};
use crate::history::{FinalState, WorkspaceInfo};

/// How the id of an expiry event ends.
const EXPIRED: &str = "-expired";

/// What a workspace says about a user in the final state.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub user: UserId,
    /// When it was asked.
    pub at: UnixSeconds,
    pub experiences: Vec<ExperienceId>,
    /// Mirrored experiences, whose reports come at unknown times.
    pub mirrored: BTreeSet<ExperienceId>,
    /// The decisions on each of the user's bans, in order.
    pub decisions: BTreeMap<Guid, Vec<RecordedDecision>>,
    /// The user's bans, as listed.
    pub bans: BTreeMap<Guid, Value>,
    /// The user's pending bans, by experience.
    pub pending_bans: BTreeMap<ExperienceId, Vec<Guid>>,
    pub pending_unbans: BTreeMap<ExperienceId, Vec<Guid>>,
    /// The user's ban check in each experience.
    pub checks: BTreeMap<ExperienceId, Value>,
    /// What all functions know by then of the places that joined another one.
    pub places: Vec<SeenPlace>,
    /// The times at which the joins of places ended bans of the user.
    pub carried: Vec<(String, UnixSeconds)>,
}

/// Who made a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    Moderator(Option<u64>),
    /// The join of a place with this name.
    Join(String),
}

/// A decision in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedDecision {
    pub kind: DecisionKind,
    pub by: Decider,
    /// The ban's expiry after the decision, 0 for a permanent ban.
    pub expires: u64,
    /// The private reason after the decision.
    pub reason: String,
}

impl Evidence {
    pub fn of(
        user: UserId,
        place: &WorkspaceInfo,
        final_state: &FinalState,
        places: Vec<SeenPlace>,
    ) -> Self {
        let is_his = |ban: &&Value| ban.get("robloxId").and_then(Value::as_u64) == Some(user.get());
        let of_user = |lists: &BTreeMap<ExperienceId, Vec<Value>>| {
            let lists = lists.iter();
            lists
                .map(|(at, list)| {
                    (
                        *at,
                        list.iter().filter(is_his).filter_map(guid_of).collect(),
                    )
                })
                .collect()
        };
        let bans = final_state.bans.iter().filter(is_his);
        let bans: BTreeMap<_, _> = bans
            .filter_map(|ban| Some((guid_of(ban)?, ban.clone())))
            .collect();
        let decisions = bans.keys().map(|guid| {
            let single = final_state.decisions.get(&guid.to_string());
            let events = single.and_then(|ban| ban.get("events")?.as_array());
            // An expiry is not a decision.
            let decisions = events.into_iter().flatten();
            let mut events: Vec<_> = decisions.filter(|event| !is_expiry(event)).collect();
            events.sort_by_key(|event| number_of(event));
            (
                *guid,
                events
                    .into_iter()
                    .filter_map(RecordedDecision::of)
                    .collect(),
            )
        });
        let log = final_state.log.iter();
        let carried = log.filter_map(|event| {
            let name = join_of(event)?;
            let is_theirs = event.pointer("/data/robloxId")?.as_u64() == Some(user.get());
            let ends = event.get("event")? == "GAME_UNBANNED";
            let at = UnixSeconds(event.get("created")?.as_u64()?);
            (is_theirs && ends).then(|| (name.to_owned(), at))
        });
        let checks = final_state
            .checks
            .iter()
            .filter(|((who, _), _)| *who == user);
        Self {
            user,
            at: UnixSeconds(final_state.at / 1_000),
            experiences: place.experiences.clone(),
            mirrored: place.mirrored.clone(),
            decisions: decisions.collect(),
            bans,
            pending_bans: of_user(&final_state.pending_bans),
            pending_unbans: of_user(&final_state.pending_unbans),
            checks: checks
                .map(|((_, at), check)| (*at, check.clone()))
                .collect(),
            places,
            carried: carried.collect(),
        }
    }

    /// The history of each ban, one per line.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.decisions.iter().map(|(guid, past)| {
            let past: Vec<_> = past.iter().map(ToString::to_string).collect();
            format!("the history of the ban {guid}: {}", past.join(", "))
        })
    }

    /// The bans that they made.
    pub fn made_by(&self, decider: &Decider) -> Vec<Identity> {
        let made = self.decisions.iter().filter(move |(_, decisions)| {
            let first = decisions.first();
            first.is_some_and(|first| first.by == *decider)
        });
        made.map(|(guid, _)| Identity {
            guid: *guid,
            uid: Uid(self
                .bans
                .get(guid)
                .and_then(|ban| ban.get("uid")?.as_u64())
                .unwrap_or_default()),
        })
        .collect()
    }
}

impl Decider {
    fn of(event: &Value) -> Self {
        let moderator = event.pointer("/actor/moderator").and_then(Value::as_u64);
        match join_of(event) {
            Some(name) => Self::Join(name.to_owned()),
            None => Self::Moderator(moderator),
        }
    }

    /// The moderator, if one decided.
    pub const fn moderator(&self) -> Option<u64> {
        match self {
            Self::Moderator(moderator) => *moderator,
            Self::Join(_) => None,
        }
    }
}

impl RecordedDecision {
    fn of(event: &Value) -> Option<Self> {
        let data = event.get("data")?;
        let kind = match event.get("event")?.as_str()? {
            "GAME_BANNED" => DecisionKind::Made,
            "GAME_BAN_UPDATED" => DecisionKind::Changed,
            _ if data.get("isAppealed").is_some_and(is_set) => DecisionKind::Appealed,
            _ => DecisionKind::Lifted,
        };
        Some(Self {
            kind,
            by: Decider::of(event),
            expires: data.get("expires")?.as_u64()?,
            reason: data.get("privateReason")?.as_str()?.to_owned(),
        })
    }
}

impl fmt::Display for RecordedDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match &self.by {
            Decider::Moderator(Some(by)) => by.to_string(),
            Decider::Moderator(None) => "no moderator".to_owned(),
            Decider::Join(name) => name.clone(),
        };
        write!(
            f,
            "{:?} by {by} (\"{}\", until {})",
            self.kind, self.reason, self.expires
        )
    }
}

/// The guid of a ban in a response.
pub fn guid_of(ban: &Value) -> Option<Guid> {
    ban.get("guid")?.as_str()?.parse().ok()
}

pub fn id_of(event: &Value) -> Option<&str> {
    event.get("id")?.as_str()
}

/// Whether an event records an expiry.
pub fn is_expiry(event: &Value) -> bool {
    id_of(event).is_some_and(|id| id.ends_with(EXPIRED))
}

/// Whether an event is an activity, which belongs to no ban.
pub fn is_activity(event: &Value) -> bool {
    id_of(event).is_some_and(|id| id.starts_with("act_"))
}

/// The event's decision number on its ban; for an expiry, the number of the decision before it.
pub fn number_of(event: &Value) -> Option<u64> {
    let id = id_of(event)?;
    let id = id.strip_suffix(EXPIRED).unwrap_or(id);
    id.rsplit('-').next()?.parse().ok()
}
