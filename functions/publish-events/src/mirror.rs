//! What the mirror must be invoked for.

use std::collections::BTreeSet;

use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use shared::integrations::invoker::Job;
use shared::store::Mirror;

/// The universes to invoke the mirror for: those with pending changes, and those where a user's
/// unban was reported for whom the mirror holds a restriction.
///
/// A reported unban may be words only: a moderator's repeated unban counts as a report, and then
/// nothing is pending any more. So the mirror checks what it has set itself.
pub async fn errands(
    invocation: &Invocation,
    pending: &BTreeSet<(WorkspacePrefix, ExperienceId)>,
    unbanned: &BTreeSet<(WorkspacePrefix, UserId, ExperienceId)>,
    now: UnixMillis,
) -> Result<Vec<Job>, ApiError> {
    if pending.is_empty() && unbanned.is_empty() {
        return Ok(Vec::new());
    }
    if !invocation.ends.allows(STEP) {
        let detail = "no time was left to read the mirrors".to_owned();
        return Err(ApiError::Unavailable(detail));
    }
    let (store, mut errands) = (&invocation.store, Vec::new());
    for it in &*store.cached_mirrors().await? {
        let Mirror {
            workspace,
            experience,
            settings,
        } = it;
        let mut is_sent = pending.contains(&(*workspace, *experience));
        for (prefix, user, place) in unbanned {
            if (prefix, place) == (workspace, experience) {
                let rechecked = store.schedule_recheck(*prefix, *user, settings.universe, now);
                is_sent |= rechecked.await?;
            }
        }
        if is_sent {
            errands.push(Job::Mirror {
                workspace: *workspace,
                universe: settings.universe.get(),
            });
        }
    }
    Ok(errands)
}
