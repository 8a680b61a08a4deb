//! A function that runs out of time begins nothing that it cannot end, and loses nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::{Ban, Hook, Reply, TestApp, Workspace, eventually, now, template};
use serde_json::{Value, json};
use shared::api::TimeLimit;
use shared::api::invocation::TIMEOUT;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ExperienceId, UniverseId};
use shared::domain::webhooks::Target;
use shared::domain::webhooks::{Endpoint, EndpointId, EventFilter};
use shared::store::{Key, Mirror, MirrorOptions, MirrorSettings};

use crate::routes::EXPERIENCE;

/// What a route needs after its budget, for the log line and the answer.
const ANSWER: Duration = Duration::from_secs(1);

/// Lambda's `Timeout` in the template and the limits that the code goes by.
#[test]
fn every_function_ends_before_lambda_stops_it() {
    let mut checked = BTreeSet::new();
    for function in template().functions() {
        let (name, timeout) = (function.name.as_str(), function.timeout);
        if function.is_default_route || !function.routes.is_empty() {
            let budget = TimeLimit::of(name).time();
            assert!(
                budget + ANSWER <= timeout,
                "{name}: {budget:?}, {timeout:?}"
            );
            // The gateway waits no longer.
            assert!(timeout < Duration::from_secs(30), "{name}: {timeout:?}");
        } else {
            assert_eq!(timeout, TIMEOUT, "{name}");
        }
        if TimeLimit::of(name) != TimeLimit::CALL {
            checked.insert(name);
        }
    }
    let special = ["export-bans-csv", "export-bans-json", "roblox-webhook"];
    assert_eq!(checked, special.into(), "budgets of no function");
}

/// The functions that no route leads to.
const BACKGROUND: [&str; 5] = [
    "spread-decisions",
    "publish-events",
    "expire-bans",
    "deliver-webhooks",
    "mirror-bans",
];

const UNIVERSE: u64 = 7;

/// Another experience of the workspace.
const OTHER: u64 = 8_001;

/// Work for each of the functions, queued and not begun.
struct Queued<'a> {
    workspace: &'a Workspace<'a>,
    hook: Hook,
    endpoint: EndpointId,
    /// What a call of each function is given.
    events: Vec<(&'static str, Value)>,
}

impl<'a> Queued<'a> {
    async fn in_(workspace: &'a Workspace<'a>) -> Self {
        let app = workspace.app();
        app.lose_background_calls(true);
        workspace.link(OTHER).await;
        let hook = Hook::that(|_, _| Reply::Status(200, ""));
        let url = Target::parse(&hook.url()).unwrap();
        let now = UnixSeconds(now());
        let endpoint = Endpoint::new(workspace.id(), url, EventFilter::all(), now);
        assert!(app.store().create_endpoint(&endpoint).await.unwrap());
        mirror(workspace, now).await;
        // One ban that runs out, one to be delivered and mirrored, one to be logged and spread.
        workspace
            .ban(Ban::of(1, EXPERIENCE).length(now.0 + 2))
            .await;
        workspace.ban(Ban::of(2, EXPERIENCE).permanent()).await;
        let prefix = workspace.id().prefix();
        let logged = app.store().log(prefix, &decisions(workspace).await).await;
        app.store().fan_out(prefix, &logged.unwrap()).await.unwrap();
        workspace.ban(Ban::of(3, OTHER).permanent().global()).await;
        eventually("the first ban has run out", async || {
            (!workspace.is_banned(1, EXPERIENCE).await).then_some(())
        })
        .await;
        let prefix = workspace.prefix();
        let global = Key::global(
            workspace.id().prefix(),
            shared::domain::ids::UserId::new(3).unwrap(),
        );
        let events = vec![
            ("spread-decisions", records(&[global])),
            ("publish-events", records(&decisions(workspace).await)),
            ("expire-bans", json!({ "sweep": true })),
            ("deliver-webhooks", json!({ "sweep": true })),
            (
                "deliver-webhooks",
                json!({ "workspace": prefix, "endpoint": endpoint.id }),
            ),
            ("mirror-bans", json!({ "sweep": true })),
            ("mirror-bans", json!({ "check": true })),
            (
                "mirror-bans",
                json!({ "workspace": prefix, "universe": UNIVERSE }),
            ),
        ];
        Self {
            workspace,
            hook,
            endpoint: endpoint.id,
            events,
        }
    }

