//! The URL of a webhook that Discord made for a channel.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::webhooks::Target;

const HOSTS: [&str; 2] = ["discord.com", "discordapp.com"];

/// Where users of Discord's test clients copy URLs.
const SUBDOMAINS: [&str; 2] = ["ptb.", "canary."];

/// The address that the URL of every webhook leads to, whatever its host.
const ADDRESS: &str = "https://discord.com";

/// The version of the API that is called.
const API: &str = "api/v10";

/// The maximum length of a token; Discord makes them of 68 characters.
const LONGEST_TOKEN: usize = 128;

/// A webhook of Discord. Who knows its token can write into the channel: `Display` and `Debug` show no
/// part of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct DiscordWebhook {
    id: NonZeroU64,
    token: String,
    /// The thread of the channel, if not the channel itself.
    thread: Option<NonZeroU64>,
}

/// The text is not the URL of a webhook of Discord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the URL of a Discord webhook: expected https://discord.com/api/webhooks/ID/TOKEN, with nothing \
     after it but ?thread_id="
)]
pub struct InvalidDiscordWebhook;

impl DiscordWebhook {
    pub fn parse(text: &str) -> Result<Self, InvalidDiscordWebhook> {
        Self::read(text.trim()).ok_or(InvalidDiscordWebhook)
    }

    fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_plain = url.scheme() == "https"
            && url.username().is_empty()
            && url.password().is_none()
            && url.port().is_none()
            && url.fragment().is_none();
        if !is_plain || !is_host(&url) {
            return None;
        }
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        let path: Vec<_> = path.split('/').skip(1).collect();
        let (id, token) = match path.as_slice() {
            ["api", "webhooks", id, token] => (*id, *token),
            ["api", version, "webhooks", id, token] if is_version(version) => (*id, *token),
            _ => return None,
        };
        let mut thread = None;
        for (name, value) in url.query_pairs() {
            if name != "thread_id" || thread.is_some() {
                return None;
            }
            thread = Some(snowflake(&value)?);
        }
        let id = snowflake(id)?;
        is_token(token).then(|| Self {
            id,
            token: token.to_owned(),
            thread,
        })
    }

    #[must_use]
    pub const fn id(&self) -> NonZeroU64 {
        self.id
    }

    /// Where messages are posted, at Discord's address or at that of a stand-in.
    #[must_use]
    pub fn target(&self, base: &str) -> Option<Target> {
        Target::parse(&self.at(
            &format!("{}/{API}", base.trim_end_matches('/')),
            &self.token,
        ))
        .ok()
    }

    fn at(&self, base: &str, token: &str) -> String {
        let url = format!("{base}/webhooks/{}/{token}", self.id);
        match self.thread {
            Some(thread) => format!("{url}?thread_id={thread}"),
            None => url,
        }
    }
}

/// Whether Discord is meant by a URL of its API, whatever its form: such a URL accepts no signed event.
#[must_use]
pub fn is_of_discord(text: &str) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| {
        let is_domain = |domain: &&str| {
            let host = url.host_str().unwrap_or_default().trim_end_matches('.');
            let sub = host.strip_suffix(*domain);
            sub.is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
        };
        HOSTS.iter().any(is_domain) && url.path().starts_with("/api/")
    })
}

fn is_host(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    let mut subdomains = SUBDOMAINS.iter();
    let domain = subdomains.find_map(|sub| host.strip_prefix(sub));
    HOSTS.contains(&domain.unwrap_or(host))
}

fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix('v').unwrap_or_default();
    (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_TOKEN).contains(&text.len()) && text.bytes().all(is_part)
}

fn snowflake(text: &str) -> Option<NonZeroU64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// The URL with the token masked.
impl fmt::Display for DiscordWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.at(&format!("{ADDRESS}/api"), "***"))
    }
}

impl fmt::Debug for DiscordWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DiscordWebhook({self})")
    }
}

impl TryFrom<String> for DiscordWebhook {
    type Error = InvalidDiscordWebhook;

    fn try_from(text: String) -> Result<Self, InvalidDiscordWebhook> {
        Self::parse(&text)
    }
}

