//! What each route costs in each case: database calls, DynamoDB's read and write units, and USD per million
//! calls.

mod cases;
mod prices;

use end_to_end::{TestApp, template};

use crate::section::{Findings, Plan};
use crate::table::Table;
use cases::{Case, Cases};

/// Makes the calls on a local stack and reads their consumption from the functions' logs.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let app = TestApp::builder().functions(&plan.functions).start().await;
    let mut cases = Cases::new(&app);
    cases.ban_checks().await?;
    cases.bans().await?;
    cases.capped_ban().await?;
    cases.unbans().await?;
    cases.polls().await?;
    cases.lists().await?;
    Box::pin(cases.erasures()).await?;
    cases.spreading().await?;
    cases.logging().await?;
    cases.ranks().await?;
    cases.unknown_route().await?;

    let mut found = Findings::default();
    let (mut units, mut prices) = tables();
    for case in &cases.found {
        add(case, &mut found, &mut units, &mut prices)?;
    }
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
        &["call", "requests", "time", "reads", "writes", "logs", "all"],
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

    use super::*;
    use crate::bounds::Bounds;

    #[tokio::test(flavor = "multi_thread")]
    async fn no_call_costs_more_than_its_bound() {
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
    }
}
