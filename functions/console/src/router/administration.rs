//! The paths of the function `console-settings`.

use lambda_http::http::Method;
use shared::api::TimeLimit;
use shared::domain::ids::{ExperienceId, PlaceId};

use super::{SettingsRoute, parts};

/// A page for administrators, or an action on one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdministrationRoute {
    Experiences,
    LinkExperience,
    UnlinkForm(ExperienceId),
    Unlink(ExperienceId),
    /// Of what someone decided in a period.
    UndoForm,
    UndoPreview,
    UndoRun,
    Settings(SettingsRoute),
}

impl AdministrationRoute {
    /// The page of a request; none if there is no such page.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let parts = parts(path)?;
        let get = *method == Method::GET;
        let post = *method == Method::POST;
        match *parts.as_slice() {
            ["experiences"] if get => Some(Self::Experiences),
            ["experiences"] if post => Some(Self::LinkExperience),
            ["experiences", id, "unlink"] if get => Some(Self::UnlinkForm(experience(id)?)),
            ["experiences", id, "unlink"] if post => Some(Self::Unlink(experience(id)?)),
            // The address of a run leads back to its form.
            ["undo"] | ["undo", "run"] if get => Some(Self::UndoForm),
            ["undo"] if post => Some(Self::UndoPreview),
            ["undo", "run"] if post => Some(Self::UndoRun),
            ["settings", ref rest @ ..] if get || post => {
                SettingsRoute::of(post, rest).map(Self::Settings)
            }
            _ => None,
        }
    }

    /// The page's name in the log, without what a person chose.
    pub const fn pattern(&self) -> &'static str {
        match self {
            Self::Experiences | Self::LinkExperience => "/console/experiences",
            Self::UnlinkForm(_) | Self::Unlink(_) => "/console/experiences/{id}/unlink",
            Self::UndoForm | Self::UndoPreview => "/console/undo",
            Self::UndoRun => "/console/undo/run",
            Self::Settings(route) => route.pattern(),
        }
    }

    /// The time within which the page answers: longer for one that changes much.
    pub const fn time_limit(&self) -> TimeLimit {
        match self {
            Self::UndoPreview
            | Self::UndoRun
            | Self::Unlink(_)
            | Self::Settings(SettingsRoute::ReplayWebhook(_)) => TimeLimit::BULK,
            _ => TimeLimit::CALL,
        }
    }
}

fn experience(id: &str) -> Option<ExperienceId> {
    let place: PlaceId = id.parse().ok()?;
    Some(ExperienceId::of_root(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_to_its_page() {
        let get = |path| AdministrationRoute::of(&Method::GET, path);
        let post = |path| AdministrationRoute::of(&Method::POST, path);
        let id = experience("870").unwrap();
        assert_eq!(
            get("/console/experiences"),
            Some(AdministrationRoute::Experiences)
        );
        assert_eq!(
            post("/console/experiences/870/unlink"),
            Some(AdministrationRoute::Unlink(id))
        );
        assert_eq!(get("/console/undo"), Some(AdministrationRoute::UndoForm));
        assert_eq!(
            get("/console/undo/run"),
            Some(AdministrationRoute::UndoForm)
        );
        assert_eq!(
            post("/console/undo"),
            Some(AdministrationRoute::UndoPreview)
        );
        assert_eq!(
            post("/console/undo/run"),
            Some(AdministrationRoute::UndoRun)
        );
        let settings = AdministrationRoute::Settings(SettingsRoute::Home);
        assert_eq!(get("/console/settings"), Some(settings));
    }

    #[test]
    fn other_paths_are_no_pages() {
        for path in [
            "/console",
            "/console/bans",
            "/console/experiences/x/unlink",
            "/settings",
        ] {
            assert_eq!(AdministrationRoute::of(&Method::GET, path), None, "{path}");
        }
    }
}
