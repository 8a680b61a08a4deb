//! Restores a scope to the ban in a copy of the table.

use super::ban::{Ban, EndingKind, Scope};
use super::standing::{DecisionKind, Outcome, Standing, unchanged};
use super::undoing::decide;
use crate::domain::clock::UnixSeconds;

/// Restores a scope to `copied`, the ban that a copy of the table has for it; `None` if it has
/// none. A ban made since the copy is lifted, one lifted since is restored, and one changed since
/// gets its old terms. A ban that has expired by now is not restored.
///
/// Each step is a decision like any other, so its ban stays on record and the experiences' reports
/// stay true. `last` is the newest known state of the copied ban, which its next decision follows.
/// A second call decides nothing.
#[must_use]
pub fn restore(
    standing: &Standing,
    scope: Scope,
    copied: Option<&Ban>,
    last: Option<&Ban>,
    reason: &str,
    now: UnixSeconds,
) -> Outcome {
    let wanted = copied.filter(|ban| ban.holds(now));
    let mut outcome = unchanged(standing);
    match (standing.in_force(scope, now), wanted) {
        (Some(ban), Some(wanted)) if ban.guid == wanted.guid => {
            if ban.terms != wanted.terms {
                let revised = ban.revised(wanted.terms.clone(), now);
                outcome = decide(outcome, DecisionKind::Changed, revised, reason);
            }
        }
        (in_force, wanted) => {
            if let Some(ban) = in_force {
                let lifted = ban.ended(EndingKind::Lifted, now);
                outcome = decide(outcome, DecisionKind::Lifted, lifted, reason);
            }
            if let Some(wanted) = wanted {
                let last = last.unwrap_or(wanted);
                let restored = wanted.in_force_again(last, now);
                outcome = decide(outcome, DecisionKind::Restored, restored, reason);
            }
        }
    }
    outcome
}
