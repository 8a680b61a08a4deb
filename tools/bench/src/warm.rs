//! Warm calls: what a function adds to its database calls, and to what an empty one takes.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use crate::sample::Sample;
use crate::section::{Findings, Plan};
use crate::size::BASELINE;
use crate::stage::{Stage, Transport, event};
use crate::stand_in::bare::Caller;
use crate::stand_in::database::under_way;
use crate::stand_in::lambda::RuntimeApi;
use crate::table::Table;

/// How a function reaches the database here: as on AWS.
const TRANSPORT: Transport = Transport::Tls;

/// Calls of a new process that do not count.
const UNCOUNTED: usize = 20;

/// One kind of call.
struct Case {
    label: &'static str,
    function: &'static str,
    event: &'static str,
    about: About,
    /// How the answer begins when all is well.
    answer: &'static str,
}

/// What an event is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// What it says.
    AsItIs,
    /// A user of its own, with whom the case before it in the list may have begun something.
    UserByUser,
    /// The latest ban of the workspace.
    LatestBan,
}

const OK: &str = r#"{"statusCode":200"#;

const CASES: [Case; 16] = [
    case(BASELINE, BASELINE, "is-banned", About::AsItIs, OK),
    case("is-banned", "is-banned", "is-banned", About::AsItIs, OK),
    case(
        "pending-bans, empty",
        "pending-bans",
        "pending-bans",
        About::AsItIs,
        OK,
    ),
    case(
        "pending-unbans, empty",
        "pending-unbans",
        "pending-unbans",
        About::AsItIs,
        OK,
    ),
    case(
        "ban-async, a new ban",
        "ban-async",
        "ban-async",
        About::UserByUser,
        OK,
    ),
    case(
        "ban-async, confirmed",
        "ban-async",
        "ban-async-confirmation",
        About::UserByUser,
        OK,
    ),
    case(
        "ban-async, again",
        "ban-async",
        "ban-async-confirmation",
        About::UserByUser,
        OK,
    ),
    case("bans, a page", "bans", "bans", About::AsItIs, OK),
    case(
        "ban-history",
        "ban-history",
        "ban-history",
        About::LatestBan,
        OK,
    ),
    case(
        "export-bans-json",
        "export-bans-json",
        "export-bans-json",
        About::AsItIs,
        OK,
    ),
    case(
        "export-bans-csv",
        "export-bans-csv",
        "export-bans-csv",
        About::AsItIs,
        OK,
    ),
    case(
        "unban-async",
        "unban-async",
        "unban-async",
        About::UserByUser,
        OK,
    ),
    case(
        "unban-async, confirmed",
        "unban-async",
        "unban-async-report",
        About::UserByUser,
        OK,
    ),
    case(
        "not-found",
        "not-found",
        "not-found",
        About::AsItIs,
        r#"{"statusCode":404"#,
    ),
    case(
        "roblox-webhook, refused",
        "roblox-webhook",
        "roblox-webhook",
        About::AsItIs,
        r#"{"statusCode":401"#,
    ),
    case(
        "spread-decisions",
        "spread-decisions",
        "spread-decisions",
        About::AsItIs,
        r#"{"batchItemFailures":[]"#,
    ),
];

const fn case(
    label: &'static str,
    function: &'static str,
    event: &'static str,
    about: About,
    answer: &'static str,
) -> Case {
    Case {
        label,
        function,
        event,
        about,
        answer,
    }
}

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
    of_database: Sample,
}

fn measure_calls(plan: &Plan, stage: &Stage, found: &mut Findings) -> anyhow::Result<()> {
    let rounds = if plan.short { 100 } else { 400 };
    let mut all: BTreeMap<&str, Calls> = BTreeMap::new();
    for case in &CASES {
        let calls = call(plan, stage, case, rounds);
        all.insert(case.label, calls.with_context(|| case.label)?);
    }
    let baseline = all
        .get(BASELINE)
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
    for Case { label, .. } in &CASES {
        let Some(calls) = all.get(label) else {
            continue;
        };
        let database_calls = calls.of_database.median();
        let overhead = calls.own.median() - baseline - database_calls * transfer;
        table.row([
            (*label).to_owned(),
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
        "Overhead: what is left of a call without the empty function's {baseline:.2} ms, the time \
         its database calls were under way, and {transfer:.3} ms for each of them, which a bare \
         socket takes over TLS to send and receive one. Target: under 0.3 ms. {rounds} calls each."
    ));
    found.tables.push(table);
    Ok(())
}

fn call(plan: &Plan, stage: &Stage, case: &Case, rounds: usize) -> anyhow::Result<Calls> {
    let event = event(case.event)?;
    let latest = match case.about {
        About::LatestBan => latest_ban(plan, stage)?,
        About::AsItIs | About::UserByUser => String::new(),
    };
    let events = (0..rounds + UNCOUNTED).map(|number| match case.about {
        About::AsItIs => Ok(event.clone()),
        About::UserByUser => about_user(&event, 1_000_000 + number as u64),
        About::LatestBan => about_ban(&event, &latest),
    });
    let runtime = RuntimeApi::start(events.collect::<anyhow::Result<Vec<_>>>()?)?;
    let binary = plan.functions.join(case.function);
    let _process = stage.start(&binary, case.function, TRANSPORT, &runtime)?;
    stage.database(TRANSPORT).take_calls();
    let mut spans = Vec::new();
    for _ in 0..rounds + UNCOUNTED {
        let done = runtime.wait()?;
        let answer = String::from_utf8_lossy(&done.answer);
        anyhow::ensure!(answer.starts_with(case.answer), "it answered {answer}");
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
        calls.of_database.add_number(count as f64);
    }
    Ok(calls)
}

/// The event, about another user, in the one experience.
fn about_user(event: &[u8], user: u64) -> anyhow::Result<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(event)?;
    let body = event.get_mut("body").context("an event with a body")?;
    let mut content: Value = serde_json::from_str(body.as_str().unwrap_or_default())?;
    let fields = content.as_object_mut().context("an object")?;
    fields.insert("userId".to_owned(), json!(user));
    fields.insert("experienceId".to_owned(), json!(1));
    *body = json!(content.to_string());
    Ok(serde_json::to_vec(&event)?)
}

/// The event, about another ban.
fn about_ban(event: &[u8], guid: &str) -> anyhow::Result<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(event)?;
    let parameters = event.pointer_mut("/pathParameters/guid");
    *parameters.context("a guid in the path")? = json!(guid);
    Ok(serde_json::to_vec(&event)?)
}

/// The guid of the latest ban on record.
fn latest_ban(plan: &Plan, stage: &Stage) -> anyhow::Result<String> {
    let runtime = RuntimeApi::start([event("bans")?])?;
    let _process = stage.start(&plan.functions.join("bans"), "bans", TRANSPORT, &runtime)?;
    let answer: Value = serde_json::from_slice(&runtime.wait()?.answer)?;
    let body = answer.get("body").and_then(Value::as_str);
    let body: Value = serde_json::from_str(body.context("a body")?)?;
    let guid = body.pointer("/list/0/guid").and_then(Value::as_str);
    Ok(guid.context("a ban on record")?.to_owned())
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
