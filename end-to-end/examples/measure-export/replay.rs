//! A database that answers exports as fast as they ask: the pages of the list lie ready in memory.
//!
//! The embedded engine reads and writes JSON in SQLite, one call after the other, and needs longer
//! for a million bans than a call may take. Behind this one, what is measured is the function.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
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
    /// By shard, newest first.
    shards: Vec<Vec<Bytes>>,
}

impl Replay {
    /// Answers queries of the list of all bans from these items, newest last, and hands everything
    /// else to the engine.
    pub async fn start(engine: &str, items: impl Iterator<Item = Value>) -> Self {
        let mut shards = vec![Vec::new(); 4];
        for item in items {
            let shard: usize = item["ledger"]["S"].as_str().unwrap()[9..].parse().unwrap();
            shards[shard].push(json!({ "ban": item["ban"] }).to_string());
        }
        let pages = Pages {
            engine: engine.to_owned(),
            client: Client::new(),
            shards: shards.into_iter().map(pages).collect(),
        };
        let router = Router::new().fallback(answer).with_state(Arc::new(pages));
        let (listener, port) = listen(0, "").await.expect("a port");
        Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            _server: serve(listener, router),
        }
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

async fn answer(State(pages): State<Arc<Pages>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("a body");
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    if asked["IndexName"] == "by-workspace" {
        assert_eq!(
            asked["ProjectionExpression"], ASKED,
            "the pages hold something else"
        );
        assert_eq!(asked["Limit"], PAGE, "the pages are of another size");
        let partition = asked["ExpressionAttributeValues"][":partition"]["S"]
            .as_str()
            .unwrap();
        let shard: usize = partition[9..].parse().unwrap();
        let start = &asked["ExclusiveStartKey"]["sk"]["S"];
        let page: usize = start.as_str().map_or(0, |page| page.parse().unwrap());
        let page = pages.shards[shard].get(page).cloned();
        let page = page.unwrap_or_else(|| Bytes::from_static(br#"{"Items":[]}"#));
        return Response::builder()
            .header("content-type", "application/x-amz-json-1.0")
            .body(Body::from(page))
            .unwrap();
    }
    let mut request = http::Request::from_parts(parts, body);
    *request.uri_mut() = format!("{}/", pages.engine).parse().unwrap();
    pages
        .client
        .send(request)
        .await
        .expect("the engine")
        .map(Body::from)
}
