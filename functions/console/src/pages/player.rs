//! A player: what holds now, and everything that was decided.

mod evidence;
mod experiences;
mod history;

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::api::cursor::ListName;
use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, Guid, UserId};
use shared::domain::members::MemberPermission;
use shared::domain::rules::Scope;
use shared::store::{
    BanRecord, EvidenceBucket, Filter, HistoryPosition, NewestDecisions, UserStandings,
};

use self::evidence::EvidenceSection;
pub use self::evidence::TypedEvidence;
use self::experiences::ExperienceView;
#[cfg(test)]
pub use self::history::tests::decision as decision_for_tests;
pub use self::history::{ChangeView, HistoryEntry, what as decision_words};
use super::result::ResultLine;
use crate::assets::Assets;
use crate::ban_view::{AppliedView, BanView, PlayerView, Reader};
use crate::frame::Frame;
use crate::look::Look;
use crate::names;
use crate::people::People;
use crate::visit::{self, Visit};

/// How many decisions a page shows.
const DECISIONS: usize = 50;

/// How many of the player's bans are looked up for who made them.
const RECORDS: usize = 50;

/// How many experiences a page shows.
const EXPERIENCES: usize = 50;

#[derive(Template)]
#[template(path = "player.html")]
struct PlayerPage {
    look: Look,
    assets: &'static Assets,
    frame: Frame,
    result: Option<ResultLine>,
    refusal: Option<String>,
    user: PlayerView,
    is_protected: bool,
    shows_moderators: bool,
    in_force: Vec<BanView>,
    not_banned: &'static str,
    history: Vec<HistoryEntry>,
    history_text: String,
    /// The address of the next page of the history.
    older: Option<String>,
    experiences: Vec<ExperienceView>,
    more_experiences: Option<String>,
    /// For those who may moderate.
    evidence: Option<EvidenceSection>,
}

pub async fn show(
    visit: &Visit,
    bucket: &EvidenceBucket,
    user: UserId,
) -> Result<Response<Body>, ApiError> {
    let page = read(visit, user, None, TypedEvidence::default()).await?;
    page.show(bucket, StatusCode::OK)
}

/// The player's page with evidence that was not added.
pub async fn with_evidence(
    visit: &Visit,
    bucket: &EvidenceBucket,
    user: UserId,
    typed: TypedEvidence,
    status: StatusCode,
) -> Result<Response<Body>, ApiError> {
    let page = read(visit, user, None, typed).await?;
    page.show(bucket, status)
}

/// The player's page after a decision that was not made, with the reason.
pub async fn refused(
    visit: &Visit,
    bucket: &EvidenceBucket,
    user: UserId,
    why: &str,
) -> Result<Response<Body>, ApiError> {
    let typed = TypedEvidence::default();
    let page = read(visit, user, Some(why.to_owned()), typed).await?;
    page.show(bucket, StatusCode::CONFLICT)
}

async fn read(
    visit: &Visit,
    user: UserId,
    refusal: Option<String>,
    typed: TypedEvidence,
) -> Result<PlayerPage, ApiError> {
    let viewer = visit.viewer()?;
    let (store, prefix) = (&visit.store, visit.prefix());
    let before = before(visit, user).await?;
    let (links, members, standings, newest, records) = tokio::try_join!(
        store.links(prefix),
        store.members(prefix),
        store.standings_of(prefix, user),
        store.newest_decisions(prefix, user, before, DECISIONS),
        records(visit, user, RECORDS),
    )?;
    let roots = links.iter().filter(|link| link.join.is_none());
    let linked: Vec<_> = roots.map(|link| link.experience).collect();
    let reader = Reader {
        now: visit.now(),
        moderates: viewer.may(MemberPermission::ManageBans),
        moderates_globally: viewer.may(MemberPermission::ManageGlobalBans),
        people: People::new(&members),
        names: names::shown(visit, [user]).await,
    };
    let older = match newest.older {
        Some(position) => Some(sealed(visit, user, position).await?),
        None => None,
    };
    let page = PlayerPage::new(visit, user, &reader, &linked, &standings, &newest, &records);
    let evidence = if reader.moderates {
        Some(EvidenceSection::read(visit, user, &records, &reader, typed).await?)
    } else {
        None
    };
    Ok(PlayerPage {
        refusal,
        older,
        evidence,
        ..page
    })
}

/// The player's newest bans on record, at most this many.
pub async fn records(visit: &Visit, user: UserId, most: usize) -> Result<Vec<BanRecord>, ApiError> {
    let filter = Filter {
        user: Some(user),
        ..Filter::default()
    };
    let (store, prefix) = (&visit.store, visit.prefix());
    let mut list = store.ban_list(prefix, &filter, None, Some(most));
    let mut records = Vec::new();
    while records.len() < most {
        match list.next().await? {
            Some(record) => records.push(record),
            None => break,
        }
    }
    Ok(records)
}

/// The newest decision about a ban after this number of decisions.
pub async fn decision_after(
    visit: &Visit,
    user: UserId,
    reader: &Reader,
    guid: Guid,
    decisions: u32,
) -> Result<Option<HistoryEntry>, ApiError> {
    let (store, prefix) = (&visit.store, visit.prefix());
    let newest = store
        .newest_decisions(prefix, user, None, DECISIONS)
        .await?;
    let mut newest = newest.decisions.iter();
    let newer = newest.find(|it| it.ban.guid == guid && it.ban.decisions > decisions);
    Ok(newer.map(|decision| HistoryEntry::new(decision, reader)))
}

