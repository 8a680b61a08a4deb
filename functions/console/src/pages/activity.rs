//! What was done in the workspace, newest first.

mod query;
mod reading;

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::activity::{Activity, ActivityDetails};
use shared::domain::actor::ActorKind;
use shared::domain::error::ApiError;
use shared::domain::history::{LogEvent, LoggedEvent, PastDecision};
use shared::domain::ids::ModeratorId;
use shared::domain::members::MemberPermission;
use shared::domain::rules::DecisionKind;
use shared::domain::text::printable_lines;
use shared::moderation::UNDONE_WITHIN;
use url::form_urlencoded::byte_serialize;

use self::query::ActivityQuery;
pub use self::query::{all_actors, channel_name};
use self::reading::ActivityRead;
use super::message::PageLink;
use super::player;
use crate::ban_view::{PlayerView, Reader, StateView, shortened};
use crate::frame::Frame;
use crate::look::{Choice, Look};
use crate::names;
use crate::people::People;
use crate::times::{self, TimeTag};
use crate::visit::{self, Visit};

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    look: Look,
    frame: Frame,
    /// Empty for a reader who may not see who it was.
    actors: Vec<Choice>,
    verbs: Vec<Choice>,
    channels: Vec<Choice>,
    from: String,
    to: String,
    is_filtered: bool,
    is_first_run: bool,
    shows_moderators: bool,
    rows: Vec<ActivityRow>,
    looked_back: Option<String>,
    next: Option<String>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ActivityRow {
    class: &'static str,
    when: TimeTag,
    what: String,
    player: Option<PlayerView>,
    /// None for a reader who may not see who it was.
    by: Option<String>,
    channel: &'static str,
    reason: Option<String>,
    undo: Option<PageLink>,
}

/// Who reads, and what they may undo.
struct ActivityReader {
    reader: Reader,
    member: String,
    is_administrator: bool,
}

pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let viewer = visit.viewer()?;
    let moderates = viewer.may(MemberPermission::ManageBans);
    let query = ActivityQuery::parse(&visit.query(), moderates);
    let (store, prefix) = (&visit.store, visit.prefix());
    let (members, keys, read) = tokio::try_join!(
        store.members(prefix),
        store.keys(prefix),
        reading::read(visit, &query),
    )?;
    let users = read.events.iter().filter_map(|event| event.entry.user());
    let names = names::shown(visit, users).await;
    let reader = ActivityReader {
        reader: Reader {
            now: visit.now(),
            moderates,
            moderates_globally: viewer.may(MemberPermission::ManageGlobalBans),
            people: People::new(&members).with_keys(&keys),
            names,
        },
        member: viewer.member().id.to_string(),
        is_administrator: viewer.may(MemberPermission::Administrator),
    };
    let actors = if moderates {
        query.actors(&members, &keys)
    } else {
        Vec::new()
    };
    let page = ActivityPage::new(visit, &query, &read, &reader, actors);
    visit::show(StatusCode::OK, &page)
}

impl ActivityPage {
    fn new(
        visit: &Visit,
        query: &ActivityQuery,
        read: &ActivityRead,
        reader: &ActivityReader,
        actors: Vec<Choice>,
    ) -> Self {
        let rows = read.events.iter();
        let looked_back = read.looked_back;
        Self {
            look: visit.look,
            frame: visit.frame(),
            actors,
            verbs: query.verbs(),
            channels: query.channels(),
            from: query.from.clone().unwrap_or_default(),
            to: query.to.clone().unwrap_or_default(),
            is_filtered: query.is_filtered(),
            is_first_run: read.is_nothing_on_record,
            shows_moderators: reader.reader.moderates,
            rows: rows.map(|event| ActivityRow::new(event, reader)).collect(),
            looked_back: looked_back.map(|at| times::day(at, reader.reader.now)),
            next: read.next.as_deref().map(|cursor| query.address(cursor)),
        }
    }
}

impl ActivityRow {
    fn new(event: &LoggedEvent, of: &ActivityReader) -> Self {
        let (entry, reader) = (&event.entry, &of.reader);
        let channel = query::actor(entry).channel();
        let user = entry.user();
        let (class, what, reason, by) = match entry {
            LogEvent::Decision(decision) => (
                StateView::of(&decision.ban, decision.at).class,
                player::decision_words(decision),
                reason(decision, reader),
                reader.people.of_decision(decision),
            ),
            LogEvent::Activity(activity) => {
                let moderator = activity.moderator.unwrap_or(ModeratorId::NOBODY);
                let reason = activity.reason.clone();
                (
                    "s-expired",
                    what_happened(activity),
                    reason.and_then(|reason| reader.moderation(reason)),
                    reader.people.name(Some(&query::actor(entry)), moderator),
                )
            }
        };
        let shown = |text: String| shortened(&printable_lines(&text));
        Self {
            class,
            when: TimeTag::new(entry.at(), reader.now),
            what,
            player: user.map(|user| PlayerView::new(user, &reader.names)),
            by: reader.moderation(by),
            channel: channel.map_or("", channel_name),
            reason: reason.map(shown),
            undo: of.undo(entry),
        }
    }
}

/// The reason that the player reads, or the one for ending the ban, which moderators read.
fn reason(decision: &PastDecision, reader: &Reader) -> Option<String> {
    match decision.kind {
        DecisionKind::Made | DecisionKind::Changed | DecisionKind::Imported => {
            Some(decision.ban.terms.public_reason.clone())
        }
        _ => decision.reason.clone().and_then(|it| reader.moderation(it)),
    }
}

