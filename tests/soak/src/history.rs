//! What happened in a run: every call with its answer, the injected faults, and the final state.
//! The checker sees nothing else.

mod joins;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::{BanRequest, ChangeReport, UnbanRequest};

use crate::plan::ERASING;

pub use joins::JoinRecord;
pub use requests::{Content, ErasureRequest, EvidenceCall, RankRequest, Submission};

/// The reason that a client which gave up records starts with this.
pub const GAVE_UP: &str = "the client gave up";

/// Unix milliseconds on the machine's clock, which is correct.
pub type Millis = u64;

#[derive(Clone, Debug, Default)]
pub struct History {
    /// The workspaces; calls refer to them by index.
    pub workspaces: Vec<WorkspaceInfo>,
    /// All calls, in the order in which they were answered.
    pub calls: Vec<RecordedCall>,
    /// The calls that read the final state.
    pub asked: Vec<RecordedCall>,
    /// The processes killed during a call.
    pub kills: Vec<Kill>,
    /// When the database misbehaved.
    pub faults: Vec<FaultPeriod>,
    /// The request durations that the functions logged.
    pub logged: Vec<LoggedRequest>,
    /// By how much a function's clock may be off, either way.
    pub skew: Millis,
    /// What is wrong with the stream and the schedules after the faults stopped.
    pub stream: Option<String>,
    pub final_states: Vec<FinalState>,
    /// All joins of places, in order.
    pub joins: Vec<JoinRecord>,
    /// What is wrong in the workspace whose users are erased during the run.
    pub erasures: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct WorkspaceInfo {
    pub guid: String,
    pub experiences: Vec<ExperienceId>,
    /// The mirrored experiences, all of them places of one universe.
    pub mirrored: BTreeSet<ExperienceId>,
}

#[derive(Clone, Debug)]
pub struct RecordedCall {
    pub workspace: usize,
    /// The client's name.
    pub client: String,
    pub operation: Operation,
    /// Whether it is about one user of a bulk call.
    pub in_bulk: bool,
    pub key: Option<String>,
    pub started: Millis,
    /// When it was answered or given up.
    pub ended: Millis,
    pub result: CallResult,
    /// How the response differs from `openapi.yaml`.
    pub undocumented: Vec<String>,
}

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `POST /ban-async`.
    Ban {
        request: BanRequest,
        /// Whether it records an accepted appeal.
        appeal: bool,
    },
    /// `POST /unban-async`.
    Unban(UnbanRequest),
    /// `POST /reports`, with one report.
    Report(ExperienceId, ChangeReport),
    /// `POST /is-banned`.
    Check(UserId, ExperienceId),
    /// `GET /pending-bans`.
    PendingBans(ExperienceId),
    /// `GET /pending-unbans`.
    PendingUnbans(ExperienceId),
    /// `GET /bans`, all pages as one call.
    Bans,
    /// `GET /bans/{guid}`.
    Decisions(String),
    /// `GET /events`.
    Events {
        /// Where to start; without one, at the beginning.
        cursor: Option<String>,
        /// The page size.
        limit: usize,
    },
    /// `GET /sync`.
    Sync {
        /// Where to continue; without one, the answer is the end of the log.
        cursor: Option<String>,
        /// The page size.
        limit: usize,
    },
    /// `GET /snapshot`.
    Snapshot,
    /// A list read with a cursor that it did not issue.
    Cursor {
        list: CursorList,
        cursor: String,
    },
    /// `GET /export/bans/json`.
    ExportJson,
    /// `GET /export/bans/csv`.
    ExportCsv,
    /// `PATCH /group-role`.
    Rank(RankRequest),
    Evidence(EvidenceCall),
    /// `POST /roblox/webhook`.
    Erase(ErasureRequest),
}

/// A list that takes a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorList {
    /// `GET /bans`.
    Bans,
    /// `GET /events`.
    Events,
    /// `GET /pending-bans`.
    PendingBans(ExperienceId),
    /// `GET /pending-unbans`.
    PendingUnbans(ExperienceId),
}

