//! Finds a player by id, name or link, and a ban by its guid.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::ids::{Guid, MAX_ROBLOX_ID};

use crate::frame::Frame;
use crate::headers;
use crate::look::Look;
use crate::names;
use crate::visit::{self, Visit};

/// A form that asks for a player.
#[derive(Template)]
#[template(path = "find.html")]
pub struct FindPage {
    pub look: Look,
    pub frame: Frame,
    pub title: &'static str,
    pub action: &'static str,
    /// Of the field.
    pub name: &'static str,
    pub button: &'static str,
    pub typed: String,
    pub error: Option<String>,
}

/// Leads to the player that was searched for.
pub async fn find(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.viewer()?;
    let query = visit.query();
    let typed = names::visible(query.text("q"));
    if let Some(guid) = guid(typed) {
        return ban(visit, guid).await;
    }
    let error = match names::resolve(visit, typed).await {
        Ok(user) => return Ok(headers::see_other(&format!("/console/players/{user}"))),
        Err(_) if typed.is_empty() => None,
        Err(error) => Some(error),
    };
    let status = if error.is_some() {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    let page = FindPage {
        look: visit.look,
        frame: visit.frame(),
        title: "Find a player",
        action: "/console/players",
        name: "q",
        button: "Find",
        typed: typed.to_owned(),
        error,
    };
    visit::show(status, &page)
}

/// Leads to the player whom a ban is about.
pub async fn ban(visit: &Visit, guid: Guid) -> Result<Response<Body>, ApiError> {
    visit.viewer()?;
    let found = visit.store.ban_of_guid(visit.prefix(), guid).await?;
    let record = found.ok_or(ApiError::NotFound(
        "this workspace has no ban with this number: a new one can take a moment to appear here",
    ))?;
    let user = record.ban.user;
    Ok(headers::see_other(&format!(
        "/console/players/{user}#ban-{guid}"
    )))
}

/// The guid of a ban, which is larger than any id.
fn guid(typed: &str) -> Option<Guid> {
    let is_plain = typed.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = typed.parse().ok().filter(|_| is_plain)?;
    (number > MAX_ROBLOX_ID).then(|| Guid::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::HOSTILE;

    #[test]
    fn large_numbers_are_bans() {
        assert_eq!(
            guid("633197862920433664"),
            Some(Guid::from(633_197_862_920_433_664))
        );
        for typed in ["156", "9007199254740991", "x", "", "+633197862920433664"] {
            assert_eq!(guid(typed), None, "{typed}");
        }
    }

    #[test]
    fn typed_text_is_shown_again_as_text() {
        let page = FindPage {
            look: Look::default(),
            frame: Frame::example(true),
            title: "Find a player",
            action: "/console/players",
            name: "q",
            button: "Find",
            typed: HOSTILE.to_owned(),
            error: Some("Nobody".to_owned()),
        };
        let html = page.render().unwrap();
        assert!(
            !html.contains("<img") && !html.contains("<script>alert"),
            "{html}"
        );
        assert!(html.contains(r#"aria-invalid="true""#));
    }
}
