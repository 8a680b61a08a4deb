//! The schedules of EventBridge: calls functions at the rates that the template names.
//!
//! A schedule calls its function once at a time: while a call takes longer than the rate, the ticks
//! in between are left out. EventBridge would not wait.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::{
    http::Guard,
    lambda_api::LONGEST_CALL,
    pump::{Invoke, InvokeError},
    template::{Function, Schedule},
};

/// The pause before a function is called again that could not be reached.
const ABSENCE: Duration = Duration::from_millis(200);

/// The running schedules; they stop when this is dropped.
#[derive(Debug)]
pub struct Scheduler {
    _schedules: Vec<Guard>,
}

impl Scheduler {
    /// Starts schedules ([`crate::template::Template::schedules`]), each with its first tick after
    /// `first` and the others at its rate. `function` gives the way to call the function of that
    /// name.
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
        // Said once: what fails each minute is one problem.
        if !error.is_empty() && error != complaint {
            eprintln!("scheduler: {name}: {error}");
        }
        complaint = error;
    }
}
