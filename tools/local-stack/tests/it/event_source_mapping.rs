//! The event source mapping with a function that fails in every way.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use local_stack::{
    dynamo::Dynamo,
    engine::Engine,
    event_source_mapping::{EventSourceMapping, Invoke, InvokeError, MappingOptions},
    template::{StreamSource, Template},
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);

/// What the function does at its n-th call.
type Script = fn(usize, &[Value]) -> Result<Value, InvokeError>;

/// A function that follows a script and records its calls.
#[derive(Clone, Default)]
struct Scripted {
    calls: Arc<Mutex<Vec<Vec<Value>>>>,
    script: Option<Script>,
}

impl Invoke for Scripted {
    async fn invoke(&self, event: Value) -> Result<Value, InvokeError> {
        let records = event["Records"].as_array().unwrap().clone();
        let mut calls = self.calls.lock().unwrap();
        calls.push(records.clone());
        match self.script {
            Some(script) => script(calls.len(), &records),
            None => Ok(json!({"batchItemFailures": []})),
        }
    }
}

impl Scripted {
    fn new(script: Script) -> Self {
        Self {
            script: Some(script),
            ..Self::default()
        }
    }

    /// The sort keys in each call.
    fn calls(&self) -> Vec<Vec<String>> {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .map(|records| records.iter().map(sort_key).collect())
            .collect()
    }

    fn everything(&self) -> BTreeSet<String> {
        self.calls().into_iter().flatten().collect()
    }
}