fn history_list(visit: &Visit, user: UserId) -> ListName {
    ListName::new(visit.signed_in.workspace.guid, "console-history").with("user", Some(user))
}

/// The position in the query from which older decisions follow.
async fn before(visit: &Visit, user: UserId) -> Result<Option<HistoryPosition>, ApiError> {
    let query = visit.query();
    let cursor = query.text("before");
    if cursor.is_empty() {
        return Ok(None);
    }
    let secret = visit.store.workspace_secret(visit.prefix()).await?;
    let position = history_list(visit, user).open(&secret, cursor);
    position
        .map(Some)
        .ok_or_else(|| ApiError::field("before", "is not one of this history: start at its top"))
}

async fn sealed(
    visit: &Visit,
    user: UserId,
    position: HistoryPosition,
) -> Result<String, ApiError> {
    let secret = visit.store.workspace_secret(visit.prefix()).await?;
    let cursor = history_list(visit, user).seal(&secret, &position);
    Ok(format!("/console/players/{user}?before={cursor}#history"))
}

impl PlayerPage {
    /// Only with evidence may the page use the bucket's files.
    fn show(
        &self,
        bucket: &EvidenceBucket,
        status: StatusCode,
    ) -> Result<Response<Body>, ApiError> {
        if self.evidence.is_none() {
            return visit::show(status, self);
        }
        let origin = bucket.origin()?;
        visit::show_with_files(status, self, &origin)
    }

    fn new(
        visit: &Visit,
        user: UserId,
        reader: &Reader,
        linked: &[ExperienceId],
        standings: &UserStandings,
        newest: &NewestDecisions,
        records: &[BanRecord],
    ) -> Self {
        let player = PlayerView::new(user, &reader.names);
        let in_force = standings.bans().filter(|ban| ban.holds(reader.now));
        let in_force: Vec<_> = in_force
            .map(|ban| {
                let known = records.iter().find(|record| record.ban.guid == ban.guid);
                let record = BanRecord {
                    ban: ban.clone(),
                    applied: false,
                    made_by: known.and_then(|record| record.made_by.clone()),
                    last_by: None,
                    last_reason: None,
                };
                let reached: Vec<_> = match ban.scope {
                    Scope::Global => linked.to_vec(),
                    Scope::Experience => vec![ban.made_in],
                };
                let has = |it: &&ExperienceId| {
                    standings.standing(**it).here.report == Some(ban.current())
                };
                let applied = reached.iter().filter(has).count();
                reader.full(&record, Some(AppliedView::new(applied, reached.len())))
            })
            .collect();
        let history: Vec<_> = newest
            .decisions
            .iter()
            .map(|decision| HistoryEntry::new(decision, reader))
            .collect();
        let shown = linked.iter().take(EXPERIENCES);
        let hidden = linked.len().saturating_sub(EXPERIENCES);
        Self {
            look: visit.look,
            assets: Assets::get(),
            frame: visit.frame(),
            result: ResultLine::of(visit, &player, &newest.decisions, standings),
            refusal: None,
            is_protected: standings.is_protected,
            shows_moderators: reader.moderates,
            not_banned: if records.is_empty() {
                "Never banned in this workspace."
            } else {
                "No ban is in force. The history below has the earlier ones."
            },
            in_force,
            history_text: history::as_text(&player, &history),
            history,
            older: None,
            experiences: shown
                .map(|it| ExperienceView::new(*it, &standings.standing(*it), reader.now))
                .collect(),
            more_experiences: (hidden > 0).then(|| format!("And {hidden} more experiences.")),
            evidence: None,
            user: player,
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::rules::DecisionKind;

    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW, ban, experience, reader, record};

    /// The most bytes of a page with 50 decisions that have the longest reasons.
    const BUDGET: usize = 150_000;

    fn page(reason: &str, moderates: bool, decisions: usize) -> PlayerPage {
        let reader = reader(moderates);
        let user = PlayerView::new(ban("x").user, &reader.names);
        let decision = history::tests::decision(DecisionKind::Made, ban(reason));
        let history = vec![HistoryEntry::new(&decision, &reader); decisions];
        let standings = UserStandings::default();
        PlayerPage {
            look: Look::default(),
            assets: Assets::get(),
            frame: Frame::example(moderates),
            result: Some(ResultLine {
                text: HOSTILE.to_owned(),
                note: None,
                undo: Some("1-1".to_owned()),
                user: 156,
            }),
            refusal: Some(HOSTILE.to_owned()),
            is_protected: true,
            shows_moderators: moderates,
            in_force: vec![reader.full(&record(ban(reason)), None)],
            not_banned: "",
            history_text: history::as_text(&user, &history),
            history,
            older: None,
            experiences: vec![ExperienceView::new(
                experience(),
                &standings.standing(experience()),
                NOW,
            )],
            more_experiences: None,
            evidence: moderates.then(evidence::tests::section),
            user,
        }
    }

    #[test]
    fn hostile_text_is_escaped_everywhere() {
        let html = page(HOSTILE, true, 1).render().unwrap();
        for hostile in ["<img", "<script>alert"] {
            assert!(!html.contains(hostile), "{hostile:?}");
        }
    }

    #[test]
    fn private_reasons_are_for_moderators() {
        let secret = "Seen by Ada";
        let shows = |moderates| page(secret, moderates, 1).render().unwrap();
        assert!(shows(true).contains("Private reason"));
        assert!(!shows(false).contains("Private reason"));
    }

    #[test]
    fn long_histories_stay_in_their_budget() {
        let html = page(&"x".repeat(400), true, DECISIONS).render().unwrap();
        assert!(html.len() < BUDGET, "{} bytes", html.len());
    }
}
