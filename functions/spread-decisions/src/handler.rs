//! One batch of stream records.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use lambda_http::Error;
use lambda_http::lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};
use shared::store::{Meter, Step, Store, StreamKey};
use shared::telemetry::{milliseconds, write_line};

/// A batch, as the event source mapping sends it. Of each record only the key is looked at.
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    level: &'static str,
    message: &'static str,
    request_id: &'a str,
    route: &'static str,
    records: usize,
    steps: usize,
    duration_ms: f64,
    read_units: f64,
    write_units: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Takes the step of each record, in order. What was taken once in a batch is not taken again: a
/// step brings everything in line with the state as it is now.
pub async fn handle(event: LambdaEvent<StreamEvent>, store: Store) -> Result<Failures, Error> {
    let started = Instant::now();
    let meter = Arc::new(Meter::default());
    let store = store.metered(Arc::clone(&meter));
    let (mut taken, mut failures, mut error) = (HashSet::new(), Failures::default(), None);
    let records = event.payload.records.len();
    for Record { dynamodb } in event.payload.records {
        let Keys { pk, sk } = dynamodb.keys;
        let Some(step) = Step::of(&StreamKey {
            pk: pk.value,
            sk: sk.value,
        }) else {
            continue;
        };
        if !taken.insert(step) {
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
    }
    let consumed = meter.consumed();
    write_line(&Event {
        level: if error.is_some() { "WARN" } else { "INFO" },
        message: "stream",
        request_id: &event.context.request_id,
        route: "spread-decisions",
        records,
        steps: taken.len(),
        duration_ms: milliseconds(started.elapsed()),
        read_units: consumed.read_units,
        write_units: consumed.write_units,
        error: error
            .map(|error| format!("{}: {}", error.code(), error.detail().unwrap_or_default())),
    });
    Ok(failures)
}
