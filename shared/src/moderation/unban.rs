//! Lifts a ban, or records a report that an unban was applied.

use super::Authority;
use crate::domain::error::ApiError;
use crate::domain::ids::Guid;
use crate::domain::rules::{self, UnbanJudgement, UnbanRequest};
use crate::store::{Committed, PolicyOutcome, Store, WriteContext};

/// Judges and writes the call.
pub async fn unban(
    store: &Store,
    context: &WriteContext,
    request: &UnbanRequest,
    authority: &Authority,
) -> Result<Committed, ApiError> {
    store
        .commit_with_retry(context, |snapshot, now| async move {
            let (standing, now) = (&snapshot.standing, now.seconds());
            let digest = context.digest.as_ref();
            let judgement = rules::judge_unban(standing, request, digest, now)
                .map_err(|_| ApiError::NotFound("the user was never banned in this experience"))?;
            let outcome = match judgement {
                UnbanJudgement::Nothing => {
                    return Ok(PolicyOutcome::nothing(rules::unchanged(standing)));
                }
                UnbanJudgement::Report => {
                    return Ok(PolicyOutcome::nothing(rules::report_unbanned(standing)));
                }
                UnbanJudgement::Lift => rules::lift(standing, request, now).made_by(digest, now),
            };
            if outcome.decides_globally() {
                authority.demand_global()?;
            }
            let policy = store.lift_policy(context).await?;
            Ok(PolicyOutcome::new(outcome, policy))
        })
        .await
}

/// Lifts the bans with these guids and no others: those that a person has seen and approved,
/// whatever was decided since.
pub async fn lift(
    store: &Store,
    context: &WriteContext,
    request: &UnbanRequest,
    guids: &[Guid],
    authority: &Authority,
) -> Result<Committed, ApiError> {
    store
        .commit_with_retry(context, |snapshot, now| async move {
            let outcome = rules::lift_only(&snapshot.standing, request, guids, now.seconds());
            if outcome.decisions.is_empty() {
                return Err(ApiError::NotFound("the ban has already ended"));
            }
            if outcome.decides_globally() {
                authority.demand_global()?;
            }
            let policy = store.lift_policy(context).await?;
            Ok(PolicyOutcome::new(outcome, policy))
        })
        .await
}
