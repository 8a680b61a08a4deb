//! One event for one endpoint.

use serde::{Deserialize, Serialize};

use super::retries::RetryDecision;
use crate::domain::clock::UnixMillis;
use crate::domain::webhooks::Failure;

/// How long a delivery is kept, in seconds: 30 days.
pub const DELIVERY_KEPT: u64 = 30 * 86_400;

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The endpoint answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The answer's `retry-after`, in seconds.
        retry_after: Option<u64>,
    },
    /// The endpoint did not answer.
    NoAnswer(Failure),
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// An attempt is due, now or later.
    Due,
    /// The endpoint accepted it.
    Delivered,
    /// All attempts failed. It can be replayed.
    Failed,
    /// Its event is no longer in the log: the user was erased, or the event was kept long enough.
    Gone,
}

/// The last attempt of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it started, in Unix milliseconds.
    pub at: u64,
    /// Its duration, in milliseconds.
    pub took: u64,
    /// The HTTP status, if the endpoint answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the endpoint did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The start of the answer's body, if it is an error and does not repeat what was sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
}

/// A delivery of an endpoint: of an event, or a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryKey {
    /// A test, by the millisecond in which it was requested.
    Test(u64),
    /// An event, by its position in the log.
    Event(u64),
}

impl DeliveryKey {
    /// The sort key: events by position, tests after all events.
    #[must_use]
    pub fn sort_key(self) -> String {
        match self {
            Self::Event(position) => format!("{position:016}"),
            Self::Test(at) => format!("T#{at:014}"),
        }
    }

    /// Parses a sort key.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("T#") {
            Some(at) => at.parse().ok().map(Self::Test),
            None => text.parse().ok().map(Self::Event),
        }
    }
}

/// A stored delivery. It names its event by position and id, and no user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which delivery of the endpoint it is.
    pub key: DeliveryKey,
    /// The id of the event, by which the receiver recognises a retry.
    pub event_id: String,
    /// The name of the event, such as `GAME_BANNED`.
    pub event: String,
    /// Whether it is due, delivered or failed.
    pub state: DeliveryState,
    pub attempts: u32,
    /// When the next attempt is due, if one is.
    pub due_at: Option<UnixMillis>,
    pub created: UnixMillis,
    pub last: Option<Attempt>,
}

impl Delivery {
    /// Whether it was kept long enough and is not attempted any more.
    #[must_use]
    pub const fn is_over(&self, now: UnixMillis) -> bool {
        let over = self.created.seconds().plus(DELIVERY_KEPT);
        over.0 <= now.seconds().0
    }

    /// The delivery after an attempt with this result.
    #[must_use]
    pub fn after(mut self, decision: RetryDecision, attempt: Attempt) -> Self {
        self.attempts = self.attempts.saturating_add(1);
        self.last = Some(attempt);
        (self.state, self.due_at) = match decision {
            RetryDecision::Delivered => (DeliveryState::Delivered, None),
            RetryDecision::RetryAt(at) => (DeliveryState::Due, Some(at)),
            RetryDecision::GiveUp | RetryDecision::EndpointGone => (DeliveryState::Failed, None),
        };
        self
    }

    /// The delivery once its event has left the log.
    #[must_use]
    pub fn dropped(mut self) -> Self {
        (self.state, self.due_at) = (DeliveryState::Gone, None);
        if let Some(last) = &mut self.last {
            last.answer.clear();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_sort_by_position_and_tests_last() {
        let keys = [
            DeliveryKey::Event(9),
            DeliveryKey::Event(10),
            DeliveryKey::Event(9_999_999_999_999_999),
            DeliveryKey::Test(1_800_000_000_000),
        ];
        let texts = keys.map(DeliveryKey::sort_key);
        assert!(texts.is_sorted(), "{texts:?}");
        for (key, text) in keys.into_iter().zip(&texts) {
            assert_eq!(DeliveryKey::read(text), Some(key));
        }
        for text in ["", "T#", "x", "T#x", "-1"] {
            assert_eq!(DeliveryKey::read(text), None, "{text:?}");
        }
    }
}
