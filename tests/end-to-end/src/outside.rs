//! What leads out of a workspace, and what a test does to it: webhooks, and mirrors on Roblox's side.

use serde_json::{Value, json};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ExperienceId, UniverseId};
use shared::domain::webhooks::Target;
use shared::domain::webhooks::{Delivery, Endpoint, EndpointId, EventFilter};
use shared::store::{Mirror, MirrorOptions, MirrorSettings};

use crate::app::TestApp;
use crate::workspace::{Workspace, now};

/// By how many milliseconds no clock is slower.
const SLOW: u64 = 10_000;

/// A lease that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLease {
    /// The partition in which it lies, which has its name in it.
    pub partition: String,
    /// By whom.
    pub holder: String,
}

impl Workspace<'_> {
    /// Sends all events to an endpoint of the app's receiver, which verifies them.
    pub async fn add_webhook(&self, hook: &str) -> EndpointId {
        let receiver = self.app().receiver();
        let url = Target::parse(&receiver.url(hook)).expect("the receiver's address");
        let created = UnixMillis::now().seconds();
        let endpoint = Endpoint::new(self.id(), url, EventFilter::all(), created);
        let secret = endpoint.secrets.current().reveal();
        receiver.register(hook, secret).expect("a secret");
        let made = self.app().store().create_endpoint(&endpoint).await;
        assert!(made.expect("an endpoint"), "its id is taken");
        endpoint.id
    }

    /// The deliveries to an endpoint.
    pub async fn deliveries(&self, endpoint: EndpointId) -> Vec<Delivery> {
        let store = self.app().store();
        let found = store.deliveries(self.id().prefix(), endpoint, None, 100_000);
        found.await.expect("the deliveries")
    }

    /// Mirrors an experience, as a place of a universe, with a key that the stand-in takes.
    pub async fn mirror(&self, place: u64, universe: u64, key: &str) {
        let app = self.app();
        app.roblox().add_key(key, &[universe]);
        app.roblox().add_place(place, universe);
        let secret = format!("portcullis/local/{universe}");
        app.secrets().set(&secret, key);
        let mirror = Mirror {
            workspace: self.id().prefix(),
            experience: ExperienceId::new(place).expect("a place"),
            settings: MirrorSettings {
                universe: UniverseId::new(universe).expect("a universe"),
                secret,
                options: MirrorOptions::ALL,
                created: UnixSeconds(now()),
                stopped: None,
                checked: None,
            },
        };
        let set = app.store().set_mirror(&mirror).await;
        set.expect("a mirror");
    }

    /// The leases of the workspace that are held.
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

    /// Lets the time of a lease pass, unless another has taken it by now.
    pub async fn end_lease(&self, lease: &HeldLease) {
        let input = json!({
            "TableName": self.app().tables().bans,
            "Key": { "pk": { "S": lease.partition }, "sk": { "S": "W" } },
            "UpdateExpression": "REMOVE held_until",
            "ConditionExpression": "holder = :holder",
            "ExpressionAttributeValues": { ":holder": { "S": lease.holder } },
        });
        let _ = self.app().database().call("UpdateItem", &input).await;
    }

    /// Lets the time pass for which anything waits that leads out, and says how much there was:
    /// deliveries that are to be tried again, and users and universes that are left alone.
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
            let mut input = json!({
                "TableName": self.app().tables().bans,
                "Key": { "pk": item["pk"], "sk": item["sk"] },
                "UpdateExpression": change,
            });
            if is_due {
                // What has been done meanwhile is not due any more.
                input["ConditionExpression"] = json!("attribute_exists(due_at)");
                let past = UnixMillis::now().millis().saturating_sub(SLOW).to_string();
                input["ExpressionAttributeValues"] = json!({ ":past": { "N": past } });
            }
            let _ = self.app().database().call("UpdateItem", &input).await;
        }
        waiting
    }
}

impl TestApp {
    /// Whether a process of the function has something in hand.
    pub fn is_busy(&self, function: &str) -> bool {
        !self.runtime().busy(function).is_empty()
    }
}
