//! The pages for administrators, and those that show them to moderators.

use lambda_http::{Body, Error, Request, Response};
use shared::api::{App, PageRequest, TimeLimit};
use shared::domain::error::ApiError;
use shared::store::Store;

use crate::console::{Console, NO_SUCH_PAGE, Visitor, explained};
use crate::pages::{experiences, message, settings, undo_period, unlink};
use crate::router::AdministrationRoute;
use crate::visit::Visit;

/// Answers requests until Lambda stops the function.
pub async fn serve() -> Result<(), Error> {
    let app = App::from_environment()?;
    let console = &Console::from_environment(&app)?;
    let answer = |request, store| answer(request, store, console);
    app.serve_pages("console-settings", time_limit, answer, message::failed)
        .await
}

fn time_limit(request: &Request) -> TimeLimit {
    let route = AdministrationRoute::of(request.method(), request.uri().path());
    route.map_or(TimeLimit::CALL, |route| route.time_limit())
}

async fn answer(
    request: PageRequest,
    store: Store,
    console: &Console,
) -> Result<Response<Body>, ApiError> {
    let route = AdministrationRoute::of(request.method(), request.path()).ok_or(NO_SUCH_PAGE)?;
    request.trace().note_page(route.pattern());
    match console.visitor(request, store).await? {
        Visitor::Member(visit) => explained(&visit, page(&visit, route).await),
        Visitor::Guest(page) => Ok(page),
    }
}

async fn page(visit: &Visit, route: AdministrationRoute) -> Result<Response<Body>, ApiError> {
    match route {
        AdministrationRoute::Experiences => experiences::show(visit).await,
        AdministrationRoute::LinkExperience => experiences::link(visit).await,
        AdministrationRoute::UnlinkForm(id) => unlink::show(visit, id).await,
        AdministrationRoute::Unlink(id) => unlink::submit(visit, id).await,
        AdministrationRoute::UndoForm => undo_period::show(visit).await,
        AdministrationRoute::UndoPreview => undo_period::preview(visit).await,
        AdministrationRoute::UndoRun => undo_period::submit(visit).await,
        AdministrationRoute::Settings(route) => settings::answer(visit, route).await,
    }
}
