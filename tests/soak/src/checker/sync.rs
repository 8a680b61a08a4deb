//! Checks `/sync`: a reader that follows it from before the first decision learns of every user with a
//! decision or an expiry.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Finding;
use super::evidence::is_activity;
use crate::clients::SNAPSHOT_READER;
use crate::history::{CallResult, FinalState, History, Operation, RecordedCall};

pub fn check(history: &History) -> Vec<Finding> {
    let finals = history.final_states.iter().enumerate();
    finals
        .flat_map(|(workspace, end)| of_workspace(history, workspace, end))
        .collect()
}

fn of_workspace(history: &History, workspace: usize, end: &FinalState) -> Vec<Finding> {
    let finding = |sentence: String, proof: Option<&RecordedCall>| Finding {
        sentence: format!("a follower of workspace {workspace} {sentence}"),
        proof: proof.map(|call| history.proof([call])).unwrap_or_default(),
    };
    let (mut findings, mut named, mut follows) = (Vec::new(), BTreeSet::new(), false);
    let calls = history.calls.iter().chain(&history.asked);
    let of_others = |call: &&RecordedCall| call.client == SNAPSHOT_READER;
    for call in calls.filter(|call| call.workspace == workspace && !of_others(call)) {
        let Some(body) = sync(call) else { continue };
        follows = true;
        let is_set = |flag: &str| {
            body.get(flag)
                .is_some_and(|flag| *flag == 1 || *flag == true)
        };
        if is_set("reset") {
            findings.push(finding("has to start over".to_owned(), Some(call)));
        }
        let users = body.get("userIds").and_then(Value::as_array);
        named.extend(users.into_iter().flatten().filter_map(Value::as_u64));
    }
    if !follows {
        return findings;
    }
    let decided = end.log.iter().filter(|event| !is_activity(event));
    let decided = decided.filter_map(|event| event.pointer("/data/robloxId")?.as_u64());
    let decided: BTreeSet<u64> = decided.collect();
    for user in decided.difference(&named) {
        findings.push(finding(format!("never learned of {user}"), None));
    }
    findings
}

/// The answer to a successful call.
fn sync(call: &RecordedCall) -> Option<&Value> {
    match (&call.operation, &call.result) {
        (
            Operation::Sync { .. },
            CallResult::Answered {
                status: 200, body, ..
            },
        ) => Some(body),
        _ => None,
    }
}
