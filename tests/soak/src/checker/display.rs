//! Formats calls and responses for findings.

use serde_json::Value;
use shared::domain::rules::{Length, Scope};

use crate::history::{
    CallResult, EvidenceCall, History, JoinRecord, Millis, Operation, RecordedCall,
};

impl History {
    /// When the first call started; printed times are relative to it.
    pub fn beginning(&self) -> Millis {
        let started = self.calls.iter().map(|call| call.started);
        started.min().unwrap_or_default()
    }

    /// Formats calls, one per line, in the order they started.
    pub fn proof<'a>(&self, calls: impl IntoIterator<Item = &'a RecordedCall>) -> Vec<String> {
        let mut calls: Vec<_> = calls.into_iter().collect();
        calls.sort_by_key(|call| (call.started, call.ended));
        calls.into_iter().map(|call| self.line(call)).collect()
    }

    /// Formats a join with the times at which its link changed.
    pub fn line_of_join(&self, join: &JoinRecord) -> String {
        let seconds = |at: Millis| {
            let (begin, far) = (self.beginning(), at.abs_diff(self.beginning()));
            let sign = if at < begin { "-" } else { "" };
            format!("{sign}{}.{:03}", far / 1_000, far % 1_000)
        };
        let between =
            |(from, to): (Millis, Millis)| format!("{} to {} s", seconds(from), seconds(to));
        let maybe = |at: Option<_>| at.map_or_else(|| "never".to_owned(), between);
        format!(
            "{}: announced at {} s, written {}, completed {}, left {}",
            join.name(),
            seconds(join.announced),
            between(join.written),
            maybe(join.completed),
            maybe(join.left),
        )
    }

    /// Formats a call with its time and its response.
    pub fn line(&self, call: &RecordedCall) -> String {
        let seconds = |at: Millis| {
            let since = at.saturating_sub(self.beginning());
            format!("{}.{:03}", since / 1_000, since % 1_000)
        };
        format!(
            "{} to {} s, workspace {}, {}: {}{}{} -> {}",
            seconds(call.started),
            seconds(call.ended),
            call.workspace,
            call.client,
            if call.in_bulk { "in bulk, " } else { "" },
            asked(&call.operation),
            call.key
                .as_ref()
                .map(|key| format!(" (Idempotency-Key {key})"))
                .unwrap_or_default(),
            answered(&call.result),
        )
    }
}

fn asked(operation: &Operation) -> String {
    match operation {
        Operation::Ban { request, appeal } => {
            let verb = match (appeal, request.overwrite, request.applied) {
                (true, ..) => "appeal of",
                (false, true, true) => "report or ban",
                (false, true, false) => "ban or change",
                (false, false, _) => "ban",
            };
            let scope = match request.scope {
                Scope::Experience => "Experience",
                Scope::Global => "Global",
            };
            let length = match request.length {
                Length::Permanent => "permanently".to_owned(),
                Length::For(seconds) => format!("for {seconds} s"),
                Length::Until(at) => format!("until {at}"),
            };
            format!(
                "{verb} {} from {}, {scope}, {length}, by {}, \"{}\"{}",
                request.user,
                request.place,
                request.moderator,
                request.private_reason,
                if request.applied { ", completed" } else { "" },
            )
        }
        Operation::Unban(request) => format!(
            "unban {} from {}{}{}{}{}",
            request.user,
            request.place,
            request
                .moderator
                .map(|by| format!(", by {by}"))
                .unwrap_or_default(),
            request
                .reason
                .as_ref()
                .map(|reason| format!(", \"{reason}\""))
                .unwrap_or_default(),
            if request.applied { ", completed" } else { "" },
            if request.report_only {
                ", confirmOnly"
            } else {
                ""
            },
        ),
        Operation::Report(experience, report) => format!(
            "report {:?} of {}, revision {} of the ban {}, from {experience}: {:?}",
            report.change, report.user, report.revision, report.guid, report.attempt
        ),
        Operation::Check(user, experience) => format!("is {user} banned in {experience}"),
        Operation::PendingBans(experience) => format!("pending bans of {experience}"),
        Operation::PendingUnbans(experience) => format!("pending unbans of {experience}"),
        Operation::Bans => "bans".to_owned(),
        Operation::Decisions(guid) => format!("decisions on {guid}"),
        Operation::Events { cursor, limit } => match cursor {
            Some(cursor) => format!("{limit} events after {cursor}"),
            None => format!("the first {limit} events"),
        },
        Operation::Sync { cursor, limit } => format!("{limit} entries since {cursor:?}"),
        Operation::Snapshot => "the snapshot".to_owned(),
        Operation::Cursor { list, cursor } => {
            format!("{list:?} after a foreign cursor, {cursor:?}")
        }
        Operation::ExportJson => "JSON export".to_owned(),
        Operation::ExportCsv => "CSV export".to_owned(),
        Operation::Rank(change) => format!(
            "rank {} for {} by {}",
            change.rank, change.user, change.number
        ),
        Operation::Evidence(EvidenceCall::Create(new)) => {
            format!(
                "{:?} for the ban {} by {}",
                new.content, new.case, new.number
            )
        }
        Operation::Evidence(call) => format!("{call:?}"),
        Operation::Erase(request) => format!("erase {}", request.user),
    }
}

fn answered(result: &CallResult) -> String {
    match result {
        CallResult::Lost(why) => format!("no answer: {why}"),
        CallResult::Answered { status, body, .. } => match body {
            Value::Object(fields) if fields.contains_key("list") => {
                let length = fields.get("list").and_then(Value::as_array).map(Vec::len);
                format!("{status}, a list of {}", length.unwrap_or_default())
            }
            other => format!("{status} {}", brief(other)),
        },
    }
}

/// A body, or its identifying part.
pub fn brief(body: &Value) -> String {
    let ban = body.get("ban").unwrap_or(body);
    let text = |name: &str| ban.get(name).map(Value::to_string);
    let Some(guid) = text("guid") else {
        return body.to_string().chars().take(300).collect();
    };
    let fields = [
        "isBanned",
        "isGlobal",
        "moderatorId",
        "expires",
        "experienceBanCompleted",
    ];
    let fields = fields.map(|name| format!("{name} {}", text(name).unwrap_or_default()));
    format!("ban {guid} ({})", fields.join(", "))
}
