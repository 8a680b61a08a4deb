//! The users with a decision or an expiry since a cursor.

use std::collections::BTreeSet;

use serde::Serialize;
use shared::api::auth::{Caller, ReadBans};
use shared::api::cursor::Cursors;
use shared::api::{ApiRequest, Reply};
use shared::domain::ban_info::Flag;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::sync::{LagTerms, SyncPosition, SyncTerms};
use shared::store::{LogHead, Store};

/// How many entries of the event log a page reads by default.
const PAGE: usize = 500;

/// Seconds between two polls of a game server.
const POLL: u64 = 60;

/// The same for the one worker of a game, which distributes what it reads.
const WORKER_POLL: u64 = 7;

/// The longest name of a worker.
const WORKER: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sync {
    status: &'static str,
    cursor: String,
    user_ids: BTreeSet<UserId>,
    more: Flag,
    reset: Flag,
    now: u64,
    lag: u64,
    next_poll_seconds: u64,
}

struct Reading {
    cursor: Option<SyncPosition>,
    limit: usize,
    is_worker: bool,
    cursors: Cursors,
}

/// What a reader learns.
struct Outcome {
    users: BTreeSet<UserId>,
    next: SyncPosition,
    is_full: bool,
    must_reset: bool,
}

pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let reading = parse(&caller, &request, &store).await?;
    // Whatever was logged by now is part of the head that is read next.
    let now = UnixMillis::now();
    let from = reading.cursor.map(|cursor| cursor.log);
    let end = store.log_end(caller.prefix(), from.unwrap_or_default());
    let (head, streamed) = tokio::try_join!(end, store.streamed_until())?;
    let outcome = read_on(&caller, &reading, &head, now, &store).await?;
    let presenter = caller.presenter(now.seconds());
    let answer = Sync {
        status: "ok",
        cursor: reading.cursors.seal(&outcome.next).await?,
        more: presenter.flag(outcome.is_full),
        reset: presenter.flag(outcome.must_reset),
        now: now.seconds().0,
        lag: lag(&caller, &outcome.next, (&head, streamed), now, &store).await?,
        next_poll_seconds: if reading.is_worker { WORKER_POLL } else { POLL },
        user_ids: outcome.users,
    };
    Ok(Reply::json(&answer)?.varying(caller.needs_vary_header()))
}

/// Reads on from the cursor. Without one, or if it cannot be continued, the answer is the end of the
/// log: every later decision is logged after it.
async fn read_on(
    caller: &Caller<ReadBans>,
    reading: &Reading,
    head: &LogHead,
    now: UnixMillis,
    store: &Store,
) -> Result<Outcome, ApiError> {
    let end = |must_reset| Outcome {
        users: BTreeSet::new(),
        next: SyncPosition {
            log: head.last,
            at: now.seconds(),
        },
        is_full: false,
        must_reset,
    };
    let Some(cursor) = reading.cursor else {
        return Ok(end(false));
    };
    let prefix = caller.prefix();
    let workspace = store.known_workspace(prefix).await?;
    let snapshot = if cursor.is_far_behind(head.last) {
        store.snapshot_position(prefix).await?
    } else {
        None
    };
    let terms = SyncTerms {
        head: head.last,
        history_days: workspace.and_then(|workspace| workspace.history_days),
        snapshot: snapshot.map(|snapshot| snapshot.log),
        now: now.seconds(),
    };
    if cursor.must_reset(&terms) {
        return Ok(end(true));
    }
    let changes = store
        .changes_after(prefix, cursor, head, reading.limit, now)
        .await?;
    Ok(Outcome {
        users: changes.users,
        next: changes.next,
        is_full: changes.is_full,
        must_reset: false,
    })
}

async fn lag(
    caller: &Caller<ReadBans>,
    reached: &SyncPosition,
    (head, streamed): (&LogHead, Option<UnixSeconds>),
    now: UnixMillis,
    store: &Store,
) -> Result<u64, ApiError> {
    let now = now.seconds();
    let workspace = store.known_workspace(caller.prefix()).await?;
    let terms = LagTerms {
        now,
        created: workspace.map_or(now, |workspace| workspace.created),
        streamed,
        unlogged: head.unlogged_since.map(UnixMillis::seconds),
        unread: (reached.log < head.last).then_some(reached.at),
    };
    Ok(terms.lag())
}

async fn parse(
    caller: &Caller<ReadBans>,
    request: &ApiRequest,
    store: &Store,
) -> Result<Reading, ApiError> {
    let mut query = request.query();
    let limit = query.limit_or(PAGE);
    let is_worker = query.value("worker").is_some();
    if is_worker {
        query.token("worker", WORKER);
    }
    let cursors = Cursors::new(caller, store, "sync");
    let cursor = cursors.open(&mut query).await?;
    query.build(|| {
        Some(Reading {
            cursor,
            limit: limit?,
            is_worker,
            cursors,
        })
    })
}
