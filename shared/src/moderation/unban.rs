//! Lifts a ban, or records a report that an unban was applied.

use super::Authority;
use crate::domain::error::ApiError;
use crate::domain::ids::Guid;
use crate::domain::rules::{self, UnbanJudgement, UnbanRequest};
use crate::store::{Call, Decided, Settled, Store};

/// Judges and writes the call.
pub async fn unban(
    store: &Store,
    call: &Call,
    request: &UnbanRequest,
    authority: &Authority,
) -> Result<Settled, ApiError> {
    store
        .settle(call, |snapshot, now| async move {
            let (standing, now) = (&snapshot.standing, now.seconds());
            let digest = call.digest.as_ref();
            let judgement = rules::judge_unban(standing, request, digest, now)
                .map_err(|_| ApiError::NotFound("the user was never banned in this experience"))?;
            let outcome = match judgement {
                UnbanJudgement::Nothing => return Ok(Decided::nothing(rules::unchanged(standing))),
                UnbanJudgement::Report => {
                    return Ok(Decided::nothing(rules::report_unbanned(standing)));
                }
                UnbanJudgement::Lift => rules::lift(standing, request, now).made_by(digest, now),
            };
            if outcome.decides_globally() {
                authority.demand_global()?;
            }
            let permit = store.permit_lift(call).await?;
            Ok(Decided::new(outcome, permit))
        })
        .await
}

/// Lifts the bans with these guids and no others: those that a person has seen and approved,
/// whatever was decided since.
pub async fn lift(
    store: &Store,
    call: &Call,
    request: &UnbanRequest,
    guids: &[Guid],
    authority: &Authority,
) -> Result<Settled, ApiError> {
    store
        .settle(call, |snapshot, now| async move {
            let outcome = rules::lift_only(&snapshot.standing, request, guids, now.seconds());
            if outcome.decisions.is_empty() {
                return Err(ApiError::NotFound("the ban has already ended"));
            }
            if outcome.decides_globally() {
                authority.demand_global()?;
            }
            let permit = store.permit_lift(call).await?;
            Ok(Decided::new(outcome, permit))
        })
        .await
}
