//! Cold starts: from the start of the process to its first answer, with one read of the database
//! in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::sample::Sample;
use crate::section::{Findings, Plan};
use crate::size::BASELINE;
use crate::stage::{Stage, Transport, event};
use crate::stand_in::bare::Caller;
use crate::stand_in::lambda::RuntimeApi;
use crate::table::Table;

/// The functions, each with its event: what a game server calls, and the largest.
const STARTED: [(&str, &str); 6] = [
    (BASELINE, "is-banned"),
    ("is-banned", "is-banned"),
    ("pending-bans", "pending-bans"),
    ("ban-async", "ban-async-confirmation"),
    ("bans", "bans"),
    ("export-bans-json", "export-bans-json"),
];

/// What is started in turns.
struct Started {
    label: String,
    function: &'static str,
    event: &'static str,
    binary: PathBuf,
}

/// The functions, and other builds of `is-banned` to be compared with it.
fn started(plan: &Plan) -> Vec<Started> {
    let functions = STARTED.map(|(function, event)| Started {
        label: function.to_owned(),
        function,
        event,
        binary: plan.functions.join(function),
    });
    let others = plan.variants.iter().map(|binary| Started {
        label: binary.file_name().unwrap_or_default().display().to_string(),
        function: "is-banned",
        event: "is-banned",
        binary: binary.clone(),
    });
    functions.into_iter().chain(others).collect()
}

/// What was seen of one function.
#[derive(Default)]
struct Starts {
    wall: Sample,
    ready: Sample,
    first_event: Sample,
    cpu: Sample,
    cpu_to_database: Sample,
    memory: Sample,
}

/// Starts each function again and again, in turns.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let stage = Stage::set_up().await?;
    let rounds = if plan.short { 20 } else { 60 };
    let all = started(plan);
    tokio::task::spawn_blocking(move || {
        let mut found = Findings::default();
        // The first round makes what the others find: a link, a ban, a note that the key is used.
        for transport in [Transport::Plain, Transport::Tls] {
            for one in &all {
                start(&stage, one, transport, &mut Starts::default())?;
            }
            stage.database(transport).remember();
        }
        for transport in [Transport::Plain, Transport::Tls] {
            measure_starts(&stage, &all, transport, rounds, &mut found)?;
        }
        Ok(found)
    })
    .await?
}

fn measure_starts(
    stage: &Stage,
    started: &[Started],
    transport: Transport,
    rounds: usize,
    found: &mut Findings,
) -> anyhow::Result<()> {
    let mut all: BTreeMap<&str, Starts> = BTreeMap::new();
    let (mut bare, mut bare_cpu) = (Sample::default(), Sample::default());
    // Two rounds to fill what is remembered.
    for round in 0..rounds + 2 {
        for one in started {
            let mut unused = Starts::default();
            let starts = match round {
                0 | 1 => &mut unused,
                _ => all.entry(&one.label).or_default(),
            };
            start(stage, one, transport, starts)?;
        }
        if round > 1 {
            let (took, computed) = bare_call(stage, transport)?;
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
    for Started { label, .. } in started {
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
        Transport::Tls => "Targets: under 10 ms of CPU to the first database answer, under 15 MB.",
    });
    table.note(format!(
        "Medians of {rounds} starts, the functions taking turns."
    ));
    found.tables.push(table);
    Ok(())
}

/// One start: a fresh process, one event, its answer.
fn start(
    stage: &Stage,
    started: &Started,
    transport: Transport,
    starts: &mut Starts,
) -> anyhow::Result<()> {
    let runtime = RuntimeApi::start([event(started.event)?])?;
    let process = stage.start(&started.binary, started.function, transport, &runtime)?;
    stage.database(transport).watch(&process);
    let done = runtime.wait()?;
    starts.wall.add(done.ended - process.started);
    starts.ready.add(done.asked - process.started);
    starts.first_event.add(done.ended - done.begun);
    starts.cpu.add(process.computed()?);
    starts
        .cpu_to_database
        .add(stage.database(transport).computed().unwrap_or_default());
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    starts
        .memory
        .add_number(process.peak_memory()? as f64 / 1e6);
    let answer = String::from_utf8_lossy(&done.answer);
    anyhow::ensure!(
        started.function == BASELINE || answer.starts_with(r#"{"statusCode":200"#),
        "{} answered {answer}",
        started.label
    );
    Ok(())
}

/// A read of one item on a new connection, by nothing but a socket: time and CPU time.
fn bare_call(stage: &Stage, transport: Transport) -> anyhow::Result<(Duration, Duration)> {
    let (started, computed) = (Instant::now(), own_cpu()?);
    Caller::connect(stage, transport)?.call()?;
    Ok((started.elapsed(), own_cpu()?.saturating_sub(computed)))
}

/// The time that this thread has computed.
fn own_cpu() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let spent = text.split_whitespace().next().unwrap_or_default();
    Ok(Duration::from_nanos(spent.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_function_reaches_its_database_over_tls_and_trusts_none_but_its_bundle() {
        let stage = Stage::set_up().await.unwrap();
        let test = std::env::current_exe().unwrap();
        let binary = test.ancestors().nth(2).unwrap().join("is-banned");
        let answer = || {
            let runtime = RuntimeApi::start([event("is-banned").unwrap()]).unwrap();
            let _process = stage
                .start(&binary, "is-banned", Transport::Tls, &runtime)
                .unwrap();
            String::from_utf8(runtime.wait().unwrap().answer).unwrap()
        };
        let answered = answer();
        assert!(answered.starts_with(r#"{"statusCode":200"#), "{answered}");
        stage.trust_a_stranger().unwrap();
        let refused = answer();
        assert!(refused.starts_with(r#"{"statusCode":503"#), "{refused}");
    }
}
