//! The log of events, from a place in it on.

use serde::Serialize;
use shared::auth::{Caller, ReadBans};
use shared::clock::{Moment, Timestamp};
use shared::cursor::CursorScope;
use shared::error::ApiError;
use shared::event::Event;
use shared::http::{ApiRequest, Reply};
use shared::ids::WorkspaceId;
use shared::store::Store;

/// A part of the log. The cursor stands after it, whether there is more by now or not.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Events {
    list: Vec<Event>,
    next_cursor: String,
}

struct Reading {
    after: Option<u64>,
    since: Option<Timestamp>,
    limit: usize,
    scope: CursorScope,
}

/// Reads on from a cursor, else from a time, else from the beginning.
pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let reading = parse(caller.workspace(), &request)?;
    let now = Moment::now();
    let after = match (reading.after, reading.since) {
        (Some(after), _) => after,
        (None, Some(Timestamp(since))) => {
            let since = Moment::from_millis(since.saturating_mul(1000));
            store.position_since(caller.tag(), since).await?
        }
        (None, None) => 0,
    };
    let page = store
        .events_after(caller.tag(), after, reading.limit, now)
        .await?;
    let view = caller.view(now.seconds());
    let events = page.events.iter();
    let answer = Events {
        list: events
            .map(|event| Event::of(&event.decision, &view))
            .collect(),
        next_cursor: reading.scope.seal(&page.reached.to_string()),
    };
    Ok(Reply::json(&answer)?.varying(caller.view_varies()))
}

fn parse(workspace: WorkspaceId, request: &ApiRequest) -> Result<Reading, ApiError> {
    let mut query = request.query();
    let since = query.optional_time("since");
    let limit = query.limit();
    let scope = CursorScope::new(workspace, "events");
    let after = scope.open(&mut query, |position| position.parse().ok());
    query.build(|| {
        Some(Reading {
            after,
            since,
            limit: limit?,
            scope,
        })
    })
}
