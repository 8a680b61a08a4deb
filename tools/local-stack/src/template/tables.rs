//! Table definitions. Except for a few names, CloudFormation's properties are those of the API.

use serde_json::{Map, Value, json};

use super::{flag, text};
use crate::{Error, Result};

/// One `AWS::DynamoDB::Table`.
#[derive(Debug, Clone)]
pub struct Table {
    /// The id in the template.
    pub logical_id: String,
    /// The name of the local table.
    pub name: String,
    /// The body of the `CreateTable` call.
    pub create: Value,
    /// The attribute with the expiry of an item.
    pub ttl_attribute: Option<String>,
    /// Whether the table has a stream.
    pub has_stream: bool,
}

pub(super) fn read(name: &str, logical_id: &str, properties: &Value) -> Result<Table> {
    let mut create = Map::new();
    create.insert("TableName".to_owned(), json!(name));
    for required in ["AttributeDefinitions", "KeySchema"] {
        let value = properties.get(required).cloned();
        let missing = || Error::Template(format!("{logical_id} has no {required}"));
        create.insert(required.to_owned(), value.ok_or_else(missing)?);
    }
    for same in [
        "GlobalSecondaryIndexes",
        "LocalSecondaryIndexes",
        "BillingMode",
    ] {
        if let Some(value) = properties.get(same) {
            create.insert(same.to_owned(), value.clone());
        }
    }
    // Local servers ignore or reject settings of capacity and metrics.
    if let Some(Value::Array(indexes)) = create.get_mut("GlobalSecondaryIndexes") {
        for index in indexes.iter_mut().filter_map(Value::as_object_mut) {
            index.retain(|key, _| {
                matches!(
                    key.as_str(),
                    "IndexName" | "KeySchema" | "Projection" | "ProvisionedThroughput"
                )
            });
        }
    }
    let view = properties
        .get("StreamSpecification")
        .and_then(|s| text(s, "StreamViewType"));
    if let Some(view) = view {
        let stream = json!({ "StreamEnabled": true, "StreamViewType": view });
        create.insert("StreamSpecification".to_owned(), stream);
    }
    let ttl = properties
        .get("TimeToLiveSpecification")
        .filter(|ttl| flag(ttl, "Enabled"));
    Ok(Table {
        logical_id: logical_id.to_owned(),
        name: name.to_owned(),
        create: Value::Object(create),
        ttl_attribute: ttl
            .and_then(|ttl| text(ttl, "AttributeName"))
            .map(str::to_owned),
        has_stream: view.is_some(),
    })
}
