//! The runtime and the gateway with a real function process.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::{Request, Response};
use local_stack::{
    dynamo::Dynamo,
    engine::Engine,
    event_source_mapping::{EventSourceMapping, HttpInvoke, MappingOptions},
    gateway::Gateway,
    http::Client,
    lambda_api::HttpFunctions,
    runtime::{FunctionSpec, Runtime},
    template::Template,
};
use serde_json::{Value, json};

pub const TEMPLATE: &str = "
Resources:
  ToyFunction:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 1
      Environment: {Variables: {BANS_TABLE: !Ref BansTable, OTHER: !Ref NotFoundFunction}}
      Events:
        Get: {Type: HttpApi, Properties: {Path: /toy, Method: get}}
        Post: {Type: HttpApi, Properties: {Path: '/toy/{name}', Method: post}}
        Stream: {Type: DynamoDB, Properties: {Stream: !GetAtt BansTable.StreamArn}}
        Minutely: {Type: Schedule, Properties: {Schedule: rate(1 minute), Input: '{\"sweep\":true}'}}
        Daily: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
  NotFoundFunction:
    Type: AWS::Serverless::Function
    Properties:
      Events: {Rest: {Type: HttpApi}}
  BansTable:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
";

pub struct Stack {
    pub runtime: Runtime,
    pub gateway: Gateway,
    client: Client,
}

impl Stack {
    pub async fn start(instances: usize) -> Self {
        let template = Template::parse(TEMPLATE).unwrap();
        let specs = template.functions().iter().map(|function| {
            let mut spec = FunctionSpec::of(function, &PathBuf::new(), instances, &[]);
            spec.binary = toy();
            spec
        });
        let runtime = Runtime::start(specs.collect()).await.unwrap();
        let gateway = Gateway::start(&template, runtime.clone(), 0).await.unwrap();
        Self {
            runtime,
            gateway,
            client: Client::new(),
        }
    }

    async fn send(&self, request: http::request::Builder, body: &[u8]) -> Response<Bytes> {
        let body = Bytes::copy_from_slice(body);
        self.client.send(request.body(body).unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response<Bytes> {
        self.send(Request::get(self.url(path)), b"").await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.address())
    }
}

/// The example beside this test's binary.
fn toy() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/toy-function")
}

fn json_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn requests_become_events_and_answers_become_responses() {
    let stack = Stack::start(1).await;
    assert_becomes_an_event(&stack, stack.gateway.address()).await;
}

#[tokio::test]
async fn a_gateway_in_front_of_cargo_lambda_watch_makes_the_same_events() {
    let stack = Stack::start(1).await;
    let template = Template::parse(TEMPLATE).unwrap();
    // The invocation API of the other gateway stands in for `cargo lambda watch`.
    let functions = HttpFunctions::new(stack.gateway.address(), &template);
    let gateway = Gateway::start(&template, functions, 0).await.unwrap();
    assert_becomes_an_event(&stack, gateway.address()).await;

    let binary = Request::put(format!("{}/toy", gateway.address()));
    let event = json_of(&stack.send(binary, b"\xff\xfe").await);
    assert_eq!(event["event"]["routeKey"], "$default");
    assert_eq!(event["event"]["body"], "//4=");
    let failing = Request::get(format!("{}/toy?fail", gateway.address()));
    let failed = stack.send(failing, b"").await;
    assert_eq!(failed.status(), 500);
    assert_eq!(
        json_of(&failed),
        json!({"message": "Internal Server Error"})
    );
}

/// Sends a compressed body to the gateway at `address`.
async fn assert_becomes_an_event(stack: &Stack, address: &str) {
    let url = format!("{address}/toy/a%20b?x=1&x=2");
    let request = Request::post(url).header("content-encoding", "gzip");
    let response = stack.send(request, b"\x1f\x8b\x00").await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["content-type"], "application/json");
    let event = &json_of(&response)["event"];
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "POST /toy/{name}");
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!(event["rawQueryString"], "x=1&x=2");
    assert_eq!(event["isBase64Encoded"], true);
    assert_eq!(event["body"], "H4sA");
}

