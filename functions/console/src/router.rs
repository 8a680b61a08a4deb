//! Which page a path is.

mod administration;
mod settings;

pub use self::administration::AdministrationRoute;
pub use self::settings::SettingsRoute;

use lambda_http::http::Method;
use shared::api::TimeLimit;
use shared::domain::ids::{Guid, UserId};

/// A page of the function `console`, or an action on one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Guest(GuestRoute),
    Member(MemberRoute),
}

/// What everyone may open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestRoute {
    Home,
    Asset,
    SignInHelp,
    /// Whom an invitation is for.
    Invitation(String),
    SignIn(String),
    /// To Discord.
    Discord,
    /// Back from Discord.
    DiscordCallback,
}

/// What takes a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberRoute {
    SignOut,
    Preferences,
    Bans,
    Ban(Guid),
    FindPlayer,
    Player(UserId),
    BanForm,
    BanUser,
    LiftForm(Guid),
    Lift(Guid),
    /// Of this ban, the decision with this number.
    Undo(Guid, u32),
    Activity,
    ManyForm,
    ManyPreview,
    ManyRun,
    /// Of a run about many players.
    ManyUndo,
    /// A text about a ban of this player.
    AddEvidence(UserId),
    /// A file about one, before its upload.
    DeclareFile(UserId),
    CompleteFile(Guid),
    EvidenceContent(Guid),
    RemoveEvidence(Guid),
    RestoreEvidence(Guid),
}

/// The parts of a path after `/console`.
fn parts(path: &str) -> Option<Vec<&str>> {
    let mut parts = path.split('/');
    let is_ours = (parts.next(), parts.next()) == (Some(""), Some("console"));
    is_ours.then(|| parts.collect())
}

impl Route {
    /// The page of a request; none if there is no such page.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let parts = parts(path)?;
        let guest = GuestRoute::of(method, &parts).map(Self::Guest);
        guest.or_else(|| MemberRoute::of(method, &parts).map(Self::Member))
    }

    /// The page's name in the log, without what a person chose.
    pub const fn pattern(&self) -> &'static str {
        match self {
            Self::Guest(route) => route.pattern(),
            Self::Member(route) => route.pattern(),
        }
    }

    /// The time within which the page answers: longer for one that changes much.
    pub const fn time_limit(&self) -> TimeLimit {
        match self {
            Self::Member(
                MemberRoute::ManyPreview | MemberRoute::ManyRun | MemberRoute::ManyUndo,
            ) => TimeLimit::BULK,
            _ => TimeLimit::CALL,
        }
    }
}

impl GuestRoute {
    fn of(method: &Method, parts: &[&str]) -> Option<Self> {
        let get = *method == Method::GET;
        let post = *method == Method::POST;
        match *parts {
            [] | [""] if get => Some(Self::Home),
            ["assets", _] if get => Some(Self::Asset),
            ["sign-in"] if get => Some(Self::SignInHelp),
            ["sign-in", token] if get => Some(Self::Invitation(token.to_owned())),
            ["sign-in", token] if post => Some(Self::SignIn(token.to_owned())),
            ["discord"] if get => Some(Self::Discord),
            ["discord", "callback"] if get => Some(Self::DiscordCallback),
            _ => None,
        }
    }

    const fn pattern(&self) -> &'static str {
        match self {
            Self::Home => "/console",
            Self::Asset => "/console/assets/{name}",
            Self::SignInHelp => "/console/sign-in",
            Self::Invitation(_) | Self::SignIn(_) => "/console/sign-in/{token}",
            Self::Discord => "/console/discord",
            Self::DiscordCallback => "/console/discord/callback",
        }
    }
}

impl MemberRoute {
    fn of(method: &Method, parts: &[&str]) -> Option<Self> {
        let get = *method == Method::GET;
        let post = *method == Method::POST;
        match *parts {
            ["sign-out"] if post => Some(Self::SignOut),
            ["preferences"] if post => Some(Self::Preferences),
            ["bans"] if get => Some(Self::Bans),
            ["bans", guid] if get => Some(Self::Ban(guid.parse().ok()?)),
            ["bans", guid, "lift"] if get => Some(Self::LiftForm(guid.parse().ok()?)),
            ["bans", guid, "lift"] if post => Some(Self::Lift(guid.parse().ok()?)),
            ["players"] if get => Some(Self::FindPlayer),
            ["players", user] if get => Some(Self::Player(user.parse().ok()?)),
            ["ban"] if get => Some(Self::BanForm),
            ["ban"] if post => Some(Self::BanUser),
            ["activity"] if get => Some(Self::Activity),
            // The addresses of runs lead back to their forms.
            ["many"] | ["many", "run" | "undo"] if get => Some(Self::ManyForm),
            ["many"] if post => Some(Self::ManyPreview),
            ["many", "run"] if post => Some(Self::ManyRun),
            ["many", "undo"] if post => Some(Self::ManyUndo),
            ["players", user, "evidence"] if post => Some(Self::AddEvidence(user.parse().ok()?)),
            ["players", user, "evidence", "file"] if post => {
                Some(Self::DeclareFile(user.parse().ok()?))
            }
            ["evidence", guid, "complete"] if post => Some(Self::CompleteFile(guid.parse().ok()?)),
            ["evidence", guid, "content"] if get => Some(Self::EvidenceContent(guid.parse().ok()?)),
            ["evidence", guid, "remove"] if post => Some(Self::RemoveEvidence(guid.parse().ok()?)),
            ["evidence", guid, "restore"] if post => {
                Some(Self::RestoreEvidence(guid.parse().ok()?))
            }
            ["undo", decision] if post => {
                let (guid, number) = decision.split_once('-')?;
                Some(Self::Undo(guid.parse().ok()?, number.parse().ok()?))
            }
            _ => None,
        }
    }

