//! Webhooks and mirrors of a workspace.

use serde_json::{Value, json};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ExperienceId, UniverseId};
use shared::domain::webhooks::discord::DiscordWebhook;
use shared::domain::webhooks::{
    Delivery, Endpoint, EndpointId, EventFilter, EventReceiver, Target,
};
use shared::store::{Mirror, MirrorOptions, MirrorSettings};

use crate::app::TestApp;
use crate::workspace::{Workspace, now};

/// The token of the webhooks of [`Workspace::add_channel`].
pub const CHANNEL_TOKEN: &str = "token-of-a-channel";

/// More milliseconds than any clock is slow.
const SLOW: u64 = 10_000;

/// A lease with a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLease {
    /// Its partition key, which contains its name.
    pub partition: String,
    pub holder: String,
}

impl Workspace<'_> {
    /// Sends all events to an endpoint of the app's receiver, which verifies them.
    pub async fn add_webhook(&self, hook: &str) -> EndpointId {
        let receiver = self.app().receiver();
        let endpoint = self.add_endpoint(&receiver.url(hook), |_| {}).await;
        let secret = endpoint
            .secrets()
            .expect("a signed endpoint")
            .current()
            .reveal();
        receiver.register(hook, secret).expect("a secret");
        endpoint.id
    }

    /// Adds an endpoint at this URL that subscribes to all events unless `change` says otherwise.
    pub async fn add_endpoint(&self, url: &str, change: impl FnOnce(&mut Endpoint)) -> Endpoint {
        let url = Target::parse(url).expect("a URL");
        let mut endpoint = Endpoint::new(self.id(), url, EventFilter::all(), UnixSeconds(now()));
        change(&mut endpoint);
        let made = self.app().store().create_endpoint(&endpoint).await;
        assert!(made.expect("an endpoint"), "its id is taken");
        endpoint
    }

    /// Sends all events to a new webhook of the fake Discord.
    pub async fn add_channel(&self, webhook: u64) -> Endpoint {
        let url = self.app().discord().add_webhook(webhook, CHANNEL_TOKEN);
        let webhook = DiscordWebhook::parse(&url).expect("a webhook");
        let receiver = EventReceiver::Discord(webhook);
        let endpoint = Endpoint::of(self.id(), receiver, EventFilter::all(), UnixSeconds(now()));
        let made = self.app().store().create_endpoint(&endpoint).await;
        assert!(made.expect("an endpoint"), "its id is taken");
        endpoint
    }

    /// The deliveries to an endpoint.
    pub async fn deliveries(&self, endpoint: EndpointId) -> Vec<Delivery> {
        let store = self.app().store();
        let found = store.deliveries(self.id().prefix(), endpoint, None, 100_000);
        found.await.expect("the deliveries")
    }

    /// Mirrors an experience as a place of a universe, with a key that the fake Roblox accepts.
    pub async fn mirror(&self, place: u64, universe: u64, key: &str) {
        let app = self.app();
        app.roblox().add_key(key, &[universe]);
        app.roblox().add_place(place, universe);
        let secret = format!("portcullis/local/{universe}");
        app.secrets().set(&secret, key);
        self.set_mirror(place, universe, &secret, MirrorOptions::ALL)
            .await;
    }

    /// Stores how an experience is mirrored.
    pub async fn set_mirror(
        &self,
        place: u64,
        universe: u64,
        secret: &str,
        options: MirrorOptions,
    ) {
        let mirror = Mirror {
            workspace: self.id().prefix(),
            experience: ExperienceId::new(place).expect("a place"),
            settings: MirrorSettings {
                universe: UniverseId::new(universe).expect("a universe"),
                secret: secret.to_owned(),
                options,
                created: UnixSeconds(now()),
                stopped: None,
                checked: None,
            },
        };
        let set = self.app().store().set_mirror(&mirror).await;
        set.expect("a mirror");
    }

    /// The workspace's leases that are held.
    pub async fn leases(&self) -> Vec<HeldLease> {
        let items = self.app().items(&format!("{}#W#", self.prefix())).await;
        let held = items.iter().filter(|item| item.get("held_until").is_some());
        let text = |item: &Value, name: &str| Some(item[name]["S"].as_str()?.to_owned());
        held.filter_map(|item| {
            Some(HeldLease {
                partition: text(item, "pk")?,
                holder: text(item, "holder")?,
            })
        })
        .collect()
    }

    /// Ends a lease, unless another worker has taken it.
    pub async fn end_lease(&self, lease: &HeldLease) {
        let key = json!({ "pk": { "S": lease.partition }, "sk": { "S": "W" } });
        let holder = json!({ ":holder": { "S": lease.holder } });
        let app = self.app();
        app.update_item_if(&key, "holder = :holder", "REMOVE held_until", &holder)
            .await;
    }

    /// Makes all waiting deliveries and mirror changes due now, and returns how many there were.
    pub async fn bring_due(&self) -> usize {
        let mut waiting = 0;
        for item in self.app().items(&self.prefix()).await {
            let is_due = item.get("due_at").is_some();
            let change = match item["kind"]["S"].as_str().unwrap_or_default() {
                "lease" if item.get("paused_until").is_some() => "REMOVE paused_until",
                "application" if is_due => "SET due_at = :past REMOVE retry_at",
                "delivery" if is_due => "SET due_at = :past",
                _ => continue,
            };
            waiting += usize::from(is_due);
            let past = UnixMillis::now().millis().saturating_sub(SLOW).to_string();
            // What was done meanwhile is no longer due.
            let (condition, values) = if is_due {
                (
                    "attribute_exists(due_at)",
                    json!({ ":past": { "N": past } }),
                )
            } else {
                ("attribute_exists(pk)", Value::Null)
            };
            self.app()
                .update_item_if(&item, condition, change, &values)
                .await;
        }
        waiting
    }
}

impl TestApp {
    /// Whether a process of the function is busy.
    pub fn is_busy(&self, function: &str) -> bool {
        !self.runtime().busy(function).is_empty()
    }
}
