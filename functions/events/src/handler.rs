//! A page of the event log.

use serde::Serialize;
use shared::api::auth::{Caller, ReadBans};
use shared::api::cursor::Cursors;
use shared::api::{ApiRequest, PageList, Reply};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::event::ShownEvent;
use shared::domain::history::LogPosition;
use shared::store::{LogEntry, Store};

/// How many events a query reads. A page that is full by size leaves at most this many unread.
const AT_ONCE: usize = 200;

/// A page of the log. The cursor points behind it, whether or not there is more by now. The epoch
/// counts the restores of the database: after another restore, events may repeat earlier ones.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Events {
    list: PageList,
    next_cursor: String,
    epoch: u64,
}

struct Reading {
    cursor: Option<LogPosition>,
    since: Option<UnixSeconds>,
    limit: usize,
    cursors: Cursors,
}

/// Reads on from a cursor, else from a time, else from the beginning.
pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let reading = parse(&caller, &request, &store).await?;
    let (head, after) = begin(&caller, &reading, &store).await?;
    let now = UnixMillis::now();
    let presenter = caller.presenter(now.seconds());
    let mut list = PageList::of(reading.limit);
    let mut reached = after;
    // Reading the head costs a quarter of a query, and shows whether there is anything new.
    if head.position > after {
        let entries = store
            .log_entries(caller.prefix(), after, reading.limit, now)
            .await?;
        'page: for entries in entries.chunks(AT_ONCE) {
            for event in store.logged(entries).await? {
                if !list.add(&ShownEvent::of(&event, &presenter))? {
                    break 'page;
                }
                reached = event.position;
            }
            reached = entries.last().map_or(reached, LogEntry::position);
        }
    }
    let next = LogPosition {
        epoch: head.epoch,
        position: reached,
    };
    let answer = Events {
        list,
        next_cursor: reading.cursors.seal(&next).await?,
        epoch: next.epoch,
    };
    Ok(Reply::json(&answer)?.varying(caller.needs_vary_header()))
}

/// The end of the event log, and the position after which to read.
async fn begin(
    caller: &Caller<ReadBans>,
    reading: &Reading,
    store: &Store,
) -> Result<(LogPosition, u64), ApiError> {
    let prefix = caller.prefix();
    if let Some(cursor) = reading.cursor {
        let head = store.log_head_from(prefix, cursor).await?;
        let beyond = || {
            ApiError::field(
                "cursor",
                "is beyond the end of the event log: start without one",
            )
        };
        return Ok((head.ok_or_else(beyond)?, cursor.position));
    }
    let head = store.log_head(prefix, false).await?;
    let after = match reading.since {
        Some(UnixSeconds(since)) => {
            let since = UnixMillis::from_millis(since.saturating_mul(1000));
            store.position_since(prefix, since).await?
        }
        None => 0,
    };
    Ok((head, after))
}

async fn parse(
    caller: &Caller<ReadBans>,
    request: &ApiRequest,
    store: &Store,
) -> Result<Reading, ApiError> {
    let mut query = request.query();
    let since = query.optional_time("since");
    let limit = query.limit();
    let cursors = Cursors::new(caller, store, "events");
    let cursor = cursors.open(&mut query).await?;
    query.build(|| {
        Some(Reading {
            cursor,
            since,
            limit: limit?,
            cursors,
        })
    })
}
