//! An event source mapping: it delivers the records of a table's stream to a function.
//!
//! Delivery is at least once and in order for each item. A record is done when the function succeeds, or when
//! its retries are used up and the mapping gives it up with a message.

mod deliver;
mod filter;
mod invoke;
mod stream;

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};
use tokio::sync::watch;

pub use invoke::{HttpInvoke, Invoke, InvokeError};

use crate::{REGION, Result, dynamo::Dynamo, http::Guard, template::StreamSource};
use deliver::Delivery;
use filter::Filter;
use stream::Stream;

#[derive(Debug, Clone)]
pub struct MappingOptions {
    /// The pause between two reads of a stream without new records.
    pub poll: Duration,
    /// The pause before the first retry; each further one doubles it.
    pub first_delay: Duration,
    /// The longest pause between retries.
    pub longest_delay: Duration,
    /// A file that stores the position in the stream, for data that outlives a run.
    pub checkpoint: Option<PathBuf>,
    /// Whether the mapping is enabled; `None` for always.
    pub enabled: Option<watch::Receiver<bool>>,
}

impl Default for MappingOptions {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(50),
            first_delay: Duration::from_millis(50),
            longest_delay: Duration::from_secs(5),
            checkpoint: None,
            enabled: None,
        }
    }
}

/// A running mapping. It stops when this is dropped; records in progress are delivered again later.
#[derive(Debug)]
pub struct EventSourceMapping {
    progress: watch::Receiver<Progress>,
    _task: Guard,
}

#[derive(Debug, Default)]
struct Progress {
    /// How many reads found nothing new.
    idle: u64,
    /// How many reads led to a delivery.
    delivered: u64,
    given_up: Vec<Value>,
}

impl EventSourceMapping {
    pub fn start<I: Invoke>(
        dynamo: Dynamo,
        source: StreamSource,
        function: I,
        options: MappingOptions,
    ) -> Result<Self> {
        let filter = Filter::new(&source.filters)?;
        let stream = Stream::new(dynamo, &source.table, options.checkpoint.clone());
        let (sender, progress) = watch::channel(Progress::default());
        let delivery = Delivery {
            function,
            source,
            options,
            progress: sender,
        };
        let task = Guard::new(run(stream, filter, delivery));
        Ok(Self {
            progress,
            _task: task,
        })
    }

    /// Waits until every record written before this call, and every record that follows from it, is done. False
    /// on timeout.
    pub async fn settle(&self, timeout: Duration) -> bool {
        let mut progress = self.progress.clone();
        // The read in progress may have begun before the last write; the next one has not.
        let enough = progress.borrow_and_update().idle + 2;
        let settled = progress.wait_for(|progress| progress.idle >= enough);
        matches!(tokio::time::timeout(timeout, settled).await, Ok(Ok(_)))
    }

    /// How many times records were delivered. With several mappings, one may cause records for another.
    pub fn delivered(&self) -> u64 {
        self.progress.borrow().delivered
    }

    /// The records given up, as the failure queue would hold them.
    pub fn given_up(&self) -> Vec<Value> {
        self.progress.borrow().given_up.clone()
    }
}

async fn run<I: Invoke>(mut stream: Stream, filter: Filter, delivery: Delivery<I>) {
    let mut complaint = String::new();
    let mut enabled = delivery.options.enabled.clone();
    loop {
        if let Some(enabled) = &mut enabled {
            // The sender is gone only when the whole stack is.
            let _ = enabled.wait_for(|enabled| *enabled).await;
        }
        match stream.next().await {
            Ok(records) if records.is_empty() => {
                delivery.progress.send_modify(|progress| progress.idle += 1);
                tokio::time::sleep(delivery.options.poll).await;
            }
            Ok(records) => {
                let mut wanted: Vec<_> = records
                    .into_iter()
                    .filter(|record| is_change(record) && filter.matches(record))
                    .collect();
                for record in wanted.iter_mut().filter_map(Value::as_object_mut) {
                    record.insert("awsRegion".to_owned(), json!(REGION));
                    record.insert("eventSourceARN".to_owned(), json!(stream.arn()));
                }
                if !wanted.is_empty() {
                    delivery.deliver(wanted).await;
                    let count = |progress: &mut Progress| progress.delivered += 1;
                    delivery.progress.send_modify(count);
                }
                if let Err(error) = stream.commit() {
                    eprintln!("stream: {error}");
                }
            }
            Err(error) => {
                // Printed once: a database that is down for a minute is one problem.
                let text = error.to_string();
                if text != complaint {
                    eprintln!("stream: {text}");
                    complaint = text;
                }
                stream.rewind();
                tokio::time::sleep(delivery.options.poll.max(Duration::from_millis(200))).await;
            }
        }
    }
}

/// Whether a write changed the item. DynamoDB creates no record if it did not; a local server may.
fn is_change(record: &Value) -> bool {
    let image = |name: &str| record.get("dynamodb").and_then(|stream| stream.get(name));
    match (image("OldImage"), image("NewImage")) {
        (Some(old), Some(new)) => old != new,
        _ => true,
    }
}

fn sequence_number(record: &Value) -> Option<&str> {
    record.pointer("/dynamodb/SequenceNumber")?.as_str()
}