#[derive(Clone, Debug)]
pub enum CallResult {
    Answered {
        status: u16,
        /// The body; a text if it is not JSON.
        body: Value,
        /// The request id, if the function gave one.
        request: Option<String>,
    },
    /// There was no answer, for this reason.
    Lost(String),
}

#[derive(Clone, Debug)]
pub struct Kill {
    pub function: &'static str,
    pub at: Millis,
}

/// A period in which requests to the database failed.
#[derive(Clone, Debug)]
pub struct FaultPeriod {
    pub from: Millis,
    pub to: Millis,
}

/// A request in a function's log.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    pub function: String,
    pub request: String,
    pub took: u64,
}

/// What a workspace says after the faults, with the stream drained.
#[derive(Clone, Debug, Default)]
pub struct FinalState {
    /// When it was asked. No ban expires around then.
    pub at: Millis,
    /// `GET /bans`, all pages.
    pub bans: Vec<Value>,
    pub json: Vec<Value>,
    /// The rows of the CSV export by column name.
    pub csv: Vec<BTreeMap<String, String>>,
    /// `GET /bans/{guid}` of each ban.
    pub decisions: BTreeMap<String, Value>,
    /// `GET /events`, all pages.
    pub log: Vec<Value>,
    /// The log position and event id of each decision, expiry and activity.
    pub places: Vec<(Option<u64>, String)>,
    /// What its endpoint received, in order.
    pub received: Vec<ReceivedEvent>,
    /// What was not delivered to its endpoint.
    pub undelivered: Vec<String>,
    /// The active restrictions on Roblox, by place (`None` for the whole universe) and user.
    pub restrictions: BTreeMap<(Option<ExperienceId>, UserId), ActiveRestriction>,
    /// The changes requested from Roblox for each user, in order.
    pub changes: BTreeMap<UserId, Vec<String>>,
    /// Requests over Roblox's rate limits.
    pub over_limits: Vec<String>,
    pub pending_bans: BTreeMap<ExperienceId, Vec<Value>>,
    pub pending_unbans: BTreeMap<ExperienceId, Vec<Value>>,
    /// `POST /is-banned` of each user in each experience.
    pub checks: BTreeMap<(UserId, ExperienceId), Value>,
    /// Inconsistencies in the tables and the bucket.
    pub stored: Vec<String>,
    /// `GET /evidence/{guid}` of each listed piece; of a file with the content of its link in
    /// base64 as `downloaded`.
    pub evidence: BTreeMap<String, Value>,
    /// The ranks that each member of the group holds.
    pub ranks: BTreeMap<UserId, Vec<u64>>,
    /// The rank and user of each role that Roblox assigned.
    pub assigned: Vec<(u64, UserId)>,
    /// The activities in the history of each user.
    pub activities: BTreeMap<UserId, BTreeSet<String>>,
    /// What is wrong after most users were erased.
    pub after_erasure: Vec<String>,
}

/// A request to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedEvent {
    /// The event id.
    pub id: String,
    pub body: String,
    /// Why its signature is invalid, if it is.
    pub problem: Option<String>,
}

/// An active restriction on Roblox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveRestriction {
    /// Its end in Unix seconds; `None` if permanent.
    pub until: Option<u64>,
    /// The private reason.
    pub reason: String,
}

