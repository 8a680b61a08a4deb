//! `unban-async`: lifts the bans that keep a user out, or reports an unban as applied.

use super::Refusal;
use super::ban::{Ban, EndingKind, Scope};
use super::repeating::CallDigest;
use super::standing::{Decision, DecisionKind, Outcome, Standing};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{Guid, ModeratorId, PlaceId, UserId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnbanRequest {
    pub user: UserId,
    /// The place that the call names.
    pub place: PlaceId,
    /// Kept in the history.
    pub reason: Option<String>,
    pub moderator: Option<ModeratorId>,
    /// Whether the calling experience has already applied it.
    pub applied: bool,
    /// Whether the caller declares it as a report, not a decision.
    pub report_only: bool,
    /// Whether the caller is a Roblox game server.
    pub from_game: bool,
}

/// What an unban call turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnbanJudgement {
    /// Nothing is in force, and the call is not a report of a pending unban; or the experience
    /// repeats its report.
    Nothing,
    /// The experience reports the user as not banned.
    Report,
    /// A decision: every ban that keeps the user out is lifted.
    Lift,
}

impl UnbanRequest {
    /// Whether the call declares itself as a report. The reasons that the published SDK sends
    /// automatically after it has applied an unban count too.
    #[must_use]
    pub fn is_report(&self) -> bool {
        self.report_only
            || self.reason.as_deref().is_some_and(|reason| {
                matches!(reason, "Ban was appealed." | "Ban automatically expired.")
                    || reason.starts_with("[luauCRON]")
            })
    }

    /// Whether a game server calls with neither reason nor moderator: while an unban is pending
    /// there, that is a report of it.
    #[must_use]
    pub const fn is_bare_call_of_game(&self) -> bool {
        self.from_game && self.reason.is_none() && self.moderator.is_none()
    }
}

/// Judges an unban call with the digest `call`, if it can be a repeat.
///
/// A repeat of a call that lifted a ban looks like a report if a game server sends it. It counts as
/// the repeat: the unban stays pending, and is reported a little later.
pub fn judge_unban(
    standing: &Standing,
    request: &UnbanRequest,
    call: Option<&CallDigest>,
    now: UnixSeconds,
) -> Result<UnbanJudgement, Refusal> {
    if standing.is_blank() {
        return Err(Refusal::NotFound);
    }
    let is_report = request.is_report();
    if !is_report && standing.counting(now).is_some() {
        return Ok(UnbanJudgement::Lift);
    }
    let is_repeat = [Scope::Experience, Scope::Global]
        .into_iter()
        .any(|scope| standing.was_decided_by(call, scope, now));
    let reports = is_report || (request.is_bare_call_of_game() && !is_repeat);
    Ok(if reports && standing.here.report.is_some() {
        UnbanJudgement::Report
    } else {
        UnbanJudgement::Nothing
    })
}

/// Records that the user is not banned in the experience. A ban in force after all becomes pending
/// again.
#[must_use]
pub fn report_unbanned(standing: &Standing) -> Outcome {
    Outcome::reported(standing.clone().with_report(None))
}

/// Lifts the bans that keep the user out: the Experience ban, the Global ban, or both.
#[must_use]
pub fn lift(standing: &Standing, request: &UnbanRequest, now: UnixSeconds) -> Outcome {
    lift_those(standing, request, |_| true, now)
}

/// Lifts the bans with these guids, as far as they are in force, and no others.
#[must_use]
pub fn lift_only(
    standing: &Standing,
    request: &UnbanRequest,
    guids: &[Guid],
    now: UnixSeconds,
) -> Outcome {
    lift_those(standing, request, |ban| guids.contains(&ban.guid), now)
}

fn lift_those(
    standing: &Standing,
    request: &UnbanRequest,
    is_lifted: impl Fn(&Ban) -> bool,
    now: UnixSeconds,
) -> Outcome {
    let mut after = standing.clone();
    let mut decisions = Vec::new();
    for ban in [Scope::Experience, Scope::Global].map(|scope| standing.in_force(scope, now)) {
        let Some(ban) = ban.filter(|ban| is_lifted(ban)) else {
            continue;
        };
        let ended = ban.ended(EndingKind::Lifted, now);
        after = after.with_ban(ended.clone());
        decisions.push(Decision {
            kind: DecisionKind::Lifted,
            ban: ended,
            previous: Some(ban.clone()),
            reason: request.reason.clone(),
        });
    }
    if request.applied {
        after = after.with_report(None);
    }
    Outcome {
        standing: after,
        decisions,
    }
}