#[tokio::test]
async fn unmatched_requests_go_to_the_default_function() {
    let stack = Stack::start(1).await;
    for request in [
        Request::get(stack.url("/nowhere")),
        Request::delete(stack.url("/toy")),
    ] {
        let event = json_of(&stack.send(request, b"").await);
        assert_eq!(event["event"]["routeKey"], "$default");
    }
    assert_eq!(stack.runtime.logs("not-found").len(), 2);
    assert!(stack.runtime.logs("toy").is_empty());
}

#[tokio::test]
async fn failures_show_only_the_gateways_own_message() {
    let stack = Stack::start(1).await;
    for path in ["/toy?fail", "/toy?exit", "/toy?size=7000000"] {
        let response = stack.get(path).await;
        assert_eq!(response.status(), 500, "{path}");
        assert_eq!(
            json_of(&response),
            json!({"message": "Internal Server Error"})
        );
        assert_eq!(stack.get("/toy").await.status(), 201, "after {path}");
    }
    // The exit costs a process; the runtime library may also end one after a rejected answer.
    let starts = stack.runtime.starts("toy");
    assert!((2..=3).contains(&starts), "{starts} processes");
}

#[tokio::test]
async fn a_timed_out_call_fails_and_its_process_is_replaced() {
    let stack = Stack::start(1).await;
    let started = Instant::now();
    assert_eq!(stack.get("/toy?sleep=60000").await.status(), 500);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(stack.get("/toy").await.status(), 201);
}

#[tokio::test]
async fn instances_process_events_concurrently() {
    let stack = Stack::start(3).await;
    let calls = (0..3).map(|_| stack.get("/toy?sleep=300"));
    let started = Instant::now();
    let answers = futures::future::join_all(calls).await;
    assert!(started.elapsed() < Duration::from_millis(900));
    let processes: BTreeSet<_> = answers
        .iter()
        .map(|answer| json_of(answer)["process"].as_u64())
        .collect();
    assert_eq!(processes.len(), 3);
}

#[tokio::test]
async fn a_killed_instance_fails_its_call_and_restarts() {
    let stack = Stack::start(1).await;
    let call = stack.get("/toy?sleep=900");
    let killer = async {
        while stack.runtime.busy("toy").is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stack.runtime.kill("toy", 0)
    };
    let (answer, was_killed) = tokio::join!(call, killer);
    assert!(was_killed);
    assert_eq!(answer.status(), 500);
    assert_eq!(stack.get("/toy").await.status(), 201);
    assert_eq!(stack.runtime.starts("toy"), 2);
}

#[tokio::test]
async fn every_call_is_answered_while_instances_are_killed() {
    let stack = Stack::start(2).await;
    let calls = futures::future::join_all((0..200).map(|_| stack.get("/toy?sleep=1")));
    let killer = async {
        for round in 0..10 {
            tokio::time::sleep(Duration::from_millis(7)).await;
            assert!(stack.runtime.kill("toy", round % 2));
        }
    };
    let (answers, ()) = tokio::join!(calls, killer);
    let failed = answers
        .iter()
        .filter(|answer| answer.status() == 500)
        .count();
    assert!(failed <= 10, "{failed} calls failed by 10 kills");
    assert!(
        answers
            .iter()
            .all(|answer| [201, 500].contains(&answer.status().as_u16()))
    );
}

#[tokio::test]
async fn the_stream_reaches_the_function_through_the_invocation_api() {
    let stack = Stack::start(1).await;
    let template = Template::parse(TEMPLATE).unwrap();
    let engine = Engine::start(None, 0).await.unwrap();
    let dynamo = Dynamo::new(engine.endpoint());
    dynamo.create_tables(template.tables()).await.unwrap();
    let (function, source) = template.stream_functions().next().unwrap();
    let invoke = HttpInvoke::new(stack.gateway.address(), &function.name);
    let options = MappingOptions::default();
    let mapping =
        EventSourceMapping::start(dynamo.clone(), source.clone(), invoke, options).unwrap();

    let put = json!({"TableName": "BansTable", "Item": {"pk": {"S": "one"}}});
    dynamo.call("PutItem", &put).await.unwrap();
    assert!(mapping.settle(Duration::from_secs(10)).await);
    let lines: Vec<_> = stack
        .runtime
        .logs("toy")
        .iter()
        .filter_map(local_stack::runtime::LogLine::json)
        .collect();
    assert_eq!(lines, [json!({"record": {"pk": {"S": "one"}}})]);
}
