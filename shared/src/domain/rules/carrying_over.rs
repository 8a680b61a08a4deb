//! Carries a user's ban over from a place to the root that it becomes part of.
//!
//! The ban is made at the root as a decision and ended at the place by another, in one transaction.
//! What the place had applied counts as applied by the root: the places of a game share Roblox's
//! ban list.

use super::ban::{Ban, EndingKind, Identity, RevisionRef};
use super::standing::{Decision, DecisionKind, Here, Outcome, Standing};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::ExperienceId;

/// Why the ban ends at the place and is in force at the root.
const REASON: &str = "The place became part of another.";

/// What carrying a user over changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedOver {
    pub part: Outcome,
    pub root: Outcome,
}

/// Whether the place has anything of the user to carry over: a ban in force, or a report.
#[must_use]
pub fn is_to_carry(part: &Here, now: UnixSeconds) -> bool {
    part.report.is_some() || part.ban.as_ref().is_some_and(|ban| ban.holds(now))
}

/// Whether the root needs a new ban, with an identity of its own.
#[must_use]
pub fn needs_identity(part: &Here, root: &Standing, now: UnixSeconds) -> bool {
    let holds = |here: &Here| here.ban.as_ref().is_some_and(|ban| ban.holds(now));
    holds(part) && !holds(&root.here)
}

/// Carries a user over from a place to its root; nothing if there is nothing to carry. Of two bans
/// in force, the one that ends last holds, on a tie the root's. `identity` is that of a new ban;
/// without one that is needed, nothing is carried over.
#[must_use]
pub fn carry_over(
    part: &Standing,
    root: &Standing,
    experience: ExperienceId,
    identity: Option<Identity>,
    now: UnixSeconds,
) -> Option<CarriedOver> {
    if !is_to_carry(&part.here, now) {
        return None;
    }
    let carried = part.here.ban.as_ref().filter(|ban| ban.holds(now));
    let ended = carried.map(|ban| ban.ended(EndingKind::Lifted, now));
    let decided = match carried {
        Some(carried) => decided_at_root(carried, root, experience, identity, now)?,
        None => None,
    };
    let report = report_of_root(part, root, decided.as_ref().map(|decision| &decision.ban));

    let mut after = root.clone();
    if let Some(decision) = &decided {
        after = after.with_ban(decision.ban.clone());
    }
    let root = Outcome {
        standing: after.with_report(report),
        decisions: decided.into_iter().collect(),
    };
    let mut left = part.clone().with_report(None);
    let mut decisions = Vec::new();
    if let Some(ban) = ended {
        left = left.with_ban(ban.clone());
        decisions.push(Decision {
            kind: DecisionKind::Lifted,
            ban,
            previous: carried.cloned(),
            reason: Some(REASON.to_owned()),
        });
    }
    let part = Outcome {
        standing: left,
        decisions,
    };
    Some(CarriedOver { part, root })
}

/// The decision at the root: a new ban, or the terms of the carried one if that ends later. The
/// outer `None` means that a new ban lacks its identity.
#[expect(clippy::option_option, reason = "the outer one ends the carry-over")]
fn decided_at_root(
    carried: &Ban,
    root: &Standing,
    experience: ExperienceId,
    identity: Option<Identity>,
    now: UnixSeconds,
) -> Option<Option<Decision>> {
    let previous = root.here.ban.clone();
    let (kind, ban) = match previous.as_ref().filter(|ban| ban.holds(now)) {
        Some(held) if held.terms.expires >= carried.terms.expires => return Some(None),
        Some(held) => {
            let at = now.max(held.updated);
            (
                DecisionKind::Changed,
                held.revised(carried.terms.clone(), at),
            )
        }
        None => {
            let Identity { guid, uid } = identity?;
            let ban = Ban {
                guid,
                uid,
                made_in: experience,
                revision: 1,
                decisions: 1,
                created: now,
                updated: now,
                ..carried.clone()
            };
            (DecisionKind::Made, ban)
        }
    };
    Some(Some(Decision {
        kind,
        ban,
        previous,
        reason: Some(REASON.to_owned()),
    }))
}

/// The root's report afterwards: the decided ban, if the place had applied the carried one; else
/// its own; else that of the place, so that a pending unban moves to the root.
fn report_of_root(part: &Standing, root: &Standing, decided: Option<&Ban>) -> Option<RevisionRef> {
    let carried = part.here.ban.as_ref().map(Ban::current);
    let had_applied = part.here.report.is_some() && part.here.report == carried;
    match decided {
        Some(ban) if had_applied => Some(ban.current()),
        _ => root.here.report.or(part.here.report),
    }
}
