//! Starts a drain for each endpoint that has something due.

use futures::stream::{self, StreamExt};
use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::webhooks::Endpoint;
use shared::integrations::invoker::{Job, WorkerInvoker};

/// How many endpoints are checked at the same time.
const CONCURRENT_CHECKS: usize = 8;

/// Checks all active endpoints. An endpoint that fails does not affect the others. Endpoints for which no
/// time is left wait for the next sweep.
pub async fn sweep(invocation: &Invocation, invoker: &WorkerInvoker) -> Result<(), ApiError> {
    let endpoints = invocation.store.all_endpoints().await?;
    let checks = endpoints
        .iter()
        .filter(|endpoint| endpoint.is_active())
        .map(|endpoint| check(endpoint, invocation, invoker));
    let outcomes: Vec<_> = stream::iter(checks)
        .buffer_unordered(CONCURRENT_CHECKS)
        .collect()
        .await;
    outcomes.into_iter().collect()
}

async fn check(
    endpoint: &Endpoint,
    invocation: &Invocation,
    invoker: &WorkerInvoker,
) -> Result<(), ApiError> {
    let (workspace, store) = (endpoint.workspace.prefix(), &invocation.store);
    if !invocation.ends.allows(STEP) {
        return Ok(());
    }
    if store
        .is_due(workspace, endpoint.id, UnixMillis::now())
        .await?
    {
        let endpoint = endpoint.id.to_string();
        let job = Job::Deliver {
            workspace,
            endpoint,
        };
        invoker.invoke(&job).await?;
    }
    Ok(())
}
