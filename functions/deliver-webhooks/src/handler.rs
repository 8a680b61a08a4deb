//! One invocation: a sweep over all endpoints, or a drain of one.

use serde::Deserialize;
use shared::api::invocation::Invocation;
use shared::domain::error::ApiError;
use shared::domain::webhooks::EndpointId;
use shared::integrations::http_client::PublicHttpClient;
use shared::integrations::invoker::WorkerInvoker;

use crate::drain::Drain;
use crate::sweep::sweep;
use crate::tally::Tally;

/// What to do.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Order {
    /// Deliver what is due to one endpoint.
    Drain {
        /// The workspace's prefix.
        workspace: String,
        endpoint: EndpointId,
    },
    /// Invoke a drain for every endpoint that has something due.
    Sweep {
        /// Always true; the field identifies the job.
        #[serde(rename = "sweep")]
        _sweep: bool,
    },
}

/// Runs a job. Failures are logged and left for the next sweep, because repeating the invocation
/// would gain nothing.
pub async fn handle(
    invocation: Invocation,
    order: Order,
    outbound: &PublicHttpClient,
    invoker: &WorkerInvoker,
) {
    let tally = Tally::default();
    let outcome = match order {
        Order::Sweep { .. } => sweep(&invocation, invoker).await,
        Order::Drain {
            workspace,
            endpoint,
        } => match workspace.parse() {
            Ok(prefix) => {
                let drain = Drain::new(&invocation, outbound, invoker, &tally, prefix, endpoint);
                drain.run().await
            }
            Err(_) => Err(ApiError::Internal("the job names no workspace".to_owned())),
        },
    };
    invocation.end_run(&tally.run(), outcome.as_ref().err());
}
