//! The harness waits for background calls and records their failures.

use bytes::Bytes;
use end_to_end::TestApp;
use http::Request;
use local_stack::http::Client;
use serde_json::json;

/// Calls the stream's function asynchronously.
async fn send(app: &TestApp, event: serde_json::Value) -> u16 {
    let path = "/2015-03-31/functions/spread-decisions/invocations";
    let request = Request::post(format!("{}{path}", app.lambda()))
        .header("x-amz-invocation-type", "Event")
        .body(Bytes::from(event.to_string()));
    let answer = Client::new().send(request.unwrap()).await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn background_calls_are_awaited_and_failures_recorded() {
    let app = TestApp::start().await;
    assert_eq!(send(&app, json!({ "Records": [] })).await, 202);
    app.background_settled().await;
    assert_eq!(app.runtime().starts("spread-decisions"), 1);
    assert!(app.background_given_up().is_empty());

    app.lose_background_calls(true);
    assert_eq!(send(&app, json!({ "Records": 1 })).await, 202);
    app.quiet().await;
    assert!(app.background_given_up().is_empty());
    app.lose_background_calls(false);
    assert_eq!(send(&app, json!({ "Records": 1 })).await, 202);
    app.quiet().await;
    assert_eq!(app.background_given_up().len(), 1);
}

#[tokio::test]
#[should_panic(expected = "spread-decisions has no schedule Sweep")]
async fn unknown_schedules_are_rejected() {
    let app = TestApp::start().await;
    app.run_schedule("spread-decisions", "Sweep").await;
}
