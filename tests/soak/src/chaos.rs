//! Injects faults: the database misbehaves, processes are killed, and the stream delivers late,
//! twice and out of order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use local_stack::event_source_mapping::{HttpInvoke, Invoke, InvokeError};
use serde_json::{Value, json};
use shared::domain::lock::lock;

use crate::history::{FaultPeriod, Kill};
use crate::plan::{FaultBurst, Plan, millis};
use crate::recorder::Recorder;

/// How long to look for a busy process.
const SEARCH: Duration = Duration::from_millis(400);

/// Injects database faults until the run is over.
pub async fn inject_database_faults(recorder: &Recorder<'_>, plan: &Plan) -> Vec<FaultPeriod> {
    let mut periods = Vec::new();
    for FaultBurst {
        pause,
        rules,
        lasts,
    } in plan.fault_bursts()
    {
        tokio::time::sleep(pause.min(recorder.left())).await;
        if recorder.is_closed() {
            break;
        }
        let from = recorder.now();
        for rule in rules {
            recorder.app.faults().inject(rule);
        }
        tokio::time::sleep(lasts.min(recorder.left())).await;
        recorder.app.faults().clear();
        let to = recorder.now();
        periods.push(FaultPeriod { from, to });
    }
    recorder.app.faults().clear();
    periods
}

