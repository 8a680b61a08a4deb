//! What happened in a run: every call with its answer, what was done to the product meanwhile, and
//! what it said in the end. The checker sees nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::{BanRequest, UnbanRequest};

/// How the reason begins for which a caller has no answer who did not wait for it.
pub const TURNED_AWAY: &str = "the caller turned away";

/// A time in Unix milliseconds, by the clock of the machine, which is right.
pub type Millis = u64;

/// Everything that happened.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The workspaces; calls name them by their place here.
    pub workspaces: Vec<Place>,
    /// All calls, in the order in which they were answered.
    pub calls: Vec<Call>,
    /// What was asked in the end.
    pub asked: Vec<Call>,
    /// The processes that were killed with a call in hand.
    pub kills: Vec<Kill>,
    /// When the database misbehaved.
    pub faults: Vec<Period>,
    /// How long the functions say that their requests took.
    pub logged: Vec<Logged>,
    /// By how much a function's clock may be wrong, either way.
    pub skew: Millis,
    /// What is wrong with the stream and the schedules after the faults stopped.
    pub stream: Option<String>,
    /// What each workspace said in the end.
    pub endings: Vec<Ending>,
}

/// A workspace.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its GUID.
    pub guid: String,
    /// Its experiences.
    pub experiences: Vec<ExperienceId>,
    /// Those whose bans are mirrored on Roblox's side, all of them places of one universe.
    pub mirrored: BTreeSet<ExperienceId>,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// In which workspace.
    pub workspace: usize,
    /// Who called.
    pub actor: String,
    /// What was asked.
    pub what: What,
    /// The `Idempotency-Key` it had.
    pub key: Option<String>,
    /// When it was sent.
    pub started: Millis,
    /// When it was answered or given up.
    pub ended: Millis,
    /// What came of it.
    pub outcome: Outcome,
    /// In what the answer differs from `openapi.yaml`.
    pub undocumented: Vec<String>,
}

/// What a call asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `POST /ban-async`.
    Ban {
        /// What it asks for.
        request: BanRequest,
        /// Whether it records an accepted appeal.
        appeal: bool,
    },
    /// `POST /unban-async`.
    Unban(UnbanRequest),
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
        /// From where on; the whole log without one.
        cursor: Option<String>,
        /// How many at most.
        limit: usize,
    },
    /// A list read with a cursor that it did not give out, at the path of its route.
    Cursor {
        /// The path, with the parameters that it needs.
        list: CursorList,
        /// The cursor.
        cursor: String,
    },
    /// `GET /export/bans/json`.
    ExportJson,
    /// `GET /export/bans/csv`.
    ExportCsv,
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

/// What came of a call.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was answered.
    Answered {
        /// The status.
        status: u16,
        /// The body; one that is not JSON is a text.
        body: Value,
        /// The id of the request, if the function gave one.
        request: Option<String>,
    },
    /// There was no answer, for this reason.
    Lost(String),
}

/// A process that was killed.
#[derive(Clone, Debug)]
pub struct Kill {
    /// Of which function.
    pub function: &'static str,
    /// When.
    pub at: Millis,
}

/// A time in which requests to the database were struck.
#[derive(Clone, Debug)]
pub struct Period {
    /// From when.
    pub from: Millis,
    /// Until when.
    pub to: Millis,
}

/// A request in a function's log.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The function.
    pub function: String,
    /// The request.
    pub request: String,
    /// How long it took, in milliseconds.
    pub took: u64,
}

