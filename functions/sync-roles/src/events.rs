//! Applies the rules to those whom recent events are about.

use std::collections::BTreeSet;

use shared::domain::account_links::LinkSide;
use shared::domain::activity::ActivityDetails;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::event::EventName;
use shared::domain::history::{LogEvent, LogPosition, LoggedEvent};
use shared::domain::ids::{UserId, WorkspacePrefix};
use shared::domain::members::DiscordId;
use shared::moderation::role_sync::{RoleOutcome, RoleSync};
use shared::store::{Store, SyncedEvents};

use crate::budget::Budget;

/// How many events are read at once.
const PAGE: usize = 100;

/// For how many seconds an event waits for a Discord that does not answer.
const PATIENCE: u64 = 3_600;

/// Reads the event log from where the last run ended. A person who is not linked any more is in no later
/// round, so their event waits while Discord does not answer; everyone else has another turn.
pub async fn apply(
    store: &Store,
    prefix: WorkspacePrefix,
    sync: &mut RoleSync<'_>,
    reached: &mut SyncedEvents,
    left: &mut usize,
    budget: &mut Budget,
) -> Result<(), ApiError> {
    let head = store.log_head(prefix, false).await?;
    let mut at = LogPosition::from(*reached);
    if head.epoch > at.epoch {
        // The log was restored. What changed meanwhile, the next round finds.
        at = head;
    }
    while at < head && budget.allows_person() {
        let page = store
            .events_after(prefix, at.position, PAGE, UnixMillis::now())
            .await?;
        if page.reached == at.position {
            break;
        }
        let links = links(store, prefix, &page.events).await?;
        let mut seen = BTreeSet::new();
        for (event, user) in page.events.iter().zip(links) {
            if let Some(user) = user.filter(|user| !seen.contains(user)) {
                if *left == 0 || !budget.allows_person() {
                    *reached = at.into();
                    return Ok(());
                }
                let outcomes = match sync.apply(user).await {
                    Ok(outcomes) => outcomes,
                    Err(error) if error.status() == 503 => {
                        *reached = at.into();
                        return Err(error);
                    }
                    Err(error) => {
                        budget.error = Some(error);
                        Vec::new()
                    }
                };
                budget.count(&outcomes);
                *left = left.saturating_sub(1);
                let now = UnixMillis::now().seconds();
                let waits = now <= event.logged.seconds().plus(PATIENCE);
                if waits && is_removal(event) && outcomes.iter().any(RoleOutcome::is_unfinished) {
                    *reached = at.into();
                    return Ok(());
                }
                seen.insert(user);
            }
            at.position = event.position;
        }
        at.position = page.reached;
    }
    *reached = at.into();
    Ok(())
}

/// The Discord user of each event that may change their roles.
async fn links(
    store: &Store,
    prefix: WorkspacePrefix,
    events: &[LoggedEvent],
) -> Result<Vec<Option<DiscordId>>, ApiError> {
    let players: BTreeSet<_> = events.iter().filter_map(decided).collect();
    let players: Vec<_> = players.into_iter().map(LinkSide::Roblox).collect();
    let links = store.links_of(prefix, &players).await?;
    let of = |event: &LoggedEvent| {
        let player = decided(event);
        let mut links = links.iter();
        let link = links.find(|link| Some(link.pair.roblox) == player);
        link.map(|link| link.pair.discord)
            .or_else(|| changed(event))
    };
    Ok(events.iter().map(of).collect())
}

/// The player whose ban began or ended.
fn decided(event: &LoggedEvent) -> Option<UserId> {
    match &event.entry {
        LogEvent::Decision(decision) => match EventName::of(decision.kind) {
            EventName::Banned | EventName::Unbanned => Some(decision.ban.user),
            _ => None,
        },
        LogEvent::Activity(_) => None,
    }
}

/// The Discord user whose link was added or removed.
fn changed(event: &LoggedEvent) -> Option<DiscordId> {
    match &event.entry {
        LogEvent::Activity(activity) => match &activity.details {
            ActivityDetails::LinkAdded(link) | ActivityDetails::LinkRemoved(link) => {
                Some(link.discord_id)
            }
            _ => None,
        },
        LogEvent::Decision(_) => None,
    }
}

fn is_removal(event: &LoggedEvent) -> bool {
    match &event.entry {
        LogEvent::Activity(activity) => {
            matches!(activity.details, ActivityDetails::LinkRemoved(_))
        }
        LogEvent::Decision(_) => false,
    }
}
