//! One batch of stream records.

use std::time::Duration;

use futures::future::join_all;
use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::integrations::invoker::{Job, WorkerInvoker};
use shared::store::dynamo::stream::{Failures, ItemChange, StreamEvent};
use shared::store::{Key, LOGGED_AT_ONCE};
use shared::telemetry::Run;

use crate::mirror;
use crate::plan::{BatchPlan, WorkspaceLog};

/// After how many events a snapshot is built again before its time.
const EVENTS_PER_SNAPSHOT: u64 = 256;

/// Logs decisions in order and invokes the workers that continue from there. All of it can be
/// repeated. The stream sends again what could not be logged, or what there was no time for. A
/// failed invocation is not repeated: the schedules find what is left.
pub async fn handle(
    invocation: Invocation,
    event: StreamEvent,
    invoker: &WorkerInvoker,
) -> Failures {
    let now = UnixMillis::now();
    let plan = BatchPlan::of(&event, now.seconds());
    let (mut failures, mut error) = (Failures::default(), None);
    let (mut logged, mut snapshots) = (0_u32, Vec::new());
    let mut is_known = true;
    for log in &plan.logs {
        let published = publish(&invocation, log).await;
        logged = logged.saturating_add(published.logged);
        is_known &= note(&invocation, log, &published).await;
        if published.makes_snapshot_old {
            snapshots.push(Job::Snapshot {
                workspace: log.prefix,
            });
        }
        if let Some(change) = published.stopped_at {
            failures.add(change);
        }
        error = published.error.or(error);
    }
    let mut errands = plan.errands;
    errands.extend(snapshots);
    match mirror::errands(&invocation, &plan.pending, &plan.unbanned, now).await {
        Ok(universes) => errands.extend(universes),
        Err(failure) => {
            // The schedule finds what is pending, but only this batch shows which users' unbans
            // were reported.
            let first = event.records.first().filter(|_| !plan.unbanned.is_empty());
            if let Some(record) = first {
                failures.add(&record.dynamodb);
            }
            error = error.or(Some(failure));
        }
    }
    if invocation.ends.allows(STEP) {
        let waking = errands.iter().map(|job| invoker.invoke(job));
        let mut failed = join_all(waking).await.into_iter().filter_map(Result::err);
        error = error.or(failed.next());
    }
    // What is unlogged without a note must make the log look late for everyone.
    if let Some(tick) = plan
        .tick
        .filter(|_| is_known && invocation.ends.allows(STEP))
    {
        error = invocation.store.record_tick(tick).await.err().or(error);
    }
    let run = Run {
        events_logged: logged,
        event_lag_seconds: waited(&plan.logs, now),
        ..Run::default()
    };
    invocation.end_run(&run, error.as_ref());
    failures
}

/// The result for the entries of a workspace.
#[derive(Default)]
struct Published<'a> {
    logged: u32,
    /// Whether many events have been logged since the workspace's snapshot may have been built.
    makes_snapshot_old: bool,
    /// The first entry that was not logged, or that lacks deliveries.
    stopped_at: Option<&'a ItemChange>,
    /// How many of the first entries are logged.
    done: usize,
    error: Option<ApiError>,
}

/// Logs the entries of a workspace and writes their deliveries. If one cannot be logged, no later
/// one is.
async fn publish<'a>(invocation: &Invocation, log: &WorkspaceLog<'a>) -> Published<'a> {
    let store = &invocation.store;
    let mut published = Published::default();
    for entries in log.entries.chunks(LOGGED_AT_ONCE) {
        let first = entries.first().map(|(_, change)| *change);
        if !invocation.ends.allows(STEP) {
            published.stopped_at = first;
            break;
        }
        let keys: Vec<Key> = entries.iter().map(|(key, _)| key.clone()).collect();
        let publishing = async {
            let events = store.log(log.prefix, &keys).await?;
            published.done = published.done.saturating_add(keys.len());
            store.fan_out(log.prefix, &events).await?;
            Ok::<_, ApiError>(events)
        };
        match publishing.await {
            Ok(events) => {
                let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
                published.logged = published.logged.saturating_add(count);
                let mut positions = events.iter().map(|event| event.position);
                published.makes_snapshot_old |=
                    positions.any(|position| position.is_multiple_of(EVENTS_PER_SNAPSHOT));
            }
            Err(error) => {
                published.stopped_at = first;
                published.error = Some(error);
                break;
            }
        }
    }
    published
}

/// Notes in the log since when entries are unlogged; `false` if that failed.
async fn note(invocation: &Invocation, log: &WorkspaceLog<'_>, published: &Published<'_>) -> bool {
    let unlogged = log.entries.iter().skip(published.done);
    let moments = unlogged.map(|(key, change)| {
        let written = change.made().unwrap_or_default().as_millis();
        let written = UnixMillis::from_millis(u64::try_from(written).unwrap_or_default());
        key.moment().unwrap_or(written)
    });
    let Some(since) = moments.min() else {
        return true;
    };
    let noting = invocation.store.note_unlogged(log.prefix, since);
    noting.await.unwrap_or_default()
}

/// The age of the oldest entry, in seconds.
fn waited(logs: &[WorkspaceLog<'_>], now: UnixMillis) -> Option<u64> {
    let entries = logs.iter().flat_map(|log| &log.entries);
    let oldest = entries.filter_map(|(_, change)| change.made()).min()?;
    let now = Duration::from_millis(now.millis());
    Some(now.saturating_sub(oldest).as_secs())
}
