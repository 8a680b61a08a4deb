//! Delivers what is due to one endpoint, by one invocation at once.

use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::api::invocation::{Ends, Invocation, LEASE};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;
use shared::domain::webhooks::{Endpoint, EndpointId, EndpointState};
use shared::integrations::http_client::{PublicHttpClient, TIME_LIMIT};
use shared::integrations::invoker::{Job, WorkerInvoker};
use shared::store::Store;

use crate::attempt::Sender;
use crate::batch::Batch;
use crate::tally::Tally;

/// Time reserved after an attempt: to record it, update the endpoint's health and return the lease.
const AFTERWARDS: Duration = Duration::from_millis(4500);

/// No attempt starts after this, so that the last one can end and be recorded in time. In debug
/// builds, tests may set an earlier time with an environment variable.
fn until(ends: Ends) -> Instant {
    let until = ends.minus(TIME_LIMIT.saturating_add(AFTERWARDS));
    #[cfg(debug_assertions)]
    if let Some(millis) = std::env::var("DRAIN_LIMIT_MS")
        .ok()
        .and_then(|text| text.parse().ok())
    {
        let limit = Instant::now().checked_add(Duration::from_millis(millis));
        return limit.map_or(until, |limit| limit.min(until));
    }
    until
}

/// How many deliveries a page has.
const PAGE: u16 = 100;

/// How many attempts run in parallel.
const IN_FLIGHT: usize = 8;

/// The index of due deliveries is eventually consistent. It counts as empty only after a second
/// read, this much later.
const TRAILS: Duration = Duration::from_millis(300);

/// How many times in a row, each this long, to wait for an event that the index of the log does not
/// show yet. If it is still missing then, the next invocation or sweep continues.
const PATIENCE: u32 = 10;

pub struct Drain<'a> {
    store: &'a Store,
    outbound: &'a PublicHttpClient,
    invoker: &'a WorkerInvoker,
    tally: &'a Tally,
    prefix: WorkspacePrefix,
    id: EndpointId,
    /// No attempt starts after this.
    until: Instant,
}

impl<'a> Drain<'a> {
    pub fn new(
        invocation: &'a Invocation,
        outbound: &'a PublicHttpClient,
        invoker: &'a WorkerInvoker,
        tally: &'a Tally,
        prefix: WorkspacePrefix,
        id: EndpointId,
    ) -> Self {
        Self {
            store: &invocation.store,
            outbound,
            invoker,
            tally,
            prefix,
            id,
            until: until(invocation.ends),
        }
    }

    /// Delivers until nothing is due, the time is up, or the endpoint is down. Returns at once if
    /// another worker holds the lease: it checks again after it returns the lease.
    pub async fn run(&self) -> Result<(), ApiError> {
        let name = format!("deliver-{}", self.id);
        let lease = self
            .store
            .take_lease(self.prefix, &name, LEASE, UnixMillis::now())
            .await?;
        let Some(lease) = lease else {
            return Ok(());
        };
        let outcome = self.deliver().await;
        self.store.release(lease).await?;
        if outcome?
            && self
                .store
                .is_due(self.prefix, self.id, UnixMillis::now())
                .await?
        {
            let job = Job::Deliver {
                workspace: self.prefix,
                endpoint: self.id.to_string(),
            };
            self.invoker.invoke(&job).await?;
        }
        Ok(())
    }

    /// Returns whether to continue immediately.
    async fn deliver(&self) -> Result<bool, ApiError> {
        let session = self.outbound.session();
        let (mut was_empty, mut waited) = (false, 0);
        loop {
            // Read again: it may have been paused or removed, or its secret replaced.
            let endpoint = self.store.endpoint(self.prefix, self.id).await?;
            let Some(endpoint) = endpoint.filter(Endpoint::is_active) else {
                return Ok(false);
            };
            let now = UnixMillis::now();
            let due = self.store.due(self.prefix, self.id, now, PAGE).await?;
            if due.is_empty() {
                if was_empty {
                    return Ok(true);
                }
                was_empty = true;
                tokio::time::sleep(TRAILS).await;
                continue;
            }
            was_empty = false;
            let sender = Sender {
                store: self.store,
                session: &session,
                endpoint: &endpoint,
                tally: self.tally,
                until: self.until,
            };
            let batch = Batch::of(self.store, &endpoint, due, now).await?;
            if batch.is_empty() {
                if waited == PATIENCE || Instant::now() >= self.until {
                    return Ok(false);
                }
                waited += 1;
                tokio::time::sleep(TRAILS).await;
                continue;
            }
            waited = 0;
            self.drop_gone(&batch).await?;
            let before = self.tally.so_far();
            let sending = batch.chains.iter().map(|chain| sender.send(chain));
            let sent: Result<(), _> = stream::iter(sending)
                .buffer_unordered(IN_FLIGHT)
                .try_collect()
                .await;
            self.note_health(&endpoint, before).await?;
            sent?;
            if self.tally.is_futile() {
                return Ok(false);
            }
            if Instant::now() >= self.until {
                return Ok(true);
            }
        }
    }

    async fn drop_gone(&self, batch: &Batch) -> Result<(), ApiError> {
        for delivery in &batch.gone {
            let dropped = delivery.clone().dropped();
            self.store
                .record_delivery(self.prefix, self.id, delivery, &dropped)
                .await?;
        }
        Ok(())
    }

    /// Updates the endpoint's health if it has changed.
    async fn note_health(
        &self,
        endpoint: &Endpoint,
        (delivered, failed): (u32, u32),
    ) -> Result<(), ApiError> {
        let now = UnixMillis::now().seconds();
        let (delivered_now, failed_now) = self.tally.so_far();
        let after = |endpoint: Endpoint| {
            if self.tally.is_endpoint_gone() {
                endpoint.after_gone(now)
            } else if delivered_now > delivered {
                endpoint.after_success()
            } else if failed_now > failed {
                endpoint.after_failure(now)
            } else {
                endpoint
            }
        };
        if after(endpoint.clone()) == *endpoint {
            return Ok(());
        }
        let changed = self
            .store
            .change_endpoint(self.prefix, self.id, after)
            .await?;
        if changed.is_some_and(|changed| {
            changed.before.is_active() && changed.after.state == EndpointState::Failing
        }) {
            self.tally.paused();
        }
        Ok(())
    }
}
