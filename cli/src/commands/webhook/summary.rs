//! Webhooks as commands print them.

use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::event::EventName;
use shared::domain::webhooks::{
    Endpoint, EndpointId, EndpointState, EventFilter, PausedFor, ReceiverKind, SigningSecrets,
};

use crate::output::{Printable, word};
use crate::times::{Time, or_dash};

/// A webhook without its secret or token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookSummary {
    pub id: EndpointId,
    name: Option<String>,
    kind: ReceiverKind,
    /// In lists without the query, which may contain a secret.
    url: String,
    events: EventFilter,
    pub state: EndpointState,
    /// Why it was paused automatically.
    paused_for: Option<PausedFor>,
    failing_since: Option<Time>,
    /// When the previous secret stops signing.
    overlap_until: Option<Time>,
    created: Time,
}

impl WebhookSummary {
    /// A webhook in a list, with its URL shortened.
    pub fn of(endpoint: &Endpoint) -> Self {
        let now = UnixMillis::now().seconds();
        let secrets = endpoint.secrets();
        Self {
            id: endpoint.id,
            name: endpoint.name.clone(),
            kind: endpoint.receiver.kind(),
            url: endpoint.receiver.to_string(),
            events: endpoint.events.clone(),
            state: endpoint.state,
            paused_for: endpoint.paused_for,
            failing_since: endpoint.failing_since.map(Time),
            overlap_until: secrets
                .and_then(|secrets| secrets.overlap_until(now))
                .map(Time),
            created: Time(endpoint.created),
        }
    }

    /// A webhook with its full URL; the token of a webhook of Discord stays masked.
    pub fn whole(endpoint: &Endpoint) -> Self {
        Self {
            url: endpoint.receiver.whole_url(),
            ..Self::of(endpoint)
        }
    }
}

impl Printable for WebhookSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let events: Vec<_> = self.events.events().map(EventName::as_str).collect();
        let state = match (self.paused_for, self.kind) {
            (None, _) => word(self.state),
            (Some(PausedFor::Failures), _) => "paused: no success for three days".to_owned(),
            (Some(PausedFor::Gone), ReceiverKind::Signed) => {
                "paused: endpoint returned 410 Gone".to_owned()
            }
            (Some(PausedFor::Gone), ReceiverKind::Discord) => {
                "paused: deleted in Discord".to_owned()
            }
        };
        vec![
            ("webhook", self.id.to_string()),
            ("name", self.name.clone().unwrap_or("-".to_owned())),
            ("kind", word(self.kind)),
            ("url", self.url.clone()),
            ("events", events.join(", ")),
            ("state", state),
            ("failing since", or_dash(self.failing_since)),
            ("old secret until", or_dash(self.overlap_until)),
            ("created", self.created.shown()),
        ]
    }
}

/// A webhook with its new secret, shown once.
#[derive(Debug, Serialize)]
pub struct WebhookWithSecret {
    secret: String,
    #[serde(flatten)]
    shown: WebhookSummary,
}

impl WebhookWithSecret {
    pub fn of(endpoint: &Endpoint, secrets: &SigningSecrets) -> Self {
        Self {
            secret: secrets.current().reveal().to_owned(),
            shown: WebhookSummary::of(endpoint),
        }
    }
}

impl Printable for WebhookWithSecret {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("secret", self.secret.clone())];
        fields.extend(self.shown.fields());
        fields
    }
}
