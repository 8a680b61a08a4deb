//! The frame of every route: obtain the permission, run the handler within the time limit, answer,
//! and log one event.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use lambda_http::http::Response;
use lambda_http::{Body, Error, IntoResponse, Request, service_fn};

use super::methods;
use super::page_request::PageRequest;
use super::reply::{Reply, identify};
use super::request::ApiRequest;
use crate::api::auth::{Caller, Permission, UnverifiedKey};
use crate::domain::error::ApiError;
use crate::integrations::connection::{is_plain, sdk_config};
use crate::store::{Database, FirstRead, Meter, Store, Tables};
use crate::telemetry::{Environment, RequestLog};

/// The time within which a route answers, whatever the database does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeLimit(Duration);

impl TimeLimit {
    /// For a call of a game server: far below Roblox's limit of 10 s.
    pub const CALL: Self = Self(Duration::from_secs(5));
    /// For a notification from Roblox, which repeats one that took over 5 s: leaves room for the
    /// network and a cold start.
    pub const NOTIFICATION: Self = Self(Duration::from_secs(4));
    /// For a change of roles: several calls to Roblox, each up to 5 s.
    pub const GROUP_ROLE: Self = Self(Duration::from_secs(20));
    /// For a bulk call: several rounds of simultaneous users.
    pub const BULK: Self = Self(Duration::from_secs(20));
    /// For an export: below the gateway's 30 s.
    pub const EXPORT: Self = Self(Duration::from_secs(28));

    /// The limit of a route, by the name of its function.
    #[must_use]
    pub fn of(route: &str) -> Self {
        match route {
            // Of the console, only pages that decide about many users have that long.
            "bans-bulk" | "console" | "console-settings" | "unbans-bulk" => Self::BULK,
            "export-bans-csv" | "export-bans-json" => Self::EXPORT,
            "group-role" => Self::GROUP_ROLE,
            "roblox-webhook" => Self::NOTIFICATION,
            _ => Self::CALL,
        }
    }

    #[must_use]
    pub const fn time(self) -> Duration {
        self.0
    }
}

/// What a handler receives as proof of permission.
pub trait FromRequest: Sized + Send {
    /// Its first read, for which the function connects while it starts; none if many requests read nothing.
    const FIRST_READ: Option<FirstRead> = Some(FirstRead::Key);

    /// Obtains it for a request, or fails.
    fn from_request(
        request: &ApiRequest,
        store: &Store,
    ) -> impl Future<Output = Result<Self, ApiError>> + Send;
}

/// A verified caller, which almost all handlers require.
impl<P: Permission + Send> FromRequest for Caller<P> {
    async fn from_request(request: &ApiRequest, store: &Store) -> Result<Self, ApiError> {
        UnverifiedKey::of(request)?.verify(store).await
    }
}

/// A key to be verified later, for a handler that does so together with its own read.
impl FromRequest for UnverifiedKey {
    async fn from_request(request: &ApiRequest, _: &Store) -> Result<Self, ApiError> {
        Self::of(request)
    }
}

/// A function's connections, opened once per environment.
#[derive(Clone, Debug)]
pub struct App {
    config: SdkConfig,
    store: Store,
    begun: Instant,
}

impl App {
    /// Reads the environment and connects.
    pub fn from_environment() -> Result<Self, Error> {
        let begun = Instant::now();
        let tables = Tables::from_environment()?;
        let config = sdk_config()?;
        let store = Store::new(Database::new(&config, tables));
        Ok(Self {
            config,
            store,
            begun,
        })
    }

    /// The initialised environment.
    #[must_use]
    pub fn ready(&self) -> Environment {
        Environment::ready(self.begun)
    }

