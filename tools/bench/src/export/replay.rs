//! A database that answers exports as fast as they ask: the pages of the list lie ready in memory.
//!
//! The embedded engine reads and writes JSON in `SQLite`, one call after the other, and needs longer
//! for a million bans than a call may take. Behind this one, what is measured is the function.

use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use local_stack::http::{Client, Guard, listen, serve};
use serde_json::{Value, json};

/// What an export asks for of each item.
const ASKED: &str = "ban, applied";

/// How many bans the export takes at a time.
const PAGE: usize = 500;

/// A running replay; it stops when this is dropped.
pub struct Replay {
    pub endpoint: String,
    _server: Guard,
}

struct Pages {
    engine: String,
    client: Client,
    /// By partition of the list, newest first.
    shards: [Vec<Bytes>; 4],
}

impl Replay {
    /// Answers queries of the list of all bans from these records, newest last, and hands everything
    /// else to the engine.
    pub async fn start(engine: &str, records: impl Iterator<Item = Value>) -> anyhow::Result<Self> {
        let mut shards = [const { Vec::new() }; 4];
        for record in records {
            let shard = shard_of(&record, "/ledger/S")?;
            let item = json!({ "ban": record.get("ban"), "applied": record.get("applied") });
            let shard: &mut Vec<String> = shards.get_mut(shard).context("a shard")?;
            shard.push(item.to_string());
        }
        let pages = Pages {
            engine: engine.to_owned(),
            client: Client::new(),
            shards: shards.map(pages),
        };
        let router = Router::new().fallback(answer).with_state(Arc::new(pages));
        let (listener, port) = listen(0, "").await?;
        Ok(Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            _server: serve(listener, router),
        })
    }
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

/// The number after the workspace's prefix.
fn shard_of(document: &Value, at: &str) -> anyhow::Result<usize> {
    let partition = document.pointer(at).and_then(Value::as_str);
    let partition = partition.context("a partition")?;
    let (_, shard) = partition.rsplit_once('#').context("a shard")?;
    Ok(shard.parse()?)
}

async fn answer(State(pages): State<Arc<Pages>>, request: Request) -> Response<Body> {
    page_or_engine(&pages, request)
        .await
        .unwrap_or_else(|error| {
            let mut answer = Response::new(Body::from(format!("{error:#}")));
            *answer.status_mut() = StatusCode::NOT_IMPLEMENTED;
            answer
        })
}

async fn page_or_engine(pages: &Pages, request: Request) -> anyhow::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |at: &str| asked.pointer(at).and_then(Value::as_str);
    if text("/IndexName") != Some("by-workspace") {
        let mut request = http::Request::from_parts(parts, body);
        *request.uri_mut() = format!("{}/", pages.engine).parse()?;
        let answer = pages.client.send(request).await;
        return Ok(answer.map_err(|error| anyhow!(error))?.map(Body::from));
    }
    let page_size = asked.get("Limit").and_then(Value::as_u64);
    let is_expected =
        text("/ProjectionExpression") == Some(ASKED) && page_size == Some(PAGE as u64);
    ensure!(is_expected, "the pages in memory are others: {asked}");
    let shard = shard_of(&asked, "/ExpressionAttributeValues/:partition/S")?;
    let page: usize = match text("/ExclusiveStartKey/sk/S") {
        Some(page) => page.parse()?,
        None => 0,
    };
    let shard = pages.shards.get(shard).context("a shard")?;
    let page = shard.get(page).cloned();
    let page = page.unwrap_or_else(|| Bytes::from_static(br#"{"Items":[]}"#));
    let answer = Response::builder().header("content-type", "application/x-amz-json-1.0");
    Ok(answer.body(Body::from(page))?)
}
