//! What the functions log of their requests: the measurements that they make themselves.

use std::collections::HashMap;
use std::time::Duration;

use end_to_end::TestApp;
use serde::Deserialize;

/// The log event of one request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// The id that the caller was answered with.
    pub request_id: String,
    /// From the event to the answer, in ms.
    pub duration_ms: f64,
    /// Of which a call of the database was under way, in ms.
    pub database_ms: f64,
    /// Calls of the database.
    pub database_calls: f64,
    /// Read units consumed.
    pub read_units: f64,
    /// Write units consumed.
    pub write_units: f64,
    /// What the event itself takes in the log, the end of its line included.
    #[serde(skip)]
    pub bytes: f64,
}

impl Event {
    /// All that are kept of a function, oldest first.
    #[must_use]
    pub fn all(app: &TestApp, function: &str) -> Vec<Self> {
        let lines = app.runtime().logs(function);
        let events = lines.iter().filter_map(|line| Self::read(&line.text));
        events.collect()
    }

    /// All that are kept of a function, once there are so many.
    ///
    /// # Errors
    /// If they do not come.
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

    /// Those of some requests, in their order.
    ///
    /// # Errors
    /// If one of them is never logged.
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
        // A line that is about no request is none of these.
        (!event.request_id.is_empty()).then_some(event)
    }
}
