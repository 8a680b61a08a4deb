//! `ban-async`: distinguishes a report from a decision, and makes the decision.
//!
//! The published SDK sends the same call for both: whenever a banned player joins, it repeats the
//! ban with `overwrite` and `experienceBanCompleted`. So equal terms are a report of what the
//! experience has done and never change a ban.

use super::Refusal;
use super::ban::{Ban, Expiry, Identity, RevisionRef, Scope, Terms};
use super::repeating::CallDigest;
use super::standing::{Decision, DecisionKind, Outcome, Standing};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, ModeratorId, PlaceId, UserId};

/// How many seconds after its end a revision can still be reported: one hour.
pub const LATE_WINDOW: u64 = 3600;

/// How many seconds a relative length may count from an earlier decision.
///
/// A report may be sent again, possibly with another key; counted from the second call, `7d` would
/// end a little later and look like other terms. Within this window it may count from the decision
/// with equal terms.
pub const REPEAT_WINDOW: u64 = 60;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanRequest {
    pub user: UserId,
    /// The place that the call names. It acts in the experience of the standing, which is another
    /// one if the place is part of it.
    pub place: PlaceId,
    pub scope: Scope,
    /// Whether to change a ban in force instead of refusing.
    pub overwrite: bool,
    /// Whether the calling experience has already applied it.
    pub applied: bool,
    pub moderator: ModeratorId,
    /// Shown to moderators only.
    pub private_reason: String,
    pub public_reason: String,
    pub length: Length,
    /// Whether it applies to the whole universe; by default true for a new ban, unchanged for an
    /// existing one.
    pub universal: Option<bool>,
}

/// How long a ban lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Permanent,
    /// Until this second.
    Until(UnixSeconds),
    /// For this many seconds from the decision on.
    For(u64),
}

impl Length {
    /// The expiry of a ban decided at `from`.
    #[must_use]
    pub const fn from(self, from: UnixSeconds) -> Expiry {
        match self {
            Self::Permanent => Expiry::Never,
            Self::Until(at) => Expiry::At(at),
            Self::For(seconds) => Expiry::At(from.plus(seconds)),
        }
    }
}

/// A revision that was recently in force and no longer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The ban at that time.
    pub ban: Ban,
    /// When it stopped being in force.
    pub until: UnixSeconds,
}

/// The current revision of a ban, unless a decision has ended it.
#[must_use]
pub fn current_revision(ban: Ban) -> Option<Revision> {
    let until = match ban.terms.expires {
        Expiry::At(expires) => expires,
        Expiry::Never => UnixSeconds(u64::MAX),
    };
    ban.ending.is_none().then_some(Revision { ban, until })
}

/// What a ban call turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The terms already apply.
    Nothing,
    /// The experience reports this revision as applied.
    Report(RevisionRef),
    /// A decision that changes the ban in force.
    Overwrite,
    /// A decision that makes a new ban.
    Make,
}

/// Judges a ban call. `call` is its digest, if it can be a repeat. `late` are the revisions of the
/// user's bans in the requested scope that were in force within the last [`LATE_WINDOW`]; they only
/// matter for a report.
pub fn judge_ban(
    standing: &Standing,
    request: &BanRequest,
    call: Option<&CallDigest>,
    late: &[Revision],
    now: UnixSeconds,
) -> Result<Judgement, Refusal> {
    let in_force = standing.in_force(request.scope, now);

    if !request.may_report()
        && standing.was_decided_by(call, request.scope, now)
        && in_force.is_some_and(|ban| request.leaves_universal(ban))
    {
        return Ok(Judgement::Nothing);
    }
    if request.overwrite {
        if let Some(ban) = in_force.filter(|ban| request.repeats(ban, now)) {
            return Ok(match request.applied {
                true if standing.here.report == Some(ban.current()) => Judgement::Nothing,
                true => Judgement::Report(ban.current()),
                false => Judgement::Nothing,
            });
        }
        if request.applied
            && let Some(revision) = request.reports_late(standing, late, now)
        {
            return Ok(Judgement::Report(revision));
        }
    } else if let Some(ban) = in_the_way(standing, request.scope, now) {
        return Err(Refusal::AlreadyBanned(Box::new(ban.clone())));
    }

    match request.length.from(now) {
        Expiry::At(at) if at <= now => Err(Refusal::ExpiryPassed(at)),
        _ if in_force.is_some() => Ok(Judgement::Overwrite),
        _ => Ok(Judgement::Make),
    }
}

/// Whether judging the call requires the revisions that were recently in force: it may be a report,
/// and not of the ban in force.
#[must_use]
pub fn may_be_late(standing: &Standing, request: &BanRequest, now: UnixSeconds) -> bool {
    let in_force = standing.in_force(request.scope, now);
    request.may_report() && !in_force.is_some_and(|ban| request.repeats(ban, now))
}

/// Whether the call would be a decision, or one refused for its past expiry: then it may still be a
/// report of a ban that was erased with its user.
#[must_use]
pub const fn decides(judged: &Result<Judgement, Refusal>) -> bool {
    matches!(
        judged,
        Ok(Judgement::Overwrite | Judgement::Make) | Err(Refusal::ExpiryPassed(_))
    )
}

