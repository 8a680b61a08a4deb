//! The events of evidence.

use serde_json::Value;

use super::super::Finding;
use super::super::evidence::is_activity;
use super::ledger::{Ledger, Piece, bare};

const ADDED: &str = "EVIDENCE_ADDED";
const REMOVED: &str = "EVIDENCE_REMOVED";

/// A piece that was available was added once, and removed once if it is gone. Another has no events.
pub fn of(ledger: &Ledger<'_>, piece: &Piece<'_>, findings: &mut Vec<Finding>) {
    let count = |name: &str| {
        let events = events(ledger).filter(|event| event.get("event").is_some_and(|it| it == name));
        events
            .filter(|event| guid_of(event) == Some(piece.guid))
            .count()
    };
    let (added, removed) = (count(ADDED), count(REMOVED));
    let is_there = ledger.at_the_end(piece).is_some();
    let is_wrong = match added {
        // It may have become available and been removed before an answer showed it.
        1 => !piece.may_be_available(u64::MAX) || (is_there && !piece.was_available),
        0 => piece.was_available,
        _ => true,
    };
    if is_wrong || removed != if is_there { 0 } else { added } {
        let sentence = format!("has {added} events {ADDED} and {removed} {REMOVED}");
        findings.push(ledger.finding(piece, &sentence));
    }
}

/// Every event of evidence is about a known piece.
pub fn unexplained(ledger: &Ledger<'_>, findings: &mut Vec<Finding>) {
    for event in events(ledger) {
        let piece = guid_of(event).and_then(|guid| ledger.pieces.get(guid));
        let user = piece.and_then(|piece| piece.submission.user);
        let is_same = user.is_none_or(|user| event.get("robloxId") == Some(&user.get().into()));
        let case = event.pointer("/data/caseId").and_then(Value::as_str);
        let is_same = is_same && piece.is_some_and(|piece| case == Some(&piece.submission.case));
        if !is_same {
            let sentence = format!("an event fits no piece: {event}");
            findings.push(bare(ledger.workspace, &sentence));
        }
    }
}

fn events<'a>(ledger: &Ledger<'a>) -> impl Iterator<Item = &'a Value> + use<'a> {
    let events = ledger.final_state.log.iter();
    events.filter(|event| is_activity(event) && guid_of(event).is_some())
}

fn guid_of(event: &Value) -> Option<&str> {
    event.pointer("/data/evidenceGuid")?.as_str()
}