/// The whole URL, to be stored.
impl From<DiscordWebhook> for String {
    fn from(webhook: DiscordWebhook) -> Self {
        webhook.at(&format!("{ADDRESS}/api"), &webhook.token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "aB3-_xyz";

    #[test]
    fn webhooks_are_recognised_by_all_their_urls() {
        let plain = "https://discord.com/api/webhooks/223704706495545344/aB3-_xyz";
        let thread = format!("{plain}?thread_id=41771983423143937");
        for (text, stored) in [
            (plain, plain),
            (
                "https://discord.com/api/v10/webhooks/223704706495545344/aB3-_xyz",
                plain,
            ),
            (
                "https://discord.com/api/v9/webhooks/223704706495545344/aB3-_xyz/",
                plain,
            ),
            (
                "https://discordapp.com/api/webhooks/223704706495545344/aB3-_xyz",
                plain,
            ),
            (
                "https://ptb.discord.com/api/webhooks/223704706495545344/aB3-_xyz",
                plain,
            ),
            (
                "https://canary.discordapp.com/api/webhooks/223704706495545344/aB3-_xyz",
                plain,
            ),
            (
                " HTTPS://DISCORD.com:443/api/webhooks/223704706495545344/aB3-_xyz\n",
                plain,
            ),
            (
                "https://discord.com./api/webhooks/223704706495545344/aB3-_xyz",
                plain,
            ),
            (&thread, &thread),
        ] {
            let webhook = DiscordWebhook::parse(text).unwrap();
            assert_eq!(String::from(webhook.clone()), stored, "{text}");
            assert_eq!(DiscordWebhook::try_from(stored.to_owned()), Ok(webhook));
            assert!(is_of_discord(text), "{text}");
        }
    }

    #[test]
    fn other_urls_are_no_webhooks() {
        let long = format!("https://discord.com/api/webhooks/1/{}", "x".repeat(129));
        for text in [
            "",
            "discord.com/api/webhooks/1/x",
            "http://discord.com/api/webhooks/1/x",
            "https://discord.com:8443/api/webhooks/1/x",
            "https://user@discord.com/api/webhooks/1/x",
            "https://evil.discord.com/api/webhooks/1/x",
            "https://ptb.ptb.discord.com/api/webhooks/1/x",
            "https://notdiscord.com/api/webhooks/1/x",
            "https://discord.com.example.com/api/webhooks/1/x",
            "https://example.com/api/webhooks/1/x",
            "https://discord.com/api/webhooks/1",
            "https://discord.com/api/webhooks/1/",
            "https://discord.com/api/webhooks/0/x",
            "https://discord.com/api/webhooks/+1/x",
            "https://discord.com/api/webhooks/one/x",
            "https://discord.com/api/webhooks/1/x/slack",
            "https://discord.com/api/webhooks/1/x%2Fy",
            "https://discord.com/api/x10/webhooks/1/x",
            "https://discord.com/api/webhooks/1/x?wait=true",
            "https://discord.com/api/webhooks/1/x?thread_id=",
            "https://discord.com/api/webhooks/1/x?thread_id=1&thread_id=2",
            "https://discord.com/api/webhooks/1/x#part",
            &long,
        ] {
            assert_eq!(
                DiscordWebhook::parse(text),
                Err(InvalidDiscordWebhook),
                "{text}"
            );
        }
    }

    #[test]
    fn urls_of_discord_are_recognised_whatever_their_form() {
        for text in [
            "https://discord.com/api/webhooks/1/x/slack",
            "http://evil.discord.com:8080/api/x",
            "https://discordapp.com./api/webhooks",
        ] {
            assert!(is_of_discord(text), "{text}");
        }
        for text in [
            "https://discord.com/",
            "https://notdiscord.com/api/webhooks/1/x",
            "https://example.com/discord.com/api/",
            "discord",
        ] {
            assert!(!is_of_discord(text), "{text}");
        }
    }

    #[test]
    fn token_is_sent_and_never_shown() {
        let text = format!("https://discord.com/api/webhooks/7/{TOKEN}?thread_id=8");
        let webhook = DiscordWebhook::parse(&text).unwrap();
        let shown = webhook.to_string();
        assert_eq!(shown, "https://discord.com/api/webhooks/7/***?thread_id=8");
        assert!(!format!("{webhook:?}").contains(TOKEN));
        let sent = webhook.target("https://discord.com/").unwrap();
        let expected = format!("https://discord.com/api/v10/webhooks/7/{TOKEN}?thread_id=8");
        assert_eq!(sent.as_str(), expected);
        let local = webhook.target("http://127.0.0.1:9003").unwrap();
        assert!(local.as_str().starts_with("http://127.0.0.1:9003/api/v10/"));
    }
}
