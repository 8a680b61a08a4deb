//! Checks evidence: each answered piece is there until a call removes it, and as it was sent; no piece
//! is there twice, or after its removal; and its events are in the log once.

mod events;
mod ledger;

use std::collections::BTreeSet;

use end_to_end::evidence::base64;
use serde_json::{Value, json};

use self::ledger::{Ledger, Piece, Sight};
use super::Finding;
use crate::history::{Content, EvidenceCall, History, Operation, RecordedCall};

pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for workspace in 0..history.final_states.len() {
        let ledger = Ledger::of(history, workspace, &mut findings);
        creations(&ledger, &mut findings);
        strangers(&ledger, &mut findings);
        for piece in ledger.pieces.values() {
            answers(&ledger, piece, &mut findings);
            end(&ledger, piece, &mut findings);
            events::of(&ledger, piece, &mut findings);
        }
        events::unexplained(&ledger, &mut findings);
    }
    findings
}

/// Each creation made at most one piece for each time that it may have been executed, and one in all
/// under an idempotency key.
fn creations(ledger: &Ledger<'_>, findings: &mut Vec<Finding>) {
    for (number, attempts) in &ledger.attempts {
        let made = ledger.pieces.values();
        let made = made.filter(|piece| piece.submission.number == *number);
        let made: BTreeSet<_> = made.map(|piece| piece.guid).collect();
        let named = attempts.iter().filter(|call| call.status() == Some(200));
        let named: BTreeSet<_> = named.filter_map(|call| guid_in(call.body()?)).collect();
        let open = attempts.iter().filter(|call| call.is_open()).count();
        let has_key = attempts.iter().any(|call| call.key.is_some());
        let most = if has_key { 1 } else { named.len() + open };
        if made.len() > most || made.difference(&named).count() > open {
            findings.push(Finding {
                sentence: format!("one creation made the pieces {made:?}"),
                proof: ledger.history.proof(attempts.iter().copied()),
            });
        }
    }
}

/// No workspace reaches a piece of another.
fn strangers(ledger: &Ledger<'_>, findings: &mut Vec<Finding>) {
    for call in &ledger.calls {
        let guid = named(call).filter(|guid| ledger.foreign.contains(guid));
        if guid.is_some() && !call.is_open() && call.status() != Some(404) {
            findings.push(Finding {
                sentence: "a call about evidence of another workspace was not answered 404"
                    .to_owned(),
                proof: ledger.history.proof([*call]),
            });
        }
    }
}

fn named(call: &RecordedCall) -> Option<&str> {
    match &call.operation {
        // The object store knows no workspaces.
        Operation::Evidence(EvidenceCall::Upload(_)) => None,
        Operation::Evidence(call) => call.guid(),
        _ => None,
    }
}

pub(super) fn guid_in(piece: &Value) -> Option<&str> {
    piece.get("evidenceGuid")?.as_str()
}

/// Every answer about a piece fits what had and had not happened by then.
fn answers(ledger: &Ledger<'_>, piece: &Piece<'_>, findings: &mut Vec<Finding>) {
    for call in &ledger.calls {
        let Some(sight) = piece.shown_by(call) else {
            continue;
        };
        let mut found = |sentence: &str| findings.push(ledger.finding(piece, sentence));
        let Sight::Shown(shown) = sight else {
            let is_known = piece.known_from < call.started;
            let may_be_gone = piece.may_be_gone_from().is_some_and(|at| at <= call.ended);
            // For a day, removing a piece again succeeds.
            let is_removal = matches!(call.operation, Operation::Evidence(EvidenceCall::Delete(_)));
            if is_known && (is_removal || !may_be_gone) {
                found("is not shown, although it was there");
            }
            continue;
        };
        if piece.is_gone_from().is_some_and(|at| at < call.started) {
            found("is shown after it was removed");
        }
        let is_available = state(shown) == Some("available");
        if is_available && !piece.may_be_available(call.ended) {
            found("is available, although no upload of it can be complete");
        }
        if !is_available
            && piece
                .is_available_from()
                .is_some_and(|at| at < call.started)
        {
            found("is not available any more");
        }
        if let Operation::Evidence(EvidenceCall::Update { note, .. }) = &call.operation
            && note_of(shown) != Some(*note)
        {
            found("does not show the note that was written");
        }
    }
    for call in piece.calls.iter().filter(|call| is_completion(call)) {
        let is_uploaded = piece.is_uploaded_from().is_some_and(|at| at < call.started);
        let is_wrong = match call.status() {
            Some(409) => is_uploaded,
            Some(422) => piece.submission.content != Content::Disguised,
            _ => false,
        };
        if is_wrong {
            let sentence = "was refused, although it was uploaded as declared";
            findings.push(ledger.finding(piece, sentence));
        }
    }
}

/// The piece at the end is what the calls made of it.
fn end(ledger: &Ledger<'_>, piece: &Piece<'_>, findings: &mut Vec<Finding>) {
    let mut found = |sentence: &str| findings.push(ledger.finding(piece, sentence));
    let Some(shown) = ledger.at_the_end(piece) else {
        if piece.may_be_gone_from().is_none() {
            found("is lost at the end");
        }
        return;
    };
    if piece.is_gone_from().is_some() {
        found("is there at the end, although it was removed");
    }
    if !piece.notes().contains(&note_of(shown)) {
        found("has a wrong note at the end");
    }
    let is_available = state(shown) == Some("available");
    if is_available && !piece.may_be_available(u64::MAX) {
        found("is available at the end, although no upload of it can be complete");
    }
    if !is_available && piece.is_available_from().is_some() {
        found("is not available at the end");
    }
    let content = match piece.submission.content {
        Content::Text => shown.get("evidenceContent"),
        _ if is_available => shown.get("downloaded"),
        _ => return,
    };
    if content != Some(&json!(base64(&piece.submission.bytes()))) {
        found("has another content at the end");
    }
}

fn is_completion(call: &RecordedCall) -> bool {
    matches!(
        call.operation,
        Operation::Evidence(EvidenceCall::Complete(_))
    )
}

fn state(piece: &Value) -> Option<&str> {
    piece.get("state")?.as_str()
}

fn note_of(piece: &Value) -> Option<u64> {
    piece.pointer("/metadata/note")?.as_u64()
}
