//! A full build of a snapshot: time, memory and size.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use end_to_end::{TestApp, Workspace, template};
use local_stack::Endpoints;
use local_stack::fake_server::Request;
use local_stack::runtime::{FunctionSpec, Runtime};
use serde_json::{Value, json};
use shared::domain::clock::UnixMillis;

use crate::fake::database::FakeDatabase;
use crate::process::Process;
use crate::section::Plan;

const FUNCTION: &str = "build-snapshots";

/// How many bans fill a page of 1 MB, with reasons of typical length.
const PAGE: u64 = 1500;

/// How many accounts Roblox has, about.
const ACCOUNTS: u64 = 8_000_000_000;

/// The most time that a build may take.
const LIMIT: Duration = Duration::from_mins(1);

/// What a build used.
#[derive(Debug)]
pub struct SnapshotBuild {
    pub took: Duration,
    pub computed: Duration,
    /// Beyond what the process had before the build.
    pub grown_megabytes: f64,
    /// Of base64.
    pub bytes: usize,
}

/// Builds the snapshot of a workspace with this many bans, of random users.
pub async fn measure(
    plan: &Plan,
    app: &TestApp,
    workspace: &Workspace<'_>,
    bans: u64,
) -> anyhow::Result<SnapshotBuild> {
    let answer = move |request: &Request| {
        let query: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let is_list = query.get("IndexName") == Some(&json!("by-workspace"));
        is_list.then(|| page(&query, bans))
    };
    let engine = app.database().endpoint();
    let database = FakeDatabase::start(engine, None, Some(Box::new(answer)))?;
    let database = format!("http://127.0.0.1:{}", database.port);
    let endpoints = Endpoints {
        secrets: app.secrets().endpoint(),
        ..Endpoints::of_data(&database, app.objects())
    };
    let variables = local_stack::aws_environment(&endpoints);
    let function = template().function(FUNCTION)?;
    let spec = FunctionSpec::of(function, &plan.functions, 1, &variables);
    let runtime = Runtime::start(vec![spec]).await?;
    let invoke = async |event: Value| {
        let done = runtime.invoke(FUNCTION, event.to_string().into()).await;
        done.map_err(|error| anyhow!(error.message))
    };
    // The first invocation starts the process.
    invoke(json!({ "sweep": true })).await?;
    let processes = Process::children(&plan.functions.join(FUNCTION))?;
    let process = processes.last().context("its process")?;
    let before = (process.computed()?, process.peak_mebibytes()?);

    let prefix = workspace.id().prefix();
    let now = UnixMillis::now().seconds();
    app.store().order_snapshot(prefix, now).await?;
    let started = Instant::now();
    invoke(json!({ "workspace": workspace.prefix() })).await?;
    let took = started.elapsed();
    let built = SnapshotBuild {
        took,
        computed: process.computed()?.saturating_sub(before.0),
        grown_megabytes: process.peak_mebibytes()? - before.1,
        bytes: 0,
    };
    let object = app.snapshot_bucket().read(prefix).await?;
    let object = object.context("no snapshot was built")?;
    let count = object.header().count;
    // Two accounts of a million may be the same.
    ensure!(
        bans - count < bans / 1000 + 1,
        "{count} of {bans} are listed"
    );
    ensure!(took < LIMIT, "a build takes {took:.1?}");
    let bytes = object.encoded().len().div_ceil(3) * 4;
    Ok(SnapshotBuild { bytes, ..built })
}

/// A page of one of the four shards, with the attributes that the build projects.
fn page(query: &Value, bans: u64) -> anyhow::Result<Bytes> {
    let list = query.pointer("/ExpressionAttributeValues/:list/S");
    let list = list.and_then(Value::as_str).context("a shard")?;
    let shard: u64 = list.rsplit('#').next().context("a shard")?.parse()?;
    let start = query.pointer("/ExclusiveStartKey/sk/S");
    let first: u64 = match start.and_then(Value::as_str) {
        Some(first) => first.parse()?,
        None => 0,
    };
    let end = bans / 4;
    let next = first.saturating_add(PAGE).min(end);
    let items: Vec<_> = (first..next)
        .map(|number| {
            let user = 1 + (number * 4 + shard).wrapping_mul(6_364_136_223_846_793_005) % ACCOUNTS;
            format!(r#"{{"ban":{{"M":{{"user":{{"N":"{user}"}},"expires":{{"N":"0"}}}}}}}}"#)
        })
        .collect();
    let more = if next < end {
        format!(r#","LastEvaluatedKey":{{"pk":{{"S":"page"}},"sk":{{"S":"{next}"}}}}"#)
    } else {
        String::new()
    };
    let items = items.join(",");
    Ok(Bytes::from(format!(r#"{{"Items":[{items}]{more}}}"#)))
}
