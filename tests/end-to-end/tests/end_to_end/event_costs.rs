//! The costs of events that `docs/architecture.md` documents, in DynamoDB's units.

use end_to_end::{Ban, Call, TestApp, Workspace, eventually, now};
use serde_json::{Value, json};

use crate::bulk::copy_bans;
use crate::routes::EXPERIENCE;

/// Read and write units of everything a function has done.
fn spent(app: &TestApp, function: &str) -> [f64; 2] {
    let lines = app.runtime().logs(function);
    let lines: Vec<Value> = lines.iter().filter_map(|line| line.json()).collect();
    let failed = lines.iter().find(|line| line.get("error").is_some());
    assert_eq!(failed, None);
    ["readUnits", "writeUnits"].map(|field| {
        let units = lines.iter().filter_map(|line| line[field].as_f64());
        units.sum()
    })
}

/// The total of a counter of a function.
fn counted(app: &TestApp, function: &str, what: &str) -> u64 {
    let lines = app.runtime().logs(function);
    let lines = lines.iter().filter_map(|line| line.json());
    lines.filter_map(|line| line[what].as_u64()).sum()
}

async fn logged(app: &TestApp, count: u64) {
    app.settle().await;
    eventually(&format!("{count} events are logged"), async || {
        (counted(app, "publish-events", "eventsLogged") >= count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn logging_an_event_costs_about_three_reads_and_five_writes() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=20 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    logged(&app, 20).await;
    let [reads, writes] = spent(&app, "publish-events").map(|units| units / 20.0);
    // A single event also pays for the head of the log; a batch shares it.
    assert!((2.0..=3.5).contains(&reads), "{reads} read units");
    assert!((3.0..=6.0).contains(&writes), "{writes} write units");
}

#[tokio::test]
async fn reading_the_event_log_costs_only_what_it_returns() {
    let app = TestApp::start().await;
    let mut costs = Vec::new();
    for length in [20, 120] {
        let workspace: Workspace<'_> = app.workspace().await;
        let before = counted(&app, "publish-events", "eventsLogged");
        for user in 1..=length {
            workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
        }
        logged(&app, before + length).await;
        let call = Call::get("/events").query("limit", 10);
        workspace.send(call.clone()).await;
        let answer = workspace.send(call).await;
        assert_eq!(answer.list().len(), 10);
        let line = app.log_of("events", &answer).await;
        let [reads, calls] = ["readUnits", "databaseCalls"].map(|name| line[name].as_f64());
        assert_eq!(calls, Some(6.0), "{line}");
        costs.push(reads.unwrap());

        // Without new events, one read of the end of the log suffices.
        let call = Call::get("/events").query("limit", 1000);
        let end = workspace.send(call.clone()).await.next_cursor().unwrap();
        let answer = workspace.send(call.query("cursor", end)).await;
        assert_eq!(answer.list(), Vec::<Value>::new());
        let line = app.log_of("events", &answer).await;
        let idle = ["readUnits", "databaseCalls"].map(|name| line[name].as_f64());
        assert_eq!(idle, [Some(0.5), Some(1.0)], "{line}");
    }
    assert!((10.0..=14.5).contains(&costs[0]), "{costs:?}");
    assert_eq!(costs[0], costs[1]);
}

#[tokio::test]
async fn an_expiry_sweep_costs_only_what_has_expired() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(1_000_000, EXPERIENCE).length("7d").applied();
    copy_bans(&workspace, ban, 1_000_001..1_001_000).await;
    let run = async || {
        let event = json!({ "sweep": true });
        let before = spent(&app, "expire-bans");
        let lines = app.runtime().logs("expire-bans").len();
        app.invoke("expire-bans", &event).await.unwrap();
        eventually("the run is logged", async || {
            (app.runtime().logs("expire-bans").len() > lines).then_some(())
        })
        .await;
        let after = spent(&app, "expire-bans");
        [after[0] - before[0], after[1] - before[1]]
    };
    let idle = "16 partitions, half a unit each, and the tick";
    assert_eq!(run().await, [8.0, 1.0], "{idle}");
    let soon = now() + 2;
    for user in 1..=4 {
        workspace.ban(Ban::of(user, EXPERIENCE).length(soon)).await;
    }
    eventually("they have run out", async || (now() >= soon).then_some(())).await;
    let [reads, writes] = run().await;
    assert_eq!(counted(&app, "expire-bans", "bansExpired"), 4);
    assert!((12.0..=14.0).contains(&reads), "{reads} read units");
    assert!((20.0..=48.0).contains(&writes), "{writes} write units");
}
