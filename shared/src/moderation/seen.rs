//! Decisions that a person makes about a ban that they see: they apply to the ban in exactly that state.
//! If another decision came first, nothing changes, and the person sees what it made of the ban.

use super::Authority;
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::history::PastDecision;
use crate::domain::ids::Guid;
use crate::domain::rules::{
    self, Ban, BanRequest, Outcome, Scope, Standing, UnbanRequest, UndoStep,
};
use crate::store::{Committed, PolicyOutcome, Shows, Store, WriteContext};

/// The state of a ban that a person has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenBan {
    pub guid: Guid,
    pub scope: Scope,
    /// The number of decisions on it.
    pub decisions: u32,
}

/// What became of a decision.
#[derive(Clone, Debug)]
pub enum SeenOutcome {
    /// It stands.
    Decided(Box<Committed>),
    /// The ban has these terms already.
    Unchanged,
    /// Another decision came first, or the ban has expired: the user's present standing.
    Superseded(Box<Standing>),
}

impl SeenBan {
    /// The ban, if it is still in the state that was seen, in force or not.
    fn in_standing<'a>(&self, standing: &'a Standing) -> Option<&'a Ban> {
        let latest = standing.latest_in(self.scope);
        latest.filter(|ban| (ban.guid, ban.decisions) == (self.guid, self.decisions))
    }

    fn in_force<'a>(&self, standing: &'a Standing, now: UnixSeconds) -> Option<&'a Ban> {
        self.in_standing(standing).filter(|ban| ban.holds(now))
    }
}

/// Gives a ban the terms of a request.
pub async fn change_seen(
    store: &Store,
    context: &WriteContext,
    request: &BanRequest,
    seen: SeenBan,
    authority: &Authority,
) -> Result<SeenOutcome, ApiError> {
    let committed = store
        .commit_with_retry(context, |snapshot, moment| async move {
            let (standing, now) = (&snapshot.standing, moment.seconds());
            let Some(ban) = seen.in_force(standing, now) else {
                return Ok(PolicyOutcome::nothing(rules::unchanged(standing)));
            };
            if request.repeats(ban, now) {
                return Ok(PolicyOutcome::nothing(rules::unchanged(standing)));
            }
            permit(authority, seen.scope)?;
            let policy = store.ban_policy(context, moment).await?;
            let outcome = rules::overwrite(standing, request, now);
            Ok(PolicyOutcome::new(outcome, policy))
        })
        .await?;
    Ok(SeenOutcome::of(committed, seen))
}

/// Lifts a ban.
pub async fn lift_seen(
    store: &Store,
    context: &WriteContext,
    request: &UnbanRequest,
    seen: SeenBan,
    authority: &Authority,
) -> Result<SeenOutcome, ApiError> {
    let committed = store
        .commit_with_retry(context, |snapshot, moment| async move {
            let (standing, now) = (&snapshot.standing, moment.seconds());
            if seen.in_force(standing, now).is_none() {
                return Ok(PolicyOutcome::nothing(rules::unchanged(standing)));
            }
            permit(authority, seen.scope)?;
            let outcome = rules::lift_only(standing, request, &[seen.guid], now);
            Ok(PolicyOutcome::new(
                outcome,
                store.lift_policy(context).await?,
            ))
        })
        .await?;
    Ok(SeenOutcome::of(committed, seen))
}

/// Reverses one decision, while it is the latest in its scope: a ban made is lifted, one changed gets its
/// old terms, one lifted is in force again. Both decisions stay in the history.
pub async fn undo_own(
    store: &Store,
    context: &WriteContext,
    decision: &PastDecision,
    reason: &str,
    authority: &Authority,
) -> Result<SeenOutcome, ApiError> {
    let seen = SeenBan {
        guid: decision.ban.guid,
        scope: decision.ban.scope,
        decisions: decision.ban.decisions,
    };
    let committed = store
        .commit_with_retry(context, |snapshot, moment| async move {
            let standing = &snapshot.standing;
            let outcome = undone(standing, seen.scope, decision, reason, moment.seconds());
            if outcome.decisions.is_empty() {
                return Ok(PolicyOutcome::nothing(outcome));
            }
            permit(authority, seen.scope)?;
            Ok(PolicyOutcome::new(
                outcome,
                store.lift_policy(context).await?,
            ))
        })
        .await?;
    Ok(SeenOutcome::of(committed, seen))
}