    /// The SDK's settings, for clients other than the store's.
    #[must_use]
    pub const fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The tables without a time limit: handlers get them with one.
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// Serves a route until the environment ends.
    pub async fn serve<A, F, Fut>(self, route: &'static str, handler: F) -> Result<(), Error>
    where
        A: FromRequest,
        F: Fn(A, ApiRequest, Store) -> Fut + Sync,
        Fut: Future<Output = Result<Reply, ApiError>> + Send,
    {
        let handler = &handler;
        let answer = |request, trace, store| async move {
            let request = ApiRequest::new(request, trace);
            let access = A::from_request(&request, &store).await?;
            handler(access, request, store).await
        };
        let finish = |answer: Result<Reply, ApiError>, trace: &RequestLog| {
            let (reply, error) = reply_of(answer);
            (reply.into_response(trace.request_id()), error)
        };
        let time_limit = |_: &Request| TimeLimit::of(route);
        self.answer_requests(route, A::FIRST_READ, time_limit, answer, finish)
            .await
    }

    /// Serves pages until the environment ends. `time_limit` is that of a request; `failed` makes the
    /// page for an error, and the request's id is its second argument.
    pub async fn serve_pages<L, F, Fut, E>(
        self,
        route: &'static str,
        time_limit: L,
        handler: F,
        failed: E,
    ) -> Result<(), Error>
    where
        L: Fn(&Request) -> TimeLimit + Sync,
        F: Fn(PageRequest, Store) -> Fut + Sync,
        Fut: Future<Output = Result<Response<Body>, ApiError>> + Send,
        E: Fn(&ApiError, &str) -> Response<Body> + Sync,
    {
        let (handler, failed) = (&handler, &failed);
        let answer = |request, trace, store| handler(PageRequest::new(request, trace), store);
        let finish = |answer: Result<Response<Body>, ApiError>, trace: &RequestLog| {
            let (mut page, error) = match answer {
                Ok(page) => (page, None),
                Err(error) => (failed(&error, trace.request_id()), Some(error)),
            };
            identify(&mut page, trace.request_id());
            (page, error)
        };
        self.answer_requests(route, Some(FirstRead::Session), time_limit, answer, finish)
            .await
    }

    /// Answers each request within the time limit, and logs one event.
    async fn answer_requests<T, L, F, Fut, E>(
        self,
        route: &'static str,
        first_read: Option<FirstRead>,
        time_limit: L,
        answer: F,
        finish: E,
    ) -> Result<(), Error>
    where
        T: Send,
        L: Fn(&Request) -> TimeLimit + Sync,
        F: Fn(Request, Arc<RequestLog>, Store) -> Fut + Sync,
        Fut: Future<Output = Result<T, ApiError>> + Send,
        E: Fn(Result<T, ApiError>, &RequestLog) -> (Response<Body>, Option<ApiError>) + Sync,
    {
        // Without TLS there is no handshake to save the first caller from.
        if let Some(read) = first_read.filter(|_| !is_plain()) {
            self.store.warm_up(read).await;
        }
        let (app, environment) = (&self, &self.ready());
        let (time_limit, answer, finish) = (&time_limit, &answer, &finish);
        lambda_http::run(service_fn(move |request: Request| async move {
            let trace = Arc::new(RequestLog::begin(route, &request, environment));
            let meter = Arc::new(Meter::default());
            let TimeLimit(time_limit) = time_limit(&request);
            let answer_by = Instant::now() + time_limit;
            let store = app
                .store
                .metered(Arc::clone(&meter))
                .answering_by(answer_by);
            let answering = answer(request, Arc::clone(&trace), store);
            let answer = match tokio::time::timeout_at(answer_by.into(), answering).await {
                Ok(answer) => answer,
                Err(_) => Err(ApiError::Unavailable(format!(
                    "no answer within {time_limit:?}"
                ))),
            };
            let (response, error) = finish(answer, &trace);
            let status = response.status().as_u16();
            trace.end(status, error.as_ref(), meter.consumed());
            Ok::<_, Error>(TextResponse(response))
        }))
        .await
    }
}

/// Serves the gateway's default route: unknown paths and unsupported methods.
pub async fn serve_unknown_routes(route: &'static str) -> Result<(), Error> {
    let environment = &Environment::ready(Instant::now());
    lambda_http::run(service_fn(move |request: Request| async move {
        let trace = RequestLog::begin(route, &request, environment);
        let answer = Err(match methods::allowed(request.uri().path()) {
            Some(allow) => ApiError::MethodNotAllowed { allow },
            None => {
                ApiError::NotFound("no such route: see openapi.yaml for the routes under /api/v1/")
            }
        });
        let (reply, error) = reply_of(answer);
        let consumed = Meter::default().consumed();
        trace.end(reply.status().as_u16(), error.as_ref(), consumed);
        Ok::<_, Error>(TextResponse(reply.into_response(trace.request_id())))
    }))
    .await
}

fn reply_of(answer: Result<Reply, ApiError>) -> (Reply, Option<ApiError>) {
    match answer {
        Ok(reply) => (reply, None),
        Err(error) => (Reply::from(&error), Some(error)),
    }
}

/// A response that goes out unchanged, since every body here is text. To convert others, `lambda_http` has
/// the tables of all encodings of the web, a twentieth of a function.
struct TextResponse(Response<Body>);

impl IntoResponse for TextResponse {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}
