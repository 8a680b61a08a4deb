//! The throughput of the local stack, and how its time divides between Portcullis and the database.

mod loads;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use end_to_end::{Ban, TestApp, Workspace};
use futures::future::try_join_all;
use local_stack::http::Client;
use serde_json::json;

use crate::dataset::Dataset;
use crate::log_events::LogEvent;
use crate::process::Process;
use crate::sample::Sample;
use crate::section::{Findings, Plan};
use crate::table::Table;
use loads::{BANS, BEHIND, EXPERIENCE, Load, exports, loads};

/// The number of concurrent callers, each with its own connection.
const CONNECTIONS: usize = 8;

const INSTANCES: usize = 4;

struct Carried {
    took: Duration,
    /// In ms.
    latencies: Sample,
}

struct Row {
    carried: Carried,
    /// The share of the function's time without a database call in progress.
    own_share: Option<f64>,
    /// The CPU time of the function's processes per call, in ms.
    cpu: Option<f64>,
}

/// Loads one route after the other.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let seconds = if plan.short {
        Duration::from_millis(300)
    } else {
        Duration::from_secs(4)
    };
    let app = TestApp::builder().functions(&plan.functions);
    let app = app.instances(INSTANCES).without_stream().start().await;
    let workspace = app.workspace().await;
    let dataset = Dataset::create(&workspace, EXPERIENCE).await?;
    tokio::task::block_in_place(|| dataset.fill(&app, 0..BANS))?;
    for user in 1..=10 {
        workspace.ban(Ban::of(user, BEHIND).permanent()).await;
    }
    // A small workspace for the exports, whose size would be the limit otherwise.
    let small = app.workspace().await;
    let few = Dataset::create(&small, EXPERIENCE).await?;
    few.fill(&app, 0..999)?;

    let mut table = Table::new(
        "Throughput of the local stack",
        &["call", "per second", "p50 ms", "p99 ms", "ours", "CPU ms"],
    );
    let mut found = Findings::default();
    let baseline = bare(&app, &dataset, seconds).await?;
    let what = "no function, one bare GetItem";
    add(what, "bare", &baseline, &mut found, &mut table)?;
    for load in loads(&workspace, &dataset)
        .await?
        .into_iter()
        .chain(exports())
    {
        let of = if load.function.starts_with("export") {
            &small
        } else {
            &workspace
        };
        let row = one(&app, plan, of, &load, seconds).await;
        let row = row.context(load.what)?;
        add(load.what, load.slug, &row, &mut found, &mut table)?;
    }
    table.note(format!(
        "{CONNECTIONS} callers, each waiting for its answer, {INSTANCES} processes of each function, \
         {BANS} bans; callers, gateway, functions and the embedded engine share the machine's cores. \
         \"Ours\" is the share of a function's time without a database call in progress; CPU ms is the \
         CPU time of the function's processes per call."
    ));
    found.tables.push(table);
    Ok(found)
}

/// Loads one route and reads its function's processes and logs.
async fn one(
    app: &TestApp,
    plan: &Plan,
    workspace: &Workspace<'_>,
    load: &Load,
    seconds: Duration,
) -> anyhow::Result<Row> {
    let next = AtomicU64::new(0);
    let send = async |client: &Client| {
        let call = (load.call)(next.fetch_add(1, Ordering::Relaxed));
        let request = call.key(workspace.secret_key()).request(app.address());
        let answer = client.send(request).await.map_err(|error| anyhow!(error))?;
        ensure!(answer.status() == load.status, "{answer:?}");
        Ok(())
    };
    // Until all processes run with key and link cached.
    let warm = seconds.min(Duration::from_millis(300));
    let before = under_load(&send, warm).await?.latencies.len();
    let before = LogEvent::at_least(app, load.function, before).await?.len();
    let processes = Process::children(&plan.functions.join(load.function))?;
    ensure!(!processes.is_empty(), "{} is not running", load.function);
    let computed = || {
        let all = processes.iter().copied().map(Process::computed);
        all.sum::<anyhow::Result<Duration>>()
    };
    let computed_before = computed()?;
    let carried = under_load(&send, seconds).await?;
    let computed = computed()?.saturating_sub(computed_before);

    let calls = carried.latencies.len();
    let events = LogEvent::at_least(app, load.function, before + calls).await?;
    let events = events.get(before..).unwrap_or_default();
    let sum = |of: fn(&LogEvent) -> f64| events.iter().map(of).sum::<f64>();
    let (took, waited) = (
        sum(|event| event.duration_ms),
        sum(|event| event.database_ms),
    );
    Ok(Row {
        own_share: Some(((took - waited) / took).max(0.0)),
        cpu: Some(1000.0 * computed.as_secs_f64() / f64::from(u32::try_from(calls)?)),
        carried,
    })
}

/// The same load on the database alone: strongly consistent reads of one item.
async fn bare(app: &TestApp, dataset: &Dataset, seconds: Duration) -> anyhow::Result<Row> {
    let [key, _] = dataset.keys(0);
    let table = &app.tables().bans;
    let input = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
    let get = async |_: &Client| {
        app.database().call("GetItem", &input).await?;
        Ok(())
    };
    Ok(Row {
        carried: under_load(get, seconds).await?,
        own_share: None,
        cpu: None,
    })
}

fn add(
    what: &str,
    slug: &str,
    row: &Row,
    found: &mut Findings,
    table: &mut Table,
) -> anyhow::Result<()> {
    let Carried { took, latencies } = &row.carried;
    let calls = f64::from(u32::try_from(latencies.len())?);
    let per_second = calls / took.as_secs_f64();
    let figures = [
        ("per_second", Some(per_second)),
        ("p50_ms", Some(latencies.median())),
        ("p99_ms", Some(latencies.at(0.99))),
        ("own_share", row.own_share),
        ("cpu_ms", row.cpu),
    ];
    for (name, value) in figures {
        if let Some(value) = value {
            found.figure(format!("throughput.{slug}.{name}"), value);
        }
    }
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    table.row([
        what.to_owned(),
        format!("{per_second:.0}"),
        format!("{:.2}", latencies.median()),
        format!("{:.2}", latencies.at(0.99)),
        or_dash(row.own_share.map(|share| format!("{:.0} %", 100.0 * share))),
        or_dash(row.cpu.map(|cpu| format!("{cpu:.2}"))),
    ]);
    Ok(())
}

/// Calls from all connections for this long.
async fn under_load(
    call: impl AsyncFn(&Client) -> anyhow::Result<()>,
    seconds: Duration,
) -> anyhow::Result<Carried> {
    let (call, started) = (&call, Instant::now());
    let callers = (0..CONNECTIONS).map(async |_| {
        let client = Client::new();
        let mut latencies = Vec::new();
        while started.elapsed() < seconds {
            let sent = Instant::now();
            call(&client).await?;
            latencies.push(1000.0 * sent.elapsed().as_secs_f64());
        }
        anyhow::Ok(latencies)
    });
    let latencies: Sample = try_join_all(callers).await?.into_iter().flatten().collect();
    Ok(Carried {
        took: started.elapsed(),
        latencies,
    })
}
