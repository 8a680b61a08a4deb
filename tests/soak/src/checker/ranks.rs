//! Checks ranks: a member holds what was answered, and each change is an event and in the user's
//! history. A user gets each rank by one request at most, which may have been repeated.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::domain::ids::UserId;

use super::Finding;
use super::evidence::{id_of, is_activity};
use crate::history::{
    CallResult, FinalState, History, Millis, Operation, RankRequest, RecordedCall,
};
use crate::plan::MEMBER_RANK;

/// How long a call without an answer may continue: its time limit, and the wait for a process.
const CONTINUES: Millis = 27_000;

/// How long Roblox may continue with a call that a killed function made.
const MAY_STILL_CHANGE: Millis = 2_000;

pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (workspace, final_state) in history.final_states.iter().enumerate() {
        let ranks = Ranks {
            history,
            final_state,
            workspace,
            calls: calls(history, workspace),
        };
        ranks.are_recorded(&mut findings);
        ranks.are_held(&mut findings);
        ranks.are_in_the_histories(&mut findings);
    }
    findings
}

type Calls<'a> = Vec<(&'a RankRequest, &'a RecordedCall)>;

struct Ranks<'a> {
    history: &'a History,
    final_state: &'a FinalState,
    workspace: usize,
    calls: Calls<'a>,
}

fn calls(history: &History, workspace: usize) -> Calls<'_> {
    let calls = history.calls.iter();
    let calls = calls.filter(|call| call.workspace == workspace);
    calls
        .filter_map(|call| match &call.operation {
            Operation::Rank(request) => Some((request, call)),
            _ => None,
        })
        .collect()
}

/// Until when a call may have changed roles.
fn until(call: &RecordedCall) -> Millis {
    match &call.result {
        CallResult::Lost(_) => call.ended.max(call.started.saturating_add(CONTINUES)),
        CallResult::Answered { status: 200, .. } => call.ended,
        CallResult::Answered { .. } => call.ended.saturating_add(MAY_STILL_CHANGE),
    }
}

/// Whether the answer certainly came after all that the call changed was recorded.
fn is_recorded(call: &RecordedCall) -> bool {
    let code = call.body().and_then(|body| body.get("code")?.as_str());
    call.status() == Some(200) || code == Some("roblox_refused")
}

impl<'a> Ranks<'a> {
    fn finding(&self, user: UserId, sentence: &str) -> Finding {
        let calls = self.of(user).map(|(_, call)| call);
        let mut proof = self.history.proof(calls);
        proof.extend(self.events_of(user).map(ToString::to_string));
        Finding {
            sentence: format!("in the group of workspace {} {sentence}", self.workspace),
            proof,
        }
    }

    fn of(&self, user: UserId) -> impl Iterator<Item = (&'a RankRequest, &'a RecordedCall)> {
        let calls = self.calls.iter().copied();
        calls.filter(move |(request, _)| request.user == user)
    }

    fn users(&self) -> BTreeSet<UserId> {
        self.calls.iter().map(|(request, _)| request.user).collect()
    }

