//! Adds, shows and removes the evidence on a player's page.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use serde_json::{Value, json};
use shared::api::auth::{ModerateBans, Moderator};
use shared::domain::actor::Channel;
use shared::domain::error::ApiError;
use shared::domain::evidence::{
    ContentType, DeclaredFile, Evidence, EvidenceBody, EvidenceMetadata, EvidenceText, FileName,
    FileSize, NewEvidence, NewEvidenceBody, Sha256Digest,
};
use shared::domain::idempotency::IdempotencyKey;
use shared::domain::ids::{Guid, UserId};
use shared::domain::rules::Meaning;
use shared::store::{EvidenceActor, EvidenceBucket};

use super::ban_form::new_key;
use super::message;
use super::player::{self, TypedEvidence};
use crate::form::Submitted;
use crate::headers;
use crate::visit::Visit;

const NO_BAN: &str = "Choose the ban that this is about.";

/// Adds a text or a link to a ban.
pub async fn add(
    visit: &Visit,
    bucket: &EvidenceBucket,
    user: UserId,
) -> Result<Response<Body>, ApiError> {
    let moderator = visit.moderator()?;
    let form = visit.form()?;
    let mut typed = TypedEvidence::read(&form);
    let text = typed.text.value().to_owned();
    if typed.case.is_none() {
        typed.case_error = Some(NO_BAN);
    }
    let (Some(case), true) = (typed.case, typed.text.is_fine()) else {
        return player::with_evidence(visit, bucket, user, typed, StatusCode::UNPROCESSABLE_ENTITY)
            .await;
    };
    let text = EvidenceText::new(text);
    let text = text.map_err(|fault| ApiError::field("text", fault.to_string()))?;
    let new = piece(&moderator, user, case, NewEvidenceBody::Text(text.clone()));
    let parts = ["text", &case.to_string(), text.as_str()];
    match create(visit, &form, &new, &parts).await {
        Ok(_) => Ok(headers::see_other(&page_of(user, "added"))),
        Err(error) if error.status() < 500 => {
            typed.text.error = Some(message::text(&error));
            player::with_evidence(visit, bucket, user, typed, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error),
    }
}

/// Declares a file, and tells the script where to send it.
pub async fn declare(
    visit: &Visit,
    bucket: &EvidenceBucket,
    user: UserId,
) -> Result<Response<Body>, ApiError> {
    let moderator = visit.moderator()?;
    let form = visit.form()?;
    Ok(match upload(visit, bucket, &moderator, user, &form).await {
        Ok(upload) => headers::json(StatusCode::OK, &upload),
        Err(error) => refusal(&error),
    })
}

async fn upload(
    visit: &Visit,
    bucket: &EvidenceBucket,
    moderator: &Moderator<ModerateBans>,
    user: UserId,
    form: &Submitted,
) -> Result<Value, ApiError> {
    let case: Guid = form
        .parsed("case")
        .ok_or_else(|| ApiError::field("case", "is missing: choose a ban"))?;
    let file = declared(form)?;
    let parts = [
        "file",
        &case.to_string(),
        file.name.as_str(),
        file.content_type.name(),
        &file.size.bytes().to_string(),
        file.sha256.as_str(),
    ];
    let new = piece(moderator, user, case, NewEvidenceBody::File(file.clone()));
    let evidence = create(visit, form, &new, &parts).await?;
    let guid = evidence.guid.to_string();
    if !evidence.state.awaits_upload() {
        return Ok(json!({ "guid": guid }));
    }
    let upload = bucket.upload(visit.prefix(), evidence.guid, &file);
    let upload = upload.await?;
    let headers: serde_json::Map<_, _> = upload
        .headers()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    Ok(json!({ "guid": guid, "url": upload.url(), "headers": headers }))
}

/// The file that a form declares: 400 that names what is wrong.
fn declared(form: &Submitted) -> Result<DeclaredFile, ApiError> {
    let name = FileName::parse(form.raw("name"));
    let name = name.map_err(|fault| ApiError::field("name", fault.to_string()))?;
    let content_type = ContentType::parse(form.text("type")).ok_or_else(|| {
        let known = "is not accepted: pictures (PNG, JPEG, GIF, WebP), videos (MP4, WebM), texts, JSON and \
                     PDF are";
        ApiError::field("type", known)
    })?;
    let size = form.parsed("size").and_then(FileSize::new);
    let size = size.ok_or_else(|| ApiError::field("size", "must be 1 byte to 100 MiB"))?;
    let sha256 = Sha256Digest::parse(form.text("sha256"));
    let sha256 = sha256.ok_or_else(|| ApiError::field("sha256", "must be in base64"))?;
    Ok(DeclaredFile {
        name,
        content_type,
        size,
        sha256,
    })
}

/// Makes an uploaded file available, if it is what was declared.
pub async fn complete(
    visit: &Visit,
    bucket: &EvidenceBucket,
    guid: Guid,
) -> Result<Response<Body>, ApiError> {
    let moderator = visit.moderator()?;
    visit.form()?;
    let id = moderator.member().id.to_string();
    let (store, prefix) = (&visit.store, visit.prefix());
    let completed = store.complete_evidence(prefix, guid, by(&id), bucket).await;
    Ok(match completed {
        Ok(_) => headers::json(StatusCode::OK, &json!({ "state": "available" })),
        Err(error) => refusal(&error),
    })
}

fn refusal(error: &ApiError) -> Response<Body> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    headers::json(status, &json!({ "error": message::text(error) }))
}

