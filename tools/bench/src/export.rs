//! Exports and the snapshot of a large workspace: time, memory, size, and whether every ban is in them.
//!
//! A million bans come from pages in memory, so that the function is the limit; a tenth of them from the
//! embedded engine.

mod files;
mod replay;
pub mod snapshot;

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use cli::thousands::grouped;
use end_to_end::{Call, TestApp, Workspace, template};
use local_stack::Endpoints;
use local_stack::gateway::Gateway;
use local_stack::http::Client;
use local_stack::runtime::{FunctionSpec, Runtime};

use crate::dataset::Dataset;
use crate::process::Process;
use crate::section::{Findings, Plan};
use crate::table::Table;
use files::Format;
use snapshot::SnapshotBuild;

const EXPERIENCE: u64 = 75_521_396_999_004;

/// How long the gateway waits for an answer.
const LIMIT: Duration = Duration::from_secs(28);

/// The export functions with a gateway and a database.
struct Exports {
    gateway: Gateway,
    // Its processes end when it is dropped.
    _runtime: Runtime,
}

struct Export {
    took: Duration,
    computed: Duration,
    peak_megabytes: f64,
    bytes: usize,
}

pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let (from_memory, from_engine) = if plan.short {
        (20_000, 5000)
    } else {
        (1_000_000, 100_000)
    };
    let app = TestApp::builder().functions(&plan.functions);
    let app = app.without_stream().start().await;
    let workspace = app.workspace().await;
    let dataset = Dataset::create(&workspace, EXPERIENCE).await?;

    let mut found = Findings::default();
    let columns = ["export", "bans", "MB", "seconds", "computed s", "memory MB"];
    let mut table = Table::new("Export", &columns);
    let records = (0..from_memory).map(|number| dataset.record(number));
    let replay = replay::start(app.database().endpoint(), records)?;
    let replay = format!("http://127.0.0.1:{}", replay.port);
    // The original of the copies is there already.
    tokio::task::block_in_place(|| dataset.fill(&app, 0..from_engine - 1))?;
    for (source, bans, database) in [
        ("memory", from_memory, replay.as_str()),
        ("engine", from_engine, app.database().endpoint()),
    ] {
        let exports = Exports::start(plan, &app, database).await?;
        for format in [Format::Json, Format::Csv] {
            let export = exports.export(plan, &workspace, format, bans);
            let export = export.await.context(format.name())?;
            note(&mut found, &mut table, source, format, bans, &export);
        }
    }
    let built = snapshot::measure(plan, &app, &workspace, from_memory).await?;
    note_snapshot(&mut found, &mut table, from_memory, &built);
    table.note(
        "The embedded engine reads JSON from its tables, one call after the other, and would need \
         longer for a million bans than a request may take, so those come from pages in memory. \
         \"Computed\" and \"memory\" are the CPU time and the peak memory of the function's process.",
    );
    found.tables.push(table);
    Ok(found)
}

fn note(
    found: &mut Findings,
    table: &mut Table,
    source: &str,
    format: Format,
    bans: u64,
    export: &Export,
) {
    let (took, computed) = (export.took.as_secs_f64(), export.computed.as_secs_f64());
    for (what, value) in [
        ("seconds", took),
        ("computed_seconds", computed),
        ("peak_mb", export.peak_megabytes),
    ] {
        let format = format.name();
        found.figure(format!("export.{source}-{format}.{what}"), value);
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let megabytes = export.bytes as f64 / 1e6;
    table.row([
        format!("{}, from {source}", format.name()),
        grouped(bans),
        format!("{megabytes:.0}"),
        format!("{took:.1}"),
        format!("{computed:.1}"),
        format!("{:.0}", export.peak_megabytes),
    ]);
}

fn note_snapshot(found: &mut Findings, table: &mut Table, bans: u64, built: &SnapshotBuild) {
    let (took, computed) = (built.took.as_secs_f64(), built.computed.as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let megabytes = built.bytes as f64 / 1e6;
    found.figure("export.snapshot.peak_mb", built.grown_megabytes);
    table.row([
        "full build of the snapshot; memory is the growth".to_owned(),
        grouped(bans),
        format!("{megabytes:.1}"),
        format!("{took:.1}"),
        format!("{computed:.1}"),
        format!("{:.0}", built.grown_megabytes),
    ]);
}

impl Exports {
    async fn start(plan: &Plan, app: &TestApp, database: &str) -> anyhow::Result<Self> {
        let endpoints = Endpoints::of_data(database, app.objects());
        let variables = local_stack::aws_environment(&endpoints);
        let mut specs = Vec::new();
        for format in [Format::Json, Format::Csv] {
            let function = template().function(format.function())?;
            specs.push(FunctionSpec::of(function, &plan.functions, 1, &variables));
        }
        let runtime = Runtime::start(specs).await?;
        Ok(Self {
            gateway: Gateway::start(template(), runtime.clone(), 0).await?,
            _runtime: runtime,
        })
    }

    async fn export(
        &self,
        plan: &Plan,
        workspace: &Workspace<'_>,
        format: Format,
        bans: u64,
    ) -> anyhow::Result<Export> {
        let client = Client::new();
        let send = async |request| client.send(request).await.map_err(|error| anyhow!(error));
        let call = Call::get(&format!("/export/bans/{}", format.name()));
        let call = call.key(workspace.secret_key());
        let started = Instant::now();
        let answer = send(call.request(self.gateway.address())).await?;
        let took = started.elapsed();
        // The newest; the one with the other source may still be ending.
        let processes = Process::children(&plan.functions.join(format.function()))?;
        let process = processes.last().context("its process")?;
        let (computed, peak_megabytes) = (process.computed()?, process.peak_mebibytes()?);
        let file = match answer.status().as_u16() {
            200 => answer.into_body(),
            303 => {
                let link = answer.headers().get("location").context("a link")?;
                let request = http::Request::get(link.to_str()?).body(Bytes::new())?;
                let file = send(request).await?;
                ensure!(file.status() == 200, "{link:?}: {}", file.status());
                file.into_body()
            }
            other => anyhow::bail!("{other} {:?}", answer.body()),
        };
        let guids = format.guids(std::str::from_utf8(&file)?)?;
        ensure!(
            guids.len() as u64 == bans,
            "{} of {bans} bans came out",
            guids.len()
        );
        let falling = guids.is_sorted_by(|newer, older| newer > older);
        ensure!(
            falling,
            "a ban is there twice, or they are not newest first"
        );
        ensure!(took < LIMIT, "too late for the gateway: {took:.1?}");
        Ok(Export {
            took,
            computed,
            peak_megabytes,
            bytes: file.len(),
        })
    }
}
