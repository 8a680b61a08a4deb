//! Undoes one actor's decisions: the standing goes back to its state before the last decisions, as
//! far as they are that actor's. A later decision by another stays.

use std::collections::HashMap;

use super::ban::{Ban, EndingKind, Scope};
use super::standing::{Decision, DecisionKind, Outcome, Standing, unchanged};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::Guid;

/// A decision in a user's history, as an undo sees it.
#[derive(Clone, Copy, Debug)]
pub struct UndoStep<'a> {
    /// The ban after it.
    pub after: &'a Ban,
    /// The current ban of the scope before it.
    pub before: Option<&'a Ban>,
    /// Whether to undo it.
    pub is_undone: bool,
}

/// Restores a scope to its state before the unbroken run of undone decisions at the end of its
/// history: a ban made is lifted, one lifted is restored, one changed gets its old terms. `steps`
/// contains at least all that are to be undone, in any order. Bans that have expired meanwhile are
/// not restored, and the experiences' reports stay true.
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
    /// The ban of the scope before them.
    before: Option<&'a Ban>,
    /// The last state of each ban that they were made on.
    last: HashMap<Guid, &'a Ban>,
}

impl<'a> Run<'a> {
    /// Walks back from the current ban of the scope; nothing if that is not to be undone.
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
        // At most as many as there are, whatever the history contains.
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

/// Adds a decision. It replaces the current ban of the scope, so the decisions of a scope form one
/// chain.
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
