//! EventBridge schedules: it calls functions at the rates in the template.
//!
//! Unlike EventBridge, a schedule waits for its last call to end and skips the ticks until then.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::{
    event_source_mapping::{Invoke, InvokeError},
    http::Guard,
    lambda_api::LONGEST_CALL,
    template::{Function, Schedule},
};

/// The pause before a call is repeated that did not reach its function.
const ABSENCE: Duration = Duration::from_millis(200);

/// The running schedules; they stop when this is dropped.
#[derive(Debug)]
pub struct Scheduler {
    _schedules: Vec<Guard>,
}

impl Scheduler {
    /// Starts schedules ([`crate::template::Template::schedules`]). The first tick comes after `first`,
    /// further ones at the schedule's rate. `function` returns how to call a function.
    pub fn start<'a, I: Invoke>(
        schedules: impl Iterator<Item = (&'a Function, &'a Schedule)>,
        first: Duration,
        function: impl Fn(&str) -> I,
    ) -> Self {
        let schedules = schedules.map(|(called, schedule)| {
            let name = format!("{}, {}", called.name, schedule.name);
            let run = run(name, schedule.clone(), function(&called.name));
            Guard::new(async move {
                sleep(first).await;
                run.await;
            })
        });
        Self {
            _schedules: schedules.collect(),
        }
    }
}

async fn run(name: String, schedule: Schedule, function: impl Invoke) {
    let mut ticks = interval(schedule.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut complaint = String::new();
    loop {
        ticks.tick().await;
        let outcome = loop {
            match timeout(LONGEST_CALL, function.invoke(schedule.input.clone())).await {
                // The host is starting, or being restarted.
                Ok(Err(InvokeError::Unreachable(_))) => sleep(ABSENCE).await,
                Ok(Err(InvokeError::Function(error))) => break Err(error),
                Ok(Ok(_)) => break Ok(()),
                Err(_) => break Err("it takes too long".to_owned()),
            }
        };
        let error = outcome.err().unwrap_or_default();
        // Printed once: what fails each minute is one problem.
        if !error.is_empty() && error != complaint {
            eprintln!("scheduler: {name}: {error}");
        }
        complaint = error;
    }
}
