//! A function for the tests of the stack itself: it does what the event tells it to.
//!
//! Of an HTTP request it answers the event it was made into, as JSON; the query may ask for a pause
//! (`sleep=<ms>`), an end of the process (`exit`), an error (`fail`) or that many bytes
//! (`size=<n>`). Of a batch of stream records it prints each and reports none as failed.

use std::time::Duration;

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
