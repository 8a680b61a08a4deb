//! Cold starts: from the start of the process to its first answer, with one read of the database in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::fake::client::BareClient;
use crate::harness::{Harness, Transport, call, event};
use crate::process::{Process, thread_cpu};
use crate::sample::Sample;
use crate::section::{Findings, Plan};
use crate::size::BASELINE;
use crate::table::Table;

/// The functions, each with its event: those that game servers call, the largest, and the one that Discord
/// waits for.
const STARTED: [(&str, &str); 7] = [
    (BASELINE, "is-banned"),
    ("is-banned", "is-banned"),
    ("pending-bans", "pending-bans"),
    ("ban-async", "ban-async-report"),
    ("bans", "bans"),
    ("export-bans-json", "export-bans-json"),
    ("discord-interactions", "discord-interactions"),
];

/// A build of a function to start.
struct Build {
    label: String,
    function: &'static str,
    event: &'static str,
    binary: PathBuf,
}

/// The functions, and other builds of `is-banned` to compare with it.
fn builds(plan: &Plan) -> Vec<Build> {
    let functions = STARTED.map(|(function, event)| Build {
        label: function.to_owned(),
        function,
        event,
        binary: plan.functions.join(function),
    });
    let others = plan.variants.iter().map(|binary| Build {
        label: binary.file_name().unwrap_or_default().display().to_string(),
        function: "is-banned",
        event: "is-banned",
        binary: binary.clone(),
    });
    functions.into_iter().chain(others).collect()
}

/// The starts of one build.
#[derive(Default)]
struct Starts {
    wall: Sample,
    ready: Sample,
    first_event: Sample,
    cpu: Sample,
    cpu_to_database: Sample,
    memory: Sample,
}

/// Starts each function many times, in turns.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let harness = Harness::start().await?;
    let rounds = if plan.short { 20 } else { 60 };
    let builds = builds(plan);
    let mut found = Findings::default();
    // The first round writes what later rounds find: a link, a ban, the last use of the key.
    for transport in [Transport::Plain, Transport::Tls] {
        for build in &builds {
            start(&harness, build, transport, &mut Starts::default()).await?;
        }
        harness.database(transport).cache_reads();
    }
    for transport in [Transport::Plain, Transport::Tls] {
        measure_starts(&harness, &builds, transport, rounds, &mut found).await?;
    }
    Ok(found)
}

