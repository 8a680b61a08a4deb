//! The pages for moderators, and the way in.

use lambda_http::{Body, Error, Request, Response};
use shared::api::{App, PageRequest, TimeLimit};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::store::{EvidenceBucket, Store};

use crate::assets::Assets;
use crate::console::{Console, NO_SUCH_PAGE, Visitor, explained};
use crate::headers;
use crate::look::{self, Look};
use crate::pages::{
    self, activity, ban_form, ban_user, bans, evidence, find, lift, many, message, player,
    preferences, sign_in, undo,
};
use crate::router::{GuestRoute, MemberRoute, Route};
use crate::visit::Visit;

/// Answers requests until Lambda stops the function.
pub async fn serve() -> Result<(), Error> {
    let app = App::from_environment()?;
    let console = &Console::from_environment(&app)?;
    let bucket = &EvidenceBucket::from_environment(app.config())?;
    let answer = |request, store| answer(request, store, console, bucket);
    app.serve_pages("console", time_limit, answer, message::failed)
        .await
}

fn time_limit(request: &Request) -> TimeLimit {
    let route = Route::of(request.method(), request.uri().path());
    route.map_or(TimeLimit::CALL, |route| route.time_limit())
}

async fn answer(
    request: PageRequest,
    store: Store,
    console: &Console,
    bucket: &EvidenceBucket,
) -> Result<Response<Body>, ApiError> {
    let route = Route::of(request.method(), request.path()).ok_or(NO_SUCH_PAGE)?;
    request.trace().note_page(route.pattern());
    match route {
        Route::Guest(route) => guest_page(&request, &store, console, route).await,
        Route::Member(route) => match console.visitor(request, store).await? {
            Visitor::Member(visit) => explained(&visit, member_page(&visit, bucket, route).await),
            Visitor::Guest(page) => Ok(page),
        },
    }
}

/// The pages that everyone sees.
async fn guest_page(
    request: &PageRequest,
    store: &Store,
    console: &Console,
    route: GuestRoute,
) -> Result<Response<Body>, ApiError> {
    let look = Look::of_cookie(request.cookie(look::COOKIE));
    let ways = console.ways_to_sign_in();
    let now = UnixMillis::now().seconds();
    match route {
        GuestRoute::Home => Ok(headers::see_other("/console/bans")),
        GuestRoute::Asset => Assets::get().serve(request.path()).ok_or(NO_SUCH_PAGE),
        GuestRoute::SignInHelp => sign_in::how(look, ways),
        GuestRoute::Invitation(token) => sign_in::invitation(look, ways, store, &token).await,
        GuestRoute::SignIn(token) => {
            sign_in::sign_in(look, ways, request, store, &token, now).await
        }
        GuestRoute::Discord => {
            let discord = console.discord.as_ref().ok_or(NO_SUCH_PAGE)?;
            Ok(pages::discord::start(request, discord, now))
        }
        GuestRoute::DiscordCallback => {
            let discord = console.discord.as_ref().ok_or(NO_SUCH_PAGE)?;
            pages::discord::finish(look, request, store, discord, now).await
        }
    }
}

async fn member_page(
    visit: &Visit,
    bucket: &EvidenceBucket,
    route: MemberRoute,
) -> Result<Response<Body>, ApiError> {
    match route {
        MemberRoute::Bans => bans::show(visit).await,
        MemberRoute::Ban(guid) => find::ban(visit, guid).await,
        MemberRoute::FindPlayer => find::find(visit).await,
        MemberRoute::Player(user) => player::show(visit, bucket, user).await,
        MemberRoute::BanForm => ban_form::show(visit).await,
        MemberRoute::BanUser => ban_user::submit(visit, bucket).await,
        MemberRoute::LiftForm(guid) => lift::show(visit, guid).await,
        MemberRoute::Lift(guid) => lift::submit(visit, bucket, guid).await,
        MemberRoute::Undo(guid, number) => undo::undo(visit, bucket, guid, number).await,
        MemberRoute::Activity => activity::show(visit).await,
        MemberRoute::ManyForm => many::show(visit).await,
        MemberRoute::ManyPreview => many::preview(visit).await,
        MemberRoute::ManyRun => many::submit(visit).await,
        MemberRoute::ManyUndo => many::undo(visit).await,
        MemberRoute::Preferences => preferences::save(visit),
        MemberRoute::AddEvidence(user) => evidence::add(visit, bucket, user).await,
        MemberRoute::DeclareFile(user) => evidence::declare(visit, bucket, user).await,
        MemberRoute::CompleteFile(guid) => evidence::complete(visit, bucket, guid).await,
        MemberRoute::EvidenceContent(guid) => evidence::content(visit, bucket, guid).await,
        MemberRoute::RemoveEvidence(guid) => evidence::remove(visit, bucket, guid).await,
        MemberRoute::RestoreEvidence(guid) => evidence::restore(visit, guid).await,
        MemberRoute::SignOut => sign_in::sign_out(visit).await,
    }
}
