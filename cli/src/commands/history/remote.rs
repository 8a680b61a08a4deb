//! `portcullis history` through the API, which has a history for each ban.

use anyhow::Result;
use serde::Deserialize;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::ModeratorId;
use shared::domain::rules::DecisionKind;

use super::{HistoryArgs, HistoryEntry};
use crate::actors::ShownActor;
use crate::api::{ApiClient, LARGEST_PAGE, Query, ReceivedBan};
use crate::ban_summary::BanSummary;
use crate::names::{NO_TABLES, NamedUser, UserNames};
use crate::output::Output;
use crate::times::Time;

/// A page of a ban's history.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryPage {
    events: Vec<ReceivedDecision>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct ReceivedDecision {
    id: String,
    event: String,
    created: u64,
    data: ReceivedBan,
    previous: Option<ReceivedBan>,
    reason: Option<String>,
    actor: ReceivedActor,
}

#[derive(Deserialize)]
struct ReceivedActor {
    #[serde(flatten)]
    shown: ShownActor,
    moderator: Option<ModeratorId>,
    principal: Option<String>,
}

impl ReceivedDecision {
    /// What the API says about it: it does not distinguish restored and imported bans from new ones.
    fn kind(&self) -> DecisionKind {
        match self.event.as_str() {
            "GAME_BAN_UPDATED" => DecisionKind::Changed,
            "GAME_UNBANNED" if self.id.ends_with("-expired") => DecisionKind::Expired,
            "GAME_UNBANNED" if self.data.is_appealed => DecisionKind::Appealed,
            "GAME_UNBANNED" => DecisionKind::Lifted,
            _ => DecisionKind::Made,
        }
    }
}

impl HistoryEntry {
    fn received(decision: ReceivedDecision, user: &NamedUser) -> Self {
        let (decision_kind, at) = (decision.kind(), UnixSeconds(decision.created));
        // The ban as of the decision, not as of now.
        let show = |ban| BanSummary::received(ban, at).of(user);
        Self {
            id: decision.id,
            decision: decision_kind,
            at: Time(at),
            at_seconds: at,
            by: decision.actor.shown.into(),
            moderator_id: decision.actor.moderator,
            principal: decision.actor.principal,
            reason: decision.reason,
            ban: show(decision.data),
            previous: decision.previous.map(show),
        }
    }
}

/// All decisions on the user's bans. The API shows activities in its event log only.
pub async fn run_remote(
    args: &HistoryArgs,
    api: &ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let mut user = names.find(NO_TABLES, &args.user).await?;
    names.complete_remote([&mut user]).await;
    let limit = || ("limit", LARGEST_PAGE.to_string());
    let bans = vec![("userId", user.id.to_string()), limit()];
    let bans: Vec<ReceivedBan> = api.all("bans", &bans)?;
    let mut entries: Vec<HistoryEntry> = Vec::new();
    // The oldest ban first, so that decisions of the same second stay in order.
    for ban in bans.into_iter().rev() {
        let path = format!("bans/{}", ban.guid);
        let mut next = None;
        loop {
            let mut query: Query<'_> = vec![limit()];
            query.extend(next.map(|cursor| ("cursor", cursor)));
            let page: HistoryPage = api.get(&path, &query)?;
            let decisions = page.events.into_iter();
            entries.extend(decisions.map(|decision| HistoryEntry::received(decision, &user)));
            next = page.next_cursor;
            if next.is_none() {
                break;
            }
        }
    }
    entries.sort_by_key(|entry| entry.at_seconds);
    let none = format!("no decisions about user {user} on record");
    output.list(&entries, &none)
}