    const fn pattern(&self) -> &'static str {
        match self {
            Self::SignOut => "/console/sign-out",
            Self::Preferences => "/console/preferences",
            Self::Bans => "/console/bans",
            Self::Ban(_) => "/console/bans/{guid}",
            Self::LiftForm(_) | Self::Lift(_) => "/console/bans/{guid}/lift",
            Self::FindPlayer => "/console/players",
            Self::Player(_) => "/console/players/{id}",
            Self::BanForm | Self::BanUser => "/console/ban",
            Self::Undo(..) => "/console/undo/{decision}",
            Self::Activity => "/console/activity",
            Self::ManyForm | Self::ManyPreview => "/console/many",
            Self::ManyRun => "/console/many/run",
            Self::ManyUndo => "/console/many/undo",
            Self::AddEvidence(_) => "/console/players/{id}/evidence",
            Self::DeclareFile(_) => "/console/players/{id}/evidence/file",
            Self::CompleteFile(_) => "/console/evidence/{guid}/complete",
            Self::EvidenceContent(_) => "/console/evidence/{guid}/content",
            Self::RemoveEvidence(_) => "/console/evidence/{guid}/remove",
            Self::RestoreEvidence(_) => "/console/evidence/{guid}/restore",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Option<Route> {
        Route::of(&Method::GET, path)
    }

    fn post(path: &str) -> Option<Route> {
        Route::of(&Method::POST, path)
    }

    #[test]
    fn every_path_leads_to_its_page() {
        let guid = Guid::from(633);
        let user = UserId::new(156).unwrap();
        for (path, route) in [
            ("/console", Route::Guest(GuestRoute::Home)),
            ("/console/", Route::Guest(GuestRoute::Home)),
            ("/console/assets/a.css", Route::Guest(GuestRoute::Asset)),
            ("/console/sign-in", Route::Guest(GuestRoute::SignInHelp)),
            (
                "/console/sign-in/abc",
                Route::Guest(GuestRoute::Invitation("abc".to_owned())),
            ),
            ("/console/discord", Route::Guest(GuestRoute::Discord)),
            (
                "/console/discord/callback",
                Route::Guest(GuestRoute::DiscordCallback),
            ),
            ("/console/bans", Route::Member(MemberRoute::Bans)),
            ("/console/bans/633", Route::Member(MemberRoute::Ban(guid))),
            (
                "/console/bans/633/lift",
                Route::Member(MemberRoute::LiftForm(guid)),
            ),
            ("/console/players", Route::Member(MemberRoute::FindPlayer)),
            (
                "/console/players/156",
                Route::Member(MemberRoute::Player(user)),
            ),
            ("/console/ban", Route::Member(MemberRoute::BanForm)),
            ("/console/activity", Route::Member(MemberRoute::Activity)),
            ("/console/many", Route::Member(MemberRoute::ManyForm)),
        ] {
            assert_eq!(get(path), Some(route), "{path}");
        }
        assert_eq!(
            post("/console/ban"),
            Some(Route::Member(MemberRoute::BanUser))
        );
        assert_eq!(
            post("/console/bans/633/lift"),
            Some(Route::Member(MemberRoute::Lift(guid)))
        );
        assert_eq!(
            post("/console/undo/633-2"),
            Some(Route::Member(MemberRoute::Undo(guid, 2)))
        );
        assert_eq!(
            post("/console/many"),
            Some(Route::Member(MemberRoute::ManyPreview))
        );
        assert_eq!(
            post("/console/many/run"),
            Some(Route::Member(MemberRoute::ManyRun))
        );
        assert_eq!(
            post("/console/many/undo"),
            Some(Route::Member(MemberRoute::ManyUndo))
        );
    }

    #[test]
    fn reading_changes_nothing() {
        for path in [
            "/console/sign-out",
            "/console/preferences",
            "/console/undo/633-2",
            "/console/players/156/evidence",
            "/console/evidence/633/remove",
            "/console/evidence/633/restore",
        ] {
            assert_eq!(get(path), None, "{path}");
        }
        assert_eq!(
            get("/console/many/run"),
            Some(Route::Member(MemberRoute::ManyForm))
        );
        assert_eq!(
            get("/console/many/undo"),
            Some(Route::Member(MemberRoute::ManyForm))
        );
    }

    #[test]
    fn other_paths_are_no_pages() {
        for path in [
            "",
            "/",
            "/consoles",
            "/console//bans",
            "/console/bans/x",
            "/console/players/0",
            "/console/players/156/x",
            "/console/bans/633/undo",
        ] {
            assert_eq!(get(path), None, "{path}");
        }
        for path in ["/console/undo/633", "/console/undo/x-1", "/console/bans"] {
            assert_eq!(post(path), None, "{path}");
        }
    }
}
