//! Undoing what was decided by someone: the standing goes back to what it was before the last
//! decisions, as far as they are his. A decision that another made after them stands.

use std::collections::HashMap;

use super::ban::{Ban, EndingKind, Scope};
use super::standing::{Decision, DecisionKind, Outcome, Standing, unchanged};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::Guid;

/// A decision in a user's history, as an undo looks at it.
#[derive(Clone, Copy, Debug)]
pub struct UndoStep<'a> {
    /// The ban after it.
    pub after: &'a Ban,
    /// What stood last in the scope before it.
    pub before: Option<&'a Ban>,
    /// Whether it is to be undone.
    pub is_undone: bool,
}

/// Puts a scope back to what stood there before the unbroken run of undone decisions at the end
/// of its history: a ban made is lifted, one lifted is restored, one changed gets its terms back.
/// `steps` holds at least all that are to be undone, in any order. What has expired meanwhile is
/// not restored, and what experiences have reported stays true.
#[must_use]
pub fn undo(
    standing: &Standing,
    scope: Scope,
    steps: &[UndoStep<'_>],
    reason: &str,
    now: UnixSeconds,
) -> Outcome {
    let Some(run) = Run::at_the_end_of(standing, scope, steps) else {
        return unchanged(standing);
    };
    let wanted = run.before.filter(|ban| ban.holds(now));
    match (standing.in_force(scope, now), wanted) {
        (Some(ban), Some(wanted)) if ban.guid == wanted.guid => {
            if ban.terms == wanted.terms {
                return unchanged(standing);
            }
            let revised = ban.revised(wanted.terms.clone(), now);
            decide(unchanged(standing), DecisionKind::Changed, revised, reason)
        }
        (in_force, wanted) => {
            let mut outcome = unchanged(standing);
            if let Some(ban) = in_force {
                // It may have been ended before, and restored by an undo that is undone now.
                let was_appealed = run
                    .before
                    .is_some_and(|before| before.guid == ban.guid && before.is_appealed());
                let (kind, ending) = if was_appealed {
                    (DecisionKind::Appealed, EndingKind::Appealed)
                } else {
                    (DecisionKind::Lifted, EndingKind::Lifted)
                };
                outcome = decide(outcome, kind, ban.ended(ending, now), reason);
            }
            if let Some(wanted) = wanted {
                let restored = run.restored(wanted, now);
                outcome = decide(outcome, DecisionKind::Restored, restored, reason);
            }
            outcome
        }
    }
}

/// The undone decisions at the end of a scope's history.
struct Run<'a> {
    /// What stood last before them.
    before: Option<&'a Ban>,
    /// The last state of each ban that they were made on.
    last: HashMap<Guid, &'a Ban>,
}

impl<'a> Run<'a> {
    /// Walks back from what stands last in the scope; nothing if that is not to be undone.
    fn at_the_end_of(standing: &'a Standing, scope: Scope, steps: &[UndoStep<'a>]) -> Option<Self> {
        let by_result: HashMap<_, _> = steps
            .iter()
            .map(|step| ((step.after.guid, step.after.decisions), step))
            .collect();
        let mut run = Self {
            before: standing.latest_in(scope),
            last: HashMap::new(),
        };
        let mut found = false;
        // No more than there are, whatever the history holds.
        for _ in steps {
            let Some(ban) = run.before else { break };
            match by_result.get(&(ban.guid, ban.decisions)) {
                Some(step) if step.is_undone => {
                    found = true;
                    run.last.entry(ban.guid).or_insert(ban);
                    run.before = step.before;
                }
                _ => break,
            }
        }
        found.then_some(run)
    }

    fn restored(&self, ban: &Ban, now: UnixSeconds) -> Ban {
        let last = self.last.get(&ban.guid).copied().unwrap_or(ban);
        ban.in_force_again(last, now)
    }
}

/// Adds a decision. What it replaced is whatever stood last in the scope, so that the decisions
/// on a scope make one chain.
pub(super) fn decide(outcome: Outcome, kind: DecisionKind, ban: Ban, reason: &str) -> Outcome {
    let Outcome {
        standing,
        mut decisions,
    } = outcome;
    decisions.push(Decision {
        kind,
        previous: standing.latest_in(ban.scope).cloned(),
        ban: ban.clone(),
        reason: Some(reason.to_owned()),
    });
    Outcome {
        standing: standing.with_ban(ban),
        decisions,
    }
}
