//! The fault proxy between a client and the database.

use std::time::{Duration, Instant};

use local_stack::{
    Error,
    dynamo::Dynamo,
    engine::Engine,
    fault_proxy::{Fault, FaultProxy, Rule},
    template::Template,
};
use serde_json::{Value, json};

async fn stack() -> (Engine, FaultProxy, Dynamo) {
    let engine = Engine::start(None, 0).await.unwrap();
    let template = Template::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml"));
    let direct = Dynamo::new(engine.endpoint());
    direct
        .create_tables(template.unwrap().tables())
        .await
        .unwrap();
    let proxy = FaultProxy::start(engine.endpoint(), &[]).await.unwrap();
    let through = Dynamo::new(proxy.endpoint());
    (engine, proxy, through)
}

fn put(sort: &str) -> Value {
    json!({"TableName": "BansTable", "Item": {"pk": {"S": "a"}, "sk": {"S": sort}}})
}

fn get(sort: &str) -> Value {
    json!({"TableName": "BansTable", "Key": {"pk": {"S": "a"}, "sk": {"S": sort}}})
}

fn kind(result: Result<Value, Error>) -> String {
    match result {
        Ok(_) => "fine".to_owned(),
        Err(Error::Database { kind, .. }) => kind,
        Err(other) => other.to_string(),
    }
}

#[tokio::test]
async fn requests_pass_unchanged_without_faults() {
    let (_engine, proxy, dynamo) = stack().await;
    dynamo.call("PutItem", &put("1")).await.unwrap();
    assert!(
        dynamo
            .call("GetItem", &get("1"))
            .await
            .unwrap()
            .get("Item")
            .is_some()
    );
    assert_eq!(proxy.seen(), ["PutItem", "GetItem"]);
}

#[tokio::test]
async fn injected_errors_look_like_the_databases_own() {
    let (_engine, proxy, dynamo) = stack().await;
    for (fault, name) in [
        (Fault::Throttle, "ThrottlingException"),
        (
            Fault::ThroughputExceeded,
            "ProvisionedThroughputExceededException",
        ),
        (Fault::ServerError, "InternalServerError"),
    ] {
        proxy.inject(Rule::from(fault).times(1));
        assert_eq!(kind(dynamo.call("PutItem", &put("2")).await), name);
        assert_eq!(kind(dynamo.call("PutItem", &put("2")).await), "fine");
    }
}

#[tokio::test]
async fn connections_are_cut_before_or_after_the_write() {
    let (_engine, proxy, dynamo) = stack().await;
    for (fault, sort, is_written) in [(Fault::CutBefore, "3", false), (Fault::CutAfter, "4", true)]
    {
        proxy.inject(Rule::from(fault).on("PutItem"));
        assert_eq!(
            kind(dynamo.call("PutItem", &put(sort)).await),
            "Unreachable"
        );
        let item = dynamo.call("GetItem", &get(sort)).await.unwrap();
        assert_eq!(item.get("Item").is_some(), is_written);
        proxy.clear();
    }
}

#[tokio::test]
async fn a_fault_hits_only_its_operation_and_turn() {
    let (_engine, proxy, dynamo) = stack().await;
    proxy.inject(
        Rule::from(Fault::ServerError)
            .on("PutItem")
            .after(1)
            .times(1),
    );
    assert_eq!(kind(dynamo.call("GetItem", &get("5")).await), "fine");
    assert_eq!(kind(dynamo.call("PutItem", &put("5")).await), "fine");
    assert_eq!(
        kind(dynamo.call("PutItem", &put("5")).await),
        "InternalServerError"
    );
    assert_eq!(kind(dynamo.call("PutItem", &put("5")).await), "fine");
}

#[tokio::test]
async fn stalls_and_delays_take_time() {
    let (_engine, proxy, dynamo) = stack().await;
    proxy.inject(Rule::from(Fault::Delay(Duration::from_millis(80))).times(1));
    let started = Instant::now();
    dynamo.call("PutItem", &put("6")).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(80));

    proxy.inject(Fault::Stall);
    let input = get("6");
    let stalled = dynamo.call("GetItem", &input);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), stalled)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_cancelled_transaction_has_a_reason_and_writes_nothing() {
    let (_engine, proxy, dynamo) = stack().await;
    let cancelled = Fault::Cancelled("TransactionConflict");
    proxy.inject(Rule::from(cancelled).on("TransactWriteItems").times(1));
    let transaction = json!({ "TransactItems": [{ "Put": put("1") }] });
    let refused = dynamo.call("TransactWriteItems", &transaction).await;
    assert_eq!(kind(refused), "TransactionCanceledException");
    let read = dynamo.call("GetItem", &get("1")).await.unwrap();
    assert!(read.get("Item").is_none());
    assert_eq!(proxy.struck(), [cancelled]);
    let made = dynamo.call("TransactWriteItems", &transaction).await;
    assert_eq!(kind(made), "fine");
}
