//! `ban-async?isAppeal=true`: an accepted appeal ends the user's ban in a scope.

use super::Refusal;
use super::ban::{EndingKind, Scope};
use super::repeating::CallDigest;
use super::standing::{Decision, DecisionKind, Outcome, Standing, unchanged};
use crate::domain::clock::UnixSeconds;

/// Ends the ban in force in `scope`. With `applied` the calling experience has already applied
/// that, so it reports "not banned". A repeat changes nothing.
pub fn appeal(
    standing: &Standing,
    scope: Scope,
    applied: bool,
    call: Option<&CallDigest>,
    now: UnixSeconds,
) -> Result<Outcome, Refusal> {
    let Some(ban) = standing.in_force(scope, now) else {
        return if standing.was_decided_by(call, scope, now) {
            Ok(unchanged(standing))
        } else {
            Err(Refusal::NotFound)
        };
    };
    let ended = ban.ended(EndingKind::Appealed, now);
    let report = if applied { None } else { standing.here.report };
    let outcome = Outcome {
        standing: standing.clone().with_ban(ended.clone()).with_report(report),
        decisions: vec![Decision {
            kind: DecisionKind::Appealed,
            ban: ended,
            previous: Some(ban.clone()),
            reason: None,
        }],
    };
    Ok(outcome.made_by(call, now))
}
