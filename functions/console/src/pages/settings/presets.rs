//! The reasons that the workspace offers its moderators.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::members::{ReasonPreset, ReasonPresets};

use super::done::DoneLine;
use super::preset_form::TypedPreset;
use super::tabs::{SettingsTab, TabView};
use crate::frame::Frame;
use crate::headers;
use crate::look::Look;
use crate::visit::{self, Visit};

#[derive(Template)]
#[template(path = "settings/presets.html")]
struct PresetsPage {
    look: Look,
    frame: Frame,
    tabs: Vec<TabView>,
    done: Option<DoneLine>,
    presets: Vec<OfferedReason>,
    is_compulsory: bool,
    typed: TypedPreset,
}

/// A reason in the list.
struct OfferedReason {
    name: String,
    public_reason: String,
    private_reason: String,
    length: Option<String>,
    edit: String,
}

pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let presets = stored(visit).await?;
    let query = visit.query();
    let edited = presets.named(query.raw("edit"));
    let typed = edited.map(TypedPreset::stored).unwrap_or_default();
    let mut page = PresetsPage::new(visit, &presets, typed);
    page.done = match query.text("done") {
        "saved" => Some(DoneLine::new(
            "The reason is saved. Forms offer it within a minute.",
        )),
        "compulsory" if presets.compulsory => Some(DoneLine::new(
            "Moderators now have to choose one of these reasons for a new ban.",
        )),
        "compulsory" => Some(DoneLine::new("Moderators may use their own words.")),
        _ => None,
    };
    visit::show(StatusCode::OK, &page)
}

/// Adds a reason, or changes the one that the form names.
pub async fn save(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let (mut typed, preset) = TypedPreset::read(&form, visit.now());
    let Some(preset) = preset else {
        let page = PresetsPage::new(visit, &stored(visit).await?, typed);
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let was = typed.was.clone();
    let put = |presets: &mut ReasonPresets| put(presets, &was, &preset);
    let (store, prefix) = (&visit.store, visit.prefix());
    let after = store.change_reason_presets(prefix, put).await?;
    if after.named(&preset.name) != Some(&preset) {
        typed.name.error = Some(if after.presets.len() >= ReasonPresets::MOST {
            format!("A workspace has at most {} reasons.", ReasonPresets::MOST)
        } else {
            "Another reason has this name.".to_owned()
        });
        let page = PresetsPage::new(visit, &after, typed);
        return visit::show(StatusCode::CONFLICT, &page);
    }
    Ok(headers::see_other("/console/settings/presets?done=saved"))
}

pub async fn remove(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let name = form.raw("name");
    let removed = stored(visit).await?.named(name).cloned();
    let remove = |presets: &mut ReasonPresets| presets.presets.retain(|it| it.name != name);
    let (store, prefix) = (&visit.store, visit.prefix());
    let after = store.change_reason_presets(prefix, remove).await?;
    let mut page = PresetsPage::new(visit, &after, TypedPreset::default());
    page.done = Some(match removed {
        Some(preset) => DoneLine::new(format!("The reason {} is removed.", preset.name))
            .undone_by("/console/settings/presets", fields(preset)),
        None => DoneLine::new("This reason was removed before."),
    });
    visit::show(StatusCode::OK, &page)
}

/// Switches whether moderators have to choose a reason.
pub async fn require(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let is_compulsory = form.text("compulsory") == "on";
    let switch = |presets: &mut ReasonPresets| presets.compulsory = is_compulsory;
    let (store, prefix) = (&visit.store, visit.prefix());
    store.change_reason_presets(prefix, switch).await?;
    let page = "/console/settings/presets?done=compulsory";
    Ok(headers::see_other(page))
}

/// The stored reasons, also those of a minute ago.
async fn stored(visit: &Visit) -> Result<ReasonPresets, ApiError> {
    let (store, prefix) = (&visit.store, visit.prefix());
    store.stored_reason_presets(prefix).await
}

/// Changes the reason that was named so, in its place, or adds one. Changes nothing if another one has
/// the new name, or if there are too many.
fn put(presets: &mut ReasonPresets, was: &str, preset: &ReasonPreset) {
    let is_taken = preset.name != was && presets.named(&preset.name).is_some();
    if is_taken {
        return;
    }
    let count = presets.presets.len();
    match presets.presets.iter_mut().find(|known| known.name == was) {
        Some(known) => *known = preset.clone(),
        None if count < ReasonPresets::MOST => presets.presets.push(preset.clone()),
        None => {}
    }
}

/// The fields that add a reason again.
fn fields(preset: ReasonPreset) -> Vec<(&'static str, String)> {
    vec![
        ("name", preset.name),
        ("public_reason", preset.public_reason),
        ("private_reason", preset.private_reason),
        ("length", preset.length.unwrap_or_default()),
    ]
}

impl PresetsPage {
    fn new(visit: &Visit, presets: &ReasonPresets, typed: TypedPreset) -> Self {
        Self {
            look: visit.look,
            frame: visit.frame(),
            tabs: SettingsTab::Presets.tabs(),
            done: None,
            presets: presets.presets.iter().map(OfferedReason::new).collect(),
            is_compulsory: presets.compulsory,
            typed,
        }
    }
}

impl OfferedReason {
    fn new(preset: &ReasonPreset) -> Self {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair("edit", &preset.name).finish();
        Self {
            name: preset.name.clone(),
            public_reason: preset.public_reason.clone(),
            private_reason: preset.private_reason.clone(),
            length: preset.length.clone(),
            edit: format!("/console/settings/presets?{query}#form"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::HOSTILE;

    fn preset(name: &str, reason: &str) -> ReasonPreset {
        ReasonPreset {
            name: name.to_owned(),
            public_reason: reason.to_owned(),
            private_reason: String::new(),
            length: None,
        }
    }

    fn named(presets: &ReasonPresets) -> Vec<(&str, &str)> {
        let presets = presets.presets.iter();
        presets
            .map(|it| (it.name.as_str(), it.public_reason.as_str()))
            .collect()
    }

    #[test]
    fn reason_is_changed_in_its_place_and_names_stay_unique() {
        let mut presets = ReasonPresets::default();
        put(&mut presets, "", &preset("Spam", "1"));
        put(&mut presets, "", &preset("Cheats", "2"));
        put(&mut presets, "Spam", &preset("Flood", "3"));
        assert_eq!(named(&presets), [("Flood", "3"), ("Cheats", "2")]);
        put(&mut presets, "Flood", &preset("Cheats", "4"));
        put(&mut presets, "", &preset("Cheats", "5"));
        assert_eq!(named(&presets), [("Flood", "3"), ("Cheats", "2")]);
    }

    #[test]
    fn number_of_reasons_is_limited() {
        let mut presets = ReasonPresets::default();
        for number in 0..60 {
            put(&mut presets, "", &preset(&number.to_string(), "x"));
        }
        assert_eq!(presets.presets.len(), ReasonPresets::MOST);
    }

    #[test]
    fn hostile_reasons_are_escaped() {
        let hostile = preset(HOSTILE, HOSTILE);
        let done = DoneLine::new(HOSTILE).undone_by("/x", fields(hostile.clone()));
        let page = PresetsPage {
            look: Look::default(),
            frame: Frame::example(true),
            tabs: SettingsTab::Presets.tabs(),
            done: Some(done),
            presets: vec![OfferedReason::new(&hostile)],
            is_compulsory: true,
            typed: TypedPreset::stored(&hostile),
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
    }
}
