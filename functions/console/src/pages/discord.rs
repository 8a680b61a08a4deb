//! Signing in with Discord: the way there, and back.

use askama::Template;
use lambda_http::http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use lambda_http::{Body, Response};
use shared::api::PageRequest;
use shared::domain::clock::UnixSeconds;
use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;
use shared::domain::members::MemberId;
use shared::integrations::discord::{DiscordError, DiscordUser};
use shared::integrations::secrets::SecretError;
use shared::store::Store;

use crate::console;
use crate::discord::{DiscordApplication, JoinedWorkspaces, SignInState, join, redirect_uri};
use crate::form::Submitted;
use crate::look::Look;
use crate::pages::message::{self, PageLink};
use crate::{discord, headers, session, visit};

#[derive(Template)]
#[template(path = "choose_workspace.html")]
struct ChooseWorkspacePage {
    look: Look,
    /// Names, each with an invitation of its own.
    workspaces: Vec<(String, String)>,
}

/// Why a person is not signed in, for a page.
struct NotSignedIn {
    status: StatusCode,
    title: &'static str,
    text: String,
    /// Seconds after which another attempt may succeed.
    retry_after: Option<u64>,
}

/// Leads to Discord.
pub fn start(
    request: &PageRequest,
    application: &DiscordApplication,
    now: UnixSeconds,
) -> Response<Body> {
    let state = SignInState::random(now);
    let url = application.authorize_url(&redirect_uri(request), &state);
    headers::with_cookie(headers::see_other(url.as_str()), &state.cookie())
}

/// Signs in whom Discord sends back.
pub async fn finish(
    look: Look,
    request: &PageRequest,
    store: &Store,
    application: &DiscordApplication,
    now: UnixSeconds,
) -> Result<Response<Body>, ApiError> {
    let query = Submitted::new(request.query());
    let kept = request.cookie(discord::STATE_COOKIE);
    if !SignInState::is_returned(query.raw("state"), kept, now) {
        return failed(look, request, NotSignedIn::of_stranger());
    }
    let answer = match identified(request, application, &query).await {
        Ok(user) => admit(look, request, store, application, &user, now).await,
        Err(reason) => failed(look, request, reason),
    };
    Ok(headers::with_cookie(answer?, &SignInState::end()))
}

/// Who has signed in at Discord.
async fn identified(
    request: &PageRequest,
    application: &DiscordApplication,
    query: &Submitted,
) -> Result<DiscordUser, NotSignedIn> {
    let code = query.raw("code");
    if !query.raw("error").is_empty() || code.is_empty() {
        return Err(NotSignedIn::of_refusal());
    }
    let found = application.identify(code, &redirect_uri(request)).await;
    found.map_err(|error| {
        request.trace().note_discord(&error.to_string());
        NotSignedIn::of_error(&error)
    })
}

/// Begins a session in the user's workspace, or lets them choose one.
async fn admit(
    look: Look,
    request: &PageRequest,
    store: &Store,
    application: &DiscordApplication,
    user: &DiscordUser,
    now: UnixSeconds,
) -> Result<Response<Body>, ApiError> {
    let joined = join(store, application, user, now).await?;
    console::note(&joined.failures, request.trace());
    match joined.memberships.as_slice() {
        [] => failed(look, request, NotSignedIn::of_no_member(&joined)),
        [(prefix, member)] => {
            let session = store.begin_session(*prefix, *member, now).await?;
            let bans = headers::see_other("/console/bans");
            Ok(headers::with_cookie(bans, &session::begin(&session)))
        }
        several => choose(look, store, several, now).await,
    }
}

/// A page to choose a workspace. Each button uses up an invitation of its own.
async fn choose(
    look: Look,
    store: &Store,
    memberships: &[(WorkspacePrefix, MemberId)],
    now: UnixSeconds,
) -> Result<Response<Body>, ApiError> {
    let mut workspaces = Vec::new();
    for (prefix, member) in memberships {
        if let Some(workspace) = store.known_workspace(*prefix).await? {
            let token = store.invite(*prefix, *member, now).await?;
            workspaces.push((workspace.name.clone(), token.reveal()));
        }
    }
    workspaces.sort();
    let page = ChooseWorkspacePage { look, workspaces };
    visit::show(StatusCode::OK, &page)
}

