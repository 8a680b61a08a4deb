//! Delivery attempts to one endpoint.

use std::time::Instant;

use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::webhooks::Failure;
use shared::domain::webhooks::{
    Attempt, AttemptOutcome, Delivery, DeliveryKey, Endpoint, Message, RetryDecision, decide_retry,
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

impl Sender<'_> {
    /// Attempts each delivery of a queue in turn. Those it does not reach stay due.
    pub async fn send(&self, queue: &[PendingDelivery]) -> Result<(), ApiError> {
        for pending in queue {
            if Instant::now() >= self.ends || self.stats.is_endpoint_down() {
                break;
            }
            self.attempt(pending).await?;
        }
        Ok(())
    }

    async fn attempt(&self, (before, message): &PendingDelivery) -> Result<(), ApiError> {
        let (begun, started) = (UnixMillis::now(), Instant::now());
        let headers = message
            .headers(&self.endpoint.secrets, begun.seconds())
            .ok_or_else(|| ApiError::Internal("the message cannot be signed".to_owned()))?;
        let sending = self
            .session
            .post(&self.endpoint.url, headers, message.body.clone());
        let answer = sending.await;
        let is_test = matches!(before.key, DeliveryKey::Test(_));
        let mut last = attempt(&answer, begun, started);
        last.answer = kept(&answer, message, is_test);
        let outcome = match &answer {
            Ok(answer) => AttemptOutcome::Answered {
                status: answer.status,
                retry_after: answer.retry_after,
            },
            Err(failure) => AttemptOutcome::NoAnswer(*failure),
        };
        let attempts = before.attempts.saturating_add(1);
        let random = shared::domain::random::number();
        let decision = match decide_retry(&outcome, attempts, UnixMillis::now(), random) {
            // The operator waits for the result of a test, so it is not retried.
            RetryDecision::RetryAt(_) if is_test => RetryDecision::GiveUp,
            decision => decision,
        };
        let after = before.clone().after(decision, last);
        let (prefix, id) = (self.endpoint.workspace.prefix(), self.endpoint.id);
        self.store
            .record_delivery(prefix, id, before, &after)
            .await?;
        self.count(before, decision, begun);
        Ok(())
    }

    fn count(&self, delivery: &Delivery, decision: RetryDecision, begun: UnixMillis) {
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

fn attempt(answer: &Result<HttpResponse, Failure>, begun: UnixMillis, started: Instant) -> Attempt {
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Attempt {
        at: begun.millis(),
        took,
        status: answer.as_ref().ok().map(|answer| answer.status),
        failure: answer.as_ref().err().copied(),
        answer: String::new(),
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
