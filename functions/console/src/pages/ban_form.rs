//! The form that bans a player or edits a ban.

mod ground;
mod offer;
mod typed;

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::ids::{Guid, UserId};
use shared::domain::members::MemberPermission;
use shared::domain::rules::Scope;
use shared::store::BanRecord;

pub use self::ground::FormGround;
pub use self::offer::WorkspaceOffer;
pub use self::typed::{TypedBan, new_key};
use super::find::FindPage;
use super::message::PageLink;
use super::player::ChangeView;
use crate::ban_view::{PlayerView, StateView};
use crate::frame::Frame;
use crate::look::{Choice, Look};
use crate::names;
use crate::times::TimeTag;
use crate::visit::{self, Visit};

#[derive(Template)]
#[template(path = "ban_form.html")]
pub struct BanFormPage {
    look: Look,
    frame: Frame,
    title: &'static str,
    verb: &'static str,
    user: PlayerView,
    notes: Vec<NoteView>,
    edit: Option<EditView>,
    may_ban_globally: bool,
    /// `3 experiences`.
    reach: String,
    experiences: Vec<Choice>,
    lengths: Vec<Choice>,
    presets: Vec<PresetView>,
    presets_are_compulsory: bool,
    no_preset: bool,
    typed: TypedBan,
    consequence: &'static str,
    button: &'static str,
    busy: &'static str,
}

/// Something to know before deciding.
#[derive(Clone, Debug)]
pub struct NoteView {
    pub class: &'static str,
    /// For tests.
    pub id: &'static str,
    pub text: String,
    pub link: Option<PageLink>,
    pub changes: Vec<ChangeView>,
}

/// The ban that is edited, in the state that the form was made from.
struct EditView {
    guid: String,
    decisions: u32,
    scope: &'static str,
    experience: u64,
    shown_scope: String,
    state: StateView,
    until: Option<TimeTag>,
    moderator: String,
    made: TimeTag,
}

/// A reason that the workspace offers.
#[derive(Clone, Debug)]
pub struct PresetView {
    pub name: String,
    pub public_reason: String,
    pub private_reason: String,
    pub length: Option<String>,
    pub is_chosen: bool,
}

impl NoteView {
    pub fn new(class: &'static str, id: &'static str, text: String) -> Self {
        Self {
            class,
            id,
            text,
            link: None,
            changes: Vec::new(),
        }
    }
}

/// Shows the form: empty, for a ban to edit, or for one to make again.
pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.moderator()?;
    let query = visit.query();
    let typed = query.text("user");
    let user = match names::resolve(visit, typed).await {
        Ok(user) => user,
        Err(error) => return ask(visit, typed, (!typed.is_empty()).then_some(error)),
    };
    let ground = FormGround::read(visit, user).await?;
    if let Some(guid) = query.parsed::<Guid>("edit") {
        let edited = ground.in_force(guid).ok_or(ApiError::NotFound(
            "this ban is no longer in force: look at the player's history",
        ))?;
        let typed = TypedBan::to_edit(&edited.ban);
        let page = BanFormPage::new(visit, &ground, Some(edited), typed, Vec::new());
        return visit::show(StatusCode::OK, &page);
    }
    let again = match query.parsed::<Guid>("again") {
        Some(guid) => visit.store.ban_of_guid(visit.prefix(), guid).await?,
        None => None,
    };
    let again = again.filter(|record| record.ban.user == user);
    let typed = match again {
        Some(record) => TypedBan::again(&record.ban),
        None => TypedBan::empty(&ground.offer),
    };
    let notes = ground.notes();
    let page = BanFormPage::new(visit, &ground, None, typed, notes);
    visit::show(StatusCode::OK, &page)
}

