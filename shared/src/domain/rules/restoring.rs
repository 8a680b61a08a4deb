//! Restoring: a scope goes back to the ban that a copy of the table holds.

use super::ban::{Ban, EndingKind, Scope};
use super::standing::{DecisionKind, Outcome, Standing, unchanged};
use super::undoing::decide;
use crate::domain::clock::UnixSeconds;

/// Puts a scope back to `copied`, the ban that a copy of the table holds for it; `None` if the copy
/// holds no ban. A ban made since the copy is lifted, one lifted since is restored, and one changed
/// since gets its terms back. A ban that has expired by now is not restored.
///
/// Each step is a decision like any other, so its ban stays on record and what experiences have
/// reported stays true. `last` is the newest state known of the copied ban, which its next decision
/// follows. A second call decides nothing.
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
