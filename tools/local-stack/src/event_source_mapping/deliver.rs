//! Delivers batches to the function until each record is done.
//!
//! As in Lambda, a failed batch is split in two and retried, and a batch whose function names the first
//! failed record continues from there. Unlike Lambda, which gives up the whole rest of a batch after the last
//! retry, this gives up only the failed record.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Invoke, InvokeError, MappingOptions, Progress, sequence_number};
use crate::template::StreamSource;

pub(super) struct Delivery<I> {
    pub(super) function: I,
    pub(super) source: StreamSource,
    pub(super) options: MappingOptions,
    pub(super) progress: watch::Sender<Progress>,
}

struct Batch {
    records: Vec<Value>,
    tries: u32,
}

impl<I: Invoke> Delivery<I> {
    /// Delivers records: those with the same key in order, others concurrently.
    pub(super) async fn deliver(&self, records: Vec<Value>) {
        let lanes = self.source.parallelization.max(1);
        let mut by_lane: Vec<Vec<Value>> = vec![Vec::new(); lanes];
        for record in records {
            if let Some(lane) = by_lane.get_mut(lane_of(&record, lanes)) {
                lane.push(record);
            }
        }
        futures::future::join_all(by_lane.into_iter().map(|lane| self.lane(lane))).await;
    }

    async fn lane(&self, records: Vec<Value>) {
        let size = self.source.batch_size.max(1);
        let mut waiting: VecDeque<Batch> = records
            .chunks(size)
            .map(|chunk| Batch {
                records: chunk.to_vec(),
                tries: 0,
            })
            .collect();
        while let Some(batch) = waiting.pop_front() {
            let event = json!({ "Records": batch.records });
            match self.function.invoke(event).await {
                Ok(answer) => {
                    if let Some(failed) = self.first_failure(&answer, &batch.records) {
                        self.resume(batch, failed, &mut waiting).await;
                    }
                }
                // The function never got the records, so this does not count as a try.
                Err(InvokeError::Unreachable(_)) => {
                    self.pause(batch.tries).await;
                    waiting.push_front(batch);
                }
                Err(InvokeError::Function(_)) => self.retry(batch, &mut waiting).await,
            }
        }
    }

    /// The position of the first record that the function reports as failed.
    fn first_failure(&self, answer: &Value, records: &[Value]) -> Option<usize> {
        if !self.source.reports_item_failures {
            return None;
        }
        let failures = answer.get("batchItemFailures")?.as_array()?;
        failures
            .iter()
            .map(|failure| {
                let id = failure.get("itemIdentifier").and_then(Value::as_str);
                // An unknown identifier fails the whole batch.
                records
                    .iter()
                    .position(|r| id.is_some() && sequence_number(r) == id)
                    .unwrap_or(0)
            })
            .min()
    }

    /// Retries a batch from the record that failed.
    async fn resume(&self, mut batch: Batch, failed: usize, waiting: &mut VecDeque<Batch>) {
        let records = batch.records.split_off(failed);
        let tries = if failed == 0 { batch.tries + 1 } else { 1 };
        self.again(Batch { records, tries }, waiting).await;
    }

    /// Retries a batch of which only the failure is known.
    async fn retry(&self, mut batch: Batch, waiting: &mut VecDeque<Batch>) {
        if self.source.bisect && batch.records.len() > 1 {
            self.pause(batch.tries).await;
            let second = batch.records.split_off(batch.records.len() / 2);
            waiting.push_front(Batch {
                records: second,
                tries: batch.tries,
            });
            waiting.push_front(batch);
        } else {
            batch.tries += 1;
            self.again(batch, waiting).await;
        }
    }

    async fn again(&self, mut batch: Batch, waiting: &mut VecDeque<Batch>) {
        if self
            .source
            .maximum_retries
            .is_some_and(|most| batch.tries > most)
        {
            let record = batch.records.remove(0);
            eprintln!(
                "stream: gave up record {}",
                sequence_number(&record).unwrap_or("?")
            );
            self.progress
                .send_modify(|progress| progress.given_up.push(record));
            batch.tries = 0;
            if batch.records.is_empty() {
                return;
            }
        } else {
            self.pause(batch.tries).await;
        }
        waiting.push_front(batch);
    }

    async fn pause(&self, tries: u32) {
        let delay = self.options.first_delay.saturating_mul(1 << tries.min(16));
        tokio::time::sleep(
            delay
                .min(self.options.longest_delay)
                .max(Duration::from_millis(1)),
        )
        .await;
    }
}

/// The shard lane of a record. Records of one item share a lane, which keeps their order.
fn lane_of(record: &Value, lanes: usize) -> usize {
    let keys = record.pointer("/dynamodb/Keys").and_then(Value::as_object);
    let mut keys: Vec<_> = keys
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    keys.sort();
    let mut hasher = DefaultHasher::new();
    keys.hash(&mut hasher);
    usize::try_from(hasher.finish() % (lanes as u64)).unwrap_or(0)
}
