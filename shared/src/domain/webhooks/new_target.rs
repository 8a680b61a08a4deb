//! The URL of a new endpoint, as a person types it.

use super::Target;
use super::discord::{DiscordWebhook, InvalidDiscordWebhook, is_of_discord};
use super::receiver::ReceiverKind;

/// Why a text is not the URL of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpointUrl {
    #[error("a #fragment is not allowed: it would never be sent")]
    Fragment,
    /// A URL of Discord for signed events.
    #[error("Discord accepts no signed events")]
    OfDiscord,
    #[error(transparent)]
    Discord(#[from] InvalidDiscordWebhook),
    #[error(transparent)]
    Target(#[from] super::InvalidTarget),
}

/// The URL of a new endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointUrl {
    Signed(Target),
    Discord(DiscordWebhook),
}

impl EndpointUrl {
    /// The URL of an endpoint of this kind. Errors repeat nothing of the text, which may be a secret.
    pub fn parse(text: &str, kind: ReceiverKind) -> Result<Self, InvalidEndpointUrl> {
        match kind {
            ReceiverKind::Discord => Ok(Self::Discord(DiscordWebhook::parse(text)?)),
            ReceiverKind::Signed if is_of_discord(text) => Err(InvalidEndpointUrl::OfDiscord),
            ReceiverKind::Signed if text.contains('#') => Err(InvalidEndpointUrl::Fragment),
            ReceiverKind::Signed => Ok(Self::Signed(Target::parse(text)?)),
        }
    }
}

impl Target {
    #[must_use]
    pub fn chat_service(&self) -> Option<&'static str> {
        let rest = self.as_str().strip_prefix("https://")?;
        let (host, path) = rest.split_once('/')?;
        (host == "hooks.slack.com" && !path.is_empty()).then_some("Slack")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use ReceiverKind::{Discord, Signed};

    fn parse(text: &str, kind: ReceiverKind) -> Result<EndpointUrl, InvalidEndpointUrl> {
        EndpointUrl::parse(text, kind)
    }

    #[test]
    fn chat_services_are_recognised_by_url() {
        for (url, service) in [
            ("https://hooks.slack.com/services/T/B/x", Some("Slack")),
            ("https://example.com/hooks.slack.com/", None),
            ("https://slack.com/", None),
        ] {
            assert_eq!(Target::parse(url).unwrap().chat_service(), service, "{url}");
        }
    }

    #[test]
    fn url_has_to_fit_its_kind() {
        let webhook = "https://discord.com/api/webhooks/1/x";
        for url in [webhook, "https://ptb.discord.com/api/webhooks/1/x/slack"] {
            assert_eq!(
                parse(url, Signed),
                Err(InvalidEndpointUrl::OfDiscord),
                "{url}"
            );
        }
        assert!(matches!(
            parse(webhook, Discord),
            Ok(EndpointUrl::Discord(_))
        ));
        let other = "https://example.com/api/webhooks/1/x";
        assert!(matches!(parse(other, Signed), Ok(EndpointUrl::Signed(_))));
        let refused = InvalidEndpointUrl::Discord(InvalidDiscordWebhook);
        for url in [other, "https://discord.com/api/webhooks/1"] {
            assert_eq!(parse(url, Discord), Err(refused), "{url}");
        }
    }

    #[test]
    fn urls_with_a_fragment_are_refused() {
        assert!(parse("https://example.com/x#part", Signed).is_err());
        assert!(parse("https://example.com/x", Signed).is_ok());
    }
}
