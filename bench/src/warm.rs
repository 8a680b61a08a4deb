//! Warm calls: what a function adds to its database calls, and to what an empty one takes.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use crate::sample::Sample;
use crate::section::{Findings, Plan};
use crate::size::FLOOR;
use crate::stage::{Stage, Transport, event};
use crate::stand_in::bare::Caller;
use crate::stand_in::database::under_way;
use crate::stand_in::lambda::RuntimeApi;
use crate::table::Table;

/// How a function reaches the database here: as on AWS.
const TRANSPORT: Transport = Transport::Tls;

/// Calls of a new process that do not count.
const UNCOUNTED: usize = 20;

/// What is called: a name for it, the function, its event, and whether each call is about a user of
/// its own, for whom the one before it in the list may have done something.
const CALLED: [(&str, &str, &str, bool); 9] = [
    (FLOOR, FLOOR, "is-banned", false),
    ("is-banned", "is-banned", "is-banned", false),
    ("pending-bans, empty", "pending-bans", "pending-bans", false),
    ("ban-async, a new ban", "ban-async", "ban-async", true),
    (
        "ban-async, confirmed",
        "ban-async",
        "ban-async-confirmation",
        true,
    ),
    (
        "ban-async, again",
        "ban-async",
        "ban-async-confirmation",
        true,
    ),
    ("unban-async", "unban-async", "unban-async", true),
    (
        "unban-async, confirmed",
        "unban-async",
        "unban-async-report",
        true,
    ),
    ("bans, a page", "bans", "bans", false),
];

/// Calls each function again and again.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let stage = Stage::set_up().await?;
    let plan = plan.clone();
    tokio::task::spawn_blocking(move || {
        let mut found = Findings::default();
        measure_calls(&plan, &stage, &mut found)?;
        Ok(found)
    })
    .await?
}

/// What was seen of one kind of call.
#[derive(Default)]
struct Calls {
    total: Sample,
    own: Sample,
    database_calls: Sample,
}

fn measure_calls(plan: &Plan, stage: &Stage, found: &mut Findings) -> anyhow::Result<()> {
    let rounds = if plan.short { 100 } else { 400 };
    let mut all: BTreeMap<&str, Calls> = BTreeMap::new();
    for (label, function, name, each_its_own) in CALLED {
        let calls = call(plan, stage, function, name, rounds, each_its_own);
        all.insert(label, calls.with_context(|| label.to_owned())?);
    }
    let floor = all
        .get(FLOOR)
        .map_or(f64::NAN, |calls| calls.total.median());
    let transfer = transfer(stage, rounds)?;

    let columns = [
        "call",
        "median ms",
        "p99 ms",
        "database calls",
        "less the database ms",
        "overhead ms",
    ];
    let mut table = Table::new("Warm calls", &columns);
    for (label, ..) in CALLED {
        let Some(calls) = all.get(label) else {
            continue;
        };
        let database_calls = calls.database_calls.median();
        let overhead = calls.own.median() - floor - database_calls * transfer;
        table.row([
            label.to_owned(),
            format!("{:.2}", calls.total.median()),
            format!("{:.2}", calls.total.at(0.99)),
            format!("{database_calls}"),
            format!("{:.2}", calls.own.median()),
            format!("{overhead:.2}"),
        ]);
        let label = label.replace(", ", ".").replace(' ', "-");
        found.figure(format!("warm.{label}.median_ms"), calls.total.median());
        found.figure(format!("warm.{label}.p99_ms"), calls.total.at(0.99));
        found.figure(format!("warm.{label}.overhead_ms"), overhead);
    }
    table.note(format!(
        "Overhead: what is left of a call without the empty function's {floor:.2} ms, the time \
         its database calls were under way, and {transfer:.3} ms for each of them, which a bare \
         socket takes over TLS to send and receive one. Target: under 0.3 ms. {rounds} calls each."
    ));
    found.tables.push(table);
    Ok(())
}

fn call(
    plan: &Plan,
    stage: &Stage,
    function: &str,
    name: &str,
    rounds: usize,
    each_its_own: bool,
) -> anyhow::Result<Calls> {
    let mut events = Vec::new();
    for number in 0..rounds + UNCOUNTED {
        let event = event(name)?;
        events.push(match each_its_own {
            true => about(&event, 1_000_000 + number as u64)?,
            false => event,
        });
    }
    let runtime = RuntimeApi::start(events)?;
    let binary = plan.functions.join(function);
    let _process = stage.start(&binary, function, TRANSPORT, &runtime)?;
    let mut spans = Vec::new();
    for _ in 0..rounds + UNCOUNTED {
        let done = runtime.wait()?;
        let answer = String::from_utf8_lossy(&done.answer);
        anyhow::ensure!(
            function == FLOOR || answer.starts_with(r#"{"statusCode":200"#),
            "{function} answered {answer}"
        );
        spans.push((done.begun, done.ended));
    }
    let database = stage.database(TRANSPORT).take_calls();
    let mut calls = Calls::default();
    for &(begun, ended) in spans.iter().skip(UNCOUNTED) {
        let (count, busy) = under_way(&database, (begun, ended));
        let total = ended - begun;
        calls.total.add(total);
        calls.own.add(total.saturating_sub(busy));
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        calls.database_calls.add_number(count as f64);
    }
    Ok(calls)
}

/// The event, about another user, in the one experience.
fn about(event: &[u8], user: u64) -> anyhow::Result<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(event)?;
    let body = event.get_mut("body").context("an event with a body")?;
    let mut content: Value = serde_json::from_str(body.as_str().unwrap_or_default())?;
    let fields = content.as_object_mut().context("an object")?;
    fields.insert("userId".to_owned(), json!(user));
    fields.insert("experienceId".to_owned(), json!(1));
    *body = json!(content.to_string());
    Ok(serde_json::to_vec(&event)?)
}

/// What a call takes on its way there and back, in milliseconds: on a connection that stands.
fn transfer(stage: &Stage, rounds: usize) -> anyhow::Result<f64> {
    let mut caller = Caller::connect(stage, TRANSPORT)?;
    let mut sample = Sample::default();
    for _ in 0..rounds {
        stage.database(TRANSPORT).take_calls();
        let begun = Instant::now();
        caller.call()?;
        let ended = Instant::now();
        let calls = stage.database(TRANSPORT).take_calls();
        let (_, busy) = under_way(&calls, (begun, ended));
        sample.add((ended - begun).saturating_sub(busy));
    }
    Ok(sample.median())
}
