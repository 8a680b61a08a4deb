//! What a test looks at behind the answers: log lines and items; and what it shows when it fails.

use local_stack::fault_proxy::FaultProxy;
use serde_json::{Value, json};

use super::TestApp;
use crate::answer::Answer;
use crate::eventually::eventually;

impl TestApp {
    /// The log event of the request that got this answer.
    pub async fn log_of(&self, function: &str, answer: &Answer) -> Value {
        let id = answer.request_id();
        eventually(&format!("{function} logs {id}"), async || {
            let lines = self.runtime.logs(function);
            lines
                .iter()
                .rev()
                .filter_map(|line| line.json())
                .find(|e| e["requestId"] == id)
        })
        .await
    }

    /// Every item of the bans table whose partition key begins with a text, in the database's own
    /// notation, sorted by key.
    pub async fn items(&self, partition_prefix: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut input = json!({
            "TableName": self.tables.bans,
            "ConsistentRead": true,
            "FilterExpression": "begins_with(pk, :prefix)",
            "ExpressionAttributeValues": { ":prefix": { "S": partition_prefix } },
        });
        loop {
            let mut page = self.database.call("Scan", &input).await.expect("a scan");
            items.extend(page["Items"].as_array().cloned().unwrap_or_default());
            match page["LastEvaluatedKey"].take() {
                Value::Null => break,
                key => input["ExclusiveStartKey"] = key,
            }
        }
        items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
        items
    }
}

impl TestApp {
    /// What functions asked for that their roles do not allow.
    pub fn denied(&self) -> Vec<String> {
        self.faults
            .as_ref()
            .map(FaultProxy::denied)
            .unwrap_or_default()
    }
}

/// How many lines of each function a failed test shows.
const SHOWN: usize = 50;

impl Drop for TestApp {
    /// A test that fails shows the log lines of what did not succeed: an answer says little of the
    /// cause.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let denied = self.denied();
            assert!(denied.is_empty(), "a role forbids: {denied:#?}");
            return;
        }
        for function in self.runtime.names() {
            let mut lines = self.runtime.logs(function);
            lines.retain(|line| line.json().is_none_or(|event| event["level"] != "INFO"));
            for line in lines.iter().rev().take(SHOWN).rev() {
                eprintln!("{function} {}: {}", line.instance, line.text);
            }
        }
    }
}
