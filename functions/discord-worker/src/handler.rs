//! Answers an interaction again, this time with Roblox and Discord, and edits what Discord shows.

use serde::Deserialize;
use shared::api::discord::{CommandDesk, DeskAnswer, EvidenceCopier, edit_answer};
use shared::api::invocation::Invocation;
use shared::domain::clock::UnixMillis;
use shared::domain::discord::{DiscordMessage, Interaction, InteractionReply};
use shared::domain::error::ApiError;
use shared::integrations::invoker::DeferredInteraction;
use shared::moderation::names::Names;
use shared::moderation::role_sync::RoleTools;
use shared::telemetry::Run;

/// The payload of an invocation: an interaction as Discord has signed it.
#[derive(Debug, Deserialize)]
pub struct DeferredWork {
    interaction: DeferredInteraction,
}

/// What the worker asks.
#[derive(Clone, Copy, Debug)]
pub struct Services<'a> {
    pub names: &'a Names,
    pub roles: &'a RoleTools,
    pub copier: &'a EvidenceCopier,
}

/// Decides and answers. Lambda retries one that fails, which decides nothing twice.
pub async fn handle(
    invocation: Invocation,
    work: DeferredWork,
    services: Services<'_>,
) -> Result<(), ApiError> {
    let finished = finish(&invocation, &work, services).await;
    invocation.end_run(&Run::default(), finished.as_ref().err());
    finished
}

async fn finish(
    invocation: &Invocation,
    work: &DeferredWork,
    services: Services<'_>,
) -> Result<(), ApiError> {
    let interaction = Interaction::read(work.interaction.body());
    let interaction = interaction
        .ok_or_else(|| ApiError::Internal("the payload is no interaction".to_owned()))?;
    let desk = CommandDesk {
        store: &invocation.store,
        names: Some(services.names),
        ranks: Some(&services.roles.ranks),
        roles: Some(services.roles),
        files: Some(services.copier),
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
    let edited = edit_answer(
        services.roles.bot.discord(),
        &interaction,
        &message,
        invocation,
    )
    .await;
    failure.map_or(edited, Err)
}