/// The ban that conflicts with a call without `overwrite`: one in force in the same scope, or a
/// Global one for a new Experience ban.
fn in_the_way(standing: &Standing, scope: Scope, now: UnixSeconds) -> Option<&Ban> {
    standing.in_force(scope, now).or_else(|| {
        standing
            .in_force(Scope::Global, now)
            .filter(|_| scope == Scope::Experience)
    })
}

/// Records that the experience has applied this revision. What is pending follows from it.
#[must_use]
pub fn report(standing: &Standing, revision: RevisionRef) -> Outcome {
    Outcome::reported(standing.clone().with_report(Some(revision)))
}

/// Makes a new ban with this `identity` in the experience of the standing.
#[must_use]
pub fn make(
    standing: &Standing,
    request: &BanRequest,
    experience: ExperienceId,
    identity: Identity,
    now: UnixSeconds,
) -> Outcome {
    let ban = Ban {
        guid: identity.guid,
        uid: identity.uid,
        user: request.user,
        scope: request.scope,
        made_in: experience,
        terms: request.terms(true, now),
        revision: 1,
        decisions: 1,
        created: now,
        updated: now,
        ending: None,
    };
    request.decide(standing, DecisionKind::Made, ban)
}

/// Changes the ban in force in the requested scope; does nothing without one.
///
/// By a clock that is behind that of the last decision, the change gets the last decision's time,
/// because a repeat is recognised by it.
#[must_use]
pub fn overwrite(standing: &Standing, request: &BanRequest, now: UnixSeconds) -> Outcome {
    match standing.in_force(request.scope, now) {
        Some(ban) => {
            let now = now.max(ban.updated);
            let revised = ban.revised(request.terms(ban.terms.universal, now), now);
            request.decide(standing, DecisionKind::Changed, revised)
        }
        None => Outcome::reported(standing.clone()),
    }
}

impl BanRequest {
    /// Whether the call is a report if its terms equal those of a ban (contract, section 6).
    #[must_use]
    pub const fn may_report(&self) -> bool {
        self.overwrite && self.applied
    }

    /// Whether the call leaves `experienceUniversal` of the ban unchanged.
    fn leaves_universal(&self, ban: &Ban) -> bool {
        self.universal
            .is_none_or(|asked| asked == ban.terms.universal)
    }

    pub(super) fn terms(&self, universal: bool, now: UnixSeconds) -> Terms {
        Terms {
            moderator: self.moderator,
            private_reason: self.private_reason.clone(),
            public_reason: self.public_reason.clone(),
            expires: self.length.from(now),
            universal: self.universal.unwrap_or(universal),
        }
    }

    fn decide(&self, standing: &Standing, kind: DecisionKind, ban: Ban) -> Outcome {
        let previous = standing.latest_in(self.scope).cloned();
        let report = if self.applied {
            Some(ban.current())
        } else {
            standing.here.report
        };
        Outcome {
            standing: standing.clone().with_ban(ban.clone()).with_report(report),
            decisions: vec![Decision {
                kind,
                ban,
                previous,
                reason: None,
            }],
        }
    }

    /// Whether the call has exactly the terms of this revision of a ban.
    #[must_use]
    pub fn repeats(&self, ban: &Ban, now: UnixSeconds) -> bool {
        let Terms {
            moderator,
            private_reason,
            public_reason,
            expires,
            universal: _,
        } = &ban.terms;
        let may_repeat_call = now <= ban.updated.plus(REPEAT_WINDOW);
        let same_expiry = self.length.from(now) == *expires
            || (may_repeat_call && self.length.from(ban.updated) == *expires);
        self.moderator == *moderator
            && self.private_reason == *private_reason
            && self.public_reason == *public_reason
            && same_expiry
            && self.leaves_universal(ban)
    }

    /// Whether the call reports this revision, if it was in force recently enough.
    #[must_use]
    pub fn reports(&self, Revision { ban, until }: &Revision, now: UnixSeconds) -> bool {
        until.plus(LATE_WINDOW) >= now && self.repeats(ban, now)
    }

    /// The revision that this call reports late: the last one in force with equal terms. Those in
    /// `late` have ended, whatever the clock says: the clock that ended them may be ahead.
    fn reports_late(
        &self,
        standing: &Standing,
        late: &[Revision],
        now: UnixSeconds,
    ) -> Option<RevisionRef> {
        let expired = standing
            .latest_in(self.scope)
            .and_then(|ban| match ban.terms.expires {
                Expiry::At(until) if ban.ending.is_none() => Some(Revision {
                    ban: ban.clone(),
                    until,
                }),
                _ => None,
            });
        late.iter()
            .chain(&expired)
            .filter(|revision| self.reports(revision, now))
            .max_by_key(|Revision { ban, until }| (*until, ban.guid, ban.revision))
            .map(|revision| revision.ban.current())
    }
}
