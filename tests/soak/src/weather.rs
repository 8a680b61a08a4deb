//! What is done to the product while it is called: the database misbehaves, processes die, the stream
//! is delivered late, twice and in another order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use local_stack::event_source_mapping::{HttpInvoke, Invoke, InvokeError};
use serde_json::{Value, json};

use crate::history::{Kill, Period};
use crate::plan::{Plan, Spell, millis};
use crate::stage::Stage;

/// How long to look for a process with something in hand.
const SEARCH: Duration = Duration::from_millis(400);

/// Lets the database misbehave until the stage closes.
pub async fn storms(stage: &Stage<'_>, plan: &Plan) -> Vec<Period> {
    let mut periods = Vec::new();
    for Spell {
        pause,
        rules,
        lasts,
    } in plan.spells()
    {
        tokio::time::sleep(pause.min(stage.left())).await;
        if stage.is_closed() {
            break;
        }
        let from = stage.now();
        for rule in rules {
            stage.app.faults().inject(rule);
        }
        tokio::time::sleep(lasts.min(stage.left())).await;
        stage.app.faults().clear();
        let to = stage.now();
        periods.push(Period { from, to });
    }
    stage.app.faults().clear();
    periods
}

/// Kills processes that have something in hand until the stage closes.
pub async fn kills(stage: &Stage<'_>, plan: &Plan) -> Vec<Kill> {
    let mut kills = Vec::new();
    for blow in plan.blows() {
        tokio::time::sleep(blow.pause.min(stage.left())).await;
        if stage.is_closed() {
            break;
        }
        let looking = tokio::time::timeout(SEARCH, async {
            loop {
                let busy = stage.app.runtime().busy(blow.function);
                let at = blow.which.checked_rem(busy.len());
                match at.and_then(|at| busy.get(at).copied()) {
                    Some(instance) => return instance,
                    None => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        });
        if let Ok(instance) = looking.await {
            tokio::time::sleep(blow.after).await;
            if stage.app.runtime().kill(blow.function, instance) {
                kills.push(Kill {
                    function: blow.function,
                    at: stage.now(),
                });
            }
        }
    }
    kills
}

/// A stream that is delivered at least once, in order for each partition key, and in no other way
/// properly.
#[derive(Clone, Debug)]
pub struct Unruly {
    function: HttpInvoke,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    behaves: AtomicBool,
    dice: Mutex<Rng>,
    done: Mutex<BTreeMap<&'static str, usize>>,
}

/// The one who can tell the stream to behave.
#[derive(Clone, Debug)]
pub struct Tamer(Arc<State>);

impl Unruly {
    /// Before a function.
    pub fn new(function: HttpInvoke, dice: Rng) -> Self {
        let state = State {
            behaves: AtomicBool::new(false),
            dice: Mutex::new(dice),
            done: Mutex::default(),
        };
        Self {
            function,
            state: Arc::new(state),
        }
    }

    /// The one who can tell it to behave.
    pub fn tamer(&self) -> Tamer {
        Tamer(Arc::clone(&self.state))
    }
}

impl Tamer {
    /// From now on each batch is delivered once, at once and in order.
    pub fn behave(&self) {
        self.0.behaves.store(true, Ordering::Relaxed);
    }

    /// How often it did what.
    pub fn done(&self) -> BTreeMap<&'static str, usize> {
        lock(&self.0.done).clone()
    }
}

impl Invoke for Unruly {
    async fn invoke(&self, event: Value) -> Result<Value, InvokeError> {
        if self.state.behaves.load(Ordering::Relaxed) {
            return self.function.invoke(event).await;
        }
        let (what, wait, mut dice) = {
            let mut dice = lock(&self.state.dice);
            let wait = millis(&mut dice, 50, 2_500);
            (dice.u8(..20), wait, dice.fork())
        };
        let note = |name| *lock(&self.state.done).entry(name).or_default() += 1;
        match what {
            0..3 => {
                note("delivered late");
                tokio::time::sleep(wait).await;
                self.function.invoke(event).await
            }
            3..5 => {
                note("delivered twice, one after the other");
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
                note("delivered in another order");
                let (mixed, order) = mixed(&event, &mut dice);
                let answer = self.function.invoke(mixed).await?;
                Ok(unmixed(&answer, &order))
            }
            12 => {
                note("delivered, and the answer lost");
                let _ = self.function.invoke(event).await;
                Err(InvokeError::Function("the answer was lost".to_owned()))
            }
            _ => self.function.invoke(event).await,
        }
    }
}

/// A record's sequence number.
fn number(record: &Value) -> String {
    let number = record.pointer("/dynamodb/SequenceNumber");
    number
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The event with its records in another order, those of one partition key as they were; and for each
/// record of the new order its sequence number and its place in the old.
///
/// What is written under one partition key lies in one partition, and a shard of the stream is the
/// record of one partition: its order is that of the writes. That a user's decisions are logged in the
/// order in which they were made rests on it, so a stream that broke it would be none that there is.
fn mixed(event: &Value, dice: &mut Rng) -> (Value, Vec<(String, usize)>) {
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
        let which = dice.usize(..partitions.len());
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

/// The function's answer as it must be for the old order: what comes after a failure in the new one
/// is not done.
fn unmixed(answer: &Value, order: &[(String, usize)]) -> Value {
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

/// A lock whose holder cannot panic.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_partition_key_keep_their_order_and_nothing_undone_is_taken_for_done() {
        let record = |n: usize| {
            json!({ "dynamodb": {
                "Keys": { "pk": { "S": (n % 3).to_string() }, "sk": { "S": n.to_string() } },
                "SequenceNumber": n.to_string(),
            } })
        };
        let event = json!({ "Records": (0..12).map(record).collect::<Vec<_>>() });
        let mut moved = false;
        for seed in 0..50 {
            let (_, order) = mixed(&event, &mut Rng::with_seed(seed));
            let places: Vec<_> = order.iter().map(|(_, at)| *at).collect();
            moved |= !places.is_sorted();
            for key in 0..3 {
                assert!(places.iter().filter(|at| **at % 3 == key).is_sorted());
            }
            for failed in 0..12 {
                let id = order[failed].0.clone();
                let answer = json!({ "batchItemFailures": [{ "itemIdentifier": id }] });
                let answer = unmixed(&answer, &order);
                let from = answer
                    .pointer("/batchItemFailures/0/itemIdentifier")
                    .unwrap();
                let from: usize = from.as_str().unwrap().parse().unwrap();
                assert!(places[failed..].iter().all(|at| *at >= from));
            }
            let answer = unmixed(&json!({ "batchItemFailures": [] }), &order);
            assert_eq!(answer, json!({ "batchItemFailures": [] }));
        }
        assert!(moved);
    }
}
