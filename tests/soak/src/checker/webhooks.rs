//! Webhooks: each event of the log arrived at the workspace's endpoint, well signed and always in the
//! same words, and nothing else did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;
use super::evidence::id_of;
use crate::history::History;

/// Everything that is wrong with what arrived.
pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (workspace, ending) in history.endings.iter().enumerate() {
        let mut found = |sentence: String| {
            findings.push(Finding {
                sentence: format!("at the endpoint of workspace {workspace} {sentence}"),
                proof: Vec::new(),
            });
        };
        let events: BTreeMap<&str, &Value> = ending
            .log
            .iter()
            .filter_map(|event| Some((id_of(event)?, event)))
            .collect();
        let mut arrived: BTreeMap<&str, &str> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for request in &ending.arrived {
            let (id, body) = (request.id.as_str(), request.body.as_str());
            if let Some(problem) = &request.problem {
                found(format!("{id} arrived with a wrong signature: {problem}"));
                continue;
            }
            if *arrived.entry(id).or_insert(body) != body && told.insert(id) {
                found(format!("{id} arrived in different words"));
            }
            let sent: Value = serde_json::from_str(body).unwrap_or_default();
            match events.get(id) {
                Some(event) if **event == sent => {}
                _ if !told.insert(id) => {}
                Some(event) => found(format!("{sent} arrived, where the log has {event}")),
                None => found(format!("{id} arrived, which the log lacks: {body}")),
            }
        }
        for id in events.keys().filter(|id| !arrived.contains_key(*id)) {
            found(format!("{id} never arrived"));
        }
        for delivery in &ending.undelivered {
            found(format!("something is not delivered in the end: {delivery}"));
        }
    }
    findings
}
