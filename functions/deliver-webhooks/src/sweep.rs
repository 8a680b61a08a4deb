//! Looking after what nobody was woken for.

use futures::stream::{self, StreamExt};
use shared::clock::Moment;
use shared::error::ApiError;
use shared::store::Store;
use shared::wake::{Errand, Waker};
use shared::webhooks::Endpoint;

/// How many endpoints are looked at at a time.
const AT_A_TIME: usize = 8;

/// Wakes for every active endpoint that has something due. One that fails does not keep the others
/// from theirs.
pub async fn sweep(store: &Store, waker: &Waker) -> Result<(), ApiError> {
    let endpoints = store.all_endpoints().await?;
    let looking = endpoints
        .iter()
        .filter(|endpoint| endpoint.is_active())
        .map(|endpoint| look_at(endpoint, store, waker));
    let outcomes: Vec<_> = stream::iter(looking)
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    outcomes.into_iter().collect()
}

async fn look_at(endpoint: &Endpoint, store: &Store, waker: &Waker) -> Result<(), ApiError> {
    let workspace = endpoint.workspace.tag();
    if store.is_due(workspace, endpoint.id, Moment::now()).await? {
        let endpoint = endpoint.id.to_string();
        let errand = Errand::Deliver {
            workspace,
            endpoint,
        };
        waker.wake(&errand).await?;
    }
    Ok(())
}
