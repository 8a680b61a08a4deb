//! One batch of stream records.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use lambda_http::Error;
use lambda_http::lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};
use shared::clock::Moment;
use shared::store::{Meter, Step, Store, StreamKey};
use shared::telemetry::{Batch, Environment, Trace};

/// A batch, as the event source mapping sends it. Of each record only the key is acted on.
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: Keys,
    sequence_number: String,
    /// Unix seconds.
    approximate_creation_date_time: Option<f64>,
}

impl Change {
    /// When it was made, since 1970: the whole second, DynamoDB says no more.
    fn made(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.approximate_creation_date_time?).ok()
    }
}

#[derive(Debug, Deserialize)]
struct Keys {
    pk: Text,
    sk: Text,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    value: String,
}

/// Which records are to be sent again: from the first of them on.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

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
    for Record { dynamodb } in event.payload.records {
        let made = dynamodb.made();
        let Keys { pk, sk } = dynamodb.keys;
        let Some(step) = Step::of(&StreamKey {
            pk: pk.value,
            sk: sk.value,
        }) else {
            continue;
        };
        if taken.contains(&step) {
            continue;
        }
        if let Err(failure) = store.spread(step).await {
            let item_identifier = dynamodb.sequence_number;
            failures
                .batch_item_failures
                .push(Failure { item_identifier });
            error = Some(failure);
            break;
        }
        taken.insert(step);
        if let (Step::Global(..), Some(made)) = (step, made) {
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
