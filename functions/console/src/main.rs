//! `/console`: the moderators' pages.

mod assets;
mod ban_view;
mod csrf;
mod discord;
mod form;
mod headers;
mod look;
mod names;
mod pages;
mod people;
mod router;
mod session;
mod times;
mod visit;

use std::sync::Arc;

use lambda_http::http::Method;
use lambda_http::{Body, Error, Request, Response};
use shared::api::{App, PageRequest, TimeLimit};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::integrations::roblox::UsersApi;
use shared::moderation::basis::check_basis;
use shared::moderation::names::Names;
use shared::store::{EvidenceBucket, Store};

use self::assets::Assets;
use self::discord::DiscordApplication;
use self::look::Look;
use self::pages::sign_in::SignInWays;
use self::pages::{
    activity, ban_form, ban_user, bans, evidence, experiences, find, lift, many, message, player,
    preferences, settings, sign_in, undo, undo_period, unlink,
};
use self::router::Route;
use self::visit::Visit;

const NO_SUCH_PAGE: ApiError = ApiError::NotFound("there is no such page in the console");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let application = DiscordApplication::from_environment(&app)?;
    let application = application.as_ref();
    let names = Arc::new(Names::new(UsersApi::from_environment()?));
    let bucket = EvidenceBucket::from_environment(app.config())?;
    let answer = |request, store| {
        let names = Arc::clone(&names);
        answer(request, store, names, application, bucket.clone())
    };
    app.serve_pages("console", time_limit, answer, message::failed)
        .await
}

fn time_limit(request: &Request) -> TimeLimit {
    let route = Route::of(request.method(), request.uri().path());
    route.map_or(TimeLimit::CALL, |route| route.time_limit())
}

/// The pages that everyone sees, and the way to the others.
async fn answer(
    request: PageRequest,
    store: Store,
    names: Arc<Names>,
    application: Option<&DiscordApplication>,
    bucket: EvidenceBucket,
) -> Result<Response<Body>, ApiError> {
    let route = Route::of(request.method(), request.path()).ok_or(NO_SUCH_PAGE)?;
    request.trace().note_page(route.pattern());
    let look = Look::of_cookie(request.cookie(look::COOKIE));
    let moment = UnixMillis::now();
    let ways = SignInWays {
        discord: application.is_some(),
    };
    match &route {
        Route::Home => return Ok(headers::see_other("/console/bans")),
        Route::Asset => return Assets::get().serve(request.path()).ok_or(NO_SUCH_PAGE),
        Route::SignInHelp => return sign_in::how(look, ways),
        Route::Invitation(token) => return sign_in::invitation(look, ways, &store, token).await,
        Route::SignIn(token) => {
            let now = moment.seconds();
            return sign_in::sign_in(look, ways, &request, &store, token, now).await;
        }
        Route::Discord => {
            let application = application.ok_or(NO_SUCH_PAGE)?;
            return Ok(pages::discord::start(
                &request,
                application,
                moment.seconds(),
            ));
        }
        Route::DiscordCallback => {
            let (application, now) = (application.ok_or(NO_SUCH_PAGE)?, moment.seconds());
            return pages::discord::finish(look, &request, &store, application, now).await;
        }
        _ => {}
    }
    if *request.method() != Method::GET {
        csrf::demand_same_origin(&request)?;
    }
    let Some(mut signed_in) = session::member_of(&request, &store, moment.seconds()).await? else {
        return sign_in::demanded(look, ways, &request);
    };
    if let Some(application) = application {
        let (bot, now) = (&application.bot, moment.seconds());
        let silent = check_basis(&store, bot, &mut signed_in, now).await?;
        if let Some(failure) = silent {
            request.trace().note_discord(&failure.to_string());
        }
    }
    let visit = Visit {
        request,
        store,
        names,
        bucket,
        look,
        signed_in,
        moment,
    };
    match page(&visit, route).await {
        Err(ApiError::Forbidden(csrf::OLD_FORM)) => pages::message::other_session(&visit),
        answer => answer,
    }
}

/// The pages of a signed-in member.
async fn page(visit: &Visit, route: Route) -> Result<Response<Body>, ApiError> {
    match route {
        Route::Bans => bans::show(visit).await,
        Route::Ban(guid) => find::ban(visit, guid).await,
        Route::FindPlayer => find::find(visit).await,
        Route::Player(user) => player::show(visit, user).await,
        Route::BanForm => ban_form::show(visit).await,
        Route::BanUser => ban_user::submit(visit).await,
        Route::LiftForm(guid) => lift::show(visit, guid).await,
        Route::Lift(guid) => lift::submit(visit, guid).await,
        Route::Undo(guid, number) => undo::undo(visit, guid, number).await,
        Route::Activity => activity::show(visit).await,
        Route::UndoForm => undo_period::show(visit).await,
        Route::UndoPreview => undo_period::preview(visit).await,
        Route::UndoRun => undo_period::submit(visit).await,
        Route::ManyForm => many::show(visit).await,
        Route::ManyPreview => many::preview(visit).await,
        Route::ManyRun => many::submit(visit).await,
        Route::ManyUndo => many::undo(visit).await,
        Route::Preferences => preferences::save(visit),
        Route::Experiences => experiences::show(visit).await,
        Route::LinkExperience => experiences::link(visit).await,
        Route::UnlinkForm(id) => unlink::show(visit, id).await,
        Route::Unlink(id) => unlink::submit(visit, id).await,
        Route::Settings(route) => settings::answer(visit, route).await,
        Route::AddEvidence(user) => evidence::add(visit, user).await,
        Route::DeclareFile(user) => evidence::declare(visit, user).await,
        Route::CompleteFile(guid) => evidence::complete(visit, guid).await,
        Route::EvidenceContent(guid) => evidence::content(visit, guid).await,
        Route::RemoveEvidence(guid) => evidence::remove(visit, guid).await,
        Route::RestoreEvidence(guid) => evidence::restore(visit, guid).await,
        Route::SignOut => sign_in::sign_out(visit).await,
        // Answered before.
        Route::Home
        | Route::Asset
        | Route::SignInHelp
        | Route::Invitation(_)
        | Route::SignIn(_)
        | Route::Discord
        | Route::DiscordCallback => Err(NO_SUCH_PAGE),
    }
}
