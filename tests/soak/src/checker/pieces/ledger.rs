//! What the calls say about each piece of evidence of a workspace.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::Finding;
use super::super::linearizability::until;
use super::{guid_in, is_completion, state};
use crate::history::{
    Content, EvidenceCall, FinalState, History, Millis, Operation, RecordedCall, Submission,
};

pub struct Ledger<'a> {
    pub history: &'a History,
    pub final_state: &'a FinalState,
    pub workspace: usize,
    /// The calls about evidence, and the checks that ask for it.
    pub calls: Vec<&'a RecordedCall>,
    /// The calls of each creation, by its number.
    pub attempts: BTreeMap<u64, Vec<&'a RecordedCall>>,
    pub pieces: BTreeMap<&'a str, Piece<'a>>,
    /// The pieces of other workspaces.
    pub foreign: BTreeSet<&'a str>,
}

/// What an answer shows of a piece.
#[derive(Clone, Copy)]
pub enum Sight<'a> {
    Shown(&'a Value),
    Missing,
}

/// A piece that an answer or the final state shows.
pub struct Piece<'a> {
    pub guid: &'a str,
    pub submission: &'a Submission,
    /// The calls that name it.
    pub calls: Vec<&'a RecordedCall>,
    /// From when it must be shown.
    pub known_from: Millis,
    /// Whether an answer showed it as available.
    pub was_available: bool,
}

impl<'a> Ledger<'a> {
    pub fn of(history: &'a History, workspace: usize, findings: &mut Vec<Finding>) -> Self {
        static NOTHING: std::sync::LazyLock<FinalState> =
            std::sync::LazyLock::new(FinalState::default);
        let mut ledger = Self {
            history,
            final_state: history.final_states.get(workspace).unwrap_or(&NOTHING),
            workspace,
            calls: calls(history, workspace).collect(),
            attempts: BTreeMap::new(),
            pieces: BTreeMap::new(),
            foreign: foreign(history, workspace),
        };
        let mut submissions = BTreeMap::new();
        for call in &ledger.calls {
            if let Operation::Evidence(EvidenceCall::Create(new)) = &call.operation {
                submissions.insert(new.number, new);
                ledger.attempts.entry(new.number).or_default().push(call);
            }
        }
        let answered = ledger.calls.iter().flat_map(|call| {
            let shown = pieces_in(call).into_iter();
            shown.map(|piece| (call.ended, piece))
        });
        let last = ledger.final_state.evidence.values();
        let shown: Vec<_> = answered
            .chain(last.map(|piece| (Millis::MAX, piece)))
            .collect();
        for (at, shown) in shown {
            let number = shown.get("createdBy").and_then(Value::as_str);
            let submission = number.and_then(|number| submissions.get(&number.parse().ok()?));
            let (Some(guid), Some(submission)) = (guid_in(shown), submission) else {
                findings.push(bare(workspace, &format!("no call created {shown}")));
                continue;
            };
            if !submission.is_shown_by(shown) {
                findings.push(bare(
                    workspace,
                    &format!("{shown} differs from {submission:?}"),
                ));
            }
            let calls = ledger.calls.iter().copied();
            let calls = calls.filter(|call| names(call, guid));
            let piece = ledger.pieces.entry(guid).or_insert_with(|| Piece {
                guid,
                submission,
                calls: calls.collect(),
                known_from: Millis::MAX,
                was_available: false,
            });
            piece.known_from = piece.known_from.min(at);
            piece.was_available |= state(shown) == Some("available");
        }
        ledger
    }