/// What a workspace says when the faults are over and the stream is dealt with.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// When it was asked. No ban runs out about then.
    pub at: Millis,
    /// `GET /bans`, over all pages.
    pub bans: Vec<Value>,
    /// The JSON export.
    pub json: Vec<Value>,
    /// The rows of the CSV export, by the names of the columns.
    pub csv: Vec<BTreeMap<String, String>>,
    /// `GET /bans/{guid}` of each ban.
    pub decisions: BTreeMap<String, Value>,
    /// `GET /events`, from the beginning to the end.
    pub log: Vec<Value>,
    /// Where in the log each decision and expiry stands, by the ids of the events.
    pub places: Vec<(Option<u64>, String)>,
    /// What arrived at its endpoint, in that order.
    pub arrived: Vec<Arrived>,
    /// What was not delivered to its endpoint.
    pub undelivered: Vec<String>,
    /// Whom Roblox keeps out, by the place (none for the whole universe) and the user.
    pub kept_out: BTreeMap<(Option<ExperienceId>, UserId), KeptOut>,
    /// What Roblox was asked to change for each user, in that order.
    pub changes: BTreeMap<UserId, Vec<String>>,
    /// How often Roblox was asked too much.
    pub over_limits: Vec<String>,
    /// What each experience has pending.
    pub pending_bans: BTreeMap<ExperienceId, Vec<Value>>,
    /// The same for unbans.
    pub pending_unbans: BTreeMap<ExperienceId, Vec<Value>>,
    /// `POST /is-banned` of each user in each experience.
    pub checks: BTreeMap<(UserId, ExperienceId), Value>,
    /// What does not fit together in the tables.
    pub stored: Vec<String>,
    /// What is wrong with the log when most users have been forgotten.
    pub thinned: Vec<String>,
}

/// A request to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The id by which a repetition is told.
    pub id: String,
    /// The body.
    pub body: String,
    /// Why its signature is not right, if it is not.
    pub problem: Option<String>,
}

/// A restriction on Roblox's side that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOut {
    /// Until when, in Unix seconds; none for good.
    pub until: Option<u64>,
    /// The reason for moderators.
    pub reason: String,
}

impl What {
    /// The function that answers it.
    pub const fn function(&self) -> &'static str {
        match self {
            Self::Ban { .. } => "ban-async",
            Self::Unban(_) => "unban-async",
            Self::Check(..) => "is-banned",
            Self::PendingBans(_) => "pending-bans",
            Self::PendingUnbans(_) => "pending-unbans",
            Self::Bans => "bans",
            Self::Decisions(_) => "ban-history",
            Self::Events { .. } => "events",
            Self::Cursor { list, .. } => match list {
                CursorList::Bans => "bans",
                CursorList::Events => "events",
                CursorList::PendingBans(_) => "pending-bans",
                CursorList::PendingUnbans(_) => "pending-unbans",
            },
            Self::ExportJson => "export-bans-json",
            Self::ExportCsv => "export-bans-csv",
        }
    }

    /// The user it is about, if it is about one.
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::Ban { request, .. } => Some(request.user),
            Self::Unban(request) => Some(request.user),
            Self::Check(user, _) => Some(*user),
            _ => None,
        }
    }

    /// Whether it reads the log.
    pub const fn is_events(&self) -> bool {
        matches!(self, Self::Events { .. })
    }

    /// The moderator whom a decision that it makes would name.
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

    /// Whether it may change something that is later seen.
    pub const fn is_write(&self) -> bool {
        matches!(self, Self::Ban { .. } | Self::Unban(_))
    }
}

impl Call {
    /// The status, if it was answered.
    pub const fn status(&self) -> Option<u16> {
        match self.outcome {
            Outcome::Answered { status, .. } => Some(status),
            Outcome::Lost(_) => None,
        }
    }

    /// The body, if it was answered.
    pub const fn body(&self) -> Option<&Value> {
        match &self.outcome {
            Outcome::Answered { body, .. } => Some(body),
            Outcome::Lost(_) => None,
        }
    }

    /// Whether the answer is the gateway's own: the function gave none.
    pub fn is_gateways(&self) -> bool {
        self.status().is_some_and(|status| status >= 500)
            && self.body().is_some_and(|body| body.get("code").is_none())
    }

    /// Whether it is not known whether it was carried out.
    pub fn is_open(&self) -> bool {
        self.status().is_none_or(|status| status >= 500)
    }
}

impl History {
    /// The users that calls in a workspace were about.
    pub fn users(&self, workspace: usize) -> BTreeSet<UserId> {
        let calls = self.calls.iter().filter(|call| call.workspace == workspace);
        calls.filter_map(|call| call.what.user()).collect()
    }
}
