//! One batch of stream records.

use std::collections::HashSet;
use std::time::Duration;

use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::store::PropagationStep;
use shared::store::dynamo::stream::{Failures, Record, StreamEvent};
use shared::telemetry::Batch;

/// Runs the step of each record, in order, and each distinct step once per batch: a step brings
/// everything in line with the current state. The stream sends again what failed or what there was
/// no time for.
pub async fn handle(invocation: Invocation, event: StreamEvent) -> Failures {
    let (mut taken, mut failures, mut error) = (HashSet::new(), Failures::default(), None);
    let mut oldest: Option<Duration> = None;
    let records = event.records.len();
    for Record { dynamodb: change } in &event.records {
        let Some(step) = PropagationStep::of(&change.key()) else {
            continue;
        };
        if taken.contains(&step) {
            continue;
        }
        if !invocation.ends.allows(STEP) {
            failures.add(change);
            break;
        }
        if let Err(failure) = invocation.store.propagate(step).await {
            failures.add(change);
            error = Some(failure);
            break;
        }
        taken.insert(step);
        if let (PropagationStep::Global(..), Some(made)) = (step, change.made()) {
            oldest = Some(oldest.map_or(made, |oldest| oldest.min(made)));
        }
    }
    let now = Duration::from_millis(UnixMillis::now().millis());
    let batch = Batch {
        records,
        steps: taken.len(),
        lag: oldest.map(|made| now.saturating_sub(made).as_secs()),
    };
    invocation.end_batch(batch, error.as_ref());
    failures
}
