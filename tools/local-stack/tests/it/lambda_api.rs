//! Lambda's invocation API, as the AWS SDK sees it.

use std::time::{Duration, Instant};

use aws_sdk_lambda::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::InvocationType,
};
use aws_smithy_http_client::Builder;
use local_stack::{
    CREDENTIAL, REGION, gateway::Gateway, lambda_api::HttpFunctions, runtime::LogLine,
    template::Template,
};
use serde_json::{Value, json};

use crate::runtime::{Stack, TEMPLATE};

const SOON: Duration = Duration::from_secs(10);

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

/// Calls a function asynchronously, and returns the status or the error's kind.
async fn send(client: &Client, function: &str, event: &Value) -> Result<i32, String> {
    let call = client
        .invoke()
        .function_name(function)
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(event.to_string()));
    match call.send().await {
        Ok(answer) => {
            assert!(answer.payload().is_none_or(|p| p.as_ref().is_empty()));
            Ok(answer.status_code())
        }
        Err(error) => Err(error.code().unwrap_or("none").to_owned()),
    }
}

/// The events of the toy function's asynchronous calls, in order.
fn asked(stack: &Stack) -> Vec<Value> {
    let lines = stack.runtime.logs("toy");
    let lines = lines.iter().filter_map(LogLine::json);
    lines
        .filter_map(|line| line.get("asked").cloned())
        .collect()
}

#[tokio::test]
async fn an_asynchronous_call_is_accepted_at_once() {
    let stack = Stack::start(1).await;
    let client = client(stack.gateway.address());
    let background = stack.gateway.background();
    let started = Instant::now();
    assert_eq!(send(&client, "toy", &json!({"sleep": 400})).await, Ok(202));
    assert!(started.elapsed() < Duration::from_millis(350));
    assert_eq!(background.under_way(), 1);
    assert!(!background.settle(Duration::ZERO).await);
    assert!(background.settle(SOON).await);
    assert_eq!(asked(&stack), [json!({"sleep": 400})]);
    assert_eq!((background.under_way(), background.ended()), (0, 1));
}

#[tokio::test]
async fn a_failing_asynchronous_call_is_tried_three_times() {
    let stack = Stack::start(1).await;
    let client = client(stack.gateway.address());
    let background = stack.gateway.background();
    let event = json!({"fails": 2});
    assert_eq!(send(&client, "toy", &event).await, Ok(202));
    assert!(background.settle(SOON).await);
    assert_eq!(asked(&stack), [event.clone(), event.clone(), event]);
    assert!(background.given_up().is_empty());

    assert_eq!(send(&client, "toy", &json!({"fail": 1})).await, Ok(202));
    assert!(background.settle(SOON).await);
    assert_eq!(asked(&stack).len(), 6);
    let given_up = background.given_up();
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].function, "toy");
    assert_eq!(given_up[0].event.as_ref(), br#"{"fail":1}"#);
    assert_eq!(given_up[0].error.message, "asked to fail");
}

#[tokio::test]
async fn invalid_invocations_fail_as_in_lambda() {
    let stack = Stack::start(1).await;
    let client = client(stack.gateway.address());
    let refused = |kind: &str| Err(kind.to_owned());
    let event = json!({});
    assert_eq!(
        send(&client, "no-such", &event).await,
        refused("ResourceNotFoundException")
    );
    let large = json!("x".repeat(1024 * 1024));
    assert_eq!(
        send(&client, "toy", &large).await,
        refused("RequestEntityTooLargeException")
    );
    let call = client.invoke().function_name("toy").payload(Blob::new("{"));
    let error = call.send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidRequestContentException"));
    assert!(asked(&stack).is_empty());
}

#[tokio::test]
async fn asynchronous_calls_work_in_front_of_a_synchronous_host() {
    let stack = Stack::start(1).await;
    let template = Template::parse(TEMPLATE).unwrap();
    // The gateway replaces `cargo lambda watch` here.
    let host = HttpFunctions::new(stack.gateway.address(), &template);
    let api = Gateway::start(&template, host, 0).await.unwrap();
    let client = client(api.address());

    let arn = "arn:aws:lambda:us-east-1:000000000000:function:toy";
    assert_eq!(send(&client, arn, &json!({"fails": 1})).await, Ok(202));
    assert!(api.background().settle(SOON).await);
    assert_eq!(asked(&stack).len(), 2);
    assert_eq!(stack.gateway.background().ended(), 0);
    assert_eq!(
        send(&client, "no-such", &json!({})).await,
        Err("ResourceNotFoundException".to_owned())
    );

    let call = |event: Value| {
        let call = client.invoke().function_name("toy");
        call.payload(Blob::new(event.to_string())).send()
    };
    let answer = call(json!({"a": 1})).await.unwrap();
    assert_eq!((answer.status_code(), answer.function_error()), (200, None));
    let payload = answer.payload().unwrap().as_ref();
    assert_eq!(payload, br#"{"done":{"a":1}}"#);
    let answer = call(json!({"fail": 1})).await.unwrap();
    assert_eq!(answer.status_code(), 200);
    assert_eq!(answer.function_error(), Some("Unhandled"));
    let payload: Value = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
    assert_eq!(payload["errorMessage"], "asked to fail");
}
