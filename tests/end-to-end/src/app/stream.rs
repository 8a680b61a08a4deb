//! The table's stream and the functions that read it.

use std::time::{Duration, Instant};

use local_stack::event_source_mapping::{EventSourceMapping, HttpInvoke, Invoke, MappingOptions};

use super::TestApp;
use crate::files::template;

impl TestApp {
    /// Starts the event source mappings of the stream's functions.
    pub fn start_mappings(&mut self) {
        self.start_mappings_through(|function| function);
    }

    /// The same with something between each mapping and its function.
    pub fn start_mappings_through<I: Invoke>(&mut self, mut between: impl FnMut(HttpInvoke) -> I) {
        let started = template().stream_functions().map(|(function, source)| {
            let invoke = between(HttpInvoke::new(self.gateway.address(), &function.name));
            let options = MappingOptions {
                poll: Duration::from_millis(10),
                enabled: self.control.enabled(&source.id),
                ..MappingOptions::default()
            };
            let mapping =
                EventSourceMapping::start(self.database.clone(), source.clone(), invoke, options);
            mapping.expect("the mapping")
        });
        self.mappings = started.collect();
    }

    /// Stops the mappings; unfinished batches come again when they are started.
    pub fn stop_mappings(&mut self) {
        self.mappings.clear();
    }

    /// Whether the mappings read the stream.
    pub const fn has_mappings(&self) -> bool {
        !self.mappings.is_empty()
    }

    /// Waits until the stream is drained and Global decisions have propagated.
    pub async fn settle(&self) {
        if let Err(problem) = self.settled_within(Duration::from_secs(60)).await {
            panic!("{problem}");
        }
    }

    /// Like [`TestApp::settle`], but returns what is wrong with the stream.
    pub async fn settled_within(&self, patience: Duration) -> Result<(), String> {
        assert!(!self.mappings.is_empty(), "the mappings are stopped");
        let end = Instant::now() + patience;
        loop {
            let before = self.delivered();
            let mut settled = true;
            for mapping in &self.mappings {
                settled &= mapping.settle(end - Instant::now().min(end)).await;
            }
            if !settled {
                return Err(format!(
                    "the stream is not dealt with: {}",
                    self.last_words()
                ));
            }
            // One function's writes may be another's records.
            if self.mappings.len() == 1 || self.delivered() == before {
                break;
            }
        }
        let given_up: Vec<_> = self
            .mappings
            .iter()
            .flat_map(EventSourceMapping::given_up)
            .collect();
        if given_up.is_empty() {
            return Ok(());
        }
        let words = self.last_words();
        Err(format!("records were given up: {given_up:?}: {words}"))
    }

    /// How many batches of records each function has received.
    pub(super) fn delivered(&self) -> u64 {
        self.mappings
            .iter()
            .map(EventSourceMapping::delivered)
            .sum()
    }

    /// The last log line of each of the stream's functions.
    fn last_words(&self) -> String {
        let functions = template().stream_functions();
        let words = functions.map(|(function, _)| {
            let log = self.runtime.logs(&function.name);
            let last: Vec<_> = log.iter().rev().take(5).map(|line| &line.text).collect();
            format!("{}: {last:#?}", function.name)
        });
        words.collect::<Vec<_>>().join("\n")
    }
}
