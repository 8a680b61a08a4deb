//! The event source mapping: feeds a table's stream to a function.
//!
//! At least once, in order per item, and until it works: a record is done when the function has
//! answered for it, or when it failed as often as the template allows and is given up aloud.

mod deliver;
mod filter;
mod invoke;
mod stream;

use std::{path::PathBuf, sync::Mutex, time::Duration};

use serde_json::{Value, json};
use tokio::sync::watch;

pub use invoke::{HttpInvoke, Invoke, InvokeError};

use crate::{REGION, Result, dynamo::Dynamo, http::Guard, template::StreamSource};
use deliver::Delivery;
use filter::Filter;
use stream::Stream;

/// How patient and how quick a pump is.
#[derive(Debug, Clone)]
pub struct PumpOptions {
    /// The pause between two looks at a stream that has nothing new.
    pub poll: Duration,
    /// The pause before the first retry; it doubles with each.
    pub first_delay: Duration,
    /// The longest pause between retries.
    pub longest_delay: Duration,
    /// A file that remembers how far the stream was read, for data that outlives a run.
    pub checkpoint: Option<PathBuf>,
    /// Whether the mapping is enabled; without, it always is.
    pub enabled: Option<watch::Receiver<bool>>,
}

impl Default for PumpOptions {
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

/// A running pump; it stops when this is dropped, and what it had under way comes again later.
#[derive(Debug)]
pub struct Pump {
    /// How many looks found nothing new, counted for [`Self::settle`].
    idle: watch::Receiver<u64>,
    /// How often it handed something over.
    delivered: watch::Receiver<u64>,
    given_up: watch::Receiver<Vec<Value>>,
    _task: Guard,
}

impl Pump {
    /// Starts feeding a function with the stream that its mapping names.
    pub fn start<I: Invoke>(
        dynamo: Dynamo,
        source: StreamSource,
        function: I,
        options: PumpOptions,
    ) -> Result<Self> {
        let filter = Filter::new(&source.filters)?;
        let stream = Stream::new(dynamo, &source.table, options.checkpoint.clone());
        let delivery = Delivery {
            function,
            source,
            options,
            given_up: Mutex::default(),
        };
        let (idle_sender, idle) = watch::channel(0);
        let (delivered_sender, delivered) = watch::channel(0);
        let (given_up_sender, given_up) = watch::channel(Vec::new());
        let tell = Tell {
            idle: idle_sender,
            delivered: delivered_sender,
            given_up: given_up_sender,
        };
        let task = Guard::new(run(stream, filter, delivery, tell));
        Ok(Self {
            idle,
            delivered,
            given_up,
            _task: task,
        })
    }

    /// Waits until everything written before this call has been dealt with, and everything that
    /// came of it. False if that took too long.
    pub async fn settle(&self, timeout: Duration) -> bool {
        let mut idle = self.idle.clone();
        // The look under way may have begun before the last write; the one after it has not.
        let enough = *idle.borrow_and_update() + 2;
        let settled = idle.wait_for(|looks| *looks >= enough);
        matches!(tokio::time::timeout(timeout, settled).await, Ok(Ok(_)))
    }

    /// How often records were handed over so far, counted when they were dealt with: with several
    /// pumps, what one of them did may be news for another.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        *self.delivered.borrow()
    }

    /// The records given up so far, as the failure queue would hold them.
    #[must_use]
    pub fn given_up(&self) -> Vec<Value> {
        self.given_up.borrow().clone()
    }
}

/// What a running pump lets others see.
struct Tell {
    idle: watch::Sender<u64>,
    delivered: watch::Sender<u64>,
    given_up: watch::Sender<Vec<Value>>,
}

async fn run<I: Invoke>(mut stream: Stream, filter: Filter, delivery: Delivery<I>, tell: Tell) {
    let mut complaint = String::new();
    let mut enabled = delivery.options.enabled.clone();
    loop {
        if let Some(enabled) = &mut enabled {
            // Whoever could enable it again is gone with the stack.
            let _ = enabled.wait_for(|enabled| *enabled).await;
        }
        match stream.next().await {
            Ok(records) if records.is_empty() => {
                tell.idle.send_modify(|looks| *looks += 1);
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
                    tell.delivered.send_modify(|times| *times += 1);
                }
                if let Ok(records) = delivery.given_up.lock() {
                    tell.given_up.send_if_modified(|seen| {
                        let more = seen.len() != records.len();
                        seen.clone_from(&records);
                        more
                    });
                }
                if let Err(error) = stream.commit() {
                    eprintln!("pump: {error}");
                }
            }
            Err(error) => {
                // Said once: a database that is away for a minute is not a hundred problems.
                let text = error.to_string();
                if text != complaint {
                    eprintln!("pump: {text}");
                    complaint = text;
                }
                stream.rewind();
                tokio::time::sleep(delivery.options.poll.max(Duration::from_millis(200))).await;
            }
        }
    }
}

/// Did the write change anything? DynamoDB makes no record of one that did not; a local server may.
fn is_change(record: &Value) -> bool {
    let image = |name: &str| record.get("dynamodb").and_then(|stream| stream.get(name));
    match (image("OldImage"), image("NewImage")) {
        (Some(old), Some(new)) => old != new,
        _ => true,
    }
}

/// The sequence number of a stream record.
fn sequence_number(record: &Value) -> Option<&str> {
    record.pointer("/dynamodb/SequenceNumber")?.as_str()
}
