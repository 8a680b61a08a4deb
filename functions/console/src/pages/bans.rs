//! The list of bans, newest first.

mod query;
mod reading;

use std::collections::HashMap;

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::ids::ExperienceId;
use shared::domain::members::{Member, MemberPermission};
use shared::domain::rules::Scope;
use shared::store::BanRecord;

use self::query::{BansQuery, ListedState};
use self::reading::BansRead;
use super::result::ResultLine;
use crate::ban_view::{AppliedView, BanView, Reader};
use crate::frame::Frame;
use crate::look::{Choice, Look};
use crate::names;
use crate::people::People;
use crate::times;
use crate::visit::{self, Visit};

#[derive(Template)]
#[template(path = "bans.html")]
struct BansPage {
    look: Look,
    frame: Frame,
    result: Option<ResultLine>,
    states: Vec<StateChip>,
    state: &'static str,
    scopes: Vec<Choice>,
    experiences: Vec<Choice>,
    /// Empty for a reader who may not see moderators.
    moderators: Vec<Choice>,
    words: String,
    is_filtered: bool,
    is_first_run: bool,
    shows_moderators: bool,
    bans: Vec<BanView>,
    /// The day of the oldest ban that was examined, if the page is shorter than it could be.
    looked_back: Option<String>,
    next: Option<String>,
}

/// A link to the list in another state.
struct StateChip {
    href: String,
    title: &'static str,
    is_chosen: bool,
}

pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let viewer = visit.viewer()?;
    let query = BansQuery::parse(&visit.query(), viewer.may(MemberPermission::ManageBans));
    let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
    let (links, members, read) = tokio::try_join!(
        store.links(prefix),
        store.members(prefix),
        reading::read(visit, &query),
    )?;
    let linked: Vec<_> = links
        .iter()
        .filter(|link| link.join.is_none())
        .map(|link| link.experience)
        .collect();
    let users = read.records.iter().map(|record| record.ban.user);
    let (applied, names) = tokio::join!(
        applied(visit, &read.records, &linked),
        names::shown(visit, users),
    );
    let applied = applied?;
    let reader = Reader {
        now,
        moderates: viewer.may(MemberPermission::ManageBans),
        moderates_globally: viewer.may(MemberPermission::ManageGlobalBans),
        people: People::new(&members),
        names,
    };
    let page = BansPage::new(visit, &query, &read, &reader, &linked, &members, &applied);
    visit::show(StatusCode::OK, &page)
}

/// Where the bans in force are applied.
async fn applied(
    visit: &Visit,
    records: &[BanRecord],
    linked: &[ExperienceId],
) -> Result<HashMap<String, AppliedView>, ApiError> {
    let now = visit.now();
    let in_force = records.iter().filter(|record| record.ban.holds(now));
    let (global, here): (Vec<_>, Vec<_>) =
        in_force.partition(|record| record.ban.scope == Scope::Global);
    let global: Vec<_> = global.into_iter().map(|record| &record.ban).collect();
    let counted = visit
        .store
        .applied_in(visit.prefix(), linked, &global)
        .await?;
    let counted = counted
        .into_iter()
        .map(|it| (it.guid, AppliedView::new(it.experiences, linked.len())));
    let here = here.into_iter().map(|record| {
        let applied = AppliedView::new(usize::from(record.applied), 1);
        (record.ban.guid, applied)
    });
    let all = counted.chain(here);
    Ok(all.map(|(guid, view)| (guid.to_string(), view)).collect())
}

impl BansPage {
    fn new(
        visit: &Visit,
        query: &BansQuery,
        read: &BansRead,
        reader: &Reader,
        linked: &[ExperienceId],
        members: &[Member],
        applied: &HashMap<String, AppliedView>,
    ) -> Self {
        let bans = read.records.iter().map(|record| {
            let applied = applied.get(&record.ban.guid.to_string()).cloned();
            reader.listed(record, applied)
        });
        let looked_back = read.looked_back.map(|at| times::day(at, reader.now));
        Self {
            look: visit.look,
            frame: visit.frame(),
            result: None,
            states: ListedState::ALL
                .map(|(state, title)| StateChip {
                    href: query.in_state(state).address(None),
                    title,
                    is_chosen: query.state == state,
                })
                .into(),
            state: query.state.as_str(),
            scopes: query.scopes(),
            experiences: query.experiences(linked),
            moderators: if reader.moderates {
                query.moderators(members)
            } else {
                Vec::new()
            },
            words: query.words.clone(),
            is_filtered: query.is_filtered(),
            is_first_run: read.is_nothing_on_record,
            shows_moderators: reader.moderates,
            bans: bans.collect(),
            looked_back,
            next: read
                .next
                .as_deref()
                .map(|cursor| query.address(Some(cursor))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::{HOSTILE, ban, reader, record};

    /// The most bytes of a page with 50 bans.
    const BUDGET: usize = 60_000;

    fn page(records: &[BanRecord], may_ban: bool) -> BansPage {
        let query = BansQuery::default();
        let bans = records
            .iter()
            .map(|record| reader(may_ban).listed(record, Some(AppliedView::new(2, 3))));
        BansPage {
            look: Look::default(),
            frame: Frame::example(may_ban),
            result: None,
            states: Vec::new(),
            state: query.state.as_str(),
            scopes: query.scopes(),
            experiences: Vec::new(),
            moderators: vec![Choice::new(HOSTILE, HOSTILE, true)],
            words: HOSTILE.to_owned(),
            is_filtered: false,
            is_first_run: false,
            shows_moderators: may_ban,
            bans: bans.collect(),
            looked_back: None,
            next: Some("/console/bans?cursor=x".to_owned()),
        }
    }

    #[test]
    fn fifty_bans_with_long_reasons_stay_in_their_budget() {
        let reason = "Exploiting, after two warnings. ".repeat(12);
        let records = vec![record(ban(&reason)); 50];
        let html = page(&records, true).render().unwrap();
        assert!(html.len() < BUDGET, "{} bytes", html.len());
    }

    #[test]
    fn hostile_text_is_escaped_everywhere() {
        let html = page(&[record(ban(HOSTILE))], true).render().unwrap();
        for hostile in ["<img", "<script>alert", "\"'"] {
            assert!(!html.contains(hostile), "{hostile:?}");
        }
        assert!(html.contains("&#60;img src=x onerror"));
    }

    #[test]
    fn reader_without_permission_gets_no_buttons() {
        let html = page(&[record(ban("Spam"))], false).render().unwrap();
        assert!(!html.contains("/lift") && !html.contains("edit="), "{html}");
        let html = page(&[record(ban("Spam"))], true).render().unwrap();
        assert!(html.contains("/lift?user=156"));
    }

    #[test]
    fn empty_list_says_why() {
        let empty = |is_filtered, is_first_run| {
            let page = BansPage {
                is_filtered,
                is_first_run,
                next: None,
                ..page(&[], true)
            };
            page.render().unwrap()
        };
        assert!(empty(false, true).contains("No bans yet"));
        assert!(empty(true, false).contains("No ban fits"));
        assert!(empty(false, false).contains("Nobody is banned"));
    }
}
