//! Whether an answer is the one that the model gives.

use end_to_end::requests::is_set;
use serde_json::Value;
use shared::domain::ids::Guid;
use shared::domain::rules::ReportStatus;
use shared::domain::rules::model::{Answer, BanState};

use super::evidence::guid_of;
use crate::history::{Operation, RecordedCall};

/// Whether a call was answered as the model says.
pub fn is_answer(call: &RecordedCall, said: &Answer, reports: bool) -> Result<(), String> {
    if call.in_bulk
        && let Answer::AlreadyBanned(ban) = said
    {
        return is_answer_in_bulk(call, ban);
    }
    let expected = match said {
        Answer::Ok | Answer::Reported(_) => 200,
        Answer::AlreadyBanned(_) => 409,
        Answer::ExpiryPassed => 400,
        Answer::NotFound => 404,
    };
    if call.status() != Some(expected) {
        return Err(format!("{expected} was expected"));
    }
    if let Answer::Reported(status) = said {
        return is_status(call, *status);
    }
    let Answer::AlreadyBanned(ban) = said else {
        return Ok(());
    };
    let shown = call.body().and_then(|body| body.get("ban"));
    matches_ban(shown.unwrap_or(&Value::Null), Some(ban), &[], reports)
}

/// Whether a user of a bulk call was refused because of this ban, or is banned by it as asked.
fn is_answer_in_bulk(call: &RecordedCall, ban: &BanState) -> Result<(), String> {
    let Operation::Ban { request, .. } = &call.operation else {
        return Err("only a ban conflicts".to_owned());
    };
    let is_as_asked = ban.scope == request.scope && ban.terms.moderator == request.moderator;
    let told = call.body().and_then(|body| body.get("conflict"));
    let told = told.and_then(Value::as_str).map(str::to_owned);
    match call.status() {
        Some(200) if is_as_asked => Ok(()),
        Some(409) if told == Some(ban.guid.to_string()) => Ok(()),
        _ => Err(format!("a conflict with the ban {} was expected", ban.guid)),
    }
}

/// Whether a report of a known change was answered as one. A function whose write got no answer judges
/// it again, perhaps after another decision, so the statuses of known changes may differ.
fn is_status(call: &RecordedCall, status: ReportStatus) -> Result<(), String> {
    let body = call.body().unwrap_or(&Value::Null);
    let told = body.pointer("/results/0/status").and_then(Value::as_str);
    let is_known = |status: &str| status != ReportStatus::Unknown.as_str();
    if told.is_some_and(|told| is_known(told) == is_known(status.as_str())) {
        Ok(())
    } else {
        Err(format!("the status {} was expected", status.as_str()))
    }
}

/// Whether a response shows this ban, or none. Without an active ban, the clocks that named the
/// bans decide which one is shown, so any that was active is accepted.
///
/// `reports` is false where a mirror reports too; then the report may be either.
pub fn matches_ban(
    body: &Value,
    said: Option<&BanState>,
    reaching: &[Guid],
    reports: bool,
) -> Result<(), String> {
    let banned = body.get("isBanned").is_some_and(is_set);
    let told = guid_of(body);
    match said {
        None if banned || told.is_some() => Err("the user was never banned there".to_owned()),
        None if body.is_null() => Err("there was no answer".to_owned()),
        None => Ok(()),
        Some(ban) if !ban.active => {
            if banned {
                Err("no ban is active".to_owned())
            } else if told.is_none_or(|told| !reaching.contains(&told)) {
                Err("an ended ban was expected".to_owned())
            } else {
                Ok(())
            }
        }
        Some(ban) => {
            let number = |name: &str| body.get(name).and_then(Value::as_u64);
            let applied = body.get("experienceBanCompleted").is_some_and(is_set);
            let reason = body.get("privateReason").and_then(Value::as_str);
            let right = banned
                && told == Some(ban.guid)
                && number("expires") == Some(ban.terms.expires.seconds())
                && number("moderatorId") == Some(ban.terms.moderator.get())
                && reason == Some(ban.terms.private_reason.as_str())
                && (applied == ban.applied || !reports);
            if right {
                Ok(())
            } else {
                Err(format!(
                    "the ban {} by {}, until {}, {}, is active",
                    ban.guid,
                    ban.terms.moderator,
                    ban.terms.expires.seconds(),
                    if ban.applied {
                        "reported"
                    } else {
                        "not reported"
                    },
                ))
            }
        }
    }
}
