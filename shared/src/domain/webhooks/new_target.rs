//! The URL of a new endpoint, as a person types it.

use super::Target;

/// Why a text is not the URL of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpointUrl {
    #[error("a #fragment is not allowed: it would never be sent")]
    Fragment,
    #[error(transparent)]
    Target(#[from] super::InvalidTarget),
}

impl Target {
    /// The URL of a new endpoint.
    pub fn of_endpoint(text: &str) -> Result<Self, InvalidEndpointUrl> {
        if text.contains('#') {
            return Err(InvalidEndpointUrl::Fragment);
        }
        Ok(Self::parse(text)?)
    }

    /// The chat service of the URL, if it accepts only its own message format.
    #[must_use]
    pub fn chat_service(&self) -> Option<&'static str> {
        let rest = self.as_str().strip_prefix("https://")?;
        let (host, path) = rest.split_once('/')?;
        let is_of = |domain: &str| {
            host.strip_suffix(domain)
                .is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
        };
        if (is_of("discord.com") || is_of("discordapp.com")) && path.starts_with("api/") {
            Some("Discord")
        } else if host == "hooks.slack.com" {
            Some("Slack")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_services_are_recognised_by_url() {
        for (url, service) in [
            ("https://discord.com/api/webhooks/1/x", Some("Discord")),
            ("https://ptb.discord.com/api/webhooks/1/x", Some("Discord")),
            ("https://discordapp.com/api/webhooks/1/x", Some("Discord")),
            ("https://hooks.slack.com/services/T/B/x", Some("Slack")),
            ("https://notdiscord.com/api/webhooks/1/x", None),
            ("https://example.com/discord.com/api/", None),
            ("https://discord.com/", None),
        ] {
            let target = Target::of_endpoint(url).unwrap();
            assert_eq!(target.chat_service(), service, "{url}");
        }
    }

    #[test]
    fn urls_with_a_fragment_are_refused() {
        assert!(Target::of_endpoint("https://example.com/x#part").is_err());
        assert!(Target::of_endpoint("https://example.com/x").is_ok());
    }
}
