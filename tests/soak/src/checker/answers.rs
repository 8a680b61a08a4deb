//! Checks each response separately.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Finding;
use super::evidence::is_activity;
use crate::history::{CallResult, EvidenceCall, GAVE_UP, History, Millis, Operation, RecordedCall};

/// A function's time limit for a response.
const LIMIT: Millis = 5_000;

/// An export's time limit.
const EXPORT_LIMIT: Millis = 28_000;

/// The time limit of a change of rank, and of a bulk call.
const RANK_LIMIT: Millis = 20_000;
const BULK_LIMIT: Millis = 20_000;

/// The gateway's time limit, whatever the function does.
const GATEWAY_LIMIT: Millis = 30_000;

/// What two busy cores may add to either limit.
const SLACK: Millis = 1_500;

/// How long a function may take for a response.
fn limit_of(function: &str) -> Millis {
    match function {
        "group-role" => RANK_LIMIT,
        "bans-bulk" | "unbans-bulk" => BULK_LIMIT,
        function if function.starts_with("export") => EXPORT_LIMIT,
        _ => LIMIT,
    }
}

pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for call in history.calls.iter().chain(&history.asked) {
        let mut found = |sentence: String| {
            findings.push(Finding {
                sentence,
                proof: history.proof([call]),
            });
        };
        statuses(history, call, &mut found);
        for problem in &call.undocumented {
            found(format!("a response violates openapi.yaml: {problem}"));
        }
        strangers(history, call, &mut found);
    }
    times(history, &mut findings);
    findings
}

fn statuses(history: &History, call: &RecordedCall, found: &mut impl FnMut(String)) {
    let (status, body) = match &call.result {
        CallResult::Answered { status, body, .. } => (status, body),
        CallResult::Lost(why) if !why.starts_with(GAVE_UP) => {
            found(format!("a connection to the gateway broke: {why}"));
            return;
        }
        CallResult::Lost(_) => {
            if call.ended.saturating_sub(call.started) > GATEWAY_LIMIT {
                found("the gateway gave no answer at all".to_owned());
            }
            return;
        }
    };
    let code = body.get("code").and_then(Value::as_str);
    match (status, code) {
        (200, _) if matches!(call.operation, Operation::Cursor { .. }) => {
            found("a list accepted a cursor that it did not issue".to_owned());
        }
        (200, _) => {}
        // A repeat of an upload that is there, or runs.
        (409 | 412, None)
            if matches!(call.operation, Operation::Evidence(EvidenceCall::Upload(_))) => {}
        // Roblox fails most of the time.
        (503, Some("unavailable")) if call.is_roblox_busy() => {}
        (500, Some("roblox_refused")) if matches!(call.operation, Operation::Rank(_)) => {}
        // Whether these are true is checked with the other calls about the piece.
        (404, Some("not_found"))
        | (409, Some("not_uploaded"))
        | (422, Some("content_mismatch"))
            if call.is_about_a_piece() => {}
        (400, Some("invalid_request")) if matches!(call.operation, Operation::Cursor { .. }) => {
            if body.pointer("/errors/0/field").and_then(Value::as_str) != Some("cursor") {
                found("a cursor was refused without naming the field".to_owned());
            }
        }
        // The first build takes a moment.
        (503, Some("unavailable")) if is_before_the_first_snapshot(history, call) => {}
        (503, Some("unavailable")) => {
            // The call may have started during the fault.
            let after = limit_of(call.function()) + SLACK;
            let excused = history.faults.iter().any(|fault| {
                fault.from <= call.ended && call.started <= fault.to.saturating_add(after)
            });
            if !excused {
                found("a call was answered 503 without a database fault".to_owned());
            }
        }
        (500.., None) => {
            let function = call.function();
            let killed = history.kills.iter().any(|kill| {
                kill.function == function
                    && kill.at.saturating_add(500) >= call.started
                    && kill.at <= call.ended.saturating_add(500)
            });
            if !killed {
                found(format!(
                    "the gateway got no answer from {function}, which was not killed"
                ));
            }
        }
        (409, Some("already_banned"))
        | (404, Some("not_found"))
        | (400, Some("invalid_request"))
            if call.operation.is_write() => {}
        (404, Some("not_found")) if matches!(call.operation, Operation::Decisions(_)) => {
            found("a listed ban is not found".to_owned());
        }
        (status, code) => found(format!(
            "a call was answered {status} {} without a reason",
            code.unwrap_or("without a code")
        )),
    }
}

