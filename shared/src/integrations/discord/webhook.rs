//! Posting to a channel's webhook, which needs no application.

use lambda_http::http::header::{CONTENT_TYPE, USER_AGENT};
use lambda_http::http::{HeaderMap, HeaderValue};

use super::client::DISCORD_URL;
use crate::domain::webhooks::discord::DiscordWebhook;

/// The headers of a message; its URL contains all that Discord asks for.
#[must_use]
pub fn webhook_headers(webhook: &DiscordWebhook) -> HeaderMap {
    // Discord blocks other forms of this header. The address names the webhook without its token.
    let agent = format!(
        "DiscordBot ({DISCORD_URL}/api/webhooks/{}, {})",
        webhook.id(),
        env!("CARGO_PKG_VERSION")
    );
    let json = HeaderValue::from_static("application/json");
    let agent = HeaderValue::from_str(&agent).ok();
    let agent = agent.map(|agent| (USER_AGENT, agent));
    std::iter::once((CONTENT_TYPE, json)).chain(agent).collect()
}
