//! A function for the tests of the local stack: it does what its event asks for.
//!
//! It answers an HTTP request with the event as JSON. The query may ask for a pause (`sleep=<ms>`), the end
//! of the process (`exit`), an error (`fail`) or a body of a size (`size=<n>`). It prints stream records and
//! reports none as failed. It prints any other event, which may ask for the same (`{"fail": true}`,
//! `{"sleep": <ms>}`) or for an error on the first calls (`{"fails": <n>}`).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use lambda_http::{
    Error,
    lambda_runtime::{LambdaEvent, run, service_fn},
};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = event.payload;
    if let Some(records) = event.get("Records").and_then(Value::as_array) {
        for record in records {
            println!("{}", json!({ "record": record.pointer("/dynamodb/Keys") }));
        }
        return Ok(json!({ "batchItemFailures": [] }));
    }
    if event.get("requestContext").is_none() {
        return asked(event).await;
    }
    let wish = |name: &str| event.pointer(&format!("/queryStringParameters/{name}"));
    let number = |name: &str| wish(name)?.as_str()?.parse::<u64>().ok();
    println!(
        "{}",
        json!({ "path": event.get("rawPath"), "process": std::process::id() })
    );
    if let Some(milliseconds) = number("sleep") {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    if wish("exit").is_some() {
        std::process::exit(7);
    }
    if wish("fail").is_some() {
        return Err("asked to fail".into());
    }
    let body = match number("size").and_then(|size| usize::try_from(size).ok()) {
        Some(size) => "x".repeat(size),
        None => json!({ "event": event, "process": std::process::id() }).to_string(),
    };
    let headers = json!({ "Content-Type": "application/json" });
    Ok(json!({ "statusCode": 201, "headers": headers, "body": body, "isBase64Encoded": false }))
}

/// How many calls of this process could ask for `fails`.
static FAILED: AtomicU64 = AtomicU64::new(0);

async fn asked(event: Value) -> Result<Value, Error> {
    println!("{}", json!({ "asked": event }));
    let number = |name: &str| event.get(name).and_then(Value::as_u64);
    if let Some(milliseconds) = number("sleep") {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    let failures = number("fails").unwrap_or_default();
    if event.get("fail").is_some() || FAILED.fetch_add(1, Ordering::Relaxed) < failures {
        return Err("asked to fail".into());
    }
    Ok(json!({ "done": event }))
}
