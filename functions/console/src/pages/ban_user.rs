//! Bans a player, or gives a ban new terms.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::api::auth::{ModerateBans, Moderator};
use shared::domain::error::ApiError;
use shared::domain::idempotency::IdempotencyKey;
use shared::domain::ids::{Guid, UserId};
use shared::domain::members::MemberPermission;
use shared::domain::rules::BanRequest;
use shared::moderation::{self, Intent, SeenBan, SeenOutcome, change_seen};
use shared::store::{EvidenceBucket, LinkRights, Named, Shows, WriteContext};

use super::ban_form::{BanFormPage, FormGround, NoteView, TypedBan};
use super::player;
use crate::form::Submitted;
use crate::headers;
use crate::visit::{self, Visit};

/// The ban that a form edits, in the state that it was made from.
#[derive(Clone, Copy)]
struct Edited {
    guid: Guid,
    decisions: u32,
}

pub async fn submit(visit: &Visit, bucket: &EvidenceBucket) -> Result<Response<Body>, ApiError> {
    let moderator = visit.moderator()?;
    let form = visit.form()?;
    let user: UserId = form.parsed("user").ok_or(ApiError::NotFound(
        "the form names no player: start again at Ban a player",
    ))?;
    let ground = FormGround::read(visit, user).await?;
    let edited = edited(&form);
    let may_ban_globally = moderator.may(MemberPermission::ManageGlobalBans);
    let workspace = visit.signed_in.workspace.name.as_str();
    let is_edit = edited.is_some();
    let mut typed = TypedBan::of_form(&form, &ground.offer, workspace, is_edit, may_ban_globally);
    let present = edited.and_then(|edited| ground.in_force(edited.guid));
    let present = present.map(|record| record.ban.terms.expires);
    let length = if is_edit && present.is_none() {
        None
    } else {
        typed.judge_length(present, visit.now())
    };
    if let Some(edited) = edited.filter(|_| present.is_none()) {
        return superseded(visit, &ground, edited, typed).await;
    }
    let by = moderator.moderator();
    let Some(request) = typed.request(user, length, by, is_edit) else {
        let notes = if is_edit { Vec::new() } else { ground.notes() };
        let page = page(visit, &ground, edited, typed, notes);
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    decide(visit, bucket, &moderator, &ground, edited, typed, &request).await
}

fn edited(form: &Submitted) -> Option<Edited> {
    Some(Edited {
        guid: form.parsed("edit")?,
        decisions: form.parsed("seen")?,
    })
}

/// The form again, for the ban that it edits as far as that is still in force.
fn page(
    visit: &Visit,
    ground: &FormGround,
    edited: Option<Edited>,
    typed: TypedBan,
    notes: Vec<NoteView>,
) -> BanFormPage {
    let record = edited.and_then(|edited| ground.in_force(edited.guid));
    BanFormPage::new(visit, ground, record, typed, notes)
}

async fn decide(
    visit: &Visit,
    bucket: &EvidenceBucket,
    moderator: &Moderator<ModerateBans>,
    ground: &FormGround,
    edited: Option<Edited>,
    typed: TypedBan,
    request: &BanRequest,
) -> Result<Response<Body>, ApiError> {
    let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
    let shows = Shows::Latest(request.scope);
    let key = IdempotencyKey::of_form(&typed.key, &request.meaning());
    // A person chooses among linked experiences, so a ban from here links none.
    let rights = LinkRights {
        prefix,
        may_write: false,
    };
    let authority = moderator.authority(now);
    let context = WriteContext {
        user: ground.user,
        prefix,
        link: store.check_link(rights, request.place).await?,
        actor: moderator.actor(visit.request.id()),
        limits: authority.limits,
        idempotency: Some(Named { key, shows }),
        digest: None,
        dry_run: None,
    };
    let outcome = match edited {
        Some(edited) => {
            let seen = SeenBan {
                guid: edited.guid,
                scope: request.scope,
                decisions: edited.decisions,
            };
            change_seen(store, &context, request, seen, &authority).await
        }
        None => moderation::ban(store, &context, request, Intent::Ban, &authority, None)
            .await
            .map(|committed| SeenOutcome::Decided(Box::new(committed))),
    };
    match outcome {
        Ok(SeenOutcome::Decided(committed)) => {
            let answer = store.answer(&context, &committed, shows).await?;
            Ok(headers::see_other(&match answer {
                Some(it) => format!(
                    "/console/players/{}?done={}-{}",
                    ground.user, it.ban.guid, it.ban.decisions
                ),
                None => format!("/console/players/{}", ground.user),
            }))
        }
        Ok(SeenOutcome::Unchanged) => {
            player::refused(
                visit,
                bucket,
                ground.user,
                "The ban has exactly these terms already.",
            )
            .await
        }
        Ok(SeenOutcome::Superseded(_)) => match edited {
            Some(edited) => superseded(visit, ground, edited, typed).await,
            None => player::refused(visit, bucket, ground.user, "The ban has ended.").await,
        },
        Err(error) => refused(visit, ground.user, edited, typed, error).await,
    }
}

/// The form with what another moderator did, and all that was typed.
async fn superseded(
    visit: &Visit,
    ground: &FormGround,
    edited: Edited,
    typed: TypedBan,
) -> Result<Response<Body>, ApiError> {
    let newer = player::decision_after(
        visit,
        ground.user,
        &ground.reader,
        edited.guid,
        edited.decisions,
    );
    let newer = newer.await?;
    // In its present state.
    let ground = FormGround::read(visit, ground.user).await?;
    let is_in_force = ground.in_force(edited.guid).is_some();
    let then = if is_in_force {
        "Your text is still here: save it to replace that."
    } else {
        "The ban has ended. Your text is still here: send it to make a new ban."
    };
    let (text, changes) = match newer {
        Some(entry) => {
            let by = entry.by.map(|by| format!(" by {by}")).unwrap_or_default();
            let text = format!(
                "Not saved. Someone decided first: {}{by}. {then}",
                entry.what
            );
            (text, entry.changes)
        }
        None => (format!("Not saved. {then}"), Vec::new()),
    };
    let note = NoteView {
        changes,
        ..NoteView::new("warn-note", "superseded", text)
    };
    let page = page(
        visit,
        &ground,
        Some(edited),
        typed.with_new_key(),
        vec![note],
    );
    visit::show(StatusCode::CONFLICT, &page)
}

/// The form with the reason why nothing was decided.
async fn refused(
    visit: &Visit,
    user: UserId,
    edited: Option<Edited>,
    mut typed: TypedBan,
    error: ApiError,
) -> Result<Response<Body>, ApiError> {
    let ground = FormGround::read(visit, user).await?;
    let mut notes = ground.notes();
    match &error {
        ApiError::AlreadyBanned { .. } => {}
        ApiError::ProtectedUser if notes.iter().any(|note| note.id == "protected") => {}
        ApiError::RateLimited { what, retry_after } => {
            let minutes = retry_after.div_ceil(60);
            let text = format!("Not banned: {what}. Try again in {minutes} min.");
            notes.insert(0, NoteView::new("warn-note", "rate-limited", text));
        }
        ApiError::InvalidRequest(errors) if errors.iter().all(|it| it.field == "banLength") => {
            typed.length_error = Some("This end has passed. Choose a later one.".to_owned());
        }
        _ => return Err(error),
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::CONFLICT);
    let page = page(visit, &ground, edited, typed.with_new_key(), notes);
    visit::show(status, &page)
}
