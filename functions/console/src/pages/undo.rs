//! Undo: reverses what the moderator just decided, by another decision.

use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::history::PastDecision;
use shared::domain::idempotency::IdempotencyKey;
use shared::domain::ids::{Guid, UserId};
use shared::domain::rules::Meaning;
use shared::moderation::{self, OwnDecision, SeenOutcome, UNDO_REASON, undo_own};
use shared::store::{EvidenceBucket, Named, Shows, Store, WriteContext};

use super::player;
use crate::headers;
use crate::visit::Visit;

pub async fn undo(
    visit: &Visit,
    bucket: &EvidenceBucket,
    guid: Guid,
    number: u32,
) -> Result<Response<Body>, ApiError> {
    visit.moderator()?;
    let form = visit.form()?;
    let user: UserId = form.parsed("user").ok_or(ApiError::NotFound(
        "the form names no player: go back to the player's page",
    ))?;
    let decision = own_decision(visit, user, &format!("{guid}-{number}")).await?;
    let (context, outcome) = reverse(visit, &visit.store, &decision).await?;
    match outcome {
        SeenOutcome::Decided(committed) => {
            let answer = visit
                .store
                .answer(&context, &committed, Shows::Latest(decision.ban.scope))
                .await?;
            let done = answer.map(|it| format!("{}-{}", it.ban.guid, it.ban.decisions));
            let done = done.unwrap_or_default();
            let page = format!("/console/players/{user}?done={done}&undo=1");
            Ok(headers::see_other(&page))
        }
        SeenOutcome::Unchanged => {
            let text = "There is nothing to undo: the ban has ended by itself.";
            player::refused(visit, bucket, user, text).await
        }
        SeenOutcome::Superseded(_) => {
            let text = "Not undone: the ban was changed since, as the history below shows. Lift or edit \
                it instead.";
            player::refused(visit, bucket, user, text).await
        }
    }
}

/// A decision that the member made in this session or in another one of today.
pub async fn own_decision(visit: &Visit, user: UserId, id: &str) -> Result<PastDecision, ApiError> {
    let (store, prefix) = (&visit.store, visit.prefix());
    let member = visit.signed_in.member.id;
    let found = moderation::own_decision(store, prefix, user, id, member, visit.now());
    match found.await? {
        OwnDecision::Theirs(decision) => Ok(*decision),
        OwnDecision::Unknown => Err(ApiError::NotFound(
            "this decision is not among the player's newest ones, so it cannot be undone here",
        )),
        OwnDecision::OfAnother => Err(ApiError::Forbidden(
            "someone else made this decision: lift or edit the ban instead",
        )),
        OwnDecision::TooOld => Err(ApiError::Forbidden(
            "this decision is too old to be undone with one click: lift or edit the ban instead",
        )),
    }
}

/// Reverses a decision of the member, once, however often it is sent.
pub async fn reverse(
    visit: &Visit,
    store: &Store,
    decision: &PastDecision,
) -> Result<(WriteContext, SeenOutcome), ApiError> {
    let moderator = visit.moderator()?;
    let (prefix, ban) = (visit.prefix(), &decision.ban);
    let meaning = Meaning::of_parts(&["undo", &decision.id()]);
    let key = IdempotencyKey::of_form(&format!("undo-{}", decision.id()), &meaning);
    let shows = Shows::Latest(ban.scope);
    let authority = moderator.authority(visit.now());
    let context = WriteContext {
        user: ban.user,
        prefix,
        link: store.link_unchanged(prefix, ban.made_in).await?,
        actor: moderator.actor(visit.request.id()),
        limits: authority.limits,
        idempotency: Some(Named { key, shows }),
        digest: None,
        dry_run: None,
    };
    let outcome = undo_own(store, &context, decision, UNDO_REASON, &authority).await?;
    Ok((context, outcome))
}
