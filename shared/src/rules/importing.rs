//! Bringing in a ban that was decided elsewhere: it takes its place among what is stored as if it
//! had been made here, or it is in the way of what holds.

use super::Refusal;
use super::ban::Ban;
use super::standing::{Decision, DecisionKind, Outcome, Standing};
use crate::clock::Timestamp;

/// Brings in a ban, seen from the experience it was made from.
///
/// The last ban of a scope by guid is the one that counts, so of two bans in one scope only the
/// later may be in force: otherwise one of them would end without a decision. `applied` tells that
/// the experience has reported it.
pub fn import(
    standing: &Standing,
    ban: Ban,
    applied: bool,
    now: Timestamp,
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

/// Records that an experience has applied this ban, unless its report of another says more: an
/// experience reports one ban, and while any holds that is the one that counts.
#[must_use]
pub fn import_report(standing: Standing, ban: &Ban, now: Timestamp) -> Standing {
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
