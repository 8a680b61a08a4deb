//! Revokes a key, after its name was typed.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::keys::KeyRecord;

use super::keys::{self, KeyView};
use crate::form::TypedField;
use crate::frame::Frame;
use crate::headers;
use crate::look::Look;
use crate::visit::{self, Visit};

#[derive(Template)]
#[template(path = "settings/revoke.html")]
struct RevokePage {
    look: Look,
    frame: Frame,
    key: KeyView,
    typed: TypedField,
}

pub async fn show(visit: &Visit, id: &str) -> Result<Response<Body>, ApiError> {
    let record = keys::find(visit, id).await?;
    page(visit, StatusCode::OK, &record, TypedField::default())
}

pub async fn submit(visit: &Visit, id: &str) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let record = keys::find(visit, id).await?;
    let mut typed = TypedField::filled(form.raw("name"));
    if typed.value() != record.name {
        typed.error = Some("Type the name of the key exactly.".to_owned());
        return page(visit, StatusCode::UNPROCESSABLE_ENTITY, &record, typed);
    }
    // A key that was revoked before stays revoked at that time.
    let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
    store.revoke_key(prefix, id, now).await?;
    let list = format!("/console/settings/keys?done=revoked&of={id}");
    Ok(headers::see_other(&list))
}

fn page(
    visit: &Visit,
    status: StatusCode,
    record: &KeyRecord,
    typed: TypedField,
) -> Result<Response<Body>, ApiError> {
    let page = RevokePage {
        look: visit.look,
        frame: visit.frame(),
        key: KeyView::new(record, visit.now()),
        typed,
    };
    visit::show(status, &page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW};

    #[test]
    fn hostile_name_is_escaped() {
        let page = RevokePage {
            look: Look::default(),
            frame: Frame::example(true),
            key: KeyView::new(&keys::tests::key(HOSTILE), NOW),
            typed: TypedField {
                text: HOSTILE.to_owned(),
                error: Some("Wrong".to_owned()),
            },
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
    }
}