async fn measure_starts(
    harness: &Harness,
    builds: &[Build],
    transport: Transport,
    rounds: usize,
    found: &mut Findings,
) -> anyhow::Result<()> {
    let mut all: BTreeMap<&str, Starts> = BTreeMap::new();
    let (mut bare, mut bare_cpu) = (Sample::default(), Sample::default());
    // Two rounds fill the cache.
    for round in 0..rounds + 2 {
        for build in builds {
            let mut unused = Starts::default();
            let starts = match round {
                0 | 1 => &mut unused,
                _ => all.entry(&build.label).or_default(),
            };
            start(harness, build, transport, starts).await?;
        }
        if round > 1 {
            let (took, computed) = tokio::task::block_in_place(|| bare_call(harness, transport))?;
            bare.add(took);
            bare_cpu.add(computed);
        }
    }
    let baseline = all
        .get(BASELINE)
        .map_or(f64::NAN, |starts| starts.wall.median())
        + bare.median();

    let title = match transport {
        Transport::Plain => "Cold start without TLS",
        Transport::Tls => "Cold start over TLS",
    };
    let columns = [
        "function",
        "to /next ms",
        "event to answer ms",
        "to first answer ms",
        "p90",
        "of baseline + call",
        "CPU ms to database",
        "CPU ms to answer",
        "memory MB",
    ];
    let mut table = Table::new(title, &columns);
    for Build { label, .. } in builds {
        let Some(starts) = all.get(label.as_str()) else {
            continue;
        };
        let ratio = starts.wall.median() / baseline;
        table.row([
            label.clone(),
            format!("{:.2}", starts.ready.median()),
            format!("{:.2}", starts.first_event.median()),
            format!("{:.2}", starts.wall.median()),
            format!("{:.2}", starts.wall.at(0.9)),
            format!("{ratio:.2}"),
            format!("{:.2}", starts.cpu_to_database.median()),
            format!("{:.2}", starts.cpu.median()),
            format!("{:.1}", starts.memory.median()),
        ]);
        let name = |what: &str| format!("cold.{}.{label}.{what}", transport.name());
        found.figure(name("wall_ms"), starts.wall.median());
        found.figure(name("cpu_ms"), starts.cpu.median());
        found.figure(name("memory_mb"), starts.memory.median());
        if label != BASELINE {
            found.figure(name("ratio"), ratio);
            found.figure(name("cpu_to_database_ms"), starts.cpu_to_database.median());
        }
    }
    table.row([
        "a bare database call".to_owned(),
        String::new(),
        String::new(),
        format!("{:.2}", bare.median()),
        format!("{:.2}", bare.at(0.9)),
        String::new(),
        String::new(),
        format!("{:.2}", bare_cpu.median()),
        String::new(),
    ]);
    found.figure(
        format!("cold.{}.call.wall_ms", transport.name()),
        bare.median(),
    );
    table.note(match transport {
        Transport::Plain => {
            "Target: at most 1.5 times the baseline plus one bare call, by wall time."
        }
        Transport::Tls => "Targets: under 10 ms of CPU to the first database answer, and of discord-interactions to its own; under \
             15 MB.",
    });
    table.note(format!(
        "Medians of {rounds} starts, the functions taking turns."
    ));
    found.tables.push(table);
    Ok(())
}

/// One start: a new process, one event, its answer.
async fn start(
    harness: &Harness,
    build: &Build,
    transport: Transport,
    starts: &mut Starts,
) -> anyhow::Result<()> {
    let function = build.function;
    let runtime = harness.runtime(&build.binary, function, transport).await?;
    let database = harness.database(transport);
    database.watch(&runtime, function);
    let (answer, timing) = call(&runtime, function, event(build.event)?).await?;
    let process = runtime.process(function).map(Process::with_id);
    let process = process.context("its process")?;
    starts.wall.add(timing.ended - timing.started);
    starts.ready.add(timing.asked - timing.started);
    starts.first_event.add(timing.ended - timing.begun);
    starts.cpu.add(process.computed()?);
    starts
        .cpu_to_database
        .add(database.computed().unwrap_or_default());
    starts.memory.add_number(process.peak_memory()? / 1e6);
    let answer = String::from_utf8_lossy(&answer);
    anyhow::ensure!(
        function == BASELINE || answer.starts_with(r#"{"statusCode":200"#),
        "{} answered {answer}",
        build.label
    );
    Ok(())
}

/// A read of one item over a new connection without an SDK: time and CPU time.
fn bare_call(harness: &Harness, transport: Transport) -> anyhow::Result<(Duration, Duration)> {
    let (started, computed) = (Instant::now(), thread_cpu()?);
    BareClient::connect(harness, transport)?.call()?;
    Ok((started.elapsed(), thread_cpu()?.saturating_sub(computed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_function_reaches_its_database_over_tls_and_trusts_only_its_bundle() {
        let harness = Harness::start().await.unwrap();
        let test = std::env::current_exe().unwrap();
        let binary = test.ancestors().nth(2).unwrap().join("is-banned");
        let answer = async || {
            let runtime = harness.runtime(&binary, "is-banned", Transport::Tls);
            let event = event("is-banned").unwrap();
            let (answer, _) = call(&runtime.await.unwrap(), "is-banned", event)
                .await
                .unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        };
        let answered = answer().await;
        assert!(answered.starts_with(r#"{"statusCode":200"#), "{answered}");
        harness.trust_another_authority().unwrap();
        let refused = answer().await;
        assert!(refused.starts_with(r#"{"statusCode":503"#), "{refused}");
    }
}
