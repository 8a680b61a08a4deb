//! Attempts to deliver to an endpoint.

use std::time::Instant;

use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::webhooks::Failure;
use shared::domain::webhooks::{
    Attempt, AttemptOutcome, Delivery, DeliveryKey, Endpoint, Message, RetryDecision, judge,
};
use shared::integrations::http_client::{HttpResponse, Session};
use shared::store::Store;

use crate::batch::Parcel;
use crate::tally::Tally;

/// Stored instead of a response that echoes the request.
const NOT_KEPT: &str = "(not kept: it repeats what was sent)";

/// Sends deliveries to an endpoint and records the results.
pub struct Sender<'a> {
    pub store: &'a Store,
    pub session: &'a Session,
    pub endpoint: &'a Endpoint,
    pub tally: &'a Tally,
    /// No attempt starts after this.
    pub until: Instant,
}

impl Sender<'_> {
    /// Attempts these deliveries one after the other. Those it has no time for stay due.
    pub async fn send(&self, chain: &[Parcel]) -> Result<(), ApiError> {
        for parcel in chain {
            if Instant::now() >= self.until || self.tally.is_futile() {
                break;
            }
            self.attempt(parcel).await?;
        }
        Ok(())
    }

    async fn attempt(&self, (before, message): &Parcel) -> Result<(), ApiError> {
        let (begun, started) = (UnixMillis::now(), Instant::now());
        let headers = message
            .headers(&self.endpoint.secrets, begun.seconds())
            .ok_or_else(|| ApiError::Internal("the event cannot be signed".to_owned()))?;
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
        let chance = uuid::Uuid::new_v4().as_u64_pair().0;
        let verdict = match (
            judge(&outcome, attempts, UnixMillis::now(), chance),
            before.key,
        ) {
            // The operator is waiting for the result of a test, so it is not retried.
            (RetryDecision::Again(_), DeliveryKey::Test(_)) => RetryDecision::Failed,
            (verdict, _) => verdict,
        };
        let after = before.clone().after(verdict, last);
        let (prefix, id) = (self.endpoint.workspace.prefix(), self.endpoint.id);
        self.store
            .record_delivery(prefix, id, before, &after)
            .await?;
        self.count(before, verdict, begun);
        Ok(())
    }

    fn count(&self, delivery: &Delivery, verdict: RetryDecision, begun: UnixMillis) {
        if verdict == RetryDecision::Delivered {
            let waited = begun.millis().saturating_sub(delivery.created.millis());
            self.tally
                .delivered((delivery.attempts == 0).then_some(waited));
            return;
        }
        self.tally.attempt_failed();
        if verdict == RetryDecision::EndpointGone {
            self.tally.endpoint_gone();
        }
        // A failed test event needs no follow-up.
        let is_event = matches!(delivery.key, DeliveryKey::Event(_));
        if is_event && !matches!(verdict, RetryDecision::Again(_)) {
            self.tally.given_up();
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

/// The part of the response to store: for a refused event, to find out why, and for a test, unless
/// it names the user.
fn kept(answer: &Result<HttpResponse, Failure>, message: &Message, is_test: bool) -> String {
    match answer {
        Ok(answer) if answer.is_success() && !is_test => String::new(),
        Ok(answer) if message.is_repeated_in(&answer.start) => NOT_KEPT.to_owned(),
        Ok(answer) => answer.start.clone(),
        Err(_) => String::new(),
    }
}
