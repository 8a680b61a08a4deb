//! Delivers what is due to one endpoint. A lease lets one invocation do so.

use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::api::invocation::{Ends, Invocation, LEASE};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;
use shared::domain::webhooks::{Endpoint, EndpointId, EndpointState, EventReceiver};
use shared::integrations::http_client::{PublicHttpClient, TIME_LIMIT};
use shared::integrations::invoker::{Job, WorkerInvoker};
use shared::store::Store;

use crate::attempt::Sender;
use crate::batch::DeliveryBatch;
use crate::discord::ChannelState;
use crate::stats::DeliveryStats;

/// Reserved for what follows an attempt: its record, the endpoint's health, and the release of the lease.
const RESERVED: Duration = Duration::from_millis(4500);

/// When the last attempt may start, so that it can end and be recorded in time. In debug builds, tests may
/// set an earlier time.
fn last_start(ends: Ends) -> Instant {
    let last = ends.minus(TIME_LIMIT.saturating_add(RESERVED));
    let limit = shared::testing::drain_limit();
    let limit = limit.and_then(|limit| Instant::now().checked_add(limit));
    limit.map_or(last, |limit| limit.min(last))
}

/// How many due deliveries are read at once.
const PAGE: u16 = 100;

/// How many attempts run at the same time.
const CONCURRENT_ATTEMPTS: usize = 8;

/// The wait before an eventually consistent index is read again.
const INDEX_PAUSE: Duration = Duration::from_millis(300);

/// How many such waits in a row an event that the index does not show yet is given. After that it is left
/// to the next wake or sweep.
const INDEX_WAITS: u32 = 10;

/// How endpoints are reached.
#[derive(Debug)]
pub struct Outbound {
    pub client: PublicHttpClient,
    /// Discord's address.
    pub discord: String,
}

/// What follows a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterDrain {
    /// What is due now is delivered immediately, by another invocation.
    Continue,
    /// The rest waits for the next wake or sweep.
    Rest,
    /// Nothing is sent until the lease ends by itself: a rate limit asks for it.
    Hold,
}

/// The work on one endpoint.
pub struct Drain<'a> {
    store: &'a Store,
    outbound: &'a Outbound,
    invoker: &'a WorkerInvoker,
    stats: &'a DeliveryStats,
    prefix: WorkspacePrefix,
    id: EndpointId,
    /// No attempt starts after this.
    ends: Instant,
}

impl<'a> Drain<'a> {
    /// Work that starts now.
    pub fn new(
        invocation: &'a Invocation,
        outbound: &'a Outbound,
        invoker: &'a WorkerInvoker,
        stats: &'a DeliveryStats,
        prefix: WorkspacePrefix,
        id: EndpointId,
    ) -> Self {
        Self {
            store: &invocation.store,
            outbound,
            invoker,
            stats,
            prefix,
            id,
            ends: last_start(invocation.ends),
        }
    }

    /// Delivers until nothing is due, time is up, or the endpoint is down. Returns at once if another
    /// invocation holds the lease: that one looks again after it has released the lease.
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
        if matches!(outcome, Ok(AfterDrain::Hold)) {
            return Ok(());
        }
        self.store.release(lease).await?;
        if outcome? == AfterDrain::Continue
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

    async fn deliver(&self) -> Result<AfterDrain, ApiError> {
        let session = self.outbound.client.session();
        let (mut was_empty, mut waited) = (false, 0);
        loop {
            // The endpoint may have been paused, removed, or given a new secret meanwhile.
            let endpoint = self.store.endpoint(self.prefix, self.id).await?;
            let Some(endpoint) = endpoint.filter(Endpoint::is_active) else {
                return Ok(AfterDrain::Rest);
            };
            let now = UnixMillis::now();
            let due = self.store.due(self.prefix, self.id, now, PAGE).await?;
            if due.is_empty() {
                if was_empty {
                    return Ok(AfterDrain::Continue);
                }
                was_empty = true;
                tokio::time::sleep(INDEX_PAUSE).await;
                continue;
            }
            was_empty = false;
            let batch = DeliveryBatch::load(self.store, &endpoint, due, now).await?;
            if batch.is_empty() {
                if waited == INDEX_WAITS || Instant::now() >= self.ends {
                    return Ok(AfterDrain::Rest);
                }
                waited += 1;
                tokio::time::sleep(INDEX_PAUSE).await;
                continue;
            }
            waited = 0;
            self.drop_gone(&batch).await?;
            let sender = Sender {
                store: self.store,
                session: &session,
                endpoint: &endpoint,
                stats: self.stats,
                ends: self.ends,
            };
            let before = self.stats.so_far();
            let sent = self.send(&sender, &batch).await;
            self.record_health(&endpoint, before).await?;
            if sent? == ChannelState::Limited {
                return Ok(AfterDrain::Hold);
            }
            if self.stats.is_endpoint_down() {
                return Ok(AfterDrain::Rest);
            }
            if Instant::now() >= self.ends {
                return Ok(AfterDrain::Continue);
            }
        }
    }

    /// Sends a batch in the form that the endpoint gets.
    async fn send(
        &self,
        sender: &Sender<'_>,
        batch: &DeliveryBatch,
    ) -> Result<ChannelState, ApiError> {
        match &sender.endpoint.receiver {
            EventReceiver::Signed { url, secrets } => {
                let queues = batch.queues_by_user.iter();
                let sending = queues.map(|queue| sender.send_signed(url, secrets, queue));
                stream::iter(sending)
                    .buffer_unordered(CONCURRENT_ATTEMPTS)
                    .try_collect::<()>()
                    .await?;
                Ok(ChannelState::Open)
            }
            EventReceiver::Discord(webhook) => {
                let (address, queue) = (&self.outbound.discord, batch.in_one_queue());
                sender.send_to_channel(webhook, address, &queue).await
            }
        }
    }

    async fn drop_gone(&self, batch: &DeliveryBatch) -> Result<(), ApiError> {
        for delivery in &batch.gone {
            let dropped = delivery.clone().dropped();
            self.store
                .record_delivery(self.prefix, self.id, delivery, &dropped)
                .await?;
        }
        Ok(())
    }

    /// Updates the endpoint's health by the deliveries made and attempts failed since `before`.
    async fn record_health(&self, endpoint: &Endpoint, before: (u32, u32)) -> Result<(), ApiError> {
        let now = UnixMillis::now().seconds();
        let (delivered, failed) = self.stats.so_far();
        let after = |endpoint: Endpoint| {
            if self.stats.is_endpoint_gone() {
                endpoint.after_gone(now)
            } else if delivered > before.0 {
                endpoint.after_success()
            } else if failed > before.1 {
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
            self.stats.record_paused();
        }
        Ok(())
    }
}
