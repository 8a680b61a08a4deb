//! A page that says what went wrong, and leads back.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::http::header::{HeaderValue, RETRY_AFTER};
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;

use super::kept::{self, TypedText};
use crate::form::Submitted;
use crate::headers;
use crate::look::Look;
use crate::visit::{self, Visit};

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    look: Look,
    title: &'static str,
    text: String,
    back: PageLink,
    request_id: &'a str,
    typed: Vec<TypedText>,
}

/// A link with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageLink {
    pub href: String,
    pub title: &'static str,
}

/// A page with a message.
pub fn show(
    look: Look,
    status: StatusCode,
    (title, text): (&'static str, String),
    back: PageLink,
    request_id: &str,
) -> Result<Response<Body>, ApiError> {
    let page = MessagePage {
        look,
        title,
        text,
        back,
        request_id,
        typed: Vec::new(),
    };
    visit::show(status, &page)
}

/// For a form that was opened before the member signed in again: what was typed, and a way to start again.
pub fn other_session(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let typed = kept::typed(&visit.request)?;
    let form = Submitted::new(visit.request.form()?);
    let back = match form.parsed::<UserId>("user") {
        Some(user) => PageLink {
            href: format!("/console/players/{user}"),
            title: "To the player",
        },
        None => PageLink {
            href: "/console/bans".to_owned(),
            title: "Back to the bans",
        },
    };
    let page = MessagePage {
        look: visit.look,
        title: "This form is from before you signed in",
        text: "Nothing was changed. Open the page again, and send it from there.".to_owned(),
        back,
        request_id: visit.request.id(),
        typed,
    };
    visit::show(StatusCode::FORBIDDEN, &page)
}

/// The page for an error.
pub fn failed(error: &ApiError, request_id: &str) -> Response<Body> {
    let (title, text) = words(error);
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = MessagePage {
        look: Look::default(),
        title,
        text,
        back: PageLink {
            href: "/console/bans".to_owned(),
            title: "Back to the bans",
        },
        request_id,
        typed: Vec::new(),
    };
    let mut response = headers::page(status, page.render().unwrap_or_default());
    let retry_after = match error {
        ApiError::RateLimited { retry_after, .. }
        | ApiError::ServiceUnavailable { retry_after, .. } => Some(*retry_after),
        ApiError::Unavailable(_) => Some(1),
        _ => None,
    };
    if let Some(seconds) = retry_after {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

fn words(error: &ApiError) -> (&'static str, String) {
    match error {
        ApiError::NotFound(what) => ("Not found", sentence(what)),
        ApiError::Forbidden(why) => (
            "You may not do this",
            format!("{} Nothing was changed.", sentence(why)),
        ),
        ApiError::Unavailable(_) | ApiError::ServiceUnavailable { .. } => (
            "Try again in a moment",
            "The database is busy or cannot be reached. If you were saving something, send it again: \
             it is done once, however often you send it."
                .to_owned(),
        ),
        ApiError::RateLimited { what, retry_after } => (
            "Too many bans",
            format!("{} Try again in {} min.", sentence(what), retry_after.div_ceil(60)),
        ),
        ApiError::PayloadTooLarge => (
            "Too long",
            "The form is too long. Nothing was changed.".to_owned(),
        ),
        ApiError::InvalidRequest(errors) => {
            let mut texts = errors.iter();
            let all = texts.next().map(|first| {
                let start = format!("{} {}", first.field, first.message);
                texts.fold(start, |all, error| {
                    format!("{all}; {} {}", error.field, error.message)
                })
            });
            ("This link is not valid", sentence(&all.unwrap_or_default()))
        }
        ApiError::Internal(_) => (
            "Something went wrong",
            "This is a bug. Report it with the number of the request.".to_owned(),
        ),
        other => ("That did not work", sentence(&other.message())),
    }
}

/// What an error says, for a script.
pub fn text(error: &ApiError) -> String {
    words(error).1
}

/// With a capital letter and a full stop.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(response: &Response<Body>) -> &str {
        match response.body() {
            Body::Text(text) => text,
            _ => "",
        }
    }

    #[test]
    fn error_page_leads_back_and_names_the_request() {
        let page = failed(&ApiError::NotFound("no such ban"), "id-1");
        assert_eq!(page.status(), 404);
        let html = text(&page);
        for part in [
            "<h1>Not found</h1>",
            "No such ban.",
            "/console/bans",
            "id-1",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn database_trouble_says_when_to_try_again() {
        let page = failed(&ApiError::Unavailable("secret detail".to_owned()), "id-1");
        assert_eq!(
            (page.status().as_u16(), &page.headers()[RETRY_AFTER]),
            (503, &HeaderValue::from(1))
        );
        assert!(!text(&page).contains("secret"));
    }
}
