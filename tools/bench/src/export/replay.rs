//! The pages of an export, ready in memory.
//!
//! The embedded engine serves JSON from `SQLite`, one call after the other, and needs longer for a million
//! bans than a request may take. With these pages the function is the limit.

use anyhow::{Context, ensure};
use bytes::Bytes;
use local_stack::fake_server::Request;
use serde_json::{Value, json};

use crate::fake::database::FakeDatabase;

/// The projection of the export's queries.
const PROJECTION: &str = "ban, applied";

/// Their page size.
const PAGE: usize = 500;

/// A database that answers queries of the ban list from these records, newest last, and leaves all other
/// calls to the engine.
pub fn start(engine: &str, records: impl Iterator<Item = Value>) -> anyhow::Result<FakeDatabase> {
    let mut shards = [const { Vec::new() }; 4];
    for record in records {
        let shard = shard_of(&record, "/ledger/S")?;
        let item = json!({ "ban": record.get("ban"), "applied": record.get("applied") });
        let shard: &mut Vec<String> = shards.get_mut(shard).context("a shard")?;
        shard.push(item.to_string());
    }
    let shards = shards.map(pages);
    let answer = move |request: &Request| {
        let query: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let is_list = query.get("IndexName") == Some(&json!("by-workspace"));
        is_list.then(|| page(&shards, &query))
    };
    FakeDatabase::start(engine, None, Some(Box::new(answer)))
}

fn pages(mut items: Vec<String>) -> Vec<Bytes> {
    items.reverse();
    let last = items.len().div_ceil(PAGE);
    let pages = items.chunks(PAGE).zip(1..).map(|(items, next)| {
        let more = if next < last {
            format!(r#","LastEvaluatedKey":{{"pk":{{"S":"page"}},"sk":{{"S":"{next}"}}}}"#)
        } else {
            String::new()
        };
        let items = items.join(",");
        Bytes::from(format!(r#"{{"Items":[{items}]{more}}}"#))
    });
    pages.collect()
}

fn page(shards: &[Vec<Bytes>; 4], query: &Value) -> anyhow::Result<Bytes> {
    let is_expected = query.get("ProjectionExpression") == Some(&json!(PROJECTION))
        && query.get("Limit") == Some(&json!(PAGE));
    ensure!(is_expected, "the export asks for other pages: {query}");
    let shard = shard_of(query, "/ExpressionAttributeValues/:partition/S")?;
    let start = query.pointer("/ExclusiveStartKey/sk/S");
    let page: usize = match start.and_then(Value::as_str) {
        Some(page) => page.parse()?,
        None => 0,
    };
    let page = shards.get(shard).context("a shard")?.get(page).cloned();
    Ok(page.unwrap_or_else(|| Bytes::from_static(br#"{"Items":[]}"#)))
}

/// The shard at the end of a partition key.
fn shard_of(document: &Value, at: &str) -> anyhow::Result<usize> {
    let partition = document.pointer(at).and_then(Value::as_str);
    let partition = partition.context("a partition")?;
    let (_, shard) = partition.rsplit_once('#').context("a shard")?;
    Ok(shard.parse()?)
}
