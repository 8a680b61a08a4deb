//! The linked experiences: what is pending, when they polled, and what keeps bans from them.

mod view;

use std::collections::HashMap;

use askama::Template;
use futures::stream::{self, StreamExt, TryStreamExt};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, PlaceId};
use shared::domain::members::MemberPermission;
use shared::store::admin::LinkedExperience;
use shared::store::{Mirror, Pending};

pub use self::view::counted;
use self::view::{LinkedView, Seen};
use crate::form::{Submitted, TypedField};
use crate::frame::Frame;
use crate::headers;
use crate::look::Look;
use crate::visit::{self, Visit};

/// How many experiences a page shows.
const SHOWN: usize = 25;

/// Up to how many pending changes are counted, of bans and of unbans.
pub const COUNTED: u16 = 1_000;

/// How many experiences are counted at once.
const CONCURRENCY: usize = 8;

#[derive(Template)]
#[template(path = "experiences.html")]
struct ExperiencesPage {
    look: Look,
    frame: Frame,
    done: Option<String>,
    /// What concerns the whole workspace.
    problems: Vec<String>,
    experiences: Vec<LinkedView>,
    total: usize,
    next: Option<String>,
    is_administrator: bool,
    typed: TypedField,
}

pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    page(visit, StatusCode::OK, TypedField::default()).await
}

/// Links the place that the form names.
pub async fn link(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.administrator()?;
    let form = visit.form()?;
    let Some(experience) = place(copied(form.text("place"))) else {
        let typed = TypedField {
            text: form.raw("place").to_owned(),
            error: Some(
                "Type the id of a place, or paste its link: https://www.roblox.com/games/1818."
                    .to_owned(),
            ),
        };
        return page(visit, StatusCode::UNPROCESSABLE_ENTITY, typed).await;
    };
    let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
    store.link_experience(prefix, experience, now).await?;
    let list = format!("/console/experiences?done=linked&of={experience}");
    Ok(headers::see_other(&list))
}

/// The id in a link to a place at Roblox, or else the whole text.
fn copied(text: &str) -> &str {
    let id = text
        .split_once("roblox.com/")
        .and_then(|(_, path)| path.split_once("games/"))
        .map(|(_, rest)| rest);
    let id = id.and_then(|rest| rest.split(['/', '?', '#']).next());
    id.unwrap_or(text)
}

/// A place id as people copy it.
pub fn place(text: &str) -> Option<ExperienceId> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let place: PlaceId = text.parse().ok().filter(|_| is_plain)?;
    Some(ExperienceId::of_root(place))
}

async fn page(
    visit: &Visit,
    status: StatusCode,
    typed: TypedField,
) -> Result<Response<Body>, ApiError> {
    visit.viewer()?;
    let (store, prefix) = (&visit.store, visit.prefix());
    let (mut links, polls, mirrors, slots) = tokio::try_join!(
        store.links(prefix),
        store.last_polls(prefix),
        store.mirrors_of(prefix),
        store.link_slots(prefix),
    )?;
    links.sort_by_key(in_order);
    let query = visit.query();
    let start = start(&links, &query);
    let shown: Vec<_> = links.iter().skip(start).take(SHOWN).copied().collect();
    let next = links.get(start.saturating_add(SHOWN));
    let next = next.map(|link| format!("/console/experiences?from={}", link.experience));
    let experiences = shown
        .into_iter()
        .map(|link| seen(visit, link, &links, &polls, &mirrors));
    let experiences: Vec<_> = stream::iter(experiences)
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let refused = slots.refused.map(|place| {
        format!(
            "Place {place} could not link itself: as many experiences as can have linked themselves. \
             Link it below, and its bans reach it."
        )
    });
    let is_linked = |place: Option<ExperienceId>| {
        place.is_some_and(|place| links.iter().any(|link| link.experience == place))
    };
    let page = ExperiencesPage {
        look: visit.look,
        frame: visit.frame(),
        done: done(&query),
        problems: refused
            .into_iter()
            .filter(|_| !is_linked(slots.refused))
            .collect(),
        experiences: experiences.iter().map(LinkedView::new).collect(),
        total: links.len(),
        next,
        is_administrator: visit.may(MemberPermission::Administrator),
        typed,
    };
    visit::show(status, &page)
}

/// Parts below their roots.
fn in_order(link: &LinkedExperience) -> (ExperienceId, bool, ExperienceId) {
    let root = link.join.map(|join| join.root);
    let own = link.experience;
    (root.unwrap_or(own), root.is_some(), own)
}

/// Where the page that the query names begins.
fn start(links: &[LinkedExperience], query: &Submitted) -> usize {
    let from = place(query.text("from"));
    let found = links.iter().position(|link| Some(link.experience) == from);
    found.unwrap_or_default()
}

async fn seen(
    visit: &Visit,
    link: LinkedExperience,
    links: &[LinkedExperience],
    polls: &HashMap<ExperienceId, UnixSeconds>,
    mirrors: &[Mirror],
) -> Result<Seen, ApiError> {
    let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
    let experience = link.experience;
    let count = |pending| store.count_some_pending(pending, prefix, experience, now, COUNTED);
    let mirror = mirrors.iter().find(|it| it.experience == experience);
    let paused = async {
        match mirror {
            Some(mirror) => store.universe_pause(prefix, mirror.settings.universe).await,
            None => Ok(None),
        }
    };
    let (bans, unbans, paused) =
        tokio::try_join!(count(Pending::Bans), count(Pending::Unbans), paused)?;
    Ok(Seen {
        link,
        parts: LinkedExperience::parts_of(links, experience).count(),
        bans,
        unbans,
        last_poll: polls.get(&experience).copied(),
        mirror: mirror.cloned(),
        paused_until: paused.map(UnixMillis::seconds).filter(|until| *until > now),
        now,
    })
}

/// The line about what was just done.
fn done(query: &Submitted) -> Option<String> {
    let experience = place(query.text("of"))?;
    match query.text("done") {
        "linked" => Some(format!(
            "Experience {experience} is linked. Within a minute, the bans in force become pending for it."
        )),
        "unlinked" => Some(format!(
            "Experience {experience} is unlinked, and what was pending for it is dropped. Game servers may \
             use the link for up to a minute."
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::HOSTILE;

    #[test]
    fn places_are_numbers() {
        assert!(place("75521396999004").is_some());
        for text in ["", "0", "-1", "+5", "x", "1 2"] {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn link_to_a_place_stands_for_its_id() {
        for text in [
            "1818",
            "https://www.roblox.com/games/1818",
            "https://www.roblox.com/de/games/1818/Crossroads",
            "roblox.com/games/1818?privateServerLinkCode=1",
        ] {
            assert_eq!(copied(text), "1818", "{text}");
        }
        assert_eq!(
            copied("https://example.com/1818"),
            "https://example.com/1818"
        );
    }

    #[test]
    fn hostile_text_is_escaped_and_empty_list_invites() {
        let page = ExperiencesPage {
            look: Look::default(),
            frame: Frame::example(true),
            done: Some(HOSTILE.to_owned()),
            problems: vec![HOSTILE.to_owned()],
            experiences: Vec::new(),
            total: 0,
            next: None,
            is_administrator: true,
            typed: TypedField {
                text: HOSTILE.to_owned(),
                error: Some(HOSTILE.to_owned()),
            },
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains("No experience is linked yet"), "{html}");
    }
}
