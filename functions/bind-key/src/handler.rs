//! Stores the key in a form, and edits what Discord shows.

use serde::Deserialize;
use shared::api::discord::{CommandDesk, KeyBinder, edit_answer};
use shared::api::invocation::Invocation;
use shared::domain::clock::UnixMillis;
use shared::domain::discord::{DiscordMessage, Interaction};
use shared::domain::error::ApiError;
use shared::integrations::discord::Discord;
use shared::integrations::invoker::DeferredInteraction;
use shared::integrations::roblox::GroupRanks;
use shared::telemetry::Run;

/// The payload of an invocation: the form as Discord has signed it.
#[derive(Debug, Deserialize)]
pub struct SentKey {
    interaction: DeferredInteraction,
}

/// Stores and answers. Lambda does not retry it, so that the key is kept nowhere on the way.
pub async fn handle(
    invocation: Invocation,
    sent: SentKey,
    binder: &KeyBinder,
    ranks: &GroupRanks,
    discord: &Discord,
) -> Result<(), ApiError> {
    let finished = finish(&invocation, &sent, binder, ranks, discord).await;
    invocation.end_run(&Run::default(), finished.as_ref().err());
    finished
}

async fn finish(
    invocation: &Invocation,
    sent: &SentKey,
    binder: &KeyBinder,
    ranks: &GroupRanks,
    discord: &Discord,
) -> Result<(), ApiError> {
    let interaction = Interaction::read(sent.interaction.body());
    let interaction = interaction
        .ok_or_else(|| ApiError::Internal("the payload is no interaction".to_owned()))?;
    let desk = CommandDesk {
        store: &invocation.store,
        names: None,
        ranks: Some(ranks),
        roles: None,
        files: None,
        interaction: &interaction,
        moment: UnixMillis::now(),
        trace: Some(invocation.trace()),
    };
    let (message, failure) = match desk.bind_key(binder).await {
        Ok(message) => (message, None),
        Err(error) => {
            let text = "Portcullis could not store the key, or could not record that it did: use \
                        `/bindapikey` again. If it fails again, the operator finds the reason in the log of \
                        `bind-key`.";
            (DiscordMessage::text(text), Some(error))
        }
    };
    let edited = edit_answer(discord, &interaction, &message, invocation).await;
    failure.map_or(edited, Err)
}
