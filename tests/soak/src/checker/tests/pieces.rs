//! Evidence: a correct history, and violations that the checker must find.

use end_to_end::evidence::base64;
use serde_json::{Value, json};

use super::super::pieces;
use super::scenario::user;
use crate::history::{
    CallResult, Content, EvidenceCall, FinalState, History, Operation, RecordedCall, Submission,
};

const CASE: &str = "1000001";
const TEXT: &str = "7000001";
const PICTURE: &str = "7000002";
const REMOVED: &str = "7000003";

fn submission(guid: &str) -> Submission {
    Submission {
        case: CASE.to_owned(),
        user: Some(user()),
        number: guid.parse().unwrap(),
        content: if guid == PICTURE {
            Content::Picture
        } else {
            Content::Text
        },
    }
}

/// A piece as answers show it.
fn shown(guid: &str, state: &str) -> Value {
    let submission = submission(guid);
    let mut piece = submission.body();
    piece["evidenceGuid"] = json!(guid);
    piece["createdBy"] = json!(guid);
    piece["size"] = json!(submission.bytes().len());
    piece["state"] = json!(state);
    piece
}

fn event(name: &str, guid: &str) -> Value {
    json!({
        "id": format!("act_{name}_{guid}"), "event": name, "robloxId": user(),
        "data": { "evidenceGuid": guid, "caseId": CASE },
    })
}

fn call(history: &mut History, workspace: usize, call: EvidenceCall, status: u16, body: Value) {
    let started = u64::try_from(history.calls.len()).unwrap() * 20 + 1_000;
    history.calls.push(RecordedCall {
        workspace,
        client: "client".to_owned(),
        operation: Operation::Evidence(call),
        in_bulk: false,
        key: None,
        started,
        ended: started + 10,
        result: CallResult::Answered {
            status,
            body,
            request: None,
        },
        undocumented: Vec::new(),
    });
}

/// A text and a picture that are there at the end, and a text that was removed.
fn course() -> History {
    let mut history = History {
        final_states: vec![FinalState::default(); 2],
        ..History::default()
    };
    for guid in [TEXT, REMOVED] {
        let piece = shown(guid, "available");
        call(
            &mut history,
            0,
            EvidenceCall::Create(submission(guid)),
            200,
            piece,
        );
    }
    let create = EvidenceCall::Create(submission(PICTURE));
    call(&mut history, 0, create, 200, shown(PICTURE, "pending"));
    call(
        &mut history,
        0,
        EvidenceCall::Upload(PICTURE.to_owned()),
        200,
        Value::Null,
    );
    let complete = EvidenceCall::Complete(PICTURE.to_owned());
    call(&mut history, 0, complete, 200, shown(PICTURE, "available"));
    call(
        &mut history,
        0,
        EvidenceCall::Delete(REMOVED.to_owned()),
        200,
        json!({}),
    );
    list(&mut history, &[TEXT, PICTURE]);
    let mut picture = shown(PICTURE, "available");
    picture["downloaded"] = json!(base64(&submission(PICTURE).bytes()));
    let last = &mut history.final_states[0];
    last.evidence
        .insert(TEXT.to_owned(), shown(TEXT, "available"));
    last.evidence.insert(PICTURE.to_owned(), picture);
    last.log
        .extend([TEXT, PICTURE, REMOVED].map(|guid| event("EVIDENCE_ADDED", guid)));
    last.log.push(event("EVIDENCE_REMOVED", REMOVED));
    history
}

fn list(history: &mut History, guids: &[&str]) {
    let list: Vec<Value> = guids.iter().map(|guid| shown(guid, "available")).collect();
    let case = CASE.to_owned();
    let call_of = EvidenceCall::List {
        case,
        user: Some(user()),
    };
    call(history, 0, call_of, 200, json!({ "list": list }));
}

/// The findings after a change of the correct history.
fn sentences(change: impl FnOnce(&mut History)) -> String {
    let mut history = course();
    change(&mut history);
    let findings = pieces::check(&history).into_iter();
    findings.map(|finding| finding.sentence + "\n").collect()
}

#[track_caller]
fn assert_found(text: &str, change: impl FnOnce(&mut History)) {
    let sentences = sentences(change);
    assert!(
        sentences.contains(text),
        "no finding says \"{text}\": {sentences}"
    );
}

#[test]
fn texts_files_and_removals_are_accepted() {
    assert_eq!(sentences(|_| ()), "");
}

#[test]
fn a_lost_piece_is_found() {
    assert_found("is lost at the end", |history| {
        history.final_states[0].evidence.remove(TEXT);
    });
    assert_found("is not shown, although it was there", |history| {
        list(history, &[PICTURE]);
    });
}

#[test]
fn a_removed_piece_that_is_shown_is_found() {
    assert_found("is shown after it was removed", |history| {
        list(history, &[TEXT, PICTURE, REMOVED]);
    });
    assert_found("is there at the end, although it was removed", |history| {
        let last = &mut history.final_states[0].evidence;
        last.insert(REMOVED.to_owned(), shown(REMOVED, "available"));
    });
}

#[test]
fn a_creation_that_made_two_pieces_is_found() {
    assert_found("one creation made the pieces", |history| {
        let mut twin = shown(TEXT, "available");
        twin["evidenceGuid"] = json!("7000009");
        let last = &mut history.final_states[0].evidence;
        last.insert("7000009".to_owned(), twin);
    });
}

#[test]
fn altered_pieces_are_found() {
    assert_found("has another content at the end", |history| {
        let last = &mut history.final_states[0].evidence;
        last.get_mut(PICTURE).unwrap()["downloaded"] = json!(base64(b"other"));
    });
    assert_found("differs from", |history| {
        let last = &mut history.final_states[0].evidence;
        last.get_mut(TEXT).unwrap()["evidenceContent"] = json!(base64(b"other"));
    });
    assert_found("has a wrong note at the end", |history| {
        let last = &mut history.final_states[0].evidence;
        last.get_mut(TEXT).unwrap()["metadata"] = json!({ "note": 9 });
    });
}

#[test]
fn a_file_with_a_wrong_state_is_found() {
    assert_found("is not available at the end", |history| {
        let last = &mut history.final_states[0].evidence;
        last.get_mut(PICTURE).unwrap()["state"] = json!("pending");
    });
    assert_found("although no upload of it can be complete", |history| {
        let is_upload = |call: &RecordedCall| {
            matches!(call.operation, Operation::Evidence(EvidenceCall::Upload(_)))
        };
        history.calls.retain(|call| !is_upload(call));
    });
    assert_found("was refused, although it was uploaded", |history| {
        let complete = EvidenceCall::Complete(PICTURE.to_owned());
        call(
            history,
            0,
            complete,
            422,
            json!({ "code": "invalid_evidence" }),
        );
    });
}

#[test]
fn wrong_events_are_found() {
    assert_found("has 0 events EVIDENCE_ADDED", |history| {
        history.final_states[0].log.remove(0);
    });
    assert_found("1 EVIDENCE_REMOVED", |history| {
        let log = &mut history.final_states[0].log;
        log.push(event("EVIDENCE_REMOVED", TEXT));
    });
    assert_found("an event fits no piece", |history| {
        let log = &mut history.final_states[0].log;
        log.push(event("EVIDENCE_ADDED", "7000009"));
    });
}

#[test]
fn a_piece_shown_to_another_workspace_is_found() {
    assert_found("evidence of another workspace", |history| {
        let get = EvidenceCall::Get(TEXT.to_owned());
        call(history, 1, get, 200, shown(TEXT, "available"));
    });
}
