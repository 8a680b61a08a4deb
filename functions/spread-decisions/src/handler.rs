//! One batch of stream records.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use lambda_http::Error;
use lambda_http::lambda_runtime::LambdaEvent;
use shared::clock::Moment;
use shared::store::{Meter, Step, Store};
use shared::stream::{Failures, Record, StreamEvent};
use shared::telemetry::{Batch, Environment, Trace};

/// Takes the step of each record, in order. What was taken once in a batch is not taken again: a
/// step brings everything in line with the state as it is now.
pub async fn handle(
    event: LambdaEvent<StreamEvent>,
    store: Store,
    environment: &Environment,
) -> Result<Failures, Error> {
    let trace = Trace::begin_batch("spread-decisions", &event.context, environment);
    let meter = Arc::new(Meter::default());
    let store = store.metered(Arc::clone(&meter));
    let (mut taken, mut failures, mut error) = (HashSet::new(), Failures::default(), None);
    let mut oldest: Option<Duration> = None;
    let records = event.payload.records.len();
    for Record { dynamodb: change } in &event.payload.records {
        let Some(step) = Step::of(&change.key()) else {
            continue;
        };
        if taken.contains(&step) {
            continue;
        }
        if let Err(failure) = store.spread(step).await {
            failures.add(change);
            error = Some(failure);
            break;
        }
        taken.insert(step);
        if let (Step::Global(..), Some(made)) = (step, change.made()) {
            oldest = Some(oldest.map_or(made, |oldest| oldest.min(made)));
        }
    }
    let now = Duration::from_millis(Moment::now().millis());
    let batch = Batch {
        records,
        steps: taken.len(),
        lag: oldest.map(|made| now.saturating_sub(made).as_secs()),
    };
    trace.end_batch(batch, error.as_ref(), meter.consumed());
    Ok(failures)
}
