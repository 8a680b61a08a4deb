//! Entry point: sweeps all endpoints, or delivers to one.

use serde::Deserialize;
use shared::api::invocation::Invocation;
use shared::domain::error::ApiError;
use shared::domain::webhooks::EndpointId;
use shared::integrations::invoker::WorkerInvoker;

use crate::drain::{Drain, Outbound};
use crate::stats::DeliveryStats;
use crate::sweep::sweep;

/// The payload of an invocation.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum DeliveryRequest {
    /// Deliver what is due to one endpoint.
    Drain {
        /// The workspace's prefix.
        workspace: String,
        /// The endpoint's id.
        endpoint: EndpointId,
    },
    /// Start a drain for each endpoint that has something due.
    Sweep {
        /// Always true; it marks the payload as a sweep.
        #[serde(rename = "sweep")]
        _sweep: bool,
    },
}

/// Serves one invocation. An error is logged and left to the next sweep: retrying the invocation would gain
/// nothing.
pub async fn handle(
    invocation: Invocation,
    request: DeliveryRequest,
    outbound: &Outbound,
    invoker: &WorkerInvoker,
) {
    let stats = DeliveryStats::default();
    let outcome = match request {
        DeliveryRequest::Sweep { .. } => sweep(&invocation, invoker).await,
        DeliveryRequest::Drain {
            workspace,
            endpoint,
        } => match workspace.parse() {
            Ok(prefix) => {
                let drain = Drain::new(&invocation, outbound, invoker, &stats, prefix, endpoint);
                drain.run().await
            }
            Err(_) => Err(ApiError::Internal(
                "the payload names no workspace".to_owned(),
            )),
        },
    };
    let outcome = outcome.and_then(|()| stats.fault());
    invocation.end_run(&stats.run(), outcome.as_ref().err());
}
