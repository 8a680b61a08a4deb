//! Lifts a ban, for a reason.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::idempotency::IdempotencyKey;
use shared::domain::ids::{Guid, UserId};
use shared::domain::rules::{Meaning, Scope, UnbanRequest};
use shared::moderation::{SeenBan, SeenOutcome, lift_seen};
use shared::store::{BanRecord, EvidenceBucket, Named, Shows, WriteContext};

use super::ban_form::{FormGround, new_key};
use super::player;
use crate::ban_view::{BanView, PlayerView};
use crate::form::TypedField;
use crate::frame::Frame;
use crate::headers;
use crate::look::Look;
use crate::visit::{self, Visit};

/// The longest reason in bytes, as in the API.
const LONGEST_REASON: usize = 1000;

const ENDED: ApiError =
    ApiError::NotFound("this ban is no longer in force: look at the player's history");

#[derive(Template)]
#[template(path = "lift.html")]
struct LiftPage {
    look: Look,
    frame: Frame,
    user: PlayerView,
    ban: BanView,
    key: String,
    reason: String,
    error: Option<String>,
    /// What happened since the form was opened.
    note: Option<String>,
    consequence: String,
}

/// Asks for the reason.
pub async fn show(visit: &Visit, guid: Guid) -> Result<Response<Body>, ApiError> {
    let moderator = visit.moderator()?;
    let user = match visit.query().parsed("user") {
        Some(user) => user,
        None => user_of(visit, guid).await?,
    };
    let ground = FormGround::read(visit, user).await?;
    let record = ground.in_force(guid).ok_or(ENDED)?;
    if record.ban.scope == Scope::Global {
        moderator.authority(visit.now()).demand_global()?;
    }
    let page = LiftPage::new(visit, &ground, record, new_key(), TypedField::default());
    visit::show(StatusCode::OK, &page)
}

/// Lifts it, unless another decision came first.
pub async fn submit(
    visit: &Visit,
    bucket: &EvidenceBucket,
    guid: Guid,
) -> Result<Response<Body>, ApiError> {
    let moderator = visit.moderator()?;
    let form = visit.form()?;
    let user = match form.parsed("user") {
        Some(user) => user,
        None => user_of(visit, guid).await?,
    };
    let decisions: u32 = form.parsed("seen").unwrap_or_default();
    let reason = form.required(
        "reason",
        LONGEST_REASON,
        "Say why. It stays in the history.",
    );
    let key = Some(form.text("key")).filter(|key| (1..=64).contains(&key.len()));
    let key = key.map_or_else(new_key, str::to_owned);
    let ground = FormGround::read(visit, user).await?;
    let Some(record) = ground.in_force(guid) else {
        return superseded(visit, bucket, user, guid, decisions, reason).await;
    };
    if !reason.is_fine() {
        let page = LiftPage::new(visit, &ground, record, key, reason);
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }

    let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
    let ban = &record.ban;
    let shows = Shows::Latest(ban.scope);
    let meaning = Meaning::of_parts(&["lift", &guid.to_string(), reason.value()]);
    let authority = moderator.authority(now);
    let context = WriteContext {
        user,
        prefix,
        link: store.link_unchanged(prefix, ban.made_in).await?,
        actor: moderator.actor(visit.request.id()),
        limits: authority.limits,
        idempotency: Some(Named {
            key: IdempotencyKey::of_form(&key, &meaning),
            shows,
        }),
        digest: None,
        dry_run: None,
    };
    let request = UnbanRequest {
        user,
        place: ban.made_in.into(),
        reason: Some(reason.value().to_owned()),
        moderator: Some(moderator.moderator()),
        applied: false,
        report_only: false,
        from_game: false,
    };
    let seen = SeenBan {
        guid,
        scope: ban.scope,
        decisions,
    };
    match lift_seen(store, &context, &request, seen, &authority).await? {
        SeenOutcome::Decided(committed) => {
            let answer = store.answer(&context, &committed, shows).await?;
            Ok(headers::see_other(&match answer {
                Some(it) => format!(
                    "/console/players/{user}?done={}-{}",
                    it.ban.guid, it.ban.decisions
                ),
                None => format!("/console/players/{user}"),
            }))
        }
        SeenOutcome::Unchanged | SeenOutcome::Superseded(_) => {
            superseded(visit, bucket, user, guid, decisions, reason).await
        }
    }
}

/// The form with what another moderator did, if the ban is still in force; else the player's page.
async fn superseded(
    visit: &Visit,
    bucket: &EvidenceBucket,
    user: UserId,
    guid: Guid,
    decisions: u32,
    reason: TypedField,
) -> Result<Response<Body>, ApiError> {
    let ground = FormGround::read(visit, user).await?;
    let newer = player::decision_after(visit, user, &ground.reader, guid, decisions).await?;
    let what = newer.map(|entry| {
        let by = entry.by.map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{}{by}", entry.what)
    });
    let Some(record) = ground.in_force(guid) else {
        let what = what.map(|what| format!(" {what}.")).unwrap_or_default();
        let why = format!("Nothing to lift: the ban has ended already.{what}");
        return player::refused(visit, bucket, user, &why).await;
    };
    let mut page = LiftPage::new(visit, &ground, record, new_key(), reason);
    let what = what.unwrap_or_else(|| "The ban has changed".to_owned());
    page.note = Some(format!(
        "Not lifted. Someone decided first: {what}. Lift the ban all the same?"
    ));
    visit::show(StatusCode::CONFLICT, &page)
}

async fn user_of(visit: &Visit, guid: Guid) -> Result<UserId, ApiError> {
    let found = visit.store.ban_of_guid(visit.prefix(), guid).await?;
    let record = found.ok_or(ApiError::NotFound(
        "this workspace has no ban with this number",
    ))?;
    Ok(record.ban.user)
}

impl LiftPage {
    fn new(
        visit: &Visit,
        ground: &FormGround,
        record: &BanRecord,
        key: String,
        reason: TypedField,
    ) -> Self {
        let reach = match record.ban.scope {
            Scope::Global => format!("everywhere ({})", ground.offer.reach()),
            Scope::Experience => format!("in experience {}", record.ban.made_in),
        };
        Self {
            look: visit.look,
            frame: visit.frame(),
            user: ground.player.clone(),
            ban: ground.reader.full(record, None),
            key,
            reason: reason.text,
            error: reason.error,
            note: None,
            consequence: format!(
                "The player can join again {reach} within about a minute, unless another ban is in force \
                 there. The ban stays in the history."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::{HOSTILE, ban, reader, record};

    #[test]
    fn hostile_text_is_escaped_and_the_reason_is_required() {
        let ban = reader(true).full(&record(ban(HOSTILE)), None);
        let page = LiftPage {
            look: Look::default(),
            frame: Frame::example(true),
            user: ban.user.clone(),
            ban,
            key: "key".to_owned(),
            reason: HOSTILE.to_owned(),
            error: Some("Say why.".to_owned()),
            note: Some(HOSTILE.to_owned()),
            consequence: String::new(),
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains(r#"aria-required="true""#) && html.contains("Say why."));
    }
}