impl Operation {
    /// The function that answers it.
    pub const fn function(&self) -> &'static str {
        match self {
            Self::Ban { .. } => "ban-async",
            Self::Unban(_) => "unban-async",
            Self::Report(..) => "reports",
            Self::Check(..) => "is-banned",
            Self::PendingBans(_) => "pending-bans",
            Self::PendingUnbans(_) => "pending-unbans",
            Self::Bans => "bans",
            Self::Decisions(_) => "ban-history",
            Self::Events { .. } => "events",
            Self::Sync { .. } => "sync",
            Self::Snapshot => "snapshot",
            Self::Cursor { list, .. } => match list {
                CursorList::Bans => "bans",
                CursorList::Events => "events",
                CursorList::PendingBans(_) => "pending-bans",
                CursorList::PendingUnbans(_) => "pending-unbans",
            },
            Self::ExportJson => "export-bans-json",
            Self::ExportCsv => "export-bans-csv",
            Self::Rank(_) => "group-role",
            Self::Evidence(call) => call.function(),
            Self::Erase(_) => "roblox-webhook",
        }
    }

    /// The user it concerns, if any.
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::Ban { request, .. } => Some(request.user),
            Self::Unban(request) => Some(request.user),
            Self::Report(_, report) => Some(report.user),
            Self::Check(user, _) => Some(*user),
            _ => None,
        }
    }

    /// The place that a call about a user names.
    pub fn place(&self) -> Option<ExperienceId> {
        match self {
            Self::Ban { request, .. } => Some(ExperienceId::of_root(request.place)),
            Self::Unban(request) => Some(ExperienceId::of_root(request.place)),
            Self::Report(place, _) | Self::Check(_, place) => Some(*place),
            _ => None,
        }
    }

    /// Whether it reads the event log.
    pub const fn is_events(&self) -> bool {
        matches!(self, Self::Events { .. })
    }

    /// The moderator whom its decision would name.
    pub const fn moderator(&self) -> Option<u64> {
        match self {
            Self::Ban { request, .. } => Some(request.moderator.get()),
            Self::Unban(UnbanRequest {
                moderator: Some(moderator),
                ..
            }) => Some(moderator.get()),
            _ => None,
        }
    }

    /// Whether it may change something visible.
    pub const fn is_write(&self) -> bool {
        matches!(self, Self::Ban { .. } | Self::Unban(_) | Self::Report(..))
    }
}

impl CallResult {
    pub const fn body(&self) -> Option<&Value> {
        match self {
            Self::Answered { body, .. } => Some(body),
            Self::Lost(_) => None,
        }
    }

    /// A text field of the answer.
    pub fn text(&self, field: &str) -> Option<String> {
        self.body()?.get(field)?.as_str().map(str::to_owned)
    }
}

impl RecordedCall {
    /// The function that answers it.
    pub const fn function(&self) -> &'static str {
        match self.operation {
            Operation::Ban { .. } if self.in_bulk => "bans-bulk",
            Operation::Unban(_) if self.in_bulk => "unbans-bulk",
            _ => self.operation.function(),
        }
    }

    pub const fn status(&self) -> Option<u16> {
        match self.result {
            CallResult::Answered { status, .. } => Some(status),
            CallResult::Lost(_) => None,
        }
    }

    pub const fn body(&self) -> Option<&Value> {
        self.result.body()
    }

    /// Whether the gateway answered for a function that did not.
    pub fn is_gateways(&self) -> bool {
        self.status().is_some_and(|status| status >= 500)
            && self.body().is_some_and(|body| body.get("code").is_none())
    }

    /// Whether the call failed because of Roblox.
    pub fn is_roblox_busy(&self) -> bool {
        let message = self.body().and_then(|body| body.get("message")?.as_str());
        self.status() == Some(503)
            && message.is_some_and(|message| message.starts_with("Roblox is busy"))
    }

    /// Whether it is a call about one piece of evidence, or any call about evidence of users who are
    /// being erased.
    pub const fn is_about_a_piece(&self) -> bool {
        match self.operation {
            Operation::Evidence(EvidenceCall::Create(_)) => self.workspace == ERASING,
            Operation::Evidence(_) => true,
            _ => false,
        }
    }

    /// Whether it is unknown whether the call took effect.
    pub fn is_open(&self) -> bool {
        self.status().is_none_or(|status| status >= 500)
    }
}

impl History {
    /// The users that calls in a workspace concern.
    pub fn users(&self, workspace: usize) -> BTreeSet<UserId> {
        let calls = self.calls.iter().filter(|call| call.workspace == workspace);
        calls.filter_map(|call| call.operation.user()).collect()
    }
}
