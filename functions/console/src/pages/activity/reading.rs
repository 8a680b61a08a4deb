//! Reads a page of the event log, newest first. No index serves the filters, so it looks at a bounded
//! number of entries, and tells how far back it looked.

use shared::api::cursor::ListName;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::history::{LogPosition, LoggedEvent};

use super::query::ActivityQuery;
use crate::visit::Visit;

/// How many entries a page shows.
const SHOWN: u64 = 50;

/// How many it looks at.
const EXAMINED: u64 = 1000;

/// How many it reads at once, if it has filters.
const AT_ONCE: u64 = 200;

/// How many seconds after a decision it may be logged. With a longer delay, a filter for a day may
/// leave it out.
const LOGGED_WITHIN: u64 = 3_600;

/// A page of the log.
#[derive(Clone, Debug, Default)]
pub struct ActivityRead {
    pub events: Vec<LoggedEvent>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// The time of the last entry that was looked at, if the page is not full.
    pub looked_back: Option<UnixSeconds>,
    /// Whether nothing was ever logged.
    pub is_nothing_on_record: bool,
}

pub async fn read(visit: &Visit, query: &ActivityQuery) -> Result<ActivityRead, ApiError> {
    let (store, prefix) = (&visit.store, visit.prefix());
    let head = store.log_head(prefix, true).await?;
    let mut upto = begin(visit, query, head).await?;
    let since = query.since();
    let at_once = if query.is_filtered() { AT_ONCE } else { SHOWN };
    let mut read = ActivityRead {
        is_nothing_on_record: head.position == 0,
        ..ActivityRead::default()
    };
    let (mut examined, mut reached) = (0, None);
    while upto > 0 && examined < EXAMINED && !is_full(&read) {
        let after = upto.saturating_sub(at_once);
        let entries = store.log_between(prefix, after, upto).await?;
        let events = store.logged(&entries).await?;
        upto = after;
        examined = examined.saturating_add(at_once);
        for event in events.into_iter().rev() {
            if since.is_some_and(|since| event.logged.seconds() < since) {
                upto = 0;
                break;
            }
            let position = event.position;
            reached = Some(event.entry.at());
            if query.fits(&event) {
                read.events.push(event);
            }
            if is_full(&read) {
                upto = position.saturating_sub(1);
                break;
            }
        }
    }
    if upto > 0 {
        let secret = store.workspace_secret(prefix).await?;
        let position = LogPosition {
            epoch: head.epoch,
            position: upto,
        };
        read.next = Some(name(visit, query).seal(&secret, &position));
        read.looked_back = reached.filter(|_| !is_full(&read));
    }
    Ok(read)
}

fn is_full(read: &ActivityRead) -> bool {
    u64::try_from(read.events.len()).is_ok_and(|shown| shown >= SHOWN)
}

/// The position from which to read backwards.
async fn begin(visit: &Visit, query: &ActivityQuery, head: LogPosition) -> Result<u64, ApiError> {
    let (store, prefix) = (&visit.store, visit.prefix());
    if let Some(cursor) = &query.cursor {
        let secret = store.workspace_secret(prefix).await?;
        let position: Option<LogPosition> = name(visit, query).open(&secret, cursor);
        // After a restore, positions stand for other entries.
        let position = position.filter(|position| position.epoch == head.epoch);
        let not_ours = || ApiError::field("cursor", "is not one of this list: start at its top");
        return Ok(position.ok_or_else(not_ours)?.position);
    }
    let Some(until) = query.until() else {
        return Ok(head.position);
    };
    let logged_by = until.plus(LOGGED_WITHIN).0.saturating_mul(1000);
    let logged_by = UnixMillis::from_millis(logged_by);
    store.position_since(prefix, logged_by).await
}

/// The list that a cursor belongs to.
fn name(visit: &Visit, query: &ActivityQuery) -> ListName {
    let list = ListName::new(visit.signed_in.workspace.guid, "console-activity");
    query
        .parts()
        .fold(list, |list, (name, value)| list.with(name, Some(value)))
}
