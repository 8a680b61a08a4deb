//! Schedules, with minutes of 100 ms.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use local_stack::{
    event_source_mapping::{Invoke, InvokeError},
    scheduler::Scheduler,
    template::Template,
};
use serde_json::{Value, json};

use crate::runtime::TEMPLATE;

const MINUTE: Duration = Duration::from_millis(100);

/// A function that cannot be reached at first, takes its time, and fails.
#[derive(Clone)]
struct Slow {
    calls: Arc<Mutex<Vec<(Duration, Value)>>>,
    started: Instant,
    absent_until: Duration,
    takes: Duration,
}

impl Invoke for Slow {
    async fn invoke(&self, event: Value) -> Result<Value, InvokeError> {
        let now = self.started.elapsed();
        if now < self.absent_until {
            return Err(InvokeError::Unreachable("nobody is there".to_owned()));
        }
        self.calls.lock().unwrap().push((now, event));
        tokio::time::sleep(self.takes).await;
        Err(InvokeError::Function("it fails each time".to_owned()))
    }
}

/// When the minutely schedule called within ten minutes, and how often the daily one did.
async fn ten_minutes(absent_until: Duration, takes: Duration) -> (Vec<Duration>, usize) {
    let template = Template::parse(TEMPLATE).unwrap();
    let mut toy = template.function("toy").unwrap().clone();
    for schedule in &mut toy.schedules {
        schedule.every = schedule.every / 60 * u32::try_from(MINUTE.as_millis()).unwrap() / 1000;
    }
    let function = Slow {
        calls: Arc::default(),
        started: Instant::now(),
        absent_until,
        takes,
    };
    let both = toy.schedules.iter().map(|schedule| (&toy, schedule));
    let scheduler = Scheduler::start(both, MINUTE / 2, |name| {
        assert_eq!(name, "toy");
        function.clone()
    });
    tokio::time::sleep(10 * MINUTE).await;
    drop(scheduler);
    let before = function.calls.lock().unwrap().len();
    tokio::time::sleep(2 * MINUTE).await;
    let calls = function.calls.lock().unwrap().clone();
    assert_eq!(calls.len(), before, "a stopped scheduler is silent");
    let sweep = json!({"sweep": true});
    let minutely = calls.iter().filter(|(_, event)| *event == sweep);
    let minutely: Vec<_> = minutely.map(|(at, _)| *at).collect();
    let others = calls.len() - minutely.len();
    (minutely, others)
}

#[tokio::test]
async fn the_first_tick_comes_early_and_the_others_at_the_rate() {
    let (minutely, daily) = ten_minutes(Duration::ZERO, Duration::ZERO).await;
    assert!(minutely[0] >= MINUTE / 2);
    assert!((5..=10).contains(&minutely.len()), "{minutely:?}");
    assert_eq!(daily, 1);
}

#[tokio::test]
async fn an_unreachable_function_is_called_once_it_is_reachable() {
    let (minutely, daily) = ten_minutes(3 * MINUTE, Duration::ZERO).await;
    assert!(minutely[0] >= 3 * MINUTE);
    assert!((2..=7).contains(&minutely.len()), "{minutely:?}");
    assert_eq!(daily, 1);
}

#[tokio::test]
async fn ticks_during_a_call_are_skipped() {
    let (minutely, _) = ten_minutes(Duration::ZERO, 5 * MINUTE / 2).await;
    assert!((2..=4).contains(&minutely.len()), "{minutely:?}");
    let apart = minutely
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]));
    assert!(apart.min().unwrap() >= 5 * MINUTE / 2, "{minutely:?}");
}
