//! A workspace with an endpoint, and each step from a decision to its delivery.

use end_to_end::{Ban, TestApp, TestAppBuilder, WebhookReceiver, Workspace};
use serde_json::{Value, json};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::WorkspacePrefix;
use shared::domain::webhooks::{Delivery, DeliveryKey, Endpoint, EndpointId, SigningSecrets};
use shared::store::{Key, LOGGED_AT_ONCE};

pub const EXPERIENCE: u64 = 7;

/// The time limit of an attempt in these tests, in milliseconds.
pub const LIMIT: u64 = 700;

/// An app in which no step runs unless a test calls it.
pub fn still() -> TestAppBuilder {
    TestApp::builder()
        .with_faults()
        .variable(shared::testing::WEBHOOK_TIME_LIMIT, &LIMIT.to_string())
        .without_mappings()
}

pub struct TestEndpoint<'a> {
    pub workspace: &'a Workspace<'a>,
    pub id: EndpointId,
}

impl<'a> TestEndpoint<'a> {
    /// An endpoint at this receiver that subscribes to all events.
    pub async fn at(workspace: &'a Workspace<'a>, hook: &WebhookReceiver) -> Self {
        Self::with(workspace, &hook.url(), |_| {}).await
    }

    /// An endpoint at this URL.
    pub async fn with(
        workspace: &'a Workspace<'a>,
        url: &str,
        change: impl FnOnce(&mut Endpoint),
    ) -> Self {
        let id = workspace.add_endpoint(url, change).await.id;
        Self { workspace, id }
    }

    pub fn app(&self) -> &TestApp {
        self.workspace.app()
    }

    pub fn prefix(&self) -> WorkspacePrefix {
        self.workspace.id().prefix()
    }

    pub async fn endpoint(&self) -> Endpoint {
        let found = self.app().store().endpoint(self.prefix(), self.id).await;
        found.unwrap().unwrap()
    }

    /// The secrets that sign its events.
    pub async fn secrets(&self) -> SigningSecrets {
        self.endpoint().await.secrets().unwrap().clone()
    }

    pub async fn change(&self, change: impl Fn(Endpoint) -> Endpoint) {
        let store = self.app().store();
        let changed = store.change_endpoint(self.prefix(), self.id, change).await;
        assert!(changed.unwrap().is_some());
    }

    /// Bans these users and creates the deliveries.
    pub async fn ban(&self, users: impl IntoIterator<Item = u64>) -> u32 {
        for user in users {
            self.workspace
                .ban(Ban::of(user, EXPERIENCE).permanent())
                .await;
        }
        publish(self.workspace).await
    }

    /// Invokes the function for this endpoint and waits until it is done.
    pub async fn drain(&self) {
        drain(self.app(), self.prefix(), self.id).await;
    }

    /// All deliveries, the oldest event first, test events last.
    pub async fn deliveries(&self) -> Vec<Delivery> {
        let mut found = self.workspace.deliveries(self.id).await;
        found.sort_by_key(|delivery| match delivery.key {
            DeliveryKey::Event(position) => (0, position),
            DeliveryKey::Test(at) => (1, at),
        });
        found
    }

    /// The only delivery.
    pub async fn delivery(&self) -> Delivery {
        let deliveries = self.deliveries().await;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        deliveries[0].clone()
    }

    /// Sets a number of a delivery's item.
    pub async fn set(&self, delivery: DeliveryKey, name: &str, value: u64) {
        let key = Key::delivery(self.prefix(), self.id, delivery);
        let app = self.app();
        let item = json!({ "pk": { "S": key.pk }, "sk": { "S": key.sk } });
        let value = json!({ ":value": { "N": value.to_string() } });
        let change = format!("SET {name} = :value");
        app.update_item(&item, &change, &value).await;
    }

    /// Makes every waiting delivery due now.
    pub async fn bring_due(&self) {
        let now = UnixMillis::now().millis();
        for delivery in self.deliveries().await {
            if delivery.due_at.is_some() {
                self.set(delivery.key, "due_at", now - 1).await;
            }
        }
    }
}

/// Logs all decisions of a workspace as events and creates their deliveries, as the stream's
/// function does.
pub async fn publish(workspace: &Workspace<'_>) -> u32 {
    let app = workspace.app();
    let prefix = workspace.id().prefix();
    let items = app.items(&prefix.to_string()).await;
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap().to_owned();
    let mut entries: Vec<_> = items
        .iter()
        .filter(|item| {
            ["decision", "activity"]
                .iter()
                .any(|kind| item["kind"]["S"] == *kind)
        })
        .filter(|item| item.get("log_position").is_none())
        .map(|item| {
            let at: u64 = item["at_ms"]["N"].as_str().unwrap().parse().unwrap();
            let (pk, sk) = (text(item, "pk"), text(item, "sk"));
            (at, Key { pk, sk })
        })
        .collect();
    entries.sort_by_key(|(at, key)| (*at, key.sk.clone()));
    let keys: Vec<_> = entries.into_iter().map(|(_, key)| key).collect();
    let mut written = 0;
    for keys in keys.chunks(LOGGED_AT_ONCE) {
        let events = app.store().log(prefix, keys).await.unwrap();
        written += app.store().fan_out(prefix, &events).await.unwrap();
    }
    written
}

/// Invokes the function for an endpoint and waits for its end.
pub async fn drain(app: &TestApp, prefix: WorkspacePrefix, id: EndpointId) {
    let event = json!({ "workspace": prefix.to_string(), "endpoint": id });
    let done = app.invoke("deliver-webhooks", &event).await;
    assert_eq!(done.unwrap(), Value::Null);
}

/// The counts in the log line of the function's last run.
pub fn last_run(app: &TestApp) -> Value {
    let lines = app.runtime().logs("deliver-webhooks");
    lines.iter().rev().find_map(|line| line.json()).unwrap()
}
