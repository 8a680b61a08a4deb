//! Warm calls: what a function adds to its database calls, and to the time of an empty function.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use crate::fake::client::BareClient;
use crate::fake::database::in_progress;
use crate::harness::{Harness, Transport, call, event};
use crate::sample::Sample;
use crate::section::{Findings, Plan};
use crate::size::BASELINE;
use crate::table::Table;

/// As on AWS.
const TRANSPORT: Transport = Transport::Tls;

/// Calls of a new process that do not count.
const UNCOUNTED: usize = 20;

/// One kind of call: its label, which begins with the function, its event, and whom that names.
struct Case(&'static str, &'static str, Target);

/// Whom or what the event of a call names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    /// The user in the event's file.
    AsWritten,
    /// A new user for each call. The case before it in the list may have banned them.
    EachUser,
    /// The latest ban of the workspace.
    LatestBan,
}

const CASES: [Case; 16] = {
    use Target::{AsWritten, EachUser, LatestBan};
    [
        Case(BASELINE, "is-banned", AsWritten),
        Case("is-banned", "is-banned", AsWritten),
        Case("pending-bans, empty", "pending-bans", AsWritten),
        Case("pending-unbans, empty", "pending-unbans", AsWritten),
        Case("ban-async, a new ban", "ban-async", EachUser),
        Case("ban-async, report", "ban-async-report", EachUser),
        Case("ban-async, again", "ban-async-report", EachUser),
        Case("bans, a page", "bans", AsWritten),
        Case("ban-history", "ban-history", LatestBan),
        Case("export-bans-json", "export-bans-json", AsWritten),
        Case("export-bans-csv", "export-bans-csv", AsWritten),
        Case("unban-async", "unban-async", EachUser),
        Case("unban-async, report", "unban-async-report", EachUser),
        Case("not-found", "not-found", AsWritten),
        Case("roblox-webhook, refused", "roblox-webhook", AsWritten),
        Case("spread-decisions", "spread-decisions", AsWritten),
    ]
};

impl Case {
    fn function(&self) -> &'static str {
        self.0.split(',').next().unwrap_or_default()
    }

    /// How a good answer begins.
    fn answer(&self) -> &'static str {
        match self.function() {
            "not-found" => r#"{"statusCode":404"#,
            "roblox-webhook" => r#"{"statusCode":401"#,
            "spread-decisions" => r#"{"batchItemFailures":[]"#,
            _ => r#"{"statusCode":200"#,
        }
    }
}

/// The calls of one case.
#[derive(Default)]
struct Calls {
    total: Sample,
    own: Sample,
    of_database: Sample,
}

/// Calls each function many times.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let harness = Harness::start().await?;
    let mut found = Findings::default();
    let rounds = if plan.short { 100 } else { 400 };
    let mut all: BTreeMap<&str, Calls> = BTreeMap::new();
    for case in &CASES {
        let calls = calls(plan, &harness, case, rounds).await;
        all.insert(case.0, calls.context(case.0)?);
    }
    let baseline = all
        .get(BASELINE)
        .map_or(f64::NAN, |calls| calls.total.median());
    let transfer = tokio::task::block_in_place(|| transfer(&harness, rounds))?;

    let columns = [
        "call",
        "median ms",
        "p99 ms",
        "database calls",
        "less the database ms",
        "overhead ms",
    ];
    let mut table = Table::new("Warm calls", &columns);
    for Case(label, ..) in &CASES {
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
         of its database calls, and {transfer:.3} ms for each of them, which a bare socket takes over \
         TLS to send and receive one. Target: under 0.3 ms. {rounds} calls each."
    ));
    found.tables.push(table);
    Ok(found)
}

async fn calls(
    plan: &Plan,
    harness: &Harness,
    case: &Case,
    rounds: usize,
) -> anyhow::Result<Calls> {
    let (event, function) = (event(case.1)?, case.function());
    let latest = match case.2 {
        Target::LatestBan => latest_ban(plan, harness).await?,
        Target::AsWritten | Target::EachUser => String::new(),
    };
    let binary = plan.functions.join(function);
    let runtime = harness.runtime(&binary, function, TRANSPORT).await?;
    let database = harness.database(TRANSPORT);
    database.take_calls();
    let mut spans = Vec::new();
    for number in 0..rounds + UNCOUNTED {
        let event = match case.2 {
            Target::AsWritten => event.clone(),
            Target::EachUser => with_user(&event, 1_000_000 + number as u64)?,
            Target::LatestBan => with_ban(&event, &latest)?,
        };
        let (answer, timing) = call(&runtime, function, event).await?;
        let answer = String::from_utf8_lossy(&answer);
        anyhow::ensure!(answer.starts_with(case.answer()), "it answered {answer}");
        spans.push((timing.begun, timing.ended));
    }
    let database = database.take_calls();
    let mut calls = Calls::default();
    for &(begun, ended) in spans.iter().skip(UNCOUNTED) {
        let (count, busy) = in_progress(&database, (begun, ended));
        let total = ended - begun;
        calls.total.add(total);
        calls.own.add(total.saturating_sub(busy));
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        calls.of_database.add_number(count as f64);
    }
    Ok(calls)
}

/// The event with another user, in one experience.
fn with_user(event: &[u8], user: u64) -> anyhow::Result<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(event)?;
    let body = event.get_mut("body").context("an event with a body")?;
    let mut content: Value = serde_json::from_str(body.as_str().unwrap_or_default())?;
    let fields = content.as_object_mut().context("an object")?;
    fields.insert("userId".to_owned(), json!(user));
    fields.insert("experienceId".to_owned(), json!(1));
    *body = json!(content.to_string());
    Ok(serde_json::to_vec(&event)?)
}

/// The event with another ban.
fn with_ban(event: &[u8], guid: &str) -> anyhow::Result<Vec<u8>> {
    let mut event: Value = serde_json::from_slice(event)?;
    let parameters = event.pointer_mut("/pathParameters/guid");
    *parameters.context("a guid in the path")? = json!(guid);
    Ok(serde_json::to_vec(&event)?)
}

/// The guid of the latest ban on record.
async fn latest_ban(plan: &Plan, harness: &Harness) -> anyhow::Result<String> {
    let binary = plan.functions.join("bans");
    let runtime = harness.runtime(&binary, "bans", TRANSPORT).await?;
    let (answer, _) = call(&runtime, "bans", event("bans")?).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let body = answer.get("body").and_then(Value::as_str);
    let body: Value = serde_json::from_str(body.context("a body")?)?;
    let guid = body.pointer("/list/0/guid").and_then(Value::as_str);
    Ok(guid.context("a ban on record")?.to_owned())
}

/// How long a call travels there and back over an open connection, in milliseconds.
fn transfer(harness: &Harness, rounds: usize) -> anyhow::Result<f64> {
    let database = harness.database(TRANSPORT);
    let mut client = BareClient::connect(harness, TRANSPORT)?;
    let mut sample = Sample::default();
    for _ in 0..rounds {
        database.take_calls();
        let begun = Instant::now();
        client.call()?;
        let ended = Instant::now();
        let (_, busy) = in_progress(&database.take_calls(), (begun, ended));
        sample.add((ended - begun).saturating_sub(busy));
    }
    Ok(sample.median())
}
