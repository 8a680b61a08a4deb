//! Checks webhooks: the workspace's endpoint received each event of the log, correctly signed and
//! always with the same body, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;
use super::evidence::id_of;
use crate::history::History;

pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (workspace, final_state) in history.final_states.iter().enumerate() {
        let mut found = |sentence: String| {
            findings.push(Finding {
                sentence: format!("at the endpoint of workspace {workspace} {sentence}"),
                proof: Vec::new(),
            });
        };
        let events: BTreeMap<&str, &Value> = final_state
            .log
            .iter()
            .filter_map(|event| Some((id_of(event)?, event)))
            .collect();
        let mut received: BTreeMap<&str, &str> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for request in &final_state.received {
            let (id, body) = (request.id.as_str(), request.body.as_str());
            if let Some(problem) = &request.problem {
                found(format!("{id} arrived with an invalid signature: {problem}"));
                continue;
            }
            if *received.entry(id).or_insert(body) != body && told.insert(id) {
                found(format!("{id} arrived with different bodies"));
            }
            let sent: Value = serde_json::from_str(body).unwrap_or_default();
            match events.get(id) {
                Some(event) if **event == sent => {}
                _ if !told.insert(id) => {}
                Some(event) => found(format!("{sent} arrived, but the log has {event}")),
                None => found(format!("{id} arrived, but is not in the log: {body}")),
            }
        }
        for id in events.keys().filter(|id| !received.contains_key(*id)) {
            found(format!("{id} never arrived"));
        }
        for delivery in &final_state.undelivered {
            found(format!("a delivery is still open: {delivery}"));
        }
    }
    findings
}
