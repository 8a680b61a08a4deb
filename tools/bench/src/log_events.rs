//! The functions' log events: their own measurements of each request.

use std::collections::HashMap;
use std::time::Duration;

use end_to_end::TestApp;
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogEvent {
    pub request_id: String,
    /// From the event to the answer.
    pub duration_ms: f64,
    /// The part of it with a database call in progress.
    pub database_ms: f64,
    pub database_calls: f64,
    pub read_units: f64,
    pub write_units: f64,
    pub snapshots_built: f64,
    pub snapshots_built_in_full: f64,
    /// The size of the log line, including its end.
    #[serde(skip)]
    pub bytes: f64,
}

impl LogEvent {
    /// The kept events of a function, oldest first.
    pub fn all(app: &TestApp, function: &str) -> Vec<Self> {
        let lines = app.runtime().logs(function);
        let events = lines.iter().filter_map(|line| Self::read(&line.text));
        events.collect()
    }

    /// The kept events of a function, once there are this many.
    pub async fn at_least(
        app: &TestApp,
        function: &str,
        number: usize,
    ) -> anyhow::Result<Vec<Self>> {
        for _ in 0..200 {
            let events = Self::all(app, function);
            if events.len() >= number {
                return Ok(events);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("{function} did not log {number} requests")
    }

    /// The events of these requests, in their order.
    pub async fn of(
        app: &TestApp,
        function: &str,
        requests: &[String],
    ) -> anyhow::Result<Vec<Self>> {
        for _ in 0..200 {
            let events = Self::all(app, function).into_iter();
            let mut by_id: HashMap<_, _> = events
                .map(|event| (event.request_id.clone(), event))
                .collect();
            let found: Vec<_> = requests.iter().map_while(|id| by_id.remove(id)).collect();
            if found.len() == requests.len() {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("{function} did not log all of {} requests", requests.len())
    }

    fn read(line: &str) -> Option<Self> {
        let mut event: Self = serde_json::from_str(line).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "a line is short")]
        let bytes = (line.len() + 1) as f64;
        event.bytes = bytes;
        // Lines without a request are not log events.
        (!event.request_id.is_empty()).then_some(event)
    }
}
