//! Signing in with an invitation, and signing out.
//!
//! Chats fetch the links that people send, so opening an invitation only shows whom it is for; its button
//! uses it up.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::api::PageRequest;
use shared::domain::clock::UnixSeconds;
use shared::domain::error::ApiError;
use shared::domain::members::InvitationToken;
use shared::store::Store;

use super::kept::{self, TypedText};
use crate::look::Look;
use crate::visit::{self, Visit};
use crate::{csrf, headers, session};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    look: Look,
    workspace: String,
    member: String,
    token: String,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage {
    look: Look,
    title: &'static str,
    text: &'static str,
    ways: SignInWays,
    typed: Vec<TypedText>,
}

/// How a person can sign in besides with a link.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignInWays {
    pub discord: bool,
}

const USED_UP: (&str, &str) = (
    "This link has ended",
    "Links work once, for 15 minutes. Ask for another one.",
);

/// Shows whom an invitation is for.
pub async fn invitation(
    look: Look,
    ways: SignInWays,
    store: &Store,
    token: &str,
) -> Result<Response<Body>, ApiError> {
    let Ok(token) = token.parse::<InvitationToken>() else {
        return help(look, ways, StatusCode::NOT_FOUND, USED_UP, Vec::new());
    };
    let invited = store.invited(&token).await?;
    let workspace = store.known_workspace(token.prefix()).await?;
    let (Some(member), Some(workspace)) = (invited, workspace) else {
        return help(look, ways, StatusCode::NOT_FOUND, USED_UP, Vec::new());
    };
    let page = SignInPage {
        look,
        workspace: workspace.name.clone(),
        member: member.name.to_string(),
        token: token.reveal(),
    };
    visit::show(StatusCode::OK, &page)
}

/// Uses an invitation up. The session is always a new one.
pub async fn sign_in(
    look: Look,
    ways: SignInWays,
    request: &PageRequest,
    store: &Store,
    token: &str,
    now: UnixSeconds,
) -> Result<Response<Body>, ApiError> {
    csrf::demand_same_origin(request)?;
    let session = match token.parse::<InvitationToken>() {
        Ok(token) => store.sign_in(&token, now).await?,
        Err(_) => None,
    };
    let Some(session) = session else {
        return help(look, ways, StatusCode::NOT_FOUND, USED_UP, Vec::new());
    };
    let bans = headers::see_other("/console/bans");
    Ok(headers::with_cookie(bans, &session::begin(&session)))
}

/// Ends this session, or all of the member's.
pub async fn sign_out(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let token = &visit.signed_in.token;
    if form.text("where") == "everywhere" {
        let store = &visit.store;
        store
            .end_all_sessions(token.prefix(), token.member())
            .await?;
    } else {
        visit.store.end_session(token).await?;
    }
    let page = headers::see_other("/console/sign-in");
    Ok(headers::with_cookie(page, &session::end()))
}

/// Says how to sign in.
pub fn how(look: Look, ways: SignInWays) -> Result<Response<Body>, ApiError> {
    let words = (
        "You are signed out",
        "Only moderators of a workspace can sign in.",
    );
    help(look, ways, StatusCode::OK, words, Vec::new())
}

/// For a request without a session: how to sign in, with what was typed.
pub fn demanded(
    look: Look,
    ways: SignInWays,
    request: &PageRequest,
) -> Result<Response<Body>, ApiError> {
    let words = (
        "Sign in",
        "You are not signed in, or your session has ended.",
    );
    help(
        look,
        ways,
        StatusCode::UNAUTHORIZED,
        words,
        kept::typed(request)?,
    )
}

fn help(
    look: Look,
    ways: SignInWays,
    status: StatusCode,
    (title, text): (&'static str, &'static str),
    typed: Vec<TypedText>,
) -> Result<Response<Body>, ApiError> {
    let page = SignedOutPage {
        look,
        title,
        text,
        ways,
        typed,
    };
    visit::show(status, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_escaped() {
        let page = SignInPage {
            look: Look::default(),
            workspace: "<b>x</b>".to_owned(),
            member: "\"><script>".to_owned(),
            token: "token".to_owned(),
        };
        let html = page.render().unwrap();
        assert!(
            !html.contains("<b>x") && !html.contains("<script>"),
            "{html}"
        );
    }

    #[test]
    fn typed_text_is_shown_again_as_text() {
        let page = SignedOutPage {
            look: Look::default(),
            title: "Sign in",
            text: "",
            ways: SignInWays::default(),
            typed: vec![TypedText {
                title: "Reason",
                text: "</textarea><script>".to_owned(),
            }],
        };
        let html = page.render().unwrap();
        assert!(html.contains("What you typed"));
        assert!(!html.contains("<script>"), "{html}");
    }
}