fn what_happened(activity: &Activity) -> String {
    match &activity.details {
        ActivityDetails::GroupRoleChanged(change) => {
            format!("Role in group {}: {}", change.group_id, change.role.name)
        }
        ActivityDetails::EvidenceAdded(evidence) => {
            format!("Evidence added to ban {}", evidence.case_id)
        }
        ActivityDetails::EvidenceRemoved(evidence) => {
            format!("Evidence removed from ban {}", evidence.case_id)
        }
        ActivityDetails::LinkAdded(link) => format!("Linked to Discord user {}", link.discord_id),
        ActivityDetails::LinkRemoved(link) => {
            format!("Unlinked from Discord user {}", link.discord_id)
        }
        ActivityDetails::KeyBound(binding) => match binding.experience_id {
            Some(experience) => format!("Open Cloud key of experience {experience} bound"),
            None => "Open Cloud key of the workspace bound".to_owned(),
        },
        ActivityDetails::DiscordBanned(ban) => {
            format!(
                "Discord user {} banned in server {}",
                ban.discord_id, ban.guild_id
            )
        }
        ActivityDetails::DiscordUnbanned(ban) => {
            format!(
                "Discord user {} unbanned in server {}",
                ban.discord_id, ban.guild_id
            )
        }
    }
}

impl ActivityReader {
    /// The way to undo a decision: their own recent one alone, or with all since by its actor.
    fn undo(&self, entry: &LogEvent) -> Option<PageLink> {
        let LogEvent::Decision(decision) = entry else {
            return None;
        };
        let (by, reader) = (query::actor(entry), &self.reader);
        let is_recent = decision.at.plus(UNDONE_WITHIN) >= reader.now;
        if by.id == self.member && is_recent && reader.may_decide(decision.ban.scope) {
            let href = format!(
                "/console/players/{}?done={}",
                decision.ban.user,
                decision.id()
            );
            return Some(PageLink {
                href,
                title: "Undo",
            });
        }
        let is_someone = by.kind() != ActorKind::System;
        (self.is_administrator && is_someone).then(|| {
            let by: String = byte_serialize(by.id.as_bytes()).collect();
            let from = times::typed(decision.at);
            PageLink {
                href: format!("/console/undo?by={by}&from={from}"),
                title: "Undo from here",
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::query::tests::lifted;
    use super::*;
    use crate::ban_view::tests::{HOSTILE, reader};

    /// The most bytes of a page with 50 entries.
    const BUDGET: usize = 60_000;

    fn of(moderates: bool, is_administrator: bool) -> ActivityReader {
        ActivityReader {
            reader: reader(moderates),
            member: "mem_1".to_owned(),
            is_administrator,
        }
    }

    fn page(rows: Vec<ActivityRow>) -> ActivityPage {
        let query = ActivityQuery::default();
        ActivityPage {
            look: Look::default(),
            frame: Frame::example(true),
            actors: vec![Choice::new(HOSTILE, HOSTILE, true)],
            verbs: query.verbs(),
            channels: query.channels(),
            from: HOSTILE.to_owned(),
            to: String::new(),
            is_filtered: false,
            is_first_run: rows.is_empty(),
            shows_moderators: true,
            rows,
            looked_back: None,
            next: Some("/console/activity?cursor=x".to_owned()),
        }
    }

    #[test]
    fn hostile_text_is_escaped_everywhere() {
        let row = ActivityRow::new(&lifted(HOSTILE), &of(true, true));
        let html = page(vec![row]).render().unwrap();
        for hostile in ["<img", "<script>alert", "\"'"] {
            assert!(!html.contains(hostile), "{hostile:?}");
        }
        assert!(html.contains("&#60;img src=x onerror"));
    }

    #[test]
    fn fifty_entries_stay_in_their_budget() {
        let reason = "Exploiting, after two warnings. ".repeat(12);
        let row = ActivityRow::new(&lifted(&reason), &of(true, true));
        let html = page(vec![row; 50]).render().unwrap();
        assert!(html.len() < BUDGET, "{} bytes", html.len());
    }

    #[test]
    fn reasons_of_lifts_and_moderators_are_for_moderators() {
        let seen = ActivityRow::new(&lifted("Mistake"), &of(false, false));
        assert_eq!((seen.reason, seen.by, seen.undo), (None, None, None));
        let seen = ActivityRow::new(&lifted("Mistake"), &of(true, false));
        assert_eq!(seen.reason.as_deref(), Some("Mistake"));
        assert_eq!(
            (seen.by.as_deref(), seen.channel),
            (Some("Operator"), "Command")
        );
    }

    #[test]
    fn own_decisions_are_undone_alone_and_others_by_administrators() {
        let undo = |key: &str, is_administrator| {
            let mut event = lifted("x");
            if let LogEvent::Decision(decision) = &mut event.entry {
                key.clone_into(&mut decision.key_id);
            }
            let link = of(true, is_administrator).undo(&event.entry);
            link.map(|link| link.href)
        };
        let own = "/console/players/156?done=633197862920433664-2";
        assert_eq!(undo("mem_1", false).as_deref(), Some(own));
        assert_eq!(undo("mem_2", false), None);
        let all = "/console/undo?by=mem_2&from=2027-01-15T07:00";
        assert_eq!(undo("mem_2", true).as_deref(), Some(all));
        assert_eq!(undo("expiry", true), None);
    }

    #[test]
    fn empty_list_says_why() {
        assert!(
            page(Vec::new())
                .render()
                .unwrap()
                .contains("Nothing has happened yet")
        );
        let filtered = ActivityPage {
            is_filtered: true,
            is_first_run: false,
            ..page(Vec::new())
        };
        assert!(filtered.render().unwrap().contains("Nothing fits"));
    }
}
