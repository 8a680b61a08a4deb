//! Edits the answer that Discord shows, with patience.

use std::time::{Duration, Instant};

use crate::api::invocation::Invocation;
use crate::domain::clock::UnixMillis;
use crate::domain::discord::{DiscordMessage, Interaction, InteractionToken};
use crate::domain::error::ApiError;
use crate::integrations::discord::{Discord, DiscordError};

/// The first pause. Right after an interaction was deferred, Discord may not know it yet.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How long an interaction that Discord does not know, or a failure, is retried.
const PATIENCE: Duration = Duration::from_secs(10);

/// Edits the answer of an interaction, while Discord accepts its token.
pub async fn edit_answer(
    discord: &Discord,
    interaction: &Interaction,
    message: &DiscordMessage,
    invocation: &Invocation,
) -> Result<(), ApiError> {
    if !interaction.is_answerable(UnixMillis::now()) {
        let expired = "the interaction's token has expired";
        invocation.trace().note_discord(expired);
        return Ok(());
    }
    edit(discord, &interaction.token, message, invocation).await
}

/// Retries failures that pass. 503 if they do not, and nothing if Discord does not accept the token.
async fn edit(
    discord: &Discord,
    token: &InteractionToken,
    message: &DiscordMessage,
    invocation: &Invocation,
) -> Result<(), ApiError> {
    let (body, begun) = (message.to_json(), Instant::now());
    let mut pause = FIRST_PAUSE;
    loop {
        let Err(error) = discord.edit_original(token, &body).await else {
            return Ok(());
        };
        let (is_passing, wait) = match &error {
            DiscordError::RateLimited { retry_after } => (true, retry_after.unwrap_or(pause)),
            DiscordError::Unavailable(_) | DiscordError::Refused { status: 404, .. } => {
                (begun.elapsed() + pause < PATIENCE, pause)
            }
            _ => (false, pause),
        };
        if is_passing && invocation.ends.allows(wait + Duration::from_secs(2)) {
            tokio::time::sleep(wait).await;
            pause = pause.saturating_mul(2);
            continue;
        }
        invocation.trace().note_discord(&error.to_string());
        if error.is_passing() {
            return Err(error.unavailable());
        }
        // Nobody can be answered any more; what was decided stands.
        return Ok(());
    }
}
