//! `ban-async?isAppeal=true`: an accepted appeal ends the user's ban in a scope.

use super::Refusal;
use super::ban::{EndingKind, Scope};
use super::standing::{Decision, DecisionKind, Outcome, Standing};
use crate::clock::Timestamp;

/// Ends the ban in force in `scope`. With `completed` the calling experience has already applied
/// that, so it reports "not banned".
pub fn appeal(
    standing: &Standing,
    scope: Scope,
    completed: bool,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let ban = standing.in_force(scope, now).ok_or(Refusal::NotFound)?;
    let ended = ban.ended(EndingKind::Appealed, now);
    let report = if completed {
        None
    } else {
        standing.here.report
    };
    Ok(Outcome {
        standing: standing.clone().with_ban(ended.clone()).with_report(report),
        decisions: vec![Decision {
            kind: DecisionKind::Appealed,
            ban: ended,
            previous: Some(ban.clone()),
            reason: None,
        }],
    })
}
