//! The answer to an interaction, by the interaction's own token: no other secret is needed.

use serde_json::Value;

use super::answer::DiscordError;
use super::client::Discord;
use crate::domain::discord::InteractionToken;

impl Discord {
    /// Replaces the answer that Discord shows.
    pub async fn edit_original(
        &self,
        token: &InteractionToken,
        message: &Value,
    ) -> Result<(), DiscordError> {
        let (application, token) = (self.application, token.reveal());
        if token.is_empty() {
            return Err(DiscordError::Unauthorized);
        }
        let path = format!("webhooks/{application}/{token}/messages/@original");
        self.patch(&path, message).await.map(drop)
    }
}
