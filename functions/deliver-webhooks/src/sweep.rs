//! Finds due deliveries that no invocation is working on.

use futures::stream::{self, StreamExt};
use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::webhooks::Endpoint;
use shared::integrations::invoker::{Job, WorkerInvoker};

/// How many endpoints are checked in parallel.
const AT_ONCE: usize = 8;

/// Invokes a drain for every active endpoint that has something due. A failure for one does not
/// affect the others. Endpoints it has no time for are left to the next sweep.
pub async fn sweep(invocation: &Invocation, invoker: &WorkerInvoker) -> Result<(), ApiError> {
    let endpoints = invocation.store.all_endpoints().await?;
    let looking = endpoints
        .iter()
        .filter(|endpoint| endpoint.is_active())
        .map(|endpoint| look_at(endpoint, invocation, invoker));
    let outcomes: Vec<_> = stream::iter(looking)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    outcomes.into_iter().collect()
}

async fn look_at(
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