fn failed(
    look: Look,
    request: &PageRequest,
    reason: NotSignedIn,
) -> Result<Response<Body>, ApiError> {
    let back = PageLink {
        href: "/console/sign-in".to_owned(),
        title: "Back to sign in",
    };
    let NotSignedIn {
        status,
        title,
        text,
        retry_after,
    } = reason;
    let mut page = message::show(look, status, (title, text), back, request.id())?;
    if let Some(seconds) = retry_after {
        let seconds = HeaderValue::from(seconds);
        page.headers_mut().insert(RETRY_AFTER, seconds);
    }
    Ok(page)
}

impl NotSignedIn {
    fn new(status: StatusCode, title: &'static str, text: &str) -> Self {
        Self {
            status,
            title,
            text: text.to_owned(),
            retry_after: None,
        }
    }

    fn of_stranger() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "This sign-in has ended",
            "It began in another browser, took longer than ten minutes, or was used before. Start again.",
        )
    }

    fn of_refusal() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "You are not signed in",
            "Discord did not get your consent. The console only asks who you are: start again if you \
             want to sign in.",
        )
    }

    fn of_no_member(joined: &JoinedWorkspaces) -> Self {
        match &joined.failures.discord {
            _ if joined.was_removed => Self::new(
                StatusCode::FORBIDDEN,
                "You were removed",
                "An administrator has removed you from the workspace, and only they can add you again.",
            ),
            Some(error) => Self::of_error(error),
            None if joined.failures.roblox.is_some() => Self {
                retry_after: Some(10),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Roblox does not answer",
                    "Your rank in a group decides whether you have access. Try again in a moment.",
                )
            },
            None => Self::new(
                StatusCode::FORBIDDEN,
                "You have no access",
                "Your Discord account is not a member of a workspace here, and neither a role nor a rank gives \
                 access. Ask an administrator of your workspace for a role or an invitation.",
            ),
        }
    }

    fn of_error(error: &DiscordError) -> Self {
        const BY_OPERATOR: &str = "Discord does not accept the settings of this console. The operator \
            has to check them: the log has the cause under the number of this request. Links of \
            `portcullis member invite` still work.";
        const SOON: &str =
            "Try again in a moment. Links of `portcullis member invite` work without Discord.";
        let unavailable = |title, text: &str, seconds: u64| Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, title, text)
        };
        match error {
            DiscordError::InvalidCode => Self::of_stranger(),
            DiscordError::Secret(SecretError::Unavailable(_)) => {
                unavailable("Signing in with Discord does not work now", SOON, 10)
            }
            DiscordError::Secret(SecretError::Unusable(_))
            | DiscordError::Unauthorized
            | DiscordError::NoMember
            | DiscordError::InvalidForm(_)
            | DiscordError::Refused { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Signing in with Discord does not work",
                BY_OPERATOR,
            ),
            DiscordError::RateLimited { retry_after } => {
                let seconds = retry_after.map_or(10, |pause| pause.as_secs().saturating_add(1));
                let text = "It allows no more requests now. Try again soon.";
                unavailable("Discord does not answer", text, seconds)
            }
            DiscordError::Unavailable(_) => unavailable("Discord does not answer", SOON, 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_workspace_names_are_escaped() {
        let page = ChooseWorkspacePage {
            look: Look::default(),
            workspaces: vec![("<img onerror=x>".to_owned(), "token".to_owned())],
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains("action=\"/console/sign-in/token\""), "{html}");
    }

    #[test]
    fn secret_that_cannot_be_read_now_is_no_wrong_setting() {
        let temporary = DiscordError::Secret(SecretError::Unavailable(String::new()));
        assert!(NotSignedIn::of_error(&temporary).retry_after.is_some());
        let wrong = DiscordError::Secret(SecretError::Unusable(String::new()));
        assert_eq!(NotSignedIn::of_error(&wrong).retry_after, None);
    }

    #[test]
    fn trouble_of_the_service_is_never_an_internal_error() {
        let refused = DiscordError::Refused {
            status: 400,
            code: String::new(),
        };
        for error in [
            DiscordError::InvalidCode,
            DiscordError::Unauthorized,
            DiscordError::NoMember,
            refused,
            DiscordError::RateLimited { retry_after: None },
            DiscordError::Unavailable("secret detail".to_owned()),
        ] {
            let reason = NotSignedIn::of_error(&error);
            assert_ne!(reason.status.as_u16(), 500, "{error}");
            assert!(!reason.text.contains("secret detail"), "{error}");
        }
    }
}
