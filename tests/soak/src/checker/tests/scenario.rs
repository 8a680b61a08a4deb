//! Builds histories of a correct product: the model, one call after the other.

mod assertions;
mod joining;
mod snapshots;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, Guid, ModeratorId, Uid, UserId};
use shared::domain::rules::model::{Answer, BanState, Model};
use shared::domain::rules::{BanRequest, DecisionKind, Identity, Length, Scope, UnbanRequest};

use crate::checker;
use crate::history::{
    CallResult, FinalState, GAVE_UP, History, JoinRecord, Millis, Operation, ReceivedEvent,
    RecordedCall, WorkspaceInfo,
};

pub use assertions::{assert_accepted, assert_found, findings};

pub const WORKSPACE: &str = "00000000-0000-4000-8000-000000000001";
pub const STRANGER: &str = "00000000-0000-4000-8000-000000000002";
const BEGINNING: Millis = 1_800_000_000_000;

pub fn user() -> UserId {
    UserId::new(156).unwrap()
}

pub fn arena() -> ExperienceId {
    ExperienceId::new(7_001).unwrap()
}

pub fn beach() -> ExperienceId {
    ExperienceId::new(7_002).unwrap()
}

/// A permanent ban in the arena.
pub fn ban(moderator: u64) -> BanRequest {
    BanRequest {
        user: user(),
        place: arena().into(),
        scope: Scope::Experience,
        overwrite: false,
        applied: false,
        moderator: ModeratorId::new(moderator).unwrap(),
        private_reason: format!("case {moderator}"),
        public_reason: "Cheating".to_owned(),
        length: Length::Permanent,
        universal: None,
    }
}

/// The API key that all calls share.
const API_KEY: &str = "key";

pub fn global(moderator: u64) -> BanRequest {
    BanRequest {
        scope: Scope::Global,
        ..ban(moderator)
    }
}

pub fn reported(request: BanRequest, experience: ExperienceId) -> BanRequest {
    BanRequest {
        overwrite: true,
        applied: true,
        place: experience.into(),
        ..request
    }
}

pub fn unban(moderator: Option<u64>) -> UnbanRequest {
    UnbanRequest {
        user: user(),
        place: arena().into(),
        reason: None,
        moderator: moderator.and_then(ModeratorId::new),
        applied: false,
        report_only: moderator.is_none(),
        from_game: false,
    }
}

/// A correct product, and the history of its calls.
#[derive(Clone, Default)]
pub struct Scenario {
    model: Model,
    past: BTreeMap<Guid, Vec<Value>>,
    /// All decisions, in one order.
    log: Vec<Value>,
    clock: Millis,
    bans: u64,
    /// The guid of the next ban.
    guid: u64,
    pub calls: Vec<RecordedCall>,
    joins: Vec<JoinRecord>,
}

impl Scenario {
    pub fn new() -> Self {
        let mut scenario = Self {
            clock: BEGINNING,
            guid: 1_000_000,
            ..Self::default()
        };
        for experience in [arena(), beach()] {
            scenario.model.link(experience, scenario.now());
        }
        scenario
    }

    fn now(&self) -> UnixSeconds {
        UnixSeconds(self.clock / 1_000)
    }

    pub const fn now_millis(&self) -> Millis {
        self.clock
    }

    pub fn wait(&mut self, millis: Millis) {
        self.clock += millis;
    }

    /// Runs with a slow clock.
    pub fn name_the_next_ban_first(&mut self) {
        self.guid = 500_000;
    }

    /// A call that takes effect and is answered.
    pub fn call(&mut self, operation: Operation) -> &mut RecordedCall {
        let (status, body) = self.take_effect(&operation);
        let result = CallResult::Answered {
            status,
            body,
            request: None,
        };
        self.record(operation, result)
    }

    pub fn ban(&mut self, request: BanRequest) -> &mut RecordedCall {
        let appeal = false;
        self.call(Operation::Ban { request, appeal })
    }

    pub fn unban(&mut self, request: UnbanRequest) -> &mut RecordedCall {
        self.call(Operation::Unban(request))
    }

