//! Users whom nobody in the workspace can ban.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;

use super::done::DoneLine;
use super::tabs::{SettingsTab, TabView};
use crate::ban_view::PlayerView;
use crate::form::TypedField;
use crate::frame::Frame;
use crate::headers;
use crate::look::Look;
use crate::names;
use crate::times::TimeTag;
use crate::visit::{self, Visit};

/// How many users a page shows.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "settings/protected.html")]
struct ProtectedPage {
    look: Look,
    frame: Frame,
    tabs: Vec<TabView>,
    done: Option<DoneLine>,
    users: Vec<ProtectedView>,
    total: usize,
    /// The address of the next page.
    next: Option<String>,
    typed: TypedField,
}

struct ProtectedView {
    user: PlayerView,
    since: TimeTag,
}

pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    page(visit, StatusCode::OK, TypedField::default()).await
}

/// Protects the user whom the form names.
pub async fn add(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let text = form.raw("user");
    match names::resolve(visit, text).await {
        Ok(user) => {
            let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
            store.protect(prefix, user, now).await?;
            let list = format!("/console/settings/protected?done=added&of={user}");
            Ok(headers::see_other(&list))
        }
        Err(error) => {
            let typed = TypedField {
                text: text.to_owned(),
                error: Some(error),
            };
            page(visit, StatusCode::UNPROCESSABLE_ENTITY, typed).await
        }
    }
}

pub async fn remove(visit: &Visit, user: UserId) -> Result<Response<Body>, ApiError> {
    visit.form()?;
    visit.store.unprotect(visit.prefix(), user).await?;
    let list = format!("/console/settings/protected?done=removed&of={user}");
    Ok(headers::see_other(&list))
}

async fn page(
    visit: &Visit,
    status: StatusCode,
    typed: TypedField,
) -> Result<Response<Body>, ApiError> {
    let all = visit.store.protected_users(visit.prefix()).await?;
    let query = visit.query();
    let after: Option<UserId> = query.parsed("after");
    let changed: Option<UserId> = query.parsed("of");
    let rest: Vec<_> = all
        .iter()
        .filter(|(user, _)| after.is_none_or(|after| *user > after))
        .collect();
    let shown = rest.iter().take(SHOWN).map(|(user, _)| *user);
    let last = shown.clone().next_back().filter(|_| rest.len() > SHOWN);
    let names = names::shown(visit, shown.chain(changed)).await;
    let users = rest.iter().take(SHOWN).map(|(user, since)| ProtectedView {
        user: PlayerView::new(*user, &names),
        since: TimeTag::new(*since, visit.now()),
    });
    let done = changed.and_then(|user| {
        let shown = PlayerView::new(user, &names).shown;
        let page = "/console/settings/protected";
        match query.text("done") {
            "added" => {
                let line = format!(
                    "{shown} is protected: nobody in this workspace can ban them. Bans in force stay."
                );
                Some(DoneLine::new(line).undone_by(format!("{page}/{user}/remove"), Vec::new()))
            }
            "removed" => {
                let line = format!("{shown} is no longer protected.");
                let again = vec![("user", user.to_string())];
                Some(DoneLine::new(line).undone_by(page, again))
            }
            _ => None,
        }
    });
    let page = ProtectedPage {
        look: visit.look,
        frame: visit.frame(),
        tabs: SettingsTab::Protected.tabs(),
        done,
        users: users.collect(),
        total: all.len(),
        next: last.map(|user| format!("/console/settings/protected?after={user}")),
        typed,
    };
    visit::show(status, &page)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW};

    #[test]
    fn hostile_text_is_escaped() {
        let user = UserId::new(156).unwrap();
        let page = ProtectedPage {
            look: Look::default(),
            frame: Frame::example(true),
            tabs: SettingsTab::Protected.tabs(),
            done: Some(DoneLine::new(HOSTILE)),
            users: vec![ProtectedView {
                user: PlayerView::new(user, &HashMap::new()),
                since: TimeTag::new(NOW, NOW),
            }],
            total: 2,
            next: Some("/console/settings/protected?after=156".to_owned()),
            typed: TypedField {
                text: HOSTILE.to_owned(),
                error: Some(HOSTILE.to_owned()),
            },
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
    }
}
