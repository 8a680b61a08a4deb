//! Imports a ban that was decided elsewhere: it is added as if it had been made here, or it
//! conflicts with an active ban.

use super::Refusal;
use super::ban::Ban;
use super::standing::{Decision, DecisionKind, Outcome, Standing};
use crate::domain::clock::UnixSeconds;

/// Imports a ban, seen from the experience it was made from.
///
/// The last ban of a scope by guid is the current one, so of two bans in one scope only the later
/// may be in force: otherwise one of them would end without a decision. `applied` means that the
/// experience has reported it.
pub fn import(
    standing: &Standing,
    ban: Ban,
    applied: bool,
    now: UnixSeconds,
) -> Result<Outcome, Refusal> {
    let latest = standing.latest_in(ban.scope);
    let is_latest = latest.is_none_or(|latest| latest.guid < ban.guid);
    let earlier_holds = match latest {
        Some(latest) if is_latest => latest.holds(now),
        Some(_) => ban.holds(now),
        None => false,
    };
    if let (true, Some(latest)) = (earlier_holds, latest) {
        return Err(Refusal::AlreadyBanned(Box::new(latest.clone())));
    }
    let previous = latest.filter(|_| is_latest).cloned();
    let mut after = standing.clone();
    if is_latest {
        after = after.with_ban(ban.clone());
    }
    if applied {
        after = import_report(after, &ban, now);
    }
    Ok(Outcome {
        standing: after,
        decisions: vec![Decision {
            kind: DecisionKind::Imported,
            ban,
            previous,
            reason: None,
        }],
    })
}

/// Imports a ban that another one of the same import replaces: it goes to the records, and the
/// current ban of its scope stays.
#[must_use]
pub fn import_replaced(standing: &Standing, ban: Ban) -> Outcome {
    Outcome {
        standing: standing.clone(),
        decisions: vec![Decision {
            kind: DecisionKind::Imported,
            ban,
            previous: None,
            reason: None,
        }],
    }
}

/// Restores an imported ban that was lifted since, unless another one of its scope is in force or
/// was made later, which is returned. Its terms, and so its revision, stay.
pub fn reinstate(
    standing: &Standing,
    ban: &Ban,
    now: UnixSeconds,
) -> Result<(Ban, Outcome), Box<Ban>> {
    let latest = standing.latest_in(ban.scope);
    if let Some(other) = latest.filter(|latest| latest.holds(now) || latest.guid > ban.guid) {
        return Err(Box::new(other.clone()));
    }
    let restored = Ban {
        ending: None,
        decisions: ban.decisions.saturating_add(1),
        updated: now.max(ban.updated),
        ..ban.clone()
    };
    let outcome = Outcome {
        standing: standing.clone().with_ban(restored.clone()),
        decisions: vec![Decision {
            kind: DecisionKind::Restored,
            previous: latest.cloned(),
            ban: restored.clone(),
            reason: None,
        }],
    };
    Ok((restored, outcome))
}

/// Records that an experience has applied this ban, unless its report of another takes precedence:
/// an experience reports one ban, and while any is in force, that one.
#[must_use]
pub fn import_report(standing: Standing, ban: &Ban, now: UnixSeconds) -> Standing {
    let replaces = match (standing.here.report, standing.counting(now)) {
        (None, _) => true,
        (Some(_), Some(counting)) => counting.guid == ban.guid,
        (Some(report), None) => report.guid < ban.guid,
    };
    if replaces {
        standing.with_report(Some(ban.current()))
    } else {
        standing
    }
}
