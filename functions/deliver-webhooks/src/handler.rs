//! One invocation: a sweep over all endpoints, or a drain of one.

use std::sync::Arc;

use lambda_http::Error;
use lambda_http::lambda_runtime::LambdaEvent;
use serde::Deserialize;
use shared::error::ApiError;
use shared::outbound::Outbound;
use shared::store::{Meter, Store};
use shared::telemetry::{Environment, Trace};
use shared::wake::Waker;
use shared::webhooks::EndpointId;

use crate::drain::Drain;
use crate::sweep::sweep;
use crate::tally::Tally;

/// What is to be done.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Order {
    /// Deliver what is due to one endpoint.
    Drain {
        /// The tag of its workspace.
        workspace: String,
        /// Its id.
        endpoint: EndpointId,
    },
    /// Wake for every endpoint that has something due.
    Sweep {
        /// Always true; it names the order.
        #[serde(rename = "sweep")]
        _sweep: bool,
    },
}

/// Carries an order out. What fails is in the log, and left for the next sweep: repeating the
/// invocation would gain nothing.
pub async fn handle(
    event: LambdaEvent<Order>,
    store: Store,
    outbound: &Outbound,
    waker: &Waker,
    environment: &Environment,
) -> Result<(), Error> {
    let trace = Trace::begin_batch("deliver-webhooks", &event.context, environment);
    let meter = Arc::new(Meter::default());
    let store = store.metered(Arc::clone(&meter));
    let tally = Tally::default();
    let outcome = match event.payload {
        Order::Sweep { .. } => sweep(&store, waker).await,
        Order::Drain {
            workspace,
            endpoint,
        } => match workspace.parse() {
            Ok(tag) => {
                let drain = Drain::new(&store, outbound, waker, &tally, tag, endpoint);
                drain.run().await
            }
            Err(_) => Err(ApiError::Internal("an order for no workspace".to_owned())),
        },
    };
    trace.end_run(&tally.run(), outcome.as_ref().err(), meter.consumed());
    Ok(())
}
