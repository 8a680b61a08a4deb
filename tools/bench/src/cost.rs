//! What each route costs in each case: database calls, DynamoDB's read and write units, and USD per million
//! calls.

mod background;
mod cases;
mod console;
mod evidence;
mod stored;
mod sync;

use cli::costs::prices;
use end_to_end::{TestApp, template};

use crate::section::{Findings, Plan};
use crate::table::Table;
use cases::{Case, Cases};

/// Makes the calls on a local stack and reads their consumption from the functions' logs.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let app = TestApp::builder().functions(&plan.functions).start().await;
    let mut cases = Cases::new(&app);
    cases.schedules().await?;
    cases.ticks().await?;
    cases.ban_checks().await?;
    cases.bans().await?;
    cases.capped_ban().await?;
    cases.bulk().await?;
    cases.unbans().await?;
    cases.reports().await?;
    cases.polls().await?;
    cases.syncs().await?;
    cases.snapshots().await?;
    cases.lists().await?;
    Box::pin(cases.erasures()).await?;
    cases.spreading().await?;
    cases.logging().await?;
    cases.deliveries().await?;
    cases.ranks().await?;
    Box::pin(cases.evidence()).await?;
    Box::pin(cases.console()).await?;
    cases.unknown_route().await?;

    let mut found = Findings::default();
    let (mut units, mut prices) = tables();
    let stored = stored::bytes_of_a_ban(&app).await?;
    found.figure("cost.ban.stored_bytes", stored);
    for case in &cases.found {
        add(case, &mut found, &mut units, &mut prices)?;
    }
    units.note(format!(
        "A ban with its history and one report occupies {stored} bytes in the table and its indexes."
    ));
    units.note(
        "As reported by the database. Key and link are cached unless stated otherwise; an uncached key \
         costs 1 read unit more, an uncached link 1. Reasons have typical lengths.",
    );
    prices.note(prices::formula());
    found.tables.extend([units, prices]);
    Ok(found)
}

fn tables() -> (Table, Table) {
    let units = Table::new(
        "Cost in the database",
        &["call", "database calls", "read units", "write units"],
    );
    let prices = Table::new(
        "Cost of a million calls in USD",
        &[
            "call", "requests", "time", "reads", "writes", "logs", "data out", "all",
        ],
    );
    (units, prices)
}

fn add(
    case: &Case,
    found: &mut Findings,
    units: &mut Table,
    prices: &mut Table,
) -> anyhow::Result<()> {
    let mut usage = case.usage;
    usage.memory = memory(case.function)?;
    let price = usage.price_of_a_million();
    let figures = [
        ("calls", usage.database_calls),
        ("read_units", usage.read_units),
        ("write_units", usage.write_units),
        ("memory", usage.memory),
        ("log_bytes", usage.log_bytes),
        ("answer_bytes", usage.answer_bytes),
        ("usd_per_million", price.total()),
    ];
    for (what, value) in figures {
        found.figure(format!("cost.{}.{what}", case.slug), value);
    }
    let number = |value: f64| format!("{}", (value * 100.0).round() / 100.0);
    units.row([
        case.what.to_owned(),
        number(usage.database_calls),
        number(usage.read_units),
        number(usage.write_units),
    ]);
    let usd = |value: f64| format!("{value:.2}");
    prices.row([
        case.what.to_owned(),
        usd(price.requests),
        usd(price.time),
        usd(price.reads),
        usd(price.writes),
        usd(price.logs),
        usd(price.data_out),
        usd(price.total()),
    ]);
    Ok(())
}

/// The memory size of a function in the template, in MB.
fn memory(function: &str) -> anyhow::Result<f64> {
    let memory = template().function(function)?.memory;
    Ok(f64::from(u32::try_from(memory)?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cli::costs::measured::{ALL, STORED_BYTES_OF_A_BAN};

    use super::*;
    use crate::bounds::Bounds;

    /// Cases that are a share of batches, whose number varies.
    const BATCHED: [&str; 3] = ["event", "delivery", "spread"];

    /// What `portcullis costs` assumes and what was measured, where the two differ.
    fn differences(found: &Findings) -> Vec<String> {
        let mut differences = Vec::new();
        for measured in ALL {
            let usage = measured.usage;
            for (what, assumed, tolerance) in [
                ("calls", usage.database_calls, 0.0),
                ("read_units", usage.read_units, 0.0),
                ("write_units", usage.write_units, 0.0),
                ("memory", usage.memory, 0.0),
                // Times in a line have more or fewer digits.
                ("log_bytes", usage.log_bytes, 0.05),
                ("answer_bytes", usage.answer_bytes, 0.05),
            ] {
                let is_batched = BATCHED.contains(&measured.case);
                let tolerance = if is_batched { 0.2 } else { tolerance };
                let name = format!("cost.{}.{what}", measured.case);
                let figure = found.figures.get(&name).copied();
                let is_equal = figure
                    .is_some_and(|figure| (figure - assumed).abs() <= figure.abs() * tolerance);
                if !is_equal {
                    differences.push(format!("{name}: measured {figure:?}, not {assumed}"));
                }
            }
        }
        let stored = found.figures["cost.ban.stored_bytes"];
        if (stored - STORED_BYTES_OF_A_BAN).abs() > stored * 0.05 {
            differences.push(format!("stored: {stored}, not {STORED_BYTES_OF_A_BAN}"));
        }
        differences
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn calls_cost_no_more_than_their_bounds_and_what_the_costs_command_assumes() {
        let test = std::env::current_exe().unwrap();
        let plan = Plan {
            functions: test.ancestors().nth(2).unwrap().to_owned(),
            short: true,
            ..Plan::default()
        };
        let found = measure(&plan).await.unwrap();
        let bounds = Path::new(env!("CARGO_MANIFEST_DIR")).join("bounds.json");
        let complaints = Bounds::read(&bounds).unwrap();
        let complaints = complaints.exceeded(&["cost".to_owned()], &found.figures);
        assert!(complaints.is_empty(), "{complaints:#?}");
        let differences = differences(&found);
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
