//! Looks for a linearization of each user's calls: an order in which the naive model gives every
//! recorded answer.
//!
//! Calls on one user do not affect another, so each user is checked separately. Each decision has
//! its own moderator number, which tells which call made a decision in the history.

use std::collections::BTreeSet;

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;
use shared::domain::rules::{Expiry, Length};

use super::carry_over;
use super::evidence::Evidence;
use super::places::Places;
use super::search::{Candidate, Search, SearchResult, Step};
use super::{CheckReport, Finding};
use crate::history::{CallResult, History, Millis, Operation, RecordedCall};

/// How long a call may still take effect after it was answered 503 or its function was killed.
const MAY_STILL_APPLY: Millis = 2_000;

/// The same for a client that gave up: the function continues until its time limit, after it has
/// waited for a free process.
const LEASE_LASTS: Millis = 12_000;

/// The same for a bulk call, whose time limit is longer.
const BULK_LASTS: Millis = 27_000;

/// How many states to examine for one user.
const STATES: usize = 40_000;

/// Looks for an order of the calls on every user of every workspace.
pub fn check(history: &History) -> CheckReport {
    let mut checked = CheckReport::default();
    for (number, (place, final_state)) in history
        .workspaces
        .iter()
        .zip(&history.final_states)
        .enumerate()
    {
        let places = Places::of(history, number);
        for user in history.users(number) {
            let at_rest = places.at_rest(final_state.at);
            let evidence = Evidence::of(user, place, final_state, at_rest);
            let calls: Vec<_> = calls_on(history, number, user).collect();
            let candidates = candidates(&calls, &evidence, &places, history.skew);
            checked.users += 1;
            checked.ordered += candidates.len();
            match Search::new(&candidates, &evidence, STATES).run() {
                SearchResult::Order => {}
                SearchResult::Undecided => checked
                    .undecided
                    .push(format!("{user} in workspace {number}")),
                SearchResult::OtherEnd(differences) => checked.findings.push(Finding {
                    sentence: format!(
                        "no order of the calls on {user} in workspace {number} leads to the final \
                         state: {}",
                        differences.join("; ")
                    ),
                    proof: all(history, &calls, &evidence, &places),
                }),
                SearchResult::None { fitted, stuck } => {
                    let reasons = stuck.iter().filter_map(|(at, why)| {
                        let Some(at) = at else {
                            return Some(why.clone());
                        };
                        let line = match &candidates.get(*at)?.step {
                            Step::Call(call) => history.line(call),
                            Step::CarryOver(carried) => format!("a carry-over of {}", carried.name),
                        };
                        Some(format!("NOT {line}: {why}"))
                    });
                    let mut proof: Vec<_> = reasons.collect();
                    proof.extend(all(history, &calls, &evidence, &places));
                    checked.findings.push(Finding {
                        sentence: format!(
                            "no order of the calls on {user} in workspace {number} explains their \
                             answers: {fitted} of them fit, then none does"
                        ),
                        proof,
                    });
                }
            }
        }
    }
    checked
}

/// All evidence about a user, for a finding.
fn all(
    history: &History,
    calls: &[&RecordedCall],
    evidence: &Evidence,
    places: &Places<'_>,
) -> Vec<String> {
    let mut proof = vec!["all calls on the user:".to_owned()];
    proof.extend(history.proof(calls.iter().copied()));
    proof.extend(evidence.lines());
    proof.extend(places.joins.iter().map(|join| history.line_of_join(join)));
    proof
}

fn calls_on(
    history: &History,
    workspace: usize,
    user: UserId,
) -> impl Iterator<Item = &RecordedCall> {
    let calls = history.calls.iter();
    calls.filter(move |call| call.workspace == workspace && call.operation.user() == Some(user))
}

/// The calls that reveal or may have changed something.
fn candidates<'a>(
    calls: &[&'a RecordedCall],
    evidence: &Evidence,
    places: &Places<'_>,
    skew: Millis,
) -> Vec<Candidate<'a>> {
    let edges = edges(calls, evidence);
    let useful = calls.iter().filter(|call| {
        // A call refused for another reason has its own finding.
        let answered = matches!(call.status(), Some(200 | 400 | 404 | 409));
        answered || (call.is_open() && call.operation.is_write())
    });
    let mut candidates: Vec<_> = useful
        .map(|call| {
            let until = until(call);
            let place = call.operation.place();
            let views = place.map(|place| places.views(place, call.started, until));
            let views: Vec<_> = views.into_iter().flatten().map(Some).collect();
            Candidate {
                step: Step::Call(call),
                from: call.started,
                answered: call.ended,
                until,
                must: !call.is_open(),
                moments: moments(call, until, &edges, evidence, skew),
                by: call.operation.moderator(),
                views: if views.is_empty() { vec![None] } else { views },
            }
        })
        .collect();
    candidates.extend(carry_over::candidates(places, evidence, &edges, skew));
    candidates
}

/// Until when a call may have taken effect.
pub fn until(call: &RecordedCall) -> Millis {
    match &call.result {
        CallResult::Lost(_) => {
            let lasts = if call.in_bulk {
                BULK_LASTS
            } else {
                LEASE_LASTS
            };
            call.started.saturating_add(lasts).max(call.ended)
        }
        CallResult::Answered { .. } if call.is_open() => call.ended.saturating_add(MAY_STILL_APPLY),
        CallResult::Answered { .. } => call.ended,
    }
}

/// The seconds in which a ban on the user expires.
fn edges(calls: &[&RecordedCall], evidence: &Evidence) -> BTreeSet<u64> {
    let asked = calls.iter().filter_map(|call| match &call.operation {
        Operation::Ban { request, .. } => match request.length {
            Length::Until(at) => Some(at.0),
            _ => None,
        },
        _ => None,
    });
    let recorded = evidence.decisions.values().flatten();
    let recorded = recorded.map(|past| past.expires).filter(|at| *at != 0);
    asked.chain(recorded).collect()
}

/// The seconds in which a call may have been decided. Only two kinds matter: those in which a ban
/// expires, and those from which a relative length gives a recorded expiry.
fn moments(
    call: &RecordedCall,
    until: Millis,
    edges: &BTreeSet<u64>,
    evidence: &Evidence,
    skew: Millis,
) -> Vec<UnixSeconds> {
    let first = call.started.saturating_sub(skew) / 1_000;
    let last = until.saturating_add(skew) / 1_000;
    let mut moments: BTreeSet<u64> = edges.range(first..=last).copied().chain([first]).collect();
    if let Operation::Ban { request, .. } = &call.operation
        && let Length::For(seconds) = request.length
    {
        let own = evidence.decisions.values().flatten();
        let own = own.filter(|past| past.by.moderator() == Some(request.moderator.get()));
        let decided = own.filter_map(|past| match Expiry::from_seconds(past.expires) {
            Expiry::At(at) => Some(at.minus(seconds).0),
            Expiry::Never => None,
        });
        moments.extend(decided.filter(|at| (first..=last).contains(at)));
    }
    moments.into_iter().map(UnixSeconds).collect()
}
