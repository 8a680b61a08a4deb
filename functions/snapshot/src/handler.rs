//! Serves a snapshot from memory, and orders the first.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use shared::api::auth::{Caller, ReadBans};
use shared::api::cursor::Cursors;
use shared::api::{ApiRequest, Reply};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::store::{SnapshotObject, SnapshotState, Store};

use crate::held::HeldSnapshots;

/// How many encoded bytes a part has: 4 MiB of base64.
const PART: usize = 3 * 1024 * 1024;

/// The bounds of `nextSnapshotSeconds`.
const SOONEST: u64 = 60;
const LATEST: u64 = 3600;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    status: &'static str,
    version: String,
    cursor: String,
    count: u64,
    users: String,
    encoding: &'static str,
    built: UnixSeconds,
    now: UnixSeconds,
    next_snapshot_seconds: u64,
    part: usize,
    parts: usize,
}

/// Which part, of which build.
struct Wanted {
    /// From 1.
    part: usize,
    version: Option<String>,
}

pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
    held: &HeldSnapshots,
) -> Result<Reply, ApiError> {
    let wanted = parse(&request)?;
    let (prefix, now) = (caller.prefix(), UnixMillis::now().seconds());
    let Some(state) = store.snapshot_state(prefix).await? else {
        store.order_snapshot(prefix, now).await?;
        return Err(ApiError::SnapshotNotBuilt);
    };
    store.note_snapshot_request(prefix, &state, now);
    if state.built.is_none() {
        return Err(ApiError::SnapshotNotBuilt);
    }
    let Some(object) = held.at_least(prefix, state.version()).await? else {
        store.hasten_snapshot(prefix, now).await?;
        return Err(ApiError::SnapshotNotBuilt);
    };
    let header = object.header();
    let cursors = Cursors::new(&caller, &store, "sync");
    let version = header.version.to_string();
    if wanted.version.as_ref().is_some_and(|it| *it != version) {
        return Err(ApiError::SnapshotChanged);
    }
    let (users, parts) = part(&object, wanted.part)?;
    let answer = Snapshot {
        status: "ok",
        version,
        cursor: cursors.seal(&header.sync_position()).await?,
        count: header.count,
        users,
        encoding: "delta-leb128-base64",
        built: header.built,
        now,
        next_snapshot_seconds: next(&state, now),
        part: wanted.part,
        parts,
    };
    Reply::json(&answer)
}

/// The base64 of a part, and how many there are. No part but the last needs padding, so together they
/// are the base64 of the whole.
fn part(object: &SnapshotObject, part: usize) -> Result<(String, usize), ApiError> {
    let encoded = object.encoded();
    let parts = encoded.len().div_ceil(PART).max(1);
    let begin = part.saturating_sub(1).saturating_mul(PART);
    let end = begin.saturating_add(PART).min(encoded.len());
    match encoded.get(begin..end) {
        Some(bytes) if part <= parts => Ok((STANDARD.encode(bytes), parts)),
        _ => Err(ApiError::field(
            "part",
            "is beyond the last part, whose number is in \"parts\"",
        )),
    }
}

/// Seconds until a newer snapshot may exist.
fn next(state: &SnapshotState, now: UnixSeconds) -> u64 {
    let due = state.due_at.0.saturating_sub(now.0);
    due.saturating_add(SOONEST).clamp(SOONEST, LATEST)
}

fn parse(request: &ApiRequest) -> Result<Wanted, ApiError> {
    let mut query = request.query();
    let part = query.optional_position("part").unwrap_or(1);
    let version = match query.value("version") {
        Some(_) => query.token("version", 20),
        None => None,
    };
    if part > 1 && version.is_none() && query.value("version").is_none() {
        query.reject("version", "is required with a part after the first");
    }
    query.build(|| {
        Some(Wanted {
            part: usize::try_from(part).unwrap_or(usize::MAX),
            version,
        })
    })
}
