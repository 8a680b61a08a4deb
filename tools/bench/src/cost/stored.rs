//! How much a ban occupies in the table and its indexes.

use end_to_end::{Ban, TestApp, Workspace, template};
use serde_json::Value;

use super::cases::EXPERIENCE;

/// What DynamoDB adds to each item and each entry of an index, in bytes.
const OVERHEAD: usize = 100;

/// The bytes of a ban that an experience has applied, with its history and its entries in all indexes.
pub async fn bytes_of_a_ban(app: &TestApp) -> anyhow::Result<f64> {
    let workspace = app.workspace().await;
    let ban = Ban::of(156, EXPERIENCE).permanent();
    workspace.ban(ban.clone()).await;
    workspace.ban(ban.applied()).await;
    app.settle().await;
    let items = items(app, &workspace).await;
    let bytes = items.iter().map(bytes_of).sum::<usize>();
    Ok(f64::from(u32::try_from(bytes)?))
}

async fn items(app: &TestApp, workspace: &Workspace<'_>) -> Vec<Value> {
    app.items(&format!("{}#U#156", workspace.prefix())).await
}

/// An item, and its entries in the indexes that contain it.
fn bytes_of(item: &Value) -> usize {
    let has = |attribute: &str| item.get(attribute).is_some();
    let tables = template().tables().iter();
    let table = tables.filter(|table| table.logical_id == "BansTable");
    let indexes = table.filter_map(|table| table.create.get("GlobalSecondaryIndexes")?.as_array());
    let entries = indexes.flatten().map(|index| {
        let keys = index
            .get("KeySchema")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let keys: Vec<_> = keys
            .filter_map(|key| key.get("AttributeName")?.as_str())
            .collect();
        if !keys.iter().all(|key| has(key)) {
            return 0;
        }
        if index
            .pointer("/Projection/ProjectionType")
            .is_some_and(|kind| kind == "ALL")
        {
            return OVERHEAD + size(item, |_| true);
        }
        let named = index
            .pointer("/Projection/NonKeyAttributes")
            .and_then(Value::as_array);
        let named: Vec<_> = named.into_iter().flatten().collect();
        OVERHEAD
            + size(item, |name| {
                ["pk", "sk"].contains(&name)
                    || keys.contains(&name)
                    || named.iter().any(|other| **other == *name)
            })
    });
    OVERHEAD + size(item, |_| true) + entries.sum::<usize>()
}

/// The names and values of an item's attributes.
fn size(item: &Value, is_projected: impl Fn(&str) -> bool) -> usize {
    let attributes = item.as_object().into_iter().flatten();
    attributes
        .filter(|(name, _)| is_projected(name))
        .map(|(name, value)| name.len() + value_size(value))
        .sum()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(value_size).sum(),
        Value::Object(fields) => fields.values().map(value_size).sum(),
        _ => 1,
    }
}
