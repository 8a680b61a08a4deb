//! What a function of the console has from its environment, and the way from a request to a visit.

use std::sync::Arc;

use lambda_http::http::Method;
use lambda_http::{Body, Error, Response};
use shared::api::{App, PageRequest};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::members::MemberPermission;
use shared::integrations::roblox::{GroupRanks, UsersApi};
use shared::moderation::basis::{BasisFailures, BasisServices, check_basis};
use shared::moderation::names::Names;
use shared::store::Store;
use shared::telemetry::RequestLog;

use crate::csrf;
use crate::discord::DiscordApplication;
use crate::look::{self, Look};
use crate::pages::message;
use crate::pages::sign_in::{self, SignInWays};
use crate::session;
use crate::visit::Visit;

pub const NO_SUCH_PAGE: ApiError = ApiError::NotFound("there is no such page in the console");

#[derive(Debug)]
pub struct Console {
    names: Arc<Names>,
    ranks: GroupRanks,
    pub discord: Option<DiscordApplication>,
}

/// Who sends a request.
pub enum Visitor {
    Member(Box<Visit>),
    /// With the page that asks them to sign in.
    Guest(Response<Body>),
}

impl Console {
    pub fn from_environment(app: &App) -> Result<Self, Error> {
        let ranks = GroupRanks::from_environment()?;
        Ok(Self {
            discord: DiscordApplication::from_environment(app, ranks.clone())?,
            names: Arc::new(Names::new(UsersApi::from_environment()?)),
            ranks,
        })
    }

    pub fn ways_to_sign_in(&self) -> SignInWays {
        SignInWays {
            discord: self.discord.is_some(),
        }
    }

    pub async fn visitor(&self, request: PageRequest, store: Store) -> Result<Visitor, ApiError> {
        let look = Look::of_cookie(request.cookie(look::COOKIE));
        let moment = UnixMillis::now();
        let now = moment.seconds();
        if *request.method() != Method::GET {
            csrf::demand_same_origin(&request)?;
        }
        let Some(mut signed_in) = session::member_of(&request, &store, now).await? else {
            let page = sign_in::demanded(look, self.ways_to_sign_in(), &request)?;
            return Ok(Visitor::Guest(page));
        };
        let services = BasisServices {
            bot: self.discord.as_ref().map(|discord| &discord.bot),
            ranks: &self.ranks,
        };
        let silent = check_basis(&store, services, &mut signed_in, now).await?;
        note(&silent, request.trace());
        // What is decided names them at Roblox.
        if *request.method() == Method::POST
            && signed_in.permissions.allows(MemberPermission::ManageBans)
        {
            let (prefix, member) = (signed_in.workspace.guid.prefix(), &signed_in.member);
            signed_in.linked = store.linked_user_of(prefix, member).await?;
        }
        Ok(Visitor::Member(Box::new(Visit {
            request,
            store,
            names: Arc::clone(&self.names),
            look,
            signed_in,
            moment,
        })))
    }
}

/// Records who did not answer.
pub fn note(failures: &BasisFailures, trace: &RequestLog) {
    if let Some(failure) = &failures.discord {
        trace.note_discord(&failure.to_string());
    }
    if let Some(failure) = &failures.roblox {
        trace.note_roblox(&failure.kind());
    }
}

/// The answer of a page; for a form of another session, what was typed.
pub fn explained(
    visit: &Visit,
    answer: Result<Response<Body>, ApiError>,
) -> Result<Response<Body>, ApiError> {
    match answer {
        Err(ApiError::Forbidden(csrf::OLD_FORM)) => message::other_session(visit),
        answer => answer,
    }
}