fn undone(
    standing: &Standing,
    scope: Scope,
    decision: &PastDecision,
    reason: &str,
    now: UnixSeconds,
) -> Outcome {
    let step = UndoStep {
        after: &decision.ban,
        before: decision.previous.as_ref(),
        is_undone: true,
    };
    rules::undo(standing, scope, &[step], reason, now)
}

fn permit(authority: &Authority, scope: Scope) -> Result<(), ApiError> {
    match scope {
        Scope::Global => authority.demand_global(),
        Scope::Experience => Ok(()),
    }
}

impl SeenOutcome {
    fn of(committed: Committed, seen: SeenBan) -> Self {
        let now = UnixSeconds::default();
        let effect = committed.effect(Shows::Latest(seen.scope), now);
        if effect.decided.is_some() {
            Self::Decided(Box::new(committed))
        } else if !committed.is_repeat() && seen.in_standing(&committed.standing).is_some() {
            Self::Unchanged
        } else {
            Self::Superseded(Box::new(committed.standing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::UnixMillis;
    use crate::domain::ids::{ExperienceId, ModeratorId, PlaceId, Uid, UserId};
    use crate::domain::rules::{EndingKind, Expiry, Terms};

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn ban() -> Ban {
        Ban {
            guid: Guid::from(7),
            uid: Uid(1),
            user: UserId::new(156).unwrap(),
            scope: Scope::Experience,
            made_in: ExperienceId::of_root(PlaceId::new(1818).unwrap()),
            terms: Terms {
                moderator: ModeratorId::new(1).unwrap(),
                private_reason: "Private".to_owned(),
                public_reason: "Public".to_owned(),
                expires: Expiry::At(NOW.plus(60)),
                universal: true,
            },
            revision: 1,
            decisions: 1,
            created: NOW,
            updated: NOW,
            ending: None,
        }
    }

    fn standing(ban: Ban) -> Standing {
        let mut standing = Standing::default();
        standing.here.ban = Some(ban);
        standing
    }

    fn seen() -> SeenBan {
        let Ban {
            guid,
            scope,
            decisions,
            ..
        } = ban();
        SeenBan {
            guid,
            scope,
            decisions,
        }
    }

    #[test]
    fn ban_is_as_seen_until_a_decision_or_its_end() {
        let as_seen = standing(ban());
        assert!(seen().in_force(&as_seen, NOW).is_some());
        assert!(seen().in_force(&as_seen, NOW.plus(60)).is_none());
        let lifted = standing(ban().ended(EndingKind::Lifted, NOW));
        assert!(seen().in_force(&lifted, NOW).is_none());
        let edited = standing(ban().revised(ban().terms, NOW));
        assert!(seen().in_force(&edited, NOW).is_none());
    }

    #[test]
    fn only_the_latest_decision_is_undone() {
        let decision = PastDecision {
            kind: rules::DecisionKind::Made,
            at: NOW,
            moment: UnixMillis::from_millis(NOW.0 * 1000),
            ban: ban(),
            previous: None,
            applied: false,
            previous_applied: false,
            reason: None,
            key_id: "mem_1".to_owned(),
            channel: None,
            moderator: None,
            principal: None,
        };
        let undo = |ban| undone(&standing(ban), Scope::Experience, &decision, "Undo", NOW);
        assert_eq!(undo(ban()).decisions.len(), 1);
        assert!(undo(ban().revised(ban().terms, NOW)).decisions.is_empty());
    }
}
