//! The bans of a guild, which the bot changes with the permission to ban members.

use lambda_http::http::Method;
use serde_json::json;

use super::answer::DiscordError;
use super::client::Discord;
use crate::domain::discord::AuditReason;
use crate::domain::members::DiscordId;
use crate::integrations::secret_text::SecretText;

/// Discord's number for a ban that does not exist.
const NO_BAN: &str = "10026";

impl Discord {
    /// Bans a user, who need not be a member, and deletes what they wrote in the last seconds. Repeating it
    /// changes nothing.
    pub async fn ban_in_guild(
        &self,
        bot: &SecretText,
        guild: DiscordId,
        user: DiscordId,
        delete_seconds: u64,
        reason: &AuditReason,
    ) -> Result<(), DiscordError> {
        let path = format!("guilds/{guild}/bans/{user}");
        let body = json!({ "delete_message_seconds": delete_seconds });
        self.change_guild(Method::PUT, &path, bot, reason, Some(&body))
            .await
    }

    /// Lifts the ban of a user; `false` if they are not banned.
    pub async fn unban_in_guild(
        &self,
        bot: &SecretText,
        guild: DiscordId,
        user: DiscordId,
        reason: &AuditReason,
    ) -> Result<bool, DiscordError> {
        let path = format!("guilds/{guild}/bans/{user}");
        // Discord's description demands a body.
        let body = json!({});
        let lifting = self.change_guild(Method::DELETE, &path, bot, reason, Some(&body));
        is_there(lifting.await)
    }

    /// Whether a user is banned.
    pub async fn is_banned_in_guild(
        &self,
        bot: &SecretText,
        guild: DiscordId,
        user: DiscordId,
    ) -> Result<bool, DiscordError> {
        let path = format!("guilds/{guild}/bans/{user}");
        is_there(self.get(&path, bot.after("Bot")).await.map(drop))
    }

    /// The reason of a user's ban, which may be empty; none if they are not banned.
    pub async fn ban_reason_in_guild(
        &self,
        bot: &SecretText,
        guild: DiscordId,
        user: DiscordId,
    ) -> Result<Option<String>, DiscordError> {
        let path = format!("guilds/{guild}/bans/{user}");
        let found = self.get(&path, bot.after("Bot")).await;
        let reason = found.as_ref().ok().and_then(|ban| ban["reason"].as_str());
        let reason = reason.unwrap_or_default().to_owned();
        Ok(is_there(found.map(drop))?.then_some(reason))
    }
}

fn is_there(answer: Result<(), DiscordError>) -> Result<bool, DiscordError> {
    match answer {
        Ok(()) => Ok(true),
        Err(DiscordError::Refused { status: 404, code }) if code == NO_BAN => Ok(false),
        Err(error) => Err(error),
    }
}