    pub fn check(&mut self, experience: ExperienceId) -> &mut RecordedCall {
        self.call(Operation::Check(user(), experience))
    }

    /// A call without an answer that took effect or not.
    pub fn unanswered_call(
        &mut self,
        operation: Operation,
        took_effect: bool,
    ) -> &mut RecordedCall {
        if took_effect {
            self.take_effect(&operation);
        }
        self.record(operation, CallResult::Lost(GAVE_UP.to_owned()))
    }

    pub fn record(&mut self, operation: Operation, result: CallResult) -> &mut RecordedCall {
        let started = self.clock;
        self.wait(10);
        self.calls.push(RecordedCall {
            workspace: 0,
            client: "client".to_owned(),
            operation,
            in_bulk: false,
            key: None,
            started,
            ended: self.clock,
            result,
            undocumented: Vec::new(),
        });
        self.wait(10);
        self.calls.last_mut().unwrap()
    }

    fn take_effect(&mut self, operation: &Operation) -> (u16, Value) {
        let (now, by) = (self.now(), Some(API_KEY));
        let (answer, by) = match operation {
            Operation::Ban { request, appeal } => {
                self.bans += 1;
                self.guid += 1;
                let identity = Identity {
                    guid: Guid::from(self.guid),
                    uid: Uid(self.bans),
                };
                let answer = match appeal {
                    true => self.model.appeal(request, by, now),
                    false => self.model.ban(request, by, identity, now),
                };
                (answer, Some(request.moderator))
            }
            Operation::Unban(request) => (self.model.unban(request, by, now), request.moderator),
            Operation::Check(user, experience) => {
                let said = self.model.is_banned(*user, *experience, now);
                let body = said.map_or(json!({ "isBanned": false }), |ban| shown(&ban));
                return (200, body);
            }
            other => panic!("{other:?} is not scenario"),
        };
        self.remember(by);
        match answer {
            Answer::Ok => (200, json!({ "status": "ok" })),
            Answer::AlreadyBanned(ban) => {
                (409, json!({ "code": "already_banned", "ban": shown(&ban) }))
            }
            Answer::ExpiryPassed => (400, json!({ "code": "invalid_request" })),
            Answer::NotFound => (404, json!({ "code": "not_found" })),
            Answer::Reported(status) => panic!("{status:?} answers no decision"),
        }
    }

    /// Adds new decisions to the history.
    fn remember(&mut self, by: Option<ModeratorId>) {
        let bans = self.model.bans(self.now());
        let known = self.past.values().flatten();
        let known = known.filter(|event| !checker::is_expiry(event)).count();
        for (guid, kind) in self.model.decided().skip(known).collect::<Vec<_>>() {
            let ban = bans.iter().find(|ban| ban.guid == guid).unwrap();
            let past = self.past.entry(guid).or_default();
            let name = match kind {
                DecisionKind::Made => "GAME_BANNED",
                DecisionKind::Changed => "GAME_BAN_UPDATED",
                _ => "GAME_UNBANNED",
            };
            let decisions = past.iter().filter(|event| !checker::is_expiry(event));
            let event = json!({
                "id": format!("{guid}-{}", decisions.count() + 1),
                "event": name,
                "created": self.clock / 1_000,
                "workspaceGuid": WORKSPACE,
                "data": shown(ban),
                "actor": { "key": "k", "moderator": by },
            });
            past.push(event.clone());
            self.log.push(event);
        }
    }

    /// Records the expiry of every ban that expired by some time.
    pub fn expire(&mut self, at: Millis) {
        let now = UnixSeconds(at / 1_000);
        for ban in self.model.bans(now) {
            let past = self.past.entry(ban.guid).or_default();
            let Some(last) = past.last().filter(|last| {
                let expires = ban.terms.expires.seconds();
                last["event"] != "GAME_UNBANNED" && expires != 0 && expires <= now.0
            }) else {
                continue;
            };
            let event = json!({
                "id": format!("{}-expired", last["id"].as_str().unwrap()),
                "event": "GAME_UNBANNED",
                "created": ban.terms.expires.seconds(),
                "workspaceGuid": WORKSPACE,
                "data": shown(&ban),
                "actor": { "key": "expiry", "moderator": null },
            });
            past.push(event.clone());
            self.log.push(event);
        }
    }