    /// Calls each function once and gives what the stream's functions want to be sent again.
    async fn run(&self) -> Vec<Value> {
        let mut again = Vec::new();
        for (function, event) in &self.events {
            let runtime = self.workspace.app().runtime();
            let answer = runtime.invoke(function, event.to_string().into()).await;
            let answer = answer.unwrap_or_else(|error| panic!("{function}: {error:?}"));
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            again.extend(answer.get("batchItemFailures").cloned());
        }
        again
    }

    /// Everything that any of the functions could have changed.
    async fn state(&self) -> (Vec<Value>, Vec<Mirror>, usize, usize) {
        let (app, prefix) = (self.workspace.app(), self.workspace.id().prefix());
        let restrictions = app.roblox().active(UNIVERSE).len();
        (
            self.workspace.stored().await,
            app.store().mirrors_of(prefix).await.unwrap(),
            restrictions,
            self.hook.received().len(),
        )
    }
}

/// Mirrors the experience to Roblox.
async fn mirror(workspace: &Workspace<'_>, created: UnixSeconds) {
    let (app, key) = (workspace.app(), "a key");
    app.secrets().set("portcullis/local/roblox", key);
    app.roblox().add_key(key, &[UNIVERSE]);
    let mirror = Mirror {
        workspace: workspace.id().prefix(),
        experience: ExperienceId::new(EXPERIENCE).unwrap(),
        settings: MirrorSettings {
            universe: UniverseId::new(UNIVERSE).unwrap(),
            secret: "portcullis/local/roblox".to_owned(),
            options: MirrorOptions::ALL,
            created,
            stopped: None,
            checked: None,
        },
    };
    app.store().set_mirror(&mirror).await.unwrap();
}

/// The keys of all decisions, by time.
async fn decisions(workspace: &Workspace<'_>) -> Vec<Key> {
    let text = |value: &Value| value["S"].as_str().unwrap().to_owned();
    let stored = workspace.stored().await;
    let decisions = stored
        .iter()
        .filter(|item| item["kind"]["S"] == "decision")
        .map(|item| (text(&item["sk"]), text(&item["pk"])));
    let decisions: BTreeSet<_> = decisions.collect();
    decisions
        .into_iter()
        .map(|(sk, pk)| Key { pk, sk })
        .collect()
}

/// A batch of the stream, numbered from 0.
fn records(keys: &[Key]) -> Value {
    let records = keys.iter().enumerate().map(|(number, Key { pk, sk })| {
        json!({ "dynamodb": {
            "Keys": { "pk": { "S": pk }, "sk": { "S": sk } },
            "SequenceNumber": number.to_string(),
        } })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

#[tokio::test]
async fn functions_without_time_write_nothing_and_their_work_stays_queued() {
    let app = TestApp::builder().without_pump().start().await;
    let workspace = app.workspace().await;
    let queued = Queued::in_(&workspace).await;
    let before = queued.state().await;
    for function in BACKGROUND {
        // Less than a write needs, and enough to answer.
        app.runtime().set_timeout(function, Duration::from_secs(2));
    }
    let first = json!([{ "itemIdentifier": "0" }]);
    assert_eq!(queued.run().await, [first.clone(), first]);
    assert_eq!(queued.state().await, before);

    for function in BACKGROUND {
        app.runtime().set_timeout(function, TIMEOUT);
    }
    assert_eq!(queued.run().await, [json!([]), json!([])]);
    let (stored, _, restrictions, received) = queued.state().await;
    let is_of = |kind: &'static str| move |item: &&Value| item["kind"]["S"] == kind;
    assert_eq!(stored.iter().filter(is_of("expiry")).count(), 1);
    let head = stored.iter().find(is_of("log")).unwrap();
    assert_eq!(head["log_position"]["N"], "3");
    assert_eq!((restrictions, received), (2, 3), "mirrored and delivered");
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
    let due = app
        .store()
        .is_due(workspace.id().prefix(), queued.endpoint, UnixMillis::now());
    assert!(!due.await.unwrap());
}