/// Kills busy processes until the run is over.
pub async fn kills(recorder: &Recorder<'_>, plan: &Plan) -> Vec<Kill> {
    let mut kills = Vec::new();
    for kill in plan.planned_kills() {
        tokio::time::sleep(kill.pause.min(recorder.left())).await;
        if recorder.is_closed() {
            break;
        }
        let looking = tokio::time::timeout(SEARCH, async {
            loop {
                let busy = recorder.app.runtime().busy(kill.function);
                let at = kill.which.checked_rem(busy.len());
                match at.and_then(|at| busy.get(at).copied()) {
                    Some(instance) => return instance,
                    None => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        });
        if let Ok(instance) = looking.await {
            tokio::time::sleep(kill.after).await;
            if recorder.app.runtime().kill(kill.function, instance) {
                kills.push(Kill {
                    function: kill.function,
                    at: recorder.now(),
                });
            }
        }
    }
    kills
}

/// A stream that delivers at least once and in order per partition key, but otherwise misbehaves.
#[derive(Clone, Debug)]
pub struct ChaoticStream {
    function: HttpInvoke,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    behaves: AtomicBool,
    rng: Mutex<Rng>,
    done: Mutex<BTreeMap<&'static str, usize>>,
}

/// Stops the misbehaviour of a [`ChaoticStream`].
#[derive(Clone, Debug)]
pub struct StreamControl(Arc<State>);

impl ChaoticStream {
    pub fn new(function: HttpInvoke, rng: Rng) -> Self {
        let state = State {
            behaves: AtomicBool::new(false),
            rng: Mutex::new(rng),
            done: Mutex::default(),
        };
        Self {
            function,
            state: Arc::new(state),
        }
    }

    pub fn control(&self) -> StreamControl {
        StreamControl(Arc::clone(&self.state))
    }
}

impl StreamControl {
    /// Delivers each batch once, immediately and in order from now on.
    pub fn behave(&self) {
        self.0.behaves.store(true, Ordering::Relaxed);
    }

    /// Counts of each kind of misbehaviour.
    pub fn done(&self) -> BTreeMap<&'static str, usize> {
        lock(&self.0.done).clone()
    }
}

impl Invoke for ChaoticStream {
    async fn invoke(&self, event: Value) -> Result<Value, InvokeError> {
        if self.state.behaves.load(Ordering::Relaxed) {
            return self.function.invoke(event).await;
        }
        let (what, wait, mut rng) = {
            let mut rng = lock(&self.state.rng);
            let wait = millis(&mut rng, 50, 2_500);
            (rng.u8(..20), wait, rng.fork())
        };
        let note = |name| *lock(&self.state.done).entry(name).or_default() += 1;
        match what {
            0..3 => {
                note("delivered late");
                tokio::time::sleep(wait).await;
                self.function.invoke(event).await
            }
            3..5 => {
                note("delivered twice in sequence");
                let _ = self.function.invoke(event.clone()).await;
                self.function.invoke(event).await
            }
            5..7 => {
                note("delivered twice at once");
                let (_, second) = futures::join!(
                    self.function.invoke(event.clone()),
                    self.function.invoke(event)
                );
                second
            }
            7..12 => {
                note("delivered out of order");
                let (mixed, order) = shuffled(&event, &mut rng);
                let answer = self.function.invoke(mixed).await?;
                Ok(restore_order(&answer, &order))
            }
            12 => {
                note("delivered with a lost answer");
                let _ = self.function.invoke(event).await;
                Err(InvokeError::Function("the answer was lost".to_owned()))
            }
            _ => self.function.invoke(event).await,
        }
    }
}

fn number(record: &Value) -> String {
    let number = record.pointer("/dynamodb/SequenceNumber");
    number
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Shuffles the records of an event but keeps the order within a partition key. Also returns the
/// sequence number and original index of each shuffled record.
///
/// All writes under one partition key go through one shard, which keeps their order. The order of a
/// user's decisions in the event log depends on it, so a stream that broke it would not be
/// realistic.
fn shuffled(event: &Value, rng: &mut Rng) -> (Value, Vec<(String, usize)>) {
    let records = event.get("Records").and_then(Value::as_array);
    let mut by_key: BTreeMap<String, VecDeque<(usize, Value)>> = BTreeMap::new();
    for (at, record) in records.into_iter().flatten().enumerate() {
        let key = record.pointer("/dynamodb/Keys/pk");
        let records = by_key.entry(key.unwrap_or(&Value::Null).to_string());
        records.or_default().push_back((at, record.clone()));
    }
    let mut partitions: Vec<_> = by_key.into_values().collect();
    let (mut mixed, mut order) = (Vec::new(), Vec::new());
    while !partitions.is_empty() {
        let which = rng.usize(..partitions.len());
        match partitions.get_mut(which).and_then(VecDeque::pop_front) {
            Some((at, record)) => {
                order.push((number(&record), at));
                mixed.push(record);
            }
            None => drop(partitions.swap_remove(which)),
        }
    }
    (json!({ "Records": mixed }), order)
}

/// Translates the function's answer to the original order: records after a failure in the shuffled
/// order count as unprocessed.
fn restore_order(answer: &Value, order: &[(String, usize)]) -> Value {
    let failures = answer.get("batchItemFailures").and_then(Value::as_array);
    let ids: Vec<_> = failures
        .into_iter()
        .flatten()
        .filter_map(|failure| failure.get("itemIdentifier")?.as_str())
        .collect();
    let first = order.iter().position(|(id, _)| ids.contains(&id.as_str()));
    let open = first
        .and_then(|first| order.get(first..))
        .unwrap_or_default();
    match open.iter().min_by_key(|(_, at)| *at) {
        Some((id, _)) => json!({ "batchItemFailures": [{ "itemIdentifier": id }] }),
        None => json!({ "batchItemFailures": [] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_batches_keep_key_order_and_report_unprocessed_records() {
        let record = |n: usize| {
            json!({ "dynamodb": {
                "Keys": { "pk": { "S": (n % 3).to_string() }, "sk": { "S": n.to_string() } },
                "SequenceNumber": n.to_string(),
            } })
        };
        let event = json!({ "Records": (0..12).map(record).collect::<Vec<_>>() });
        let mut moved = false;
        for seed in 0..50 {
            let (_, order) = shuffled(&event, &mut Rng::with_seed(seed));
            let places: Vec<_> = order.iter().map(|(_, at)| *at).collect();
            moved |= !places.is_sorted();
            for key in 0..3 {
                assert!(places.iter().filter(|at| **at % 3 == key).is_sorted());
            }
            for failed in 0..12 {
                let id = order[failed].0.clone();
                let answer = json!({ "batchItemFailures": [{ "itemIdentifier": id }] });
                let answer = restore_order(&answer, &order);
                let from = answer
                    .pointer("/batchItemFailures/0/itemIdentifier")
                    .unwrap();
                let from: usize = from.as_str().unwrap().parse().unwrap();
                assert!(places[failed..].iter().all(|at| *at >= from));
            }
            let answer = restore_order(&json!({ "batchItemFailures": [] }), &order);
            assert_eq!(answer, json!({ "batchItemFailures": [] }));
        }
        assert!(moved);
    }
}
