//! Bans or lifts many players at once: pasted, previewed, confirmed by their number, and decided about in
//! batches.

mod deciding;
mod entries;
mod order;
mod preview;
mod run;
mod undo;

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;

use self::order::{ManyAction, TypedMany, may_globally};
pub use self::preview::preview;
pub use self::run::submit;
pub use self::undo::undo;
use super::ban_form::{PresetView, TypedBan, WorkspaceOffer};
use crate::form::TypedField;
use crate::frame::Frame;
use crate::look::{Choice, Look};
use crate::visit::{self, Visit};

#[derive(Template)]
#[template(path = "many_form.html")]
struct ManyFormPage {
    look: Look,
    frame: Frame,
    action: &'static str,
    users: TypedField,
    reason: TypedField,
    may_ban_globally: bool,
    reach: String,
    experiences: Vec<Choice>,
    lengths: Vec<Choice>,
    presets: Vec<PresetView>,
    presets_are_compulsory: bool,
    no_preset: bool,
    typed: TypedBan,
}

/// The form, for bans or for lifting them.
pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.moderator()?;
    let offer = WorkspaceOffer::read(visit).await?;
    let action = ManyAction::named(visit.query().text("action"));
    ask(
        visit,
        &offer,
        TypedMany::empty(action, &offer),
        StatusCode::OK,
    )
}

fn ask(
    visit: &Visit,
    offer: &WorkspaceOffer,
    typed: TypedMany,
    status: StatusCode,
) -> Result<Response<Body>, ApiError> {
    let (look, frame) = (visit.look, visit.frame());
    let page = ManyFormPage::new(look, frame, offer, typed, may_globally(visit));
    visit::show(status, &page)
}

impl ManyFormPage {
    fn is_lift(&self) -> bool {
        self.action == ManyAction::Lift.as_str()
    }

    fn new(
        look: Look,
        frame: Frame,
        offer: &WorkspaceOffer,
        typed: TypedMany,
        may_ban_globally: bool,
    ) -> Self {
        let TypedMany {
            action,
            users,
            ban,
            reason,
        } = typed;
        Self {
            look,
            frame,
            action: action.as_str(),
            users,
            reason,
            may_ban_globally,
            reach: offer.reach(),
            experiences: offer.experiences(ban.place),
            lengths: ban.lengths(false),
            presets: offer.reasons(&ban),
            presets_are_compulsory: offer.presets.compulsory,
            no_preset: ban.preset.is_empty(),
            typed: ban,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::order::tests::{BAN, typed};
    use super::*;
    use crate::ban_view::tests::HOSTILE;
    use crate::pages::ban_form::offer_for_tests;

    #[test]
    fn hostile_text_is_escaped_and_stays_in_the_form() {
        for action in ["ban", "lift"] {
            let fields = [
                ("action", action),
                ("users", HOSTILE),
                ("public_reason", HOSTILE),
                ("reason", HOSTILE),
            ];
            let frame = Frame::example(true);
            let page = ManyFormPage::new(
                Look::default(),
                frame,
                &offer_for_tests(),
                typed(&fields),
                true,
            );
            let html = page.render().unwrap();
            for hostile in ["<img", "<script>alert", "\"'"] {
                assert!(!html.contains(hostile), "{hostile:?}");
            }
            assert!(html.contains(">\n&#60;img src=x onerror"), "{html}");
        }
    }

    #[test]
    fn form_for_lifting_asks_for_no_length() {
        let html = |fields: &[(&str, &str)]| {
            let frame = Frame::example(true);
            let page = ManyFormPage::new(
                Look::default(),
                frame,
                &offer_for_tests(),
                typed(fields),
                true,
            );
            page.render().unwrap()
        };
        let (ban, lift) = (html(&BAN), html(&[("action", "lift")]));
        assert!(ban.contains("name=\"length\"") && !ban.contains("name=\"reason\""));
        assert!(lift.contains("name=\"reason\"") && !lift.contains("name=\"length\""));
    }
}
