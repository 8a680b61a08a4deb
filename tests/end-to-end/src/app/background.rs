//! Schedules, background calls, secrets, and the services beside an app.

use std::time::{Duration, Instant};

use local_stack::control::Control;
use local_stack::discord::Discord;
use local_stack::event_source_mapping::{HttpInvoke, Invoke};
use local_stack::lambda_api::GivenUp;
use local_stack::receiver::Receiver;
use local_stack::roblox::Roblox;
use local_stack::secrets::Secrets;
use serde_json::Value;

use super::TestApp;
use crate::files::template;

/// How long background calls may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl TestApp {
    /// The webhook receiver, which verifies signatures.
    pub const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// The object store's address.
    pub fn objects(&self) -> &str {
        self.objects.endpoint()
    }

    /// The fake Roblox.
    pub const fn roblox(&self) -> &Roblox {
        &self.roblox
    }

    /// The fake Discord.
    pub const fn discord(&self) -> &Discord {
        &self.discord
    }

    /// The fake Secrets Manager.
    pub const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The fake CloudFormation and Lambda APIs that the command line asks about the stack.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// The address at which functions call each other: Lambda's API.
    pub fn lambda(&self) -> &str {
        self.gateway.address()
    }

    /// Runs a schedule of a function once, given the schedule's name in the template or its input,
    /// and returns the answer.
    pub async fn run_schedule(&self, function: &str, name_or_input: &str) -> Value {
        let ran = self.try_run_schedule(function, name_or_input).await;
        ran.unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// Like [`TestApp::run_schedule`], but returns an error where the function fails or is killed.
    pub async fn try_run_schedule(
        &self,
        function: &str,
        name_or_input: &str,
    ) -> Result<Value, String> {
        let input: Option<Value> = serde_json::from_str(name_or_input).ok();
        let mut schedules = template().schedules();
        let (_, schedule) = schedules
            .find(|(called, schedule)| {
                let is_meant =
                    schedule.name == name_or_input || Some(&schedule.input) == input.as_ref();
                called.name == function && is_meant
            })
            .unwrap_or_else(|| panic!("{function} has no schedule {name_or_input}"));
        let called = HttpInvoke::new(self.lambda(), function);
        let answer = called.invoke(schedule.input.clone()).await;
        answer.map_err(|e| format!("{function}, {name_or_input}: {e:?}"))
    }

    /// Invokes a function with an event and returns its answer.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value, String> {
        let answer = self
            .runtime
            .invoke(function, event.to_string().into())
            .await;
        let answer = answer.map_err(|error| error.message)?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// Waits until no background call is running.
    pub async fn background_settled(&self) {
        let background = self.gateway.background();
        let settled = background.settle(PATIENCE).await;
        assert!(settled, "{} background calls", background.under_way());
    }

    /// Loses every background call from now on, such as a wake-up; or stops losing them.
    pub fn lose_background_calls(&self, loses: bool) {
        self.gateway.background().lose(loses);
    }

    /// The background calls that failed on every attempt.
    pub fn background_given_up(&self) -> Vec<GivenUp> {
        self.gateway.background().given_up()
    }

    /// Waits until the app is idle: the stream is drained, no background call is running, and
    /// neither caused more work for the other. Needs a running stream.
    pub async fn quiet(&self) {
        if let Err(problem) = self.quiet_within(PATIENCE).await {
            panic!("{problem}");
        }
    }

    /// Like [`TestApp::quiet`], but returns why the app is not idle in time.
    pub async fn quiet_within(&self, patience: Duration) -> Result<(), String> {
        let background = self.gateway.background();
        let end = Instant::now() + patience;
        loop {
            let before = (self.delivered(), background.ended());
            let left = || end.saturating_duration_since(Instant::now());
            self.settled_within(left()).await?;
            if !background.settle(left()).await {
                return Err(format!("{} background calls", background.under_way()));
            }
            if (self.delivered(), background.ended()) == before {
                return Ok(());
            }
            if left().is_zero() {
                return Err("there is no end to it".to_owned());
            }
        }
    }
}