    /// A reader continues from a cursor, with a page of this size.
    pub fn read(&mut self, after: Option<usize>, limit: usize) -> &mut RecordedCall {
        let from = after.unwrap_or_default();
        let to = self.log.len().min(from + limit);
        let body = json!({ "list": self.log[from..to], "nextCursor": to.to_string() });
        let cursor = after.map(|after| after.to_string());
        let result = CallResult::Answered {
            status: 200,
            body,
            request: None,
        };
        self.record(Operation::Events { cursor, limit }, result)
    }

    /// The history with its final state.
    pub fn history(&self) -> History {
        let at = self.clock + 10_000;
        let mut end = self.clone();
        end.expire(at);
        end.history_at(at)
    }

    fn history_at(&self, at: Millis) -> History {
        let now = UnixSeconds(at / 1_000);
        let list = |bans: Vec<BanState>| bans.iter().map(shown).collect::<Vec<_>>();
        let bans = list(self.model.bans(now));
        let experiences = vec![arena(), beach()];
        let single = |ban: &Value| {
            let guid = ban["guid"].as_str().unwrap().to_owned();
            let mut single = ban.clone();
            single["events"] = json!(self.past[&guid.parse().unwrap()]);
            (guid, single)
        };
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let row = |ban: &Value| {
            let fields = ban.as_object().unwrap().iter();
            fields
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect()
        };
        let each = |ask: &dyn Fn(ExperienceId) -> Vec<Value>| {
            experiences.iter().map(|at| (*at, ask(*at))).collect()
        };
        let check = |at: ExperienceId| {
            let said = self.model.is_banned(user(), at, now);
            let body = said.map_or(json!({ "isBanned": false }), |ban| shown(&ban));
            ((user(), at), body)
        };
        let final_state = FinalState {
            at,
            json: bans.clone(),
            csv: bans.iter().map(row).collect(),
            decisions: bans.iter().map(single).collect(),
            bans,
            log: self.log.clone(),
            places: (1..)
                .map(Some)
                .zip(
                    self.log
                        .iter()
                        .map(|event| event["id"].as_str().unwrap().to_owned()),
                )
                .collect(),
            pending_bans: each(&|at| list(self.model.pending_bans(at, now))),
            pending_unbans: each(&|at| list(self.model.pending_unbans(at, now))),
            checks: experiences.iter().copied().map(check).collect(),
            received: self.log.iter().map(received).collect(),
            ..FinalState::default()
        };
        History {
            workspaces: vec![WorkspaceInfo {
                guid: WORKSPACE.to_owned(),
                experiences,
                mirrored: BTreeSet::new(),
            }],
            calls: self.calls.clone(),
            joins: self.joins.clone(),
            skew: 3_000,
            final_states: vec![final_state],
            ..History::default()
        }
    }
}

fn received(event: &Value) -> ReceivedEvent {
    ReceivedEvent {
        id: event["id"].as_str().unwrap().to_owned(),
        body: event.to_string(),
        problem: None,
    }
}

pub fn shown(ban: &BanState) -> Value {
    json!({
        "isBanned": ban.active,
        "guid": ban.guid.to_string(),
        "workspaceGuid": WORKSPACE,
        "isGlobal": ban.scope == Scope::Global,
        "isActive": ban.active,
        "privateReason": ban.terms.private_reason,
        "robloxId": ban.user,
        "experienceId": ban.made_in,
        "moderatorId": ban.terms.moderator,
        "expires": ban.terms.expires.seconds(),
        "isAppealed": ban.appealed,
        "uid": ban.uid,
        "experienceUniversal": ban.terms.universal,
        "experienceBanCompleted": ban.applied,
    })
}
