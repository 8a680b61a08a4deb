//! One batch of stream records.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use lambda_http::Error;
use lambda_http::lambda_runtime::LambdaEvent;
use shared::clock::Moment;
use shared::error::ApiError;
use shared::store::{Key, LOGGED_AT_ONCE, Meter, Store};
use shared::stream::{Change, Failures, StreamEvent};
use shared::telemetry::{Environment, Run, Trace};
use shared::wake::Waker;

use crate::mirror;
use crate::plan::{Plan, ToLog};

/// Logs what was decided, in order, and wakes whoever has something to carry further. All of it can
/// be done twice. A wake that fails is not repeated: the schedules look for what is left.
pub async fn handle(
    event: LambdaEvent<StreamEvent>,
    store: Store,
    waker: &Waker,
    environment: &Environment,
) -> Result<Failures, Error> {
    let trace = Trace::begin_batch("publish-events", &event.context, environment);
    let meter = Arc::new(Meter::default());
    let store = store.metered(Arc::clone(&meter));
    let now = Moment::now();
    let plan = Plan::of(&event.payload, now.seconds());
    let (mut failures, mut error) = (Failures::default(), None);
    let mut logged = 0_u32;
    for log in &plan.logs {
        match publish(&store, log).await {
            Ok(count) => logged = logged.saturating_add(count),
            Err((failure, change)) => {
                failures.add(change);
                error = Some(failure);
            }
        }
    }
    let mut errands = plan.errands;
    match mirror::errands(&store, &plan.owing, &plan.let_in, now).await {
        Ok(universes) => errands.extend(universes),
        Err(failure) => error = error.or(Some(failure)),
    }
    let waking = errands.iter().map(|errand| waker.wake(errand));
    let mut failed = join_all(waking).await.into_iter().filter_map(Result::err);
    error = error.or(failed.next());
    let run = Run {
        counts: vec![("eventsLogged", logged)],
        waited: waited(&plan.logs, now).map(|seconds| ("eventLagSeconds", seconds)),
    };
    trace.end_run(&run, error.as_ref(), meter.consumed());
    Ok(failures)
}

/// Logs the entries of a workspace and writes their deliveries. Of one that cannot be logged, nothing
/// later is.
async fn publish<'a>(store: &Store, log: &ToLog<'a>) -> Result<u32, (ApiError, &'a Change)> {
    let mut logged = 0_u32;
    for entries in log.entries.chunks(LOGGED_AT_ONCE) {
        let keys: Vec<Key> = entries.iter().map(|(key, _)| key.clone()).collect();
        let publishing = async {
            let events = store.log(log.tag, &keys).await?;
            store.fan_out(log.tag, &events).await?;
            Ok(u32::try_from(events.len()).unwrap_or(u32::MAX))
        };
        match (publishing.await, entries.first()) {
            (Ok(count), _) => logged = logged.saturating_add(count),
            (Err(error), Some((_, change))) => return Err((error, *change)),
            (Err(_), None) => {}
        }
    }
    Ok(logged)
}

/// How many seconds ago the oldest of the entries was written.
fn waited(logs: &[ToLog<'_>], now: Moment) -> Option<u64> {
    let entries = logs.iter().flat_map(|log| &log.entries);
    let oldest = entries.filter_map(|(_, change)| change.made()).min()?;
    let now = Duration::from_millis(now.millis());
    Some(now.saturating_sub(oldest).as_secs())
}