/// Leads to a file by a link of a few minutes, or sends a text.
pub async fn content(
    visit: &Visit,
    bucket: &EvidenceBucket,
    guid: Guid,
) -> Result<Response<Body>, ApiError> {
    visit.moderator()?;
    let (store, prefix) = (&visit.store, visit.prefix());
    let evidence = store.evidence(prefix, guid).await?;
    match &evidence.body {
        EvidenceBody::File(file) if evidence.state.is_readable() => {
            let link = bucket.link(prefix, guid, file).await?;
            Ok(headers::see_other(&link))
        }
        EvidenceBody::File(_) => Err(ApiError::NotFound("this file cannot be read")),
        EvidenceBody::Text { .. } => {
            let text = store.evidence_text(prefix, guid).await?;
            let name = format!("evidence-{guid}.txt");
            Ok(headers::text_file(text.as_str().to_owned(), &name))
        }
    }
}

/// Removes a piece; for some minutes this can be undone.
pub async fn remove(
    visit: &Visit,
    bucket: &EvidenceBucket,
    guid: Guid,
) -> Result<Response<Body>, ApiError> {
    let moderator = visit.moderator()?;
    visit.form()?;
    let (store, prefix) = (&visit.store, visit.prefix());
    let user = store.kept_evidence(prefix, guid).await?.user;
    let id = moderator.member().id.to_string();
    store
        .set_aside_evidence(prefix, guid, by(&id), bucket)
        .await?;
    Ok(headers::see_other(&page_of(user, "removed")))
}

/// Undoes a removal.
pub async fn restore(visit: &Visit, guid: Guid) -> Result<Response<Body>, ApiError> {
    let moderator = visit.moderator()?;
    visit.form()?;
    let id = moderator.member().id.to_string();
    let (store, prefix) = (&visit.store, visit.prefix());
    let restored = store.restore_evidence(prefix, guid, by(&id)).await?;
    Ok(headers::see_other(&page_of(restored.user, "restored")))
}

fn by(member: &str) -> EvidenceActor<'_> {
    EvidenceActor {
        id: member,
        channel: Some(Channel::Console),
    }
}

fn piece(
    moderator: &Moderator<ModerateBans>,
    user: UserId,
    case: Guid,
    body: NewEvidenceBody,
) -> NewEvidence {
    NewEvidence {
        case,
        user,
        body,
        metadata: EvidenceMetadata::default(),
        key_id: moderator.member().id.to_string(),
        channel: Some(Channel::Console),
        moderator: Some(moderator.moderator()),
    }
}

/// Creates a piece once for each form and content.
async fn create(
    visit: &Visit,
    form: &Submitted,
    new: &NewEvidence,
    parts: &[&str],
) -> Result<Evidence, ApiError> {
    let key = Some(form.text("key")).filter(|key| (1..=64).contains(&key.len()));
    let key = key.map_or_else(new_key, str::to_owned);
    // One form may send several files.
    let name = Meaning::of_parts(&[&[key.as_str()], parts].concat());
    let key = IdempotencyKey::of_form(name.as_str(), &Meaning::of_parts(parts));
    let (store, prefix) = (&visit.store, visit.prefix());
    store.demand_ban(prefix, new.user, new.case).await?;
    store.create_evidence(prefix, new, Some(&key)).await
}

fn page_of(user: UserId, done: &str) -> String {
    format!("/console/players/{user}?evidence={done}#evidence")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Submitted {
        let fields = fields.iter();
        let fields = fields.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Submitted::new(fields.collect())
    }

    const CLIP: [(&str, &str); 4] = [
        ("name", "clip.mp4"),
        ("type", "video/mp4"),
        ("size", "104857600"),
        ("sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ];

    #[test]
    fn file_is_declared_with_size_type_and_hash() {
        let file = declared(&form(&CLIP)).unwrap();
        assert_eq!(file.content_type, ContentType::Mp4);
        assert_eq!(file.size.bytes(), FileSize::MAX);
    }

    #[test]
    fn wrong_declaration_names_the_field() {
        for (at, value) in [
            (0, "../clip.mp4"),
            (1, "image/svg+xml"),
            (2, "104857601"),
            (3, "47DEQ"),
        ] {
            let mut fields = CLIP;
            fields[at].1 = value;
            let error = declared(&form(&fields)).unwrap_err();
            assert_eq!(error.status(), 400, "{value}");
            assert!(
                message::text(&error)
                    .to_lowercase()
                    .starts_with(fields[at].0)
            );
        }
    }
}