    fn events(&self) -> impl Iterator<Item = &'a Value> {
        let events = self.final_state.log.iter();
        events.filter(|event| {
            event
                .get("event")
                .is_some_and(|name| name == "GROUP_ROLE_CHANGED")
        })
    }

    fn events_of(&self, user: UserId) -> impl Iterator<Item = &'a Value> {
        self.events()
            .filter(move |event| user_of(event) == Some(user))
    }

    /// Each assignment has its event, and each event its request.
    fn are_recorded(&self, findings: &mut Vec<Finding>) {
        let mut requests: BTreeMap<u64, Vec<(&RankRequest, &RecordedCall)>> = BTreeMap::new();
        for (request, call) in &self.calls {
            let attempts = requests.entry(request.number).or_default();
            attempts.push((request, call));
        }
        for event in self.events() {
            let number = event.pointer("/actor/moderator").and_then(Value::as_u64);
            let attempts = number.and_then(|number| requests.get(&number)?.first());
            if !attempts.is_some_and(|(request, _)| is_about(event, request)) {
                findings.push(Finding {
                    sentence: format!("an event about a rank fits no request: {event}"),
                    proof: Vec::new(),
                });
            }
        }
        for attempts in requests.values() {
            let Some((request, _)) = attempts.first() else {
                continue;
            };
            let (user, rank) = (request.user, request.rank);
            let assigned = self.final_state.assigned.iter();
            let assigned = assigned.filter(|made| **made == (rank, user)).count();
            let events = self.events_of(user);
            let events = events.filter(|event| assigns(event, rank)).count();
            let is_answered = attempts.iter().any(|(_, call)| call.status() == Some(200));
            let is_certain = attempts.iter().all(|(_, call)| is_recorded(call));
            let mut found = |sentence: &str| {
                let sentence = format!(
                    "the rank {rank} of {user} {sentence}: assigned {assigned} times, in {events} events"
                );
                findings.push(self.finding(user, &sentence));
            };
            if is_answered && assigned == 0 {
                found("was answered, but never assigned");
            }
            if events > assigned {
                found("has an event without a change");
            }
            if is_certain && assigned > 0 && events == 0 {
                found("has no event");
            }
            if is_certain && !self.overlaps(attempts) && events != assigned {
                found("does not have one event for each change");
            }
        }
    }

    /// Whether another request for the user may have run at the same time.
    fn overlaps(&self, attempts: &[(&RankRequest, &RecordedCall)]) -> bool {
        attempts.iter().any(|(request, call)| {
            let others = self.of(request.user);
            others
                .filter(|(other, _)| other.number != request.number)
                .any(|(_, other)| other.started <= until(call) && call.started <= until(other))
        })
    }

    /// A member holds the rank of the last answered call if no other one may have changed it, and
    /// always a rank that was requested and the one that all members hold.
    fn are_held(&self, findings: &mut Vec<Finding>) {
        for user in self.users() {
            let held = self.final_state.ranks.get(&user);
            let held: BTreeSet<u64> = held.into_iter().flatten().copied().collect();
            let answered = self.of(user).filter(|(_, call)| call.status() == Some(200));
            let last = answered.max_by_key(|(_, call)| call.started);
            let mut wanted: BTreeSet<_> = match last {
                None => self.of(user).map(|(request, _)| request.rank).collect(),
                Some((request, last)) => {
                    let others = self.of(user);
                    let others = others.filter(|(_, call)| until(call) >= last.started);
                    others
                        .map(|(other, _)| other.rank)
                        .chain([request.rank])
                        .collect()
                }
            };
            let has_any = last.is_none() || wanted.iter().any(|rank| held.contains(rank));
            wanted.insert(MEMBER_RANK);
            if !has_any || !held.contains(&MEMBER_RANK) || !held.is_subset(&wanted) {
                let sentence = format!("{user} holds {held:?}, and should have of {wanted:?}");
                findings.push(self.finding(user, &sentence));
            }
        }
    }

    /// The histories of the users show the activities of the log.
    fn are_in_the_histories(&self, findings: &mut Vec<Finding>) {
        let activities = self.final_state.log.iter();
        let mut logged: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for event in activities.filter(|event| is_activity(event)) {
            let (Some(user), Some(id)) = (user_of(event), id_of(event)) else {
                findings.push(Finding {
                    sentence: format!("an activity has no user: {event}"),
                    proof: Vec::new(),
                });
                continue;
            };
            logged.entry(user).or_default().insert(id.to_owned());
        }
        let shown = self.final_state.activities.iter();
        let shown: BTreeMap<_, _> = shown.filter(|(_, ids)| !ids.is_empty()).collect();
        for user in logged.keys().chain(shown.keys().copied()) {
            let (logged, shown) = (logged.get(user), shown.get(user).copied());
            if logged != shown {
                let sentence =
                    format!("the log has {logged:?} about {user}, and the history {shown:?}");
                findings.push(self.finding(*user, &sentence));
            }
        }
    }
}

fn user_of(event: &Value) -> Option<UserId> {
    UserId::new(event.get("robloxId")?.as_u64()?)
}

fn is_about(event: &Value, request: &RankRequest) -> bool {
    let number = |path| event.pointer(path).and_then(Value::as_u64);
    user_of(event) == Some(request.user)
        && number("/data/groupId") == Some(request.group)
        && number("/data/role/rank") == Some(request.rank)
}

/// Whether the member got the rank by the change of this event.
fn assigns(event: &Value, rank: u64) -> bool {
    let has = |path| {
        let roles = event.pointer(path).and_then(Value::as_array);
        let mut ranks = roles.into_iter().flatten();
        ranks.any(|role| role.get("rank").and_then(Value::as_u64) == Some(rank))
    };
    has("/data/roles") && !has("/data/previous")
}
