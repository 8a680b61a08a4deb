//! Answers within Discord's time, or leaves the answer to a worker.

use std::time::Duration;

use shared::api::discord::{CommandDesk, DeskAnswer, SignedInteraction};
use shared::api::{ApiRequest, Reply};
use shared::domain::clock::UnixMillis;
use shared::domain::discord::{DiscordMessage, InteractionKind, InteractionReply};
use shared::domain::error::ApiError;
use shared::domain::members::DiscordId;
use shared::integrations::invoker::{DeferredInteraction, Job, WorkerInvoker};
use shared::store::Store;

/// The time for an answer without the worker. Discord waits 3 s, network included.
const OWN: Duration = Duration::from_millis(1_300);

/// The time to hand an interaction to the worker.
const HANDING_OVER: Duration = Duration::from_millis(600);

pub async fn handle(
    signed: SignedInteraction,
    request: ApiRequest,
    store: Store,
    application: DiscordId,
    invoker: &WorkerInvoker,
) -> Result<Reply, ApiError> {
    let interaction = signed.interaction();
    if interaction.kind == InteractionKind::Ping {
        return Reply::json(&InteractionReply::Pong.to_json());
    }
    if interaction.application != Some(application) {
        return Err(ApiError::Forbidden(
            "the interaction is of another application",
        ));
    }
    let desk = CommandDesk {
        store: &store,
        names: None,
        ranks: None,
        files: None,
        roles: None,
        interaction,
        moment: UnixMillis::now(),
        trace: Some(request.trace()),
    };
    let reply = match tokio::time::timeout(OWN, desk.answer()).await {
        Ok(Ok(DeskAnswer::Reply(reply))) => reply,
        Ok(Err(error)) if error.status() != 503 => return Err(error),
        Ok(Ok(DeskAnswer::Later) | Err(_)) | Err(_) if desk.opens_form() => {
            let text = "Portcullis is busy, and nothing was done: use the command again.";
            InteractionReply::Message(DiscordMessage::text(text))
        }
        // The worker repeats what may have been decided; it decides once.
        Ok(Ok(DeskAnswer::Later) | Err(_)) | Err(_) => {
            let body = String::from_utf8_lossy(request.raw_body()?).into_owned();
            let work = DeferredInteraction::new(body);
            // A key reaches no other function than the one that stores it.
            let job = if desk.contains_key() {
                Job::BindKey(work)
            } else {
                Job::Discord(work)
            };
            hand_over(interaction.kind, &job, &request, invoker).await
        }
    };
    Reply::json(&reply.to_json())
}

/// Leaves the answer to the worker, where Discord lets it follow.
async fn hand_over(
    kind: InteractionKind,
    job: &Job,
    request: &ApiRequest,
    invoker: &WorkerInvoker,
) -> InteractionReply {
    let later = match kind {
        InteractionKind::Autocomplete => return InteractionReply::Choices(Vec::new()),
        InteractionKind::Component => InteractionReply::DeferredUpdate,
        _ => InteractionReply::Deferred,
    };
    let sent = tokio::time::timeout(HANDING_OVER, invoker.invoke(job)).await;
    let failure = match sent {
        Ok(Ok(())) => return later,
        Ok(Err(error)) => error.detail().unwrap_or_default(),
        Err(_) => "the worker was not reached in time".to_owned(),
    };
    request.trace().note_discord(&failure);
    InteractionReply::Message(DiscordMessage::text(
        "Portcullis is busy: what you asked for may or may not have been done. Look with `/check`, then try \
         again.",
    ))
}
