//! Records commands that members use on Discord.

use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::rules::BanRequest;

use super::Recorder;
use crate::clients::console::operation;
use crate::history::{CallResult, GAVE_UP};

/// How long to wait for the worker.
const WORKER: Duration = Duration::from_secs(10);

impl Recorder<'_> {
    /// Sends an interaction, and repeats it `again` times, and records all as one call with the same meaning.
    /// A command that is refused is not recorded, so whatever it changes all the same is found.
    pub async fn interact(
        &self,
        workspace: usize,
        client: &str,
        (body, again): (&Value, usize),
        request: BanRequest,
    ) {
        let started = self.now();
        let (mut banned, mut lost) = (false, None);
        for _ in 0..=again {
            match self.app.try_interaction(body, WORKER).await {
                Ok(shown) => banned |= shown.text().contains("\"title\":\"Banned\""),
                Err(error) => lost = Some(error),
            }
        }
        let result = match (banned, lost) {
            (true, _) => CallResult::Answered {
                status: 200,
                body: json!({ "status": "ok" }),
                request: None,
            },
            (false, Some(error)) => CallResult::Lost(format!("{GAVE_UP} on Discord: {error}")),
            (false, None) => return,
        };
        self.record((workspace, client), operation(request), started, result);
    }
}
