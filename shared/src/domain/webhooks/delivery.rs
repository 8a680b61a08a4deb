//! One event on its way to one endpoint.

use serde::{Deserialize, Serialize};

use super::retries::RetryDecision;
use crate::domain::clock::UnixMillis;
use crate::domain::webhooks::Failure;

/// For how many seconds a delivery is kept: 30 days.
pub const DELIVERY_KEPT: u64 = 30 * 86_400;

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// There was an answer.
    Answered {
        /// Its HTTP status.
        status: u16,
        /// For how many seconds the other side asks to be left alone.
        retry_after: Option<u64>,
    },
    /// There was none.
    NoAnswer(Failure),
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It is to be tried, now or later.
    Due,
    /// The endpoint took it.
    Delivered,
    /// It was tried for a day in vain, and can be replayed.
    Failed,
    /// Its event is not in the log any more: the user was forgotten, or it was kept long enough.
    Gone,
}

/// The last attempt of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began, in Unix milliseconds.
    pub at: u64,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// The HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The start of the answer's body, if it was no success and does not repeat what was sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
}

/// Which delivery of an endpoint: that of an event, or a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryKey {
    /// A test, by the millisecond in which it was asked for.
    Test(u64),
    /// An event, by its position in the log.
    Event(u64),
}

impl DeliveryKey {
    /// How it sorts: events by their position, tests behind all of them.
    #[must_use]
    pub fn sort_key(self) -> String {
        match self {
            Self::Event(position) => format!("{position:016}"),
            Self::Test(at) => format!("T#{at:014}"),
        }
    }

    /// Reads a sort key.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("T#") {
            Some(at) => at.parse().ok().map(Self::Test),
            None => text.parse().ok().map(Self::Event),
        }
    }
}

/// A delivery as it is stored. It names its event by position and id, and no user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which it is.
    pub key: DeliveryKey,
    /// The id of the event, by which the receiver tells a repetition.
    pub event_id: String,
    /// The name of the event, such as `GAME_BANNED`.
    pub event: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: u32,
    /// When it is to be tried, while it is to be.
    pub due_at: Option<UnixMillis>,
    /// When it was written.
    pub created: UnixMillis,
    /// The last attempt.
    pub last: Option<Attempt>,
}

impl Delivery {
    /// Whether it was kept long enough, so that it is not to be made any more.
    #[must_use]
    pub const fn is_over(&self, now: UnixMillis) -> bool {
        let over = self.created.seconds().plus(DELIVERY_KEPT);
        over.0 <= now.seconds().0
    }

    /// The delivery after an attempt that was judged so.
    #[must_use]
    pub fn after(mut self, verdict: RetryDecision, attempt: Attempt) -> Self {
        self.attempts = self.attempts.saturating_add(1);
        self.last = Some(attempt);
        (self.state, self.due_at) = match verdict {
            RetryDecision::Delivered => (DeliveryState::Delivered, None),
            RetryDecision::Again(at) => (DeliveryState::Due, Some(at)),
            RetryDecision::Failed | RetryDecision::EndpointGone => (DeliveryState::Failed, None),
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
    fn deliveries_sort_by_position_and_tests_behind_them() {
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