/// Whether it asks for a snapshot before anyone got one.
fn is_before_the_first_snapshot(history: &History, call: &RecordedCall) -> bool {
    let is_earlier = |other: &&RecordedCall| {
        let is_same = (other.workspace, &other.operation) == (call.workspace, &Operation::Snapshot);
        is_same && other.ended < call.started && other.status() == Some(200)
    };
    let mut calls = history.calls.iter().chain(&history.asked);
    call.operation == Operation::Snapshot && !calls.any(|other| is_earlier(&other))
}

/// Responses contain no ban of another workspace, user or experience.
fn strangers(history: &History, call: &RecordedCall, found: &mut impl FnMut(String)) {
    let Some(own) = history.workspaces.get(call.workspace) else {
        return;
    };
    let Some(body) = call.body() else { return };
    let list = body.get("list").and_then(Value::as_array);
    let events = list
        .into_iter()
        .flatten()
        .filter(|_| call.operation.is_events());
    for event in events {
        let of = |path| event.pointer(path).and_then(Value::as_str);
        // The data of an activity is no ban, so it names no workspace.
        let in_data = (!is_activity(event)).then_some("/data/workspaceGuid");
        let mut named = ["/workspaceGuid"].into_iter().chain(in_data);
        if named.any(|path| of(path) != Some(own.guid.as_str())) {
            found("a workspace was shown an event of another".to_owned());
        }
    }
    let single = [Some(body), body.get("ban")];
    let bans = list
        .into_iter()
        .flatten()
        .chain(single.into_iter().flatten());
    let bans: Vec<_> = bans.collect();
    let attached = body.get("associatedEvidence").and_then(Value::as_array);
    let pieces = bans.iter().copied().chain(attached.into_iter().flatten());
    for piece in pieces.filter(|piece| piece.get("evidenceGuid").is_some()) {
        if piece.get("workspaceGuid").and_then(Value::as_str) != Some(own.guid.as_str()) {
            found("a workspace was shown evidence of another".to_owned());
        }
    }
    for ban in bans.into_iter().filter(|ban| ban.get("guid").is_some()) {
        let text = |name: &str| ban.get(name).and_then(Value::as_str);
        if text("workspaceGuid") != Some(own.guid.as_str()) {
            found("a workspace was shown a ban of another".to_owned());
        }
        let user = ban.get("robloxId").and_then(Value::as_u64);
        if call
            .operation
            .user()
            .is_some_and(|asked| Some(asked.get()) != user)
        {
            found("a call on one user was answered with a ban of another".to_owned());
        }
    }
    if let Value::String(text) = body
        && call.operation == Operation::ExportCsv
    {
        let mut rows = text.lines().skip(1).filter(|row| !row.is_empty());
        if rows.any(|row| !row.contains(&own.guid)) {
            found("a workspace got an export row of another".to_owned());
        }
    }
}

/// No call exceeds its limit. A client's own measurement may include waiting for a free process.
fn times(history: &History, findings: &mut Vec<Finding>) {
    let by_request: BTreeMap<&str, &RecordedCall> = history
        .calls
        .iter()
        .filter_map(|call| match &call.result {
            CallResult::Answered {
                request: Some(id), ..
            } => Some((id.as_str(), call)),
            _ => None,
        })
        .collect();
    for logged in &history.logged {
        let limit = limit_of(&logged.function);
        if logged.took > limit + SLACK {
            let call = by_request.get(logged.request.as_str()).copied();
            findings.push(Finding {
                sentence: format!(
                    "{} took {} ms for a request; its limit is {limit} ms",
                    logged.function, logged.took
                ),
                proof: history.proof(call),
            });
        }
    }
}
