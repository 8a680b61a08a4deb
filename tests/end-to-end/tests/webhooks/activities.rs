//! Activities at an endpoint.

use end_to_end::{Ban, WebhookReceiver, contract, role_change};
use serde_json::json;
use shared::domain::event::EventName;
use shared::domain::webhooks::{Endpoint, EventFilter};
use shared::store::Key;

use crate::test_endpoint::{EXPERIENCE, TestEndpoint, publish, still};

#[tokio::test]
async fn an_activity_is_delivered_once_signed_and_after_the_decision_before_it() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::at(&workspace, &hook).await;
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    let activity = role_change(Some(1));
    assert!(workspace.record(&activity).await);
    assert!(!workspace.record(&activity).await);
    assert_eq!(publish(&workspace).await, 2);
    target.drain().await;
    assert_eq!(publish(&workspace).await, 0);
    target.drain().await;

    let received = hook.received();
    let secret = target.secrets().await.current().clone();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].json()["event"], "GAME_BANNED");
    let event = received[1].json();
    assert!(received[1].is_signed_by(&secret));
    let problems = contract().webhook_problems(&received[1].headers, &event);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(event["id"], activity.id.as_str());
    assert_eq!(event["robloxId"], 1);
    assert_eq!(event["data"]["previous"][0]["name"], "Member");

    // A replay sends both again, with the same bodies.
    let endpoint = target.endpoint().await;
    let replayed = app.store().replay(&endpoint, 0, true, false).await.unwrap();
    assert_eq!((replayed.replayed.events, replayed.replayed.due), (2, 2));
    target.drain().await;
    let again = &hook.received()[2..];
    assert_eq!(again.len(), 2);
    for (first, again) in received.iter().zip(again) {
        assert_eq!(first.json(), again.json());
    }
}

#[tokio::test]
async fn event_names_of_a_later_version_stop_no_endpoint() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let target = TestEndpoint::at(&workspace, &hook).await;
    let key = Key::endpoint(target.prefix(), target.id);
    let names = ["GAME_BANNED", "PLANET_COLONIZED"].map(|name| json!({ "S": name }));
    let update = json!({
        "TableName": app.tables().workspaces,
        "Key": { "pk": { "S": key.pk }, "sk": { "S": key.sk } },
        "UpdateExpression": "SET events = :events",
        "ExpressionAttributeValues": { ":events": { "L": names } },
    });
    app.database().call("UpdateItem", &update).await.unwrap();
    assert_eq!(target.ban([1]).await, 1);
    workspace.record(&role_change(Some(1))).await;
    assert_eq!(publish(&workspace).await, 0);
    target.drain().await;
    assert_eq!(hook.received().len(), 1);
    // Other changes keep the names that this version does not know.
    target.change(Endpoint::paused).await;
    let get = json!({ "TableName": app.tables().workspaces, "Key": update["Key"] });
    let stored = app.database().call("GetItem", &get).await.unwrap();
    assert_eq!(stored["Item"]["events"], json!({ "L": names }));
}

#[tokio::test]
async fn endpoint_receives_only_the_activities_it_selects() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let hook = WebhookReceiver::start();
    let bans = EventFilter::of([EventName::Banned]).unwrap();
    let select = |endpoint: &mut Endpoint| endpoint.events = bans;
    TestEndpoint::with(&workspace, &hook.url(), select).await;
    workspace.record(&role_change(Some(1))).await;
    workspace.record(&role_change(None)).await;
    assert_eq!(publish(&workspace).await, 0);
}