    pub fn at_the_end(&self, piece: &Piece<'_>) -> Option<&'a Value> {
        self.final_state.evidence.get(piece.guid)
    }

    pub fn finding(&self, piece: &Piece<'_>, sentence: &str) -> Finding {
        let created = self.attempts.get(&piece.submission.number);
        let created = created.into_iter().flatten().copied();
        let lists = self.calls.iter().copied().filter(|call| {
            piece.shown_by(call).is_some()
                && !piece.calls.iter().any(|own| std::ptr::eq(*own, *call))
        });
        let lists = lists.filter(|call| !is_creation(call));
        let calls = created.chain(piece.calls.iter().copied()).chain(lists);
        let mut proof = self.history.proof(calls);
        proof.push(format!("at the end: {:?}", self.at_the_end(piece)));
        Finding {
            proof,
            ..bare(
                self.workspace,
                &format!("the piece {} {sentence}", piece.guid),
            )
        }
    }
}

pub fn bare(workspace: usize, sentence: &str) -> Finding {
    Finding {
        sentence: format!("in the evidence of workspace {workspace} {sentence}"),
        proof: Vec::new(),
    }
}

fn is_creation(call: &RecordedCall) -> bool {
    matches!(call.operation, Operation::Evidence(EvidenceCall::Create(_)))
}

fn names(call: &RecordedCall, guid: &str) -> bool {
    matches!(&call.operation, Operation::Evidence(evidence) if evidence.guid() == Some(guid))
}

fn calls(history: &History, workspace: usize) -> impl Iterator<Item = &RecordedCall> {
    let calls = history.calls.iter();
    calls.filter(move |call| {
        let attached = call.body().and_then(|body| body.get("associatedEvidence"));
        let is_relevant = matches!(call.operation, Operation::Evidence(_)) || attached.is_some();
        call.workspace == workspace && is_relevant
    })
}

/// The pieces that calls of other workspaces created.
fn foreign(history: &History, workspace: usize) -> BTreeSet<&str> {
    let calls = history.calls.iter();
    let calls = calls.filter(|call| call.workspace != workspace && is_creation(call));
    calls.filter_map(|call| guid_in(call.body()?)).collect()
}

/// The pieces in an answer.
fn pieces_in(call: &RecordedCall) -> Vec<&Value> {
    let Some(body) = call.body().filter(|_| call.status() == Some(200)) else {
        return Vec::new();
    };
    match &call.operation {
        Operation::Evidence(EvidenceCall::List { .. }) => list(body, "list").iter().collect(),
        Operation::Evidence(EvidenceCall::Upload(_) | EvidenceCall::Delete(_)) => Vec::new(),
        Operation::Evidence(_) => vec![body],
        Operation::Check(..) => list(body, "associatedEvidence").iter().collect(),
        _ => Vec::new(),
    }
}

fn list<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    let list = body.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

impl<'a> Piece<'a> {
    /// What a call shows of the piece, if it is about it.
    pub fn shown_by(&self, call: &'a RecordedCall) -> Option<Sight<'a>> {
        let (status, body) = (call.status()?, call.body()?);
        let shown = || {
            let mut pieces = pieces_in(call).into_iter();
            let piece = pieces.find(|piece| guid_in(piece) == Some(self.guid));
            piece.map_or(Sight::Missing, Sight::Shown)
        };
        let is_about_case = match &call.operation {
            Operation::Evidence(EvidenceCall::List { case, .. }) => *case == self.submission.case,
            Operation::Check(..) => {
                body.get("associatedEvidence").is_some()
                    && body
                        .get("guid")
                        .is_some_and(|guid| *guid == *self.submission.case)
            }
            Operation::Evidence(EvidenceCall::Upload(_)) => false,
            Operation::Evidence(EvidenceCall::Delete(guid)) => {
                return (guid == self.guid && status == 404).then_some(Sight::Missing);
            }
            Operation::Evidence(evidence) if evidence.guid() == Some(self.guid) => {
                return matches!(status, 200 | 404).then(shown);
            }
            _ => {
                let shown = shown();
                return matches!(shown, Sight::Shown(_)).then_some(shown);
            }
        };
        (is_about_case && status == 200).then(shown)
    }

    fn evidence_calls(&self) -> impl Iterator<Item = (&'a EvidenceCall, &'a RecordedCall)> {
        self.calls.iter().filter_map(|call| match &call.operation {
            Operation::Evidence(evidence) => Some((evidence, *call)),
            _ => None,
        })
    }

    fn removals(&self) -> impl Iterator<Item = &'a RecordedCall> {
        let calls = self.evidence_calls();
        let removals = calls.filter(|(call, _)| matches!(call, EvidenceCall::Delete(_)));
        removals.map(|(_, call)| call)
    }

    /// From when a call may have removed it.
    pub fn may_be_gone_from(&self) -> Option<Millis> {
        let removals = self.removals();
        let removals = removals.filter(|call| call.is_open() || call.status() == Some(200));
        removals.map(|call| call.started).min()
    }

    /// From when it is removed.
    pub fn is_gone_from(&self) -> Option<Millis> {
        let removals = self.removals();
        let removals = removals.filter(|call| call.status() == Some(200));
        removals.map(|call| call.ended).min()
    }

    /// From when its file is there.
    pub fn is_uploaded_from(&self) -> Option<Millis> {
        let uploads = self.evidence_calls().filter(|(call, _)| is_upload(call));
        let uploads = uploads.filter(|(_, call)| call.status() == Some(200));
        uploads.map(|(_, call)| call.ended).min()
    }

    /// Whether it may have become available by a time.
    pub fn may_be_available(&self, by: Millis) -> bool {
        let begun = |mut calls: Box<dyn Iterator<Item = &'a RecordedCall> + '_>| {
            calls.any(|call| call.started <= by)
        };
        let uploads = self.evidence_calls().filter(|(call, _)| is_upload(call));
        let completions = self.calls.iter().copied();
        let completions = completions
            .filter(|call| is_completion(call) && (call.is_open() || call.status() == Some(200)));
        match self.submission.content {
            Content::Text => true,
            Content::Disguised => false,
            Content::Picture => {
                begun(Box::new(uploads.map(|(_, call)| call))) && begun(Box::new(completions))
            }
        }
    }

    /// From when it stays available.
    pub fn is_available_from(&self) -> Option<Millis> {
        if self.submission.content == Content::Text {
            return Some(0);
        }
        let completions = self.calls.iter();
        let completions = completions.filter(|call| is_completion(call));
        let completions = completions.filter(|call| call.status() == Some(200));
        completions.map(|call| call.ended).min()
    }

    /// The notes that it may have at the end: that of the last answered change, and those of changes
    /// that may have come later.
    pub fn notes(&self) -> BTreeSet<Option<u64>> {
        let updates = || {
            self.evidence_calls()
                .filter_map(|(call, recorded)| match call {
                    EvidenceCall::Update { note, .. } => Some((*note, recorded)),
                    _ => None,
                })
        };
        let answered = updates().filter(|(_, call)| call.status() == Some(200));
        let last = answered.map(|(_, call)| call.started).max();
        let late = updates().filter(|(_, call)| {
            let may_apply = call.is_open() || call.status() == Some(200);
            may_apply && last.is_none_or(|last| until(call) >= last)
        });
        let mut notes: BTreeSet<_> = late.map(|(note, _)| Some(note)).collect();
        if last.is_none() {
            notes.insert(None);
        }
        notes
    }
}

const fn is_upload(call: &EvidenceCall) -> bool {
    matches!(call, EvidenceCall::Upload(_))
}
