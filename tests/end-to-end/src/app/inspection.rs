//! Access to log lines and items, and the output of a failed test.

use local_stack::fault_proxy::FaultProxy;
use serde_json::{Value, json};

use super::TestApp;
use crate::eventually::eventually;
use crate::response::ApiResponse;

impl TestApp {
    /// The log line of the request with this response.
    pub async fn log_of(&self, function: &str, answer: &ApiResponse) -> Value {
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

    /// Every item of the bans table whose partition key starts with a prefix, as DynamoDB JSON,
    /// sorted by key.
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

/// How many items one `BatchWriteItem` takes.
const BATCH: usize = 25;

/// Writes to the bans table that bypass the product.
impl TestApp {
    /// Puts an item, in DynamoDB JSON.
    pub async fn put_item(&self, item: &Value) {
        let input = json!({ "TableName": self.tables.bans, "Item": item });
        let put = self.database.call("PutItem", &input).await;
        put.expect("an item is put");
    }

    /// Puts many items.
    pub async fn put_items(&self, items: impl IntoIterator<Item = Value>) {
        let puts = items.into_iter();
        let puts: Vec<_> = puts
            .map(|item| json!({ "PutRequest": { "Item": item } }))
            .collect();
        for batch in puts.chunks(BATCH) {
            let input = json!({ "RequestItems": { &self.tables.bans: batch } });
            let output = self.database.call("BatchWriteItem", &input).await;
            let left = output.expect("items are put")["UnprocessedItems"].take();
            let is_done = left.as_object().is_none_or(serde_json::Map::is_empty);
            assert!(is_done, "{left}");
        }
    }

    /// Deletes an item.
    pub async fn delete_item(&self, item: &Value) {
        let key = json!({ "pk": item["pk"], "sk": item["sk"] });
        let input = json!({ "TableName": self.tables.bans, "Key": key });
        let deleted = self.database.call("DeleteItem", &input).await;
        deleted.expect("an item is deleted");
    }

    /// Updates an item with an expression and its values; `false` if it no longer fulfils `condition`.
    pub async fn update_item_if(
        &self,
        item: &Value,
        condition: &str,
        expression: &str,
        values: &Value,
    ) -> bool {
        let mut input = json!({
            "TableName": self.tables.bans,
            "Key": { "pk": item["pk"], "sk": item["sk"] },
            "UpdateExpression": expression,
            "ConditionExpression": condition,
        });
        if !values.is_null() {
            input["ExpressionAttributeValues"] = values.clone();
        }
        self.database.call("UpdateItem", &input).await.is_ok()
    }

    /// Updates an existing item with an expression and its values.
    pub async fn update_item(&self, item: &Value, expression: &str, values: &Value) {
        let updated = self.update_item_if(item, "attribute_exists(pk)", expression, values);
        assert!(updated.await, "{expression} fails on {item}");
    }
}

impl TestApp {
    /// The requests that a function's role does not allow.
    pub fn denied(&self) -> Vec<String> {
        let by_database = self.faults.as_ref().map(FaultProxy::denied);
        let mut denied = by_database.unwrap_or_default();
        denied.extend(self.objects.denied());
        denied
    }
}

/// How many lines of each function a failed test prints.
const SHOWN: usize = 50;

impl Drop for TestApp {
    /// A failed test prints the log lines of unsuccessful requests, since a response hardly shows
    /// its cause.
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
