//! What is recorded of a delivery attempt.

use std::time::Instant;

use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::webhooks::{
    Attempt, AttemptOutcome, DeliveryKey, Endpoint, Failure, Message, RetryDecision, decide_retry,
};
use shared::integrations::http_client::{HttpResponse, Session};
use shared::store::Store;

use crate::batch::PendingDelivery;
use crate::stats::DeliveryStats;

/// Stored instead of an answer that repeats what was sent.
const NOT_KEPT: &str = "(not kept: it repeats what was sent)";

/// Sends deliveries to an endpoint and records the results.
pub struct Sender<'a> {
    pub store: &'a Store,
    pub session: &'a Session,
    pub endpoint: &'a Endpoint,
    pub stats: &'a DeliveryStats,
    /// No attempt starts after this.
    pub ends: Instant,
}

/// An attempt that is over.
pub struct Attempted {
    begun: UnixMillis,
    took: u64,
    pub answer: Result<HttpResponse, Failure>,
}

impl Attempted {
    /// Waits for the answer to an attempt.
    pub async fn wait_for(sending: impl Future<Output = Result<HttpResponse, Failure>>) -> Self {
        let (begun, started) = (UnixMillis::now(), Instant::now());
        let answer = sending.await;
        Self {
            begun,
            took: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            answer,
        }
    }

    /// What follows from it by the rules of retries, for a delivery that was attempted this often before.
    pub fn decision(&self, attempts_before: u32) -> RetryDecision {
        let outcome = match &self.answer {
            Ok(answer) => AttemptOutcome::Answered {
                status: answer.status,
                retry_after: answer.retry_after,
            },
            Err(failure) => AttemptOutcome::NoAnswer(*failure),
        };
        let attempts = attempts_before.saturating_add(1);
        let random = shared::domain::random::number();
        decide_retry(&outcome, attempts, UnixMillis::now(), random)
    }

    fn stored(&self, message: &Message, is_test: bool) -> Attempt {
        Attempt {
            at: self.begun.millis(),
            took: self.took,
            status: self.answer.as_ref().ok().map(|answer| answer.status),
            failure: self.answer.as_ref().err().copied(),
            answer: kept(&self.answer, message, is_test),
        }
    }
}

impl Sender<'_> {
    /// Whether no further attempt is made in this run.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.ends || self.stats.is_endpoint_down()
    }

    /// Records an attempt at a delivery. `message` is its signed form, by which an answer that repeats the
    /// user is recognized.
    pub async fn record(
        &self,
        pending: &PendingDelivery,
        message: &Message,
        attempted: &Attempted,
        decision: RetryDecision,
    ) -> Result<(), ApiError> {
        let (before, is_test) = (&pending.delivery, pending.is_test());
        let decision = match decision {
            // The operator waits for the result of a test, so it is not retried.
            RetryDecision::RetryAt(_) if is_test => RetryDecision::GiveUp,
            decision => decision,
        };
        let last = attempted.stored(message, is_test);
        let after = before.clone().after(decision, last);
        let (prefix, id) = (self.endpoint.workspace.prefix(), self.endpoint.id);
        self.store
            .record_delivery(prefix, id, before, &after)
            .await?;
        self.count(pending, decision, attempted.begun);
        Ok(())
    }

    fn count(&self, pending: &PendingDelivery, decision: RetryDecision, begun: UnixMillis) {
        let delivery = &pending.delivery;
        if decision == RetryDecision::Delivered {
            let waited = begun.millis().saturating_sub(delivery.created.millis());
            let is_first = delivery.attempts == 0;
            self.stats.record_delivered(is_first.then_some(waited));
            return;
        }
        self.stats.record_failed_attempt();
        if decision == RetryDecision::EndpointGone {
            self.stats.record_endpoint_gone();
        }
        // A failed test event needs no follow-up.
        let is_event = matches!(delivery.key, DeliveryKey::Event(_));
        if is_event && !matches!(decision, RetryDecision::RetryAt(_)) {
            self.stats.record_given_up();
        }
    }
}

/// The part of the answer to store: it helps to find out why the receiver refused an event, or how it
/// answered a test. An answer that repeats the user is not kept.
fn kept(answer: &Result<HttpResponse, Failure>, message: &Message, is_test: bool) -> String {
    match answer {
        Ok(answer) if answer.is_success() && !is_test => String::new(),
        Ok(answer) if message.is_repeated_in(&answer.start) => NOT_KEPT.to_owned(),
        Ok(answer) => answer.start.clone(),
        Err(_) => String::new(),
    }
}
