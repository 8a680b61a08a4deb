//! What runs beside the API: schedules, background calls, secrets, and who receives webhooks.

use std::time::{Duration, Instant};

use local_stack::control::Control;
use local_stack::event_source_mapping::{HttpInvoke, Invoke};
use local_stack::lambda_api::GivenUp;
use local_stack::receiver::Receiver;
use local_stack::secrets::Secrets;
use serde_json::Value;

use super::TestApp;
use crate::files::template;

/// How long background calls may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl TestApp {
    /// A studio's own server, which verifies the webhooks it gets.
    pub const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Secrets Manager.
    pub const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// CloudFormation and Lambda, as an operator asks them about the stack.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// Where functions call each other: Lambda's own API.
    pub fn lambda(&self) -> &str {
        self.gateway.address()
    }

    /// Calls a function once as one of its schedules does, which is named by its name in the
    /// template or by its input, and gives the answer.
    pub async fn run_schedule(&self, function: &str, name_or_input: &str) -> Value {
        let ran = self.try_run_schedule(function, name_or_input).await;
        ran.unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// The same where the function may be killed or hindered: then it says what went wrong.
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

    /// Waits until no background call is under way.
    pub async fn background_settled(&self) {
        let background = self.gateway.background();
        let settled = background.settle(PATIENCE).await;
        assert!(settled, "{} background calls", background.under_way());
    }

    /// From now on loses every background call, such as one that wakes a function; or no longer.
    pub fn lose_background_calls(&self, loses: bool) {
        self.gateway.background().lose(loses);
    }

    /// The background calls that failed as often as they were tried.
    pub fn background_given_up(&self) -> Vec<GivenUp> {
        self.gateway.background().given_up()
    }

    /// Waits until nothing happens any more: the stream is dealt with, no background call is under
    /// way, and neither has anything more to do because of the other. Only for an app with a pump.
    pub async fn quiet(&self) {
        if let Err(problem) = self.quiet_within(PATIENCE).await {
            panic!("{problem}");
        }
    }

    /// The same, or else why it is not quiet by then.
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
