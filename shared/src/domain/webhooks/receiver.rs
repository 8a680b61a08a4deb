//! Where an endpoint's events go, and in which form.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::discord::{DiscordWebhook, InvalidDiscordWebhook};
use super::new_target::EndpointUrl;
use super::secret::{ReplacedSecret, SigningSecret, SigningSecrets};
use super::{InvalidTarget, Target};
use crate::domain::history::LogEvent;
use crate::domain::rules::DecisionKind;

/// A kind of receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiverKind {
    /// Signed JSON, one event in each request.
    #[default]
    Signed,
    /// Readable messages in a channel.
    Discord,
}

/// A receiver, with what is needed to send to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "StoredReceiver", try_from = "StoredReceiver")]
pub enum EventReceiver {
    Signed {
        url: Target,
        secrets: SigningSecrets,
    },
    Discord(DiscordWebhook),
}

impl EventReceiver {
    /// A receiver of signed events, with a new secret.
    #[must_use]
    pub fn signed(url: Target) -> Self {
        Self::Signed {
            url,
            secrets: SigningSecrets::random(),
        }
    }

    #[must_use]
    pub const fn kind(&self) -> ReceiverKind {
        match self {
            Self::Signed { .. } => ReceiverKind::Signed,
            Self::Discord(_) => ReceiverKind::Discord,
        }
    }

    /// Whether an event is sent there. Imported bans are no news: thousands of them would fill a channel
    /// for hours.
    #[must_use]
    pub fn shows(&self, event: &LogEvent) -> bool {
        match (self, event) {
            (Self::Signed { .. }, _) | (Self::Discord(_), LogEvent::Activity(_)) => true,
            (Self::Discord(_), LogEvent::Decision(decision)) => match decision.kind {
                DecisionKind::Imported => false,
                DecisionKind::Made
                | DecisionKind::Restored
                | DecisionKind::Changed
                | DecisionKind::Lifted
                | DecisionKind::Appealed
                | DecisionKind::Expired => true,
            },
        }
    }

    /// The same kind of receiver at another URL; signed events keep their secret. A URL of the other
    /// kind changes nothing.
    #[must_use]
    pub fn moved(self, to: &EndpointUrl) -> Self {
        match (self, to) {
            (Self::Signed { secrets, .. }, EndpointUrl::Signed(url)) => Self::Signed {
                url: url.clone(),
                secrets,
            },
            (Self::Discord(_), EndpointUrl::Discord(webhook)) => Self::Discord(webhook.clone()),
            (kept, _) => kept,
        }
    }

    /// The URL with its query, for those who manage webhooks; the token of a webhook of Discord stays
    /// masked.
    #[must_use]
    pub fn whole_url(&self) -> String {
        match self {
            Self::Signed { url, .. } => url.as_str().to_owned(),
            Self::Discord(webhook) => webhook.to_string(),
        }
    }
}

impl From<EndpointUrl> for EventReceiver {
    fn from(url: EndpointUrl) -> Self {
        match url {
            EndpointUrl::Signed(url) => Self::signed(url),
            EndpointUrl::Discord(webhook) => Self::Discord(webhook),
        }
    }
}

/// The URL without what may be a secret.
impl fmt::Display for EventReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed { url, .. } => url.fmt(f),
            Self::Discord(webhook) => webhook.fmt(f),
        }
    }
}

/// A receiver as stored. Without `receiver` it is one of signed events, as all were at first.
#[derive(Serialize, Deserialize)]
struct StoredReceiver {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receiver: Option<ReceiverKind>,
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SigningSecret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced: Option<ReplacedSecret>,
}

/// The item is none of an endpoint.
#[derive(Debug, thiserror::Error)]
enum InvalidReceiver {
    #[error(transparent)]
    Target(#[from] InvalidTarget),
    #[error(transparent)]
    Discord(#[from] InvalidDiscordWebhook),
    #[error("missing field `secret`")]
    NoSecret,
}

impl From<EventReceiver> for StoredReceiver {
    fn from(receiver: EventReceiver) -> Self {
        match receiver {
            EventReceiver::Signed { url, secrets } => Self {
                receiver: None,
                url: url.into(),
                secret: Some(secrets.current),
                replaced: secrets.replaced,
            },
            EventReceiver::Discord(webhook) => Self {
                receiver: Some(ReceiverKind::Discord),
                url: webhook.into(),
                secret: None,
                replaced: None,
            },
        }
    }
}

impl TryFrom<StoredReceiver> for EventReceiver {
    type Error = InvalidReceiver;

    fn try_from(stored: StoredReceiver) -> Result<Self, InvalidReceiver> {
        match stored.receiver.unwrap_or_default() {
            ReceiverKind::Discord => Ok(Self::Discord(DiscordWebhook::parse(&stored.url)?)),
            ReceiverKind::Signed => Ok(Self::Signed {
                url: Target::parse(&stored.url)?,
                secrets: SigningSecrets {
                    current: stored.secret.ok_or(InvalidReceiver::NoSecret)?,
                    replaced: stored.replaced,
                },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::clock::UnixSeconds;

    const WEBHOOK: &str = "https://discord.com/api/webhooks/1/token";

    fn signed() -> EventReceiver {
        EventReceiver::signed(Target::parse("https://example.com/hook?key=x").unwrap())
    }

    fn discord() -> EventReceiver {
        EventReceiver::Discord(DiscordWebhook::parse(WEBHOOK).unwrap())
    }

    #[test]
    fn receivers_are_stored_by_kind() {
        let mut rotated = signed();
        if let EventReceiver::Signed { secrets, .. } = &mut rotated {
            *secrets = secrets.rotated(UnixSeconds(1), 60);
        }
        for receiver in [signed(), rotated, discord()] {
            let stored = serde_json::to_value(&receiver).unwrap();
            assert_eq!(stored.get("receiver").is_some(), receiver == discord());
            assert_eq!(
                serde_json::from_value::<EventReceiver>(stored).unwrap(),
                receiver
            );
        }
        let stored = serde_json::to_value(discord()).unwrap();
        assert_eq!(stored, json!({ "receiver": "discord", "url": WEBHOOK }));
    }

    #[test]
    fn signed_receiver_without_a_secret_is_refused() {
        for stored in [
            json!({ "url": "https://example.com/" }),
            json!({ "url": WEBHOOK, "receiver": "discord2" }),
            json!({ "url": "https://example.com/", "receiver": "discord" }),
        ] {
            assert!(serde_json::from_value::<EventReceiver>(stored).is_err());
        }
    }

    #[test]
    fn receiver_moves_within_its_kind() {
        let other = |text: &str, kind| EndpointUrl::parse(text, kind).unwrap();
        let url = other("https://example.com/new", ReceiverKind::Signed);
        let webhook = other(
            "https://discord.com/api/webhooks/2/t",
            ReceiverKind::Discord,
        );
        assert_eq!(discord().moved(&url), discord());
        assert_ne!(discord().moved(&webhook), discord());
        let before = signed();
        let moved = before.clone().moved(&url);
        let secrets = |receiver: &EventReceiver| match receiver {
            EventReceiver::Signed { secrets, .. } => secrets.clone(),
            EventReceiver::Discord(_) => panic!(),
        };
        assert_eq!(secrets(&moved), secrets(&before));
        assert_eq!(moved.to_string(), "https://example.com/new");
    }

    #[test]
    fn whole_url_of_a_discord_webhook_is_masked() {
        assert!(signed().whole_url().contains("key=x") && !signed().to_string().contains("key=x"));
        assert!(
            !discord().whole_url().contains("token") && !discord().to_string().contains("token")
        );
    }
}