fn sort_key(record: &Value) -> String {
    record["dynamodb"]["Keys"]["sk"]["S"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn failed(record: &Value) -> Value {
    json!({"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]})
}

/// A table with these items in its stream, and the template's mapping with one lane.
async fn table(items: &[(&str, &str)]) -> (Engine, Dynamo, StreamSource) {
    let engine = Engine::start(None, 0).await.unwrap();
    let dynamo = Dynamo::new(engine.endpoint());
    let template = Template::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml"));
    let template = template.unwrap();
    dynamo.create_tables(template.tables()).await.unwrap();
    for (kind, sort) in items {
        put(&dynamo, kind, sort).await;
    }
    let mut source = template.stream_of("spread-decisions").unwrap().1.clone();
    source.parallelization = 1;
    (engine, dynamo, source)
}

async fn put(dynamo: &Dynamo, kind: &str, sort: &str) {
    let item = json!({"pk": {"S": "a"}, "sk": {"S": sort}, "kind": {"S": kind}});
    let input = json!({"TableName": "BansTable", "Item": item});
    dynamo.call("PutItem", &input).await.unwrap();
}

fn quick() -> MappingOptions {
    MappingOptions {
        poll: Duration::from_millis(5),
        first_delay: Duration::from_millis(1),
        longest_delay: Duration::from_millis(5),
        checkpoint: None,
        enabled: None,
    }
}

#[tokio::test]
async fn matching_records_arrive_whole_and_in_order() {
    let items = [("global", "1"), ("ban", "2"), ("link", "3")];
    let (_engine, dynamo, source) = table(&items).await;
    let function = Scripted::default();
    let mapping =
        EventSourceMapping::start(dynamo.clone(), source, function.clone(), quick()).unwrap();
    assert!(mapping.settle(SOON).await);
    assert_eq!(function.calls(), [["1", "3"]]);

    let record = function.calls.lock().unwrap()[0][0].clone();
    assert_eq!(record["eventName"], "INSERT");
    assert_eq!(record["eventSource"], "aws:dynamodb");
    assert_eq!(record["dynamodb"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(record["dynamodb"]["NewImage"]["kind"]["S"], "global");
    assert!(
        record["eventSourceARN"]
            .as_str()
            .unwrap()
            .contains(":table/BansTable/stream/")
    );

    put(&dynamo, "global", "4").await;
    assert!(mapping.settle(SOON).await);
    assert_eq!(function.calls().last().unwrap(), &["4"]);
}

#[tokio::test]
async fn a_write_without_a_change_is_no_event() {
    let (_engine, dynamo, source) = table(&[("global", "1"), ("global", "1")]).await;
    let function = Scripted::default();
    let mapping = EventSourceMapping::start(dynamo, source, function.clone(), quick()).unwrap();
    assert!(mapping.settle(SOON).await);
    assert_eq!(function.calls(), [["1"]]);
}

#[tokio::test]
async fn a_partial_failure_resumes_at_the_reported_record() {
    let items = [("global", "1"), ("global", "2"), ("global", "3")];
    let (_engine, dynamo, source) = table(&items).await;
    let function = Scripted::new(|call, records| match call {
        1 => Ok(failed(&records[1])),
        _ => Ok(json!({"batchItemFailures": []})),
    });
    let mapping = EventSourceMapping::start(dynamo, source, function.clone(), quick()).unwrap();
    assert!(mapping.settle(SOON).await);
    assert_eq!(function.calls(), [vec!["1", "2", "3"], vec!["2", "3"]]);
}

#[tokio::test]
async fn bisecting_isolates_a_bad_record() {
    let items = [
        ("global", "1"),
        ("global", "2"),
        ("global", "bad"),
        ("global", "4"),
    ];
    let (_engine, dynamo, mut source) = table(&items).await;
    source.maximum_retries = Some(2);
    let function = Scripted::new(|_, records| {
        if records.iter().any(|record| sort_key(record) == "bad") {
            return Err(InvokeError::Function("crashed".to_owned()));
        }
        Ok(Value::Null)
    });
    let mapping = EventSourceMapping::start(dynamo, source, function.clone(), quick()).unwrap();
    assert!(mapping.settle(SOON).await);
    let given_up: Vec<_> = mapping.given_up().iter().map(sort_key).collect();
    assert_eq!(given_up, ["bad"]);
    assert!(function.calls().contains(&vec!["4".to_owned()]));
    let alone = function
        .calls()
        .iter()
        .filter(|call| *call == &["bad"])
        .count();
    assert_eq!(alone, 3, "one try and two retries");
}

#[tokio::test]
async fn an_unreachable_function_uses_up_no_retries() {
    let (_engine, dynamo, mut source) = table(&[("global", "1")]).await;
    source.maximum_retries = Some(0);
    let function = Scripted::new(|call, _| match call {
        ..8 => Err(InvokeError::Unreachable("restarting".to_owned())),
        _ => Ok(Value::Null),
    });
    let mapping = EventSourceMapping::start(dynamo, source, function.clone(), quick()).unwrap();
    assert!(mapping.settle(SOON).await);
    assert_eq!(function.calls().len(), 8);
    assert!(mapping.given_up().is_empty());
}

#[tokio::test]
async fn batches_keep_their_size_and_lanes_lose_no_record() {
    let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let items: Vec<_> = names.iter().map(|name| ("global", name.as_str())).collect();
    let (_engine, dynamo, mut source) = table(&items).await;
    source.batch_size = 7;
    source.parallelization = 4;
    let function = Scripted::default();
    let mapping = EventSourceMapping::start(dynamo, source, function.clone(), quick()).unwrap();
    assert!(mapping.settle(SOON).await);
    assert!(function.calls().iter().all(|call| call.len() <= 7));
    assert_eq!(function.everything().len(), 50);
}

#[tokio::test]
async fn a_checkpoint_skips_delivered_records() {
    let (_engine, dynamo, source) = table(&[("global", "1")]).await;
    let folder = tempfile::tempdir().unwrap();
    let options = MappingOptions {
        checkpoint: Some(folder.path().join("stream.json")),
        ..quick()
    };
    for expected in [vec!["1"], vec!["2"]] {
        let function = Scripted::default();
        let mapping = EventSourceMapping::start(
            dynamo.clone(),
            source.clone(),
            function.clone(),
            options.clone(),
        )
        .unwrap();
        assert!(mapping.settle(SOON).await);
        assert_eq!(function.calls(), [expected]);
        drop(mapping);
        put(&dynamo, "global", "2").await;
    }
}
