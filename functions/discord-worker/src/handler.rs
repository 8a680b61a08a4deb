//! Answers an interaction again, this time with Roblox and Discord, and edits what Discord shows.

use serde::Deserialize;
use shared::api::discord::{CommandDesk, DeskAnswer};
use shared::api::invocation::Invocation;
use shared::domain::clock::UnixMillis;
use shared::domain::discord::{DiscordMessage, Interaction, InteractionReply};
use shared::domain::error::ApiError;
use shared::integrations::discord::Discord;
use shared::integrations::invoker::DeferredInteraction;
use shared::moderation::names::Names;
use shared::moderation::role_sync::RoleTools;
use shared::telemetry::Run;

use crate::edit::edit;

/// The payload of an invocation: an interaction as Discord has signed it.
#[derive(Debug, Deserialize)]
pub struct DeferredWork {
    interaction: DeferredInteraction,
}

/// Decides and answers. Lambda retries one that fails, which decides nothing twice.
pub async fn handle(
    invocation: Invocation,
    work: DeferredWork,
    names: &Names,
    discord: &Discord,
    roles: &RoleTools,
) -> Result<(), ApiError> {
    let finished = finish(&invocation, &work, names, discord, roles).await;
    invocation.end_run(&Run::default(), finished.as_ref().err());
    finished
}

async fn finish(
    invocation: &Invocation,
    work: &DeferredWork,
    names: &Names,
    discord: &Discord,
    roles: &RoleTools,
) -> Result<(), ApiError> {
    let interaction = Interaction::read(work.interaction.body());
    let interaction = interaction
        .ok_or_else(|| ApiError::Internal("the payload is no interaction".to_owned()))?;
    let desk = CommandDesk {
        store: &invocation.store,
        names: Some(names),
        bot: Some(&roles.bot),
        roles: Some(roles),
        interaction: &interaction,
        moment: UnixMillis::now(),
        trace: Some(invocation.trace()),
    };
    let (message, failure) = match desk.answer().await {
        Ok(DeskAnswer::Reply(
            InteractionReply::Message(message) | InteractionReply::Update(message),
        )) => (message, None),
        Ok(_) => {
            let text = "Portcullis cannot answer this here: use the command again.";
            (DiscordMessage::text(text), None)
        }
        Err(error) => {
            let text = "Portcullis is busy, and tries again in a minute.";
            (DiscordMessage::text(text), Some(error))
        }
    };
    if !interaction.is_answerable(UnixMillis::now()) {
        let expired = "the interaction's token has expired";
        invocation.trace().note_discord(expired);
        return failure.map_or(Ok(()), Err);
    }
    let edited = edit(discord, &interaction.token, &message, invocation).await;
    failure.map_or(edited, Err)
}
