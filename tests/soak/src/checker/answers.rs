//! Each answer by itself.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Finding;
use crate::history::{Call, History, Millis, Outcome, TURNED_AWAY, What};

/// The time within which a function answers a call.
const LIMIT: Millis = 5_000;

/// The same for an export.
const EXPORT_LIMIT: Millis = 28_000;

/// The time within which the gateway answers, whatever the function does.
const GATEWAY_LIMIT: Millis = 30_000;

/// What two busy cores may add to either.
const SLACK: Millis = 1_500;

/// How long after a fault a call may still suffer from it: a call that began in it goes on.
const AFTERMATH: Millis = LIMIT + SLACK;

/// Everything that is wrong with single answers.
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
            found(format!("an answer is not as openapi.yaml says: {problem}"));
        }
        strangers(history, call, &mut found);
    }
    times(history, &mut findings);
    findings
}

fn statuses(history: &History, call: &Call, found: &mut impl FnMut(String)) {
    let (status, body) = match &call.outcome {
        Outcome::Answered { status, body, .. } => (status, body),
        Outcome::Lost(why) if !why.starts_with(TURNED_AWAY) => {
            found(format!("a connection to the gateway broke: {why}"));
            return;
        }
        Outcome::Lost(_) => {
            if call.ended.saturating_sub(call.started) > GATEWAY_LIMIT {
                found("the gateway gave no answer at all".to_owned());
            }
            return;
        }
    };
    let code = body.get("code").and_then(Value::as_str);
    match (status, code) {
        (200, _) if matches!(call.what, What::Cursor { .. }) => {
            found("a cursor was accepted that this list did not give out".to_owned());
        }
        (200, _) => {}
        (400, Some("invalid_request")) if matches!(call.what, What::Cursor { .. }) => {
            if body.pointer("/errors/0/field").and_then(Value::as_str) != Some("cursor") {
                found("a cursor was refused without being named".to_owned());
            }
        }
        (503, Some("unavailable")) => {
            let excused = history.faults.iter().any(|fault| {
                fault.from <= call.ended && call.started <= fault.to.saturating_add(AFTERMATH)
            });
            if !excused {
                found("a call was answered 503 though the database did not misbehave".to_owned());
            }
        }
        (500.., None) => {
            let function = call.what.function();
            let killed = history.kills.iter().any(|kill| {
                kill.function == function
                    && kill.at.saturating_add(500) >= call.started
                    && kill.at <= call.ended.saturating_add(500)
            });
            if !killed {
                found(format!(
                    "the gateway got no answer from {function}, which nobody had killed"
                ));
            }
        }
        (409, Some("already_banned"))
        | (404, Some("not_found"))
        | (400, Some("invalid_request"))
            if call.what.is_write() => {}
        (404, Some("not_found")) if matches!(call.what, What::Decisions(_)) => {
            found("a ban that was listed is not found".to_owned());
        }
        (status, code) => found(format!(
            "a call was answered {status} {}, which nothing had called for",
            code.unwrap_or("without a code")
        )),
    }
}

/// No ban of another workspace is shown, and none of another user or experience than was asked for.
fn strangers(history: &History, call: &Call, found: &mut impl FnMut(String)) {
    let Some(own) = history.workspaces.get(call.workspace) else {
        return;
    };
    let Some(body) = call.body() else { return };
    let list = body.get("list").and_then(Value::as_array);
    let events = list.into_iter().flatten().filter(|_| call.what.is_events());
    for event in events {
        let of = |path| event.pointer(path).and_then(Value::as_str);
        let both = [of("/workspaceGuid"), of("/data/workspaceGuid")];
        if both != [Some(own.guid.as_str()); 2] {
            found("a workspace was shown an event of another".to_owned());
        }
    }
    let single = [Some(body), body.get("ban")];
    let bans = list
        .into_iter()
        .flatten()
        .chain(single.into_iter().flatten());
    for ban in bans.filter(|ban| ban.get("guid").is_some()) {
        let text = |name: &str| ban.get(name).and_then(Value::as_str);
        if text("workspaceGuid") != Some(own.guid.as_str()) {
            found("a workspace was shown a ban of another".to_owned());
        }
        let user = ban.get("robloxId").and_then(Value::as_u64);
        if call
            .what
            .user()
            .is_some_and(|asked| Some(asked.get()) != user)
        {
            found("a call on one user was answered with a ban of another".to_owned());
        }
    }
    if let Value::String(text) = body
        && call.what == What::ExportCsv
    {
        let mut rows = text.lines().skip(1).filter(|row| !row.is_empty());
        if rows.any(|row| !row.contains(&own.guid)) {
            found("a workspace was given a row of another".to_owned());
        }
    }
}

/// No call outlived its limit. What a caller saw may hold the wait for a free process besides.
fn times(history: &History, findings: &mut Vec<Finding>) {
    let by_request: BTreeMap<&str, &Call> = history
        .calls
        .iter()
        .filter_map(|call| match &call.outcome {
            Outcome::Answered {
                request: Some(id), ..
            } => Some((id.as_str(), call)),
            _ => None,
        })
        .collect();
    for logged in &history.logged {
        let limit = if logged.function.starts_with("export") {
            EXPORT_LIMIT
        } else {
            LIMIT
        };
        if logged.took > limit + SLACK {
            let call = by_request.get(logged.request.as_str()).copied();
            findings.push(Finding {
                sentence: format!(
                    "{} took {} ms for a request, and has {limit}",
                    logged.function, logged.took
                ),
                proof: history.proof(call),
            });
        }
    }
}