/// Asks for the player first.
fn ask(visit: &Visit, typed: &str, error: Option<String>) -> Result<Response<Body>, ApiError> {
    let status = if error.is_some() {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    let page = FindPage {
        look: visit.look,
        frame: visit.frame(),
        title: "Ban a player",
        action: "/console/ban",
        name: "user",
        button: "Continue",
        typed: typed.to_owned(),
        error,
    };
    visit::show(status, &page)
}

impl BanFormPage {
    pub fn new(
        visit: &Visit,
        ground: &FormGround,
        edited: Option<&BanRecord>,
        typed: TypedBan,
        notes: Vec<NoteView>,
    ) -> Self {
        let edit = edited.map(|record| EditView::new(record, ground));
        let is_edit = edit.is_some();
        Self {
            look: visit.look,
            frame: visit.frame(),
            title: if is_edit {
                "Edit a ban"
            } else {
                "Ban a player"
            },
            verb: if is_edit { "Edit the ban of" } else { "Ban" },
            user: ground.player.clone(),
            notes,
            may_ban_globally: visit.may(MemberPermission::ManageGlobalBans),
            reach: ground.offer.reach(),
            experiences: ground.offer.experiences(typed.place),
            lengths: typed.lengths(is_edit),
            presets: ground.offer.reasons(&typed),
            presets_are_compulsory: ground.offer.presets.compulsory,
            no_preset: typed.preset.is_empty(),
            consequence: if is_edit {
                "Experiences apply the new terms within about a minute. You can undo this right after."
            } else {
                "Game servers kick the player and keep them out within about a minute. You can undo this \
                 right after."
            },
            button: if is_edit { "Save the ban" } else { "Ban" },
            busy: if is_edit { "Saving…" } else { "Banning…" },
            edit,
            typed,
        }
    }
}

impl EditView {
    fn new(record: &BanRecord, ground: &FormGround) -> Self {
        let view = ground.reader.full(record, None);
        Self {
            guid: view.guid,
            decisions: view.decisions,
            scope: typed::scope_name(record.ban.scope),
            experience: view.experience,
            shown_scope: match record.ban.scope {
                Scope::Global => "Global".to_owned(),
                Scope::Experience => format!("Experience {}", record.ban.made_in),
            },
            state: view.state,
            until: view.until,
            moderator: view.moderator,
            made: view.made,
        }
    }
}

/// The address of the form for a ban to edit.
pub fn edit_address(user: UserId, guid: Guid) -> String {
    format!("/console/ban?edit={guid}&user={user}")
}

#[cfg(test)]
pub fn offer_for_tests() -> WorkspaceOffer {
    ground::tests::ground().offer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::{HOSTILE, ban, record};
    use crate::form::TypedField;

    fn page(edited: bool) -> BanFormPage {
        let ground = ground::tests::ground();
        let record = record(ban(HOSTILE));
        let typed = TypedBan {
            public: TypedField {
                text: "</textarea><script>alert(1)</script>".to_owned(),
                error: Some("The text is too long.".to_owned()),
            },
            ..TypedBan::to_edit(&record.ban)
        };
        let note = NoteView::new("warn-note", "superseded", HOSTILE.to_owned());
        BanFormPage {
            look: Look::default(),
            frame: Frame::example(true),
            title: "Ban a player",
            verb: "Ban",
            user: ground.player.clone(),
            notes: vec![note],
            edit: edited.then(|| EditView::new(&record, &ground)),
            may_ban_globally: true,
            reach: ground.offer.reach(),
            experiences: ground.offer.experiences(None),
            lengths: typed.lengths(edited),
            presets: ground.offer.reasons(&typed),
            presets_are_compulsory: false,
            no_preset: true,
            typed,
            consequence: "",
            button: "Ban",
            busy: "Banning…",
        }
    }

    #[test]
    fn hostile_text_is_escaped_everywhere() {
        for edited in [true, false] {
            let html = page(edited).render().unwrap();
            for hostile in ["<img", "<script>alert", "\"'"] {
                assert!(!html.contains(hostile), "{hostile:?}");
            }
        }
    }

    #[test]
    fn error_stands_beside_its_field_and_the_text_stays() {
        let html = page(false).render().unwrap();
        assert!(html.contains(r#"id="public-error" role="alert""#));
        assert!(html.contains("The text is too long."));
        assert!(html.contains("&#60;/textarea&#62;"));
    }

    #[test]
    fn only_a_new_global_ban_asks_for_the_workspace() {
        assert!(
            page(false)
                .render()
                .unwrap()
                .contains(r#"name="workspace""#)
        );
        assert!(!page(true).render().unwrap().contains(r#"name="workspace""#));
    }
}
