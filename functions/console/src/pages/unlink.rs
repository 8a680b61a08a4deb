//! Unlinks an experience, after its place id was typed.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::ids::ExperienceId;
use shared::store::admin::LinkedExperience;
use shared::store::{Linking, Pending};

use super::experiences::{COUNTED, counted, place};
use super::message::sentence;
use crate::form::TypedField;
use crate::frame::Frame;
use crate::headers;
use crate::look::Look;
use crate::visit::{self, Visit};

/// How many times some of what is pending is dropped in one request.
const STEPS: u32 = 30;

const NOT_LINKED: ApiError = ApiError::NotFound("this experience is not linked to the workspace");

#[derive(Template)]
#[template(path = "unlink.html")]
struct UnlinkPage {
    look: Look,
    frame: Frame,
    id: u64,
    pending_bans: String,
    pending_unbans: String,
    /// Why it cannot be unlinked yet.
    obstacle: Option<String>,
    links_itself: bool,
    typed: TypedField,
    /// Whether it is unlinked, and more of what was pending remains.
    continues: bool,
}

pub async fn show(visit: &Visit, experience: ExperienceId) -> Result<Response<Body>, ApiError> {
    visit.administrator()?;
    let page = UnlinkPage::read(visit, experience).await?;
    visit::show(StatusCode::OK, &page)
}

pub async fn submit(visit: &Visit, experience: ExperienceId) -> Result<Response<Body>, ApiError> {
    visit.administrator()?;
    let form = visit.form()?;
    let mut page = UnlinkPage::read(visit, experience).await?;
    if page.obstacle.is_some() {
        return visit::show(StatusCode::CONFLICT, &page);
    }
    page.typed = TypedField::filled(form.raw("place"));
    if place(form.text("place")) != Some(experience) {
        page.typed.error = Some("Type the place id exactly.".to_owned());
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let (store, prefix) = (&visit.store, visit.prefix());
    store.unlink_experience(prefix, experience).await?;
    if !store.drop_all_pending(prefix, experience, STEPS).await? {
        let mut page = UnlinkPage::read(visit, experience).await?;
        page.continues = true;
        page.typed = TypedField::filled(&experience.to_string());
        return visit::show(StatusCode::OK, &page);
    }
    let list = format!("/console/experiences?done=unlinked&of={experience}");
    Ok(headers::see_other(&list))
}

impl UnlinkPage {
    async fn read(visit: &Visit, experience: ExperienceId) -> Result<Self, ApiError> {
        let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
        let count = |pending| store.count_some_pending(pending, prefix, experience, now, COUNTED);
        let (links, bans, unbans) = tokio::try_join!(
            store.links(prefix),
            count(Pending::Bans),
            count(Pending::Unbans),
        )?;
        let link = LinkedExperience::unlinkable(&links, experience);
        if link == Ok(None) && bans.0 == 0 && unbans.0 == 0 {
            return Err(NOT_LINKED);
        }
        let obstacle = link.err().map(|joined| {
            let part = joined.part();
            let why = sentence(&joined.to_string());
            format!("{why} The operator lets it leave first: portcullis experience leave {part}")
        });
        Ok(Self {
            look: visit.look,
            frame: visit.frame(),
            id: experience.get(),
            pending_bans: counted(bans),
            pending_unbans: counted(unbans),
            obstacle,
            links_itself: visit.signed_in.workspace.linking == Linking::Automatic,
            typed: TypedField::default(),
            continues: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::HOSTILE;

    fn page(obstacle: Option<&str>, continues: bool) -> String {
        let page = UnlinkPage {
            look: Look::default(),
            frame: Frame::example(true),
            id: 7,
            pending_bans: "1000 or more".to_owned(),
            pending_unbans: "0".to_owned(),
            obstacle: obstacle.map(str::to_owned),
            links_itself: true,
            typed: TypedField {
                text: HOSTILE.to_owned(),
                error: Some(HOSTILE.to_owned()),
            },
            continues,
        };
        page.render().unwrap()
    }

    #[test]
    fn consequence_stands_before_the_button() {
        let html = page(None, false);
        assert!(!html.contains("<img"), "{html}");
        let [consequence, button] =
            ["1000 or more", "data-testid=\"unlink\""].map(|it| html.find(it).unwrap());
        assert!(consequence < button, "{html}");
    }

    #[test]
    fn joined_place_has_no_button() {
        assert!(!page(Some(HOSTILE), false).contains("data-testid=\"unlink\""));
        assert!(page(None, true).contains("Continue"));
    }
}
