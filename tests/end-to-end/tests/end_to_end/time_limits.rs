//! A function that runs out of time starts nothing that it cannot finish, and loses nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::{
    Ban, Call, Reply, TestApp, WebhookReceiver, Workspace, eventually, now, template,
};
use serde_json::{Value, json};
use shared::api::TimeLimit;
use shared::api::invocation::TIMEOUT;
use shared::domain::clock::UnixMillis;
use shared::domain::webhooks::EndpointId;
use shared::store::{Key, Mirror};

use crate::routes::EXPERIENCE;

/// What a route needs after its deadline, for the log line and the response.
const ANSWER: Duration = Duration::from_secs(1);

/// Lambda's `Timeout` in the template and the limits in the code.
#[test]
fn every_function_ends_before_its_lambda_timeout() {
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
    let special = [
        "bans-bulk",
        "console",
        "console-settings",
        "export-bans-csv",
        "export-bans-json",
        "group-role",
        "roblox-webhook",
        "unbans-bulk",
    ];
    assert_eq!(checked, special.into(), "budgets of no function");
}

/// The functions without a route.
const BACKGROUND: [&str; 7] = [
    "build-snapshots",
    "spread-decisions",
    "publish-events",
    "expire-bans",
    "expire-evidence",
    "deliver-webhooks",
    "mirror-bans",
];

const UNIVERSE: u64 = 7;

/// Another experience of the workspace.
const OTHER: u64 = 8_001;

/// Queued work for each of the functions.
struct Queued<'a> {
    workspace: &'a Workspace<'a>,
    hook: WebhookReceiver,
    endpoint: EndpointId,
    /// The event of each function.
    events: Vec<(&'static str, Value)>,
}

impl<'a> Queued<'a> {
    async fn in_(workspace: &'a Workspace<'a>) -> Self {
        let app = workspace.app();
        app.lose_background_calls(true);
        workspace.link(OTHER).await;
        let hook = WebhookReceiver::that(|_, _| Reply::Status(200, ""));
        let endpoint = workspace.add_endpoint(&hook.url(), |_| {}).await;
        workspace.mirror(EXPERIENCE, UNIVERSE, "a key").await;
        // One ban that expires, one to be delivered and mirrored, one to be logged and propagated.
        workspace
            .ban(Ban::of(1, EXPERIENCE).length(now() + 2))
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
        let ordered = workspace.send(Call::get("/snapshot")).await;
        ordered.assert_error(503, "unavailable");
        let prefix = workspace.prefix();
        let global = Key::global(
            workspace.id().prefix(),
            shared::domain::ids::UserId::new(3).unwrap(),
        );
        let events = vec![
            ("spread-decisions", records(&[global])),
            ("publish-events", records(&decisions(workspace).await)),
            ("expire-bans", json!({ "sweep": true })),
            ("expire-evidence", json!({ "sweep": true })),
            ("build-snapshots", json!({ "sweep": true })),
            ("build-snapshots", json!({ "workspace": prefix })),
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

    /// Calls each function once and returns what the stream's functions want to be resent.
    async fn run(&self) -> Vec<Value> {
        let mut again = Vec::new();
        for (function, event) in &self.events {
            let answer = self.workspace.app().invoke(function, event).await;
            let answer = answer.unwrap_or_else(|error| panic!("{function}: {error}"));
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
async fn functions_out_of_time_write_nothing_and_keep_their_work_queued() {
    let app = TestApp::builder().without_mappings().start().await;
    let workspace = app.workspace().await;
    let queued = Queued::in_(&workspace).await;
    let before = queued.state().await;
    for function in BACKGROUND {
        // Less than a write needs, but enough to answer.
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
