//! The endpoints of a workspace, which receive its events.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::discord::DiscordWebhook;
use super::events::EventFilter;
use super::receiver::EventReceiver;
use super::secret::SigningSecrets;
use crate::domain::clock::UnixSeconds;
use crate::domain::history::LogEvent;
use crate::domain::ids::{InvalidId, WorkspaceId};
use crate::domain::random;
use crate::domain::webhooks::Target;

/// After how many days without a success an endpoint is paused.
pub const DAYS_FAILING: u64 = 3;

/// The id of an endpoint: `we_` and 12 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EndpointId(u64);

impl EndpointId {
    const PREFIX: &str = "we_";
    const DIGITS: usize = 12;

    /// A random id.
    #[must_use]
    pub fn random() -> Self {
        Self(random::number() >> 16)
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:012x}", Self::PREFIX, self.0)
    }
}

impl std::str::FromStr for EndpointId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(InvalidId)?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != Self::DIGITS || !digits.bytes().all(is_hex) {
            return Err(InvalidId);
        }
        u64::from_str_radix(digits, 16)
            .map(Self)
            .map_err(|_| InvalidId)
    }
}

impl TryFrom<String> for EndpointId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<EndpointId> for String {
    fn from(id: EndpointId) -> Self {
        id.to_string()
    }
}

/// Whether events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointState {
    Active,
    /// The operator paused it.
    Paused,
    /// The service paused it, because it failed for too long or is gone.
    Failing,
}

/// Why the service paused an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PausedFor {
    /// Nothing arrived for three days.
    Failures,
    /// It answered 410, or was deleted in Discord.
    Gone,
}

/// An endpoint: where it is, its events, and its health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub id: EndpointId,
    /// The workspace whose events it receives.
    pub workspace: WorkspaceId,
    /// The operator's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(flatten)]
    pub receiver: EventReceiver,
    pub events: EventFilter,
    pub state: EndpointState,
    pub created: UnixSeconds,
    /// Since when every attempt has failed, if the last one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<UnixSeconds>,
    /// Why the service paused it, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_for: Option<PausedFor>,
}

impl Endpoint {
    /// A new endpoint that gets signed events, with a new secret.
    #[must_use]
    pub fn new(workspace: WorkspaceId, url: Target, events: EventFilter, now: UnixSeconds) -> Self {
        Self::of(workspace, EventReceiver::signed(url), events, now)
    }

    /// A new endpoint.
    #[must_use]
    pub fn of(
        workspace: WorkspaceId,
        receiver: EventReceiver,
        events: EventFilter,
        now: UnixSeconds,
    ) -> Self {
        Self {
            id: EndpointId::random(),
            workspace,
            name: None,
            receiver,
            events,
            state: EndpointState::Active,
            created: now,
            failing_since: None,
            paused_for: None,
        }
    }

    /// Whether events are sent to it.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self.state, EndpointState::Active)
    }

    /// Whether this event is sent to it.
    #[must_use]
    pub fn wants(&self, event: &LogEvent) -> bool {
        self.events.admits(event.name()) && self.receiver.shows(event)
    }

    /// The secrets that sign its events, if they are signed.
    #[must_use]
    pub const fn secrets(&self) -> Option<&SigningSecrets> {
        match &self.receiver {
            EventReceiver::Signed { secrets, .. } => Some(secrets),
            EventReceiver::Discord(_) => None,
        }
    }

    /// The webhook of Discord that it is, if it is one.
    #[must_use]
    pub const fn discord(&self) -> Option<&DiscordWebhook> {
        match &self.receiver {
            EventReceiver::Discord(webhook) => Some(webhook),
            EventReceiver::Signed { .. } => None,
        }
    }

    /// The endpoint after a success.
    #[must_use]
    pub fn after_success(mut self) -> Self {
        self.failing_since = None;
        self
    }

    /// The endpoint after a failure: paused if it has failed for too long.
    #[must_use]
    pub fn after_failure(mut self, now: UnixSeconds) -> Self {
        let since = *self.failing_since.get_or_insert(now);
        let has_failed_for = now.0.saturating_sub(since.0);
        if self.is_active() && has_failed_for >= DAYS_FAILING.saturating_mul(86_400) {
            self.state = EndpointState::Failing;
            self.paused_for = Some(PausedFor::Failures);
        }
        self
    }

    /// The endpoint once it is gone: it answered 410, or was deleted in Discord.
    #[must_use]
    pub fn after_gone(mut self, now: UnixSeconds) -> Self {
        self.failing_since.get_or_insert(now);
        if self.is_active() {
            self.state = EndpointState::Failing;
            self.paused_for = Some(PausedFor::Gone);
        }
        self
    }

    /// The endpoint paused by the operator.
    #[must_use]
    pub const fn paused(mut self) -> Self {
        self.state = EndpointState::Paused;
        self.paused_for = None;
        self
    }

    /// The endpoint resumed: it has three days again.
    #[must_use]
    pub const fn resumed(mut self) -> Self {
        self.state = EndpointState::Active;
        self.failing_since = None;
        self.paused_for = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
    const DAY: u64 = 86_400;

    fn endpoint() -> Endpoint {
        let url = Target::parse("https://example.com/hook").unwrap();
        Endpoint::new(WorkspaceId::random(), url, EventFilter::all(), NOW)
    }

    #[test]
    fn id_is_a_prefix_and_12_hex_digits() {
        let id = EndpointId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), 15);
        for text in [
            "",
            "we_",
            "we_0123456789a",
            "we_0123456789abc",
            "we_0123456789aB",
            "we_+123456789ab",
            "wx_0123456789ab",
        ] {
            assert!(text.parse::<EndpointId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_endpoint_that_fails_for_three_days_is_paused() {
        let failed = endpoint().after_failure(NOW);
        assert_eq!(failed.failing_since, Some(NOW));
        let almost = failed.clone().after_failure(NOW.plus(3 * DAY - 1));
        assert!(almost.is_active());
        assert_eq!(almost.failing_since, Some(NOW));
        let paused = almost.after_failure(NOW.plus(3 * DAY));
        assert_eq!(paused.state, EndpointState::Failing);
        assert_eq!(paused.paused_for, Some(PausedFor::Failures));
        let resumed = paused.resumed();
        assert!(resumed.after_failure(NOW.plus(3 * DAY + 1)).is_active());
    }

    #[test]
    fn one_success_resets_the_three_days() {
        let recovered = endpoint().after_failure(NOW).after_success();
        assert_eq!(recovered.failing_since, None);
        assert!(recovered.after_failure(NOW.plus(4 * DAY)).is_active());
    }

    #[test]
    fn endpoint_that_is_gone_is_paused_immediately() {
        let gone = endpoint().after_gone(NOW);
        assert_eq!(gone.state, EndpointState::Failing);
        assert_eq!(gone.paused_for, Some(PausedFor::Gone));
    }

    #[test]
    fn endpoint_paused_by_the_operator_stays_paused() {
        for after in [
            endpoint().paused().after_gone(NOW),
            endpoint()
                .paused()
                .after_failure(NOW)
                .after_failure(NOW.plus(9 * DAY)),
        ] {
            assert_eq!(after.state, EndpointState::Paused);
        }
    }
}
