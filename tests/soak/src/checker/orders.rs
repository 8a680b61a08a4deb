//! For each user an order of the calls on him.
//!
//! Calls on one user disturb no other, so each is looked at by himself. Who is in the history of a
//! ban as its moderator tells which call decided it: moderators have a number for each decision.

use std::collections::BTreeSet;

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;
use shared::domain::rules::{Expiry, Length};

use super::evidence::Evidence;
use super::search::{Found, Search, Step};
use super::{Finding, Verdict};
use crate::history::{Call, History, Millis, Outcome, What};

/// How long after it was answered 503, or its function was killed, a call may still take effect.
const LINGERS: Millis = 2_000;

/// The same for a caller who turned away: the function goes on until its time is over, after it has
/// waited for a free process.
const GOES_ON: Millis = 12_000;

/// How many states are looked at for one user.
const STATES: usize = 40_000;

/// Looks for an order for every user of every workspace.
pub fn check(history: &History) -> Verdict {
    let mut verdict = Verdict::default();
    for (number, (place, ending)) in history.workspaces.iter().zip(&history.endings).enumerate() {
        for user in history.users(number) {
            let evidence = Evidence::of(user, place, ending);
            let calls: Vec<_> = calls_on(history, number, user).collect();
            let steps = steps(&calls, &evidence, history.skew);
            verdict.users += 1;
            verdict.ordered += steps.len();
            match Search::new(&steps, &evidence, STATES).run() {
                Found::Order => {}
                Found::Undecided => verdict
                    .undecided
                    .push(format!("{user} in workspace {number}")),
                Found::OtherEnd(differences) => verdict.findings.push(Finding {
                    sentence: format!(
                        "the end is not what the calls on {user} in workspace {number} lead to, in \
                         whatever order they came: {}",
                        differences.join("; ")
                    ),
                    proof: all(history, &calls, &evidence),
                }),
                Found::None { fitted, stuck } => {
                    let reasons = stuck.iter().filter_map(|(at, why)| {
                        let Some(at) = at else {
                            return Some(why.clone());
                        };
                        let call = steps.get(*at)?.call;
                        Some(format!("NOT {}: {why}", history.line(call)))
                    });
                    let mut proof: Vec<_> = reasons.collect();
                    proof.extend(all(history, &calls, &evidence));
                    verdict.findings.push(Finding {
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
    verdict
}

/// Everything that is known of a user.
fn all(history: &History, calls: &[&Call], evidence: &Evidence) -> Vec<String> {
    let mut proof = vec!["all calls on the user:".to_owned()];
    proof.extend(history.proof(calls.iter().copied()));
    proof.extend(evidence.lines());
    proof
}

fn calls_on(history: &History, workspace: usize, user: UserId) -> impl Iterator<Item = &Call> {
    let calls = history.calls.iter();
    calls.filter(move |call| call.workspace == workspace && call.what.user() == Some(user))
}

/// The calls that tell or may have changed something.
fn steps<'a>(calls: &[&'a Call], evidence: &Evidence, skew: Millis) -> Vec<Step<'a>> {
    let edges = edges(calls, evidence);
    let useful = calls.iter().filter(|call| {
        // One that was refused for another reason has a finding of its own.
        let answered = matches!(call.status(), Some(200 | 400 | 404 | 409));
        answered || (call.is_open() && call.what.is_write())
    });
    useful
        .map(|call| {
            let until = until(call);
            Step {
                call,
                until,
                must: !call.is_open(),
                moments: moments(call, until, &edges, evidence, skew),
                by: call.what.moderator(),
            }
        })
        .collect()
}

/// Until when a call may have taken effect.
pub fn until(call: &Call) -> Millis {
    match &call.outcome {
        Outcome::Lost(_) => call.started.saturating_add(GOES_ON).max(call.ended),
        Outcome::Answered { .. } if call.is_open() => call.ended.saturating_add(LINGERS),
        Outcome::Answered { .. } => call.ended,
    }
}

/// The seconds in which a ban on the user runs out.
fn edges(calls: &[&Call], evidence: &Evidence) -> BTreeSet<u64> {
    let asked = calls.iter().filter_map(|call| match &call.what {
        What::Ban { request, .. } => match request.length {
            Length::Until(at) => Some(at.0),
            _ => None,
        },
        _ => None,
    });
    let recorded = evidence.decisions.values().flatten();
    let recorded = recorded.map(|past| past.expires).filter(|at| *at != 0);
    asked.chain(recorded).collect()
}

/// In which seconds a call may have been decided. Only those are of interest in which a ban runs out,
/// and those from which a relative length leads to the end that is on record.
fn moments(
    call: &Call,
    until: Millis,
    edges: &BTreeSet<u64>,
    evidence: &Evidence,
    skew: Millis,
) -> Vec<UnixSeconds> {
    let first = call.started.saturating_sub(skew) / 1_000;
    let last = until.saturating_add(skew) / 1_000;
    let mut moments: BTreeSet<u64> = edges.range(first..=last).copied().chain([first]).collect();
    if let What::Ban { request, .. } = &call.what
        && let Length::For(seconds) = request.length
    {
        let own = evidence.decisions.values().flatten();
        let own = own.filter(|past| past.by == Some(request.moderator.get()));
        let decided = own.filter_map(|past| match Expiry::from_seconds(past.expires) {
            Expiry::At(at) => Some(at.minus(seconds).0),
            Expiry::Never => None,
        });
        moments.extend(decided.filter(|at| (first..=last).contains(at)));
    }
    moments.into_iter().map(UnixSeconds).collect()
}
