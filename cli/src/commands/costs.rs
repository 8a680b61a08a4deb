//! `portcullis costs`.

use anyhow::Result;
use clap::{Args, value_parser};
use serde::Serialize;

use crate::costs::estimate::{BillItem, Estimate, estimate};
use crate::costs::games::Assumptions;
use crate::costs::prices;
use crate::costs::stack::MetricsLevel;
use crate::output::{Output, Printable, word};
use crate::thousands::grouped;

const EXAMPLES: &str = "\
Examples:
  portcullis costs --servers 20 --joins-per-day 5000
  portcullis costs --servers 20 --joins-per-day 5000 --module
  portcullis costs --servers 20 --joins-per-day 5000 --metrics-level full --json | jq .totalUsd";

/// Joins for each ban, unless the number of bans is given.
const JOINS_PER_BAN: u32 = 1000;

/// Servers that start in a day for each that runs, unless their number is given.
const STARTS_PER_SERVER: u32 = 4;

/// Pages and histories that a moderator reads in a day.
const PAGES_PER_MODERATOR: u32 = 50;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CostsArgs {
    /// Game servers that run at the same time, on average over the month.
    #[arg(long, value_name = "N")]
    servers: u32,
    /// Players who join a server, in a day. Each is checked once, except with --module.
    #[arg(long, value_name = "N")]
    joins_per_day: u32,
    /// Bans in a day [default: one for 1,000 joins].
    #[arg(long, value_name = "N")]
    bans_per_day: Option<u32>,
    /// Bans that are lifted or appealed, in a day [default: half of the bans].
    #[arg(long, value_name = "N")]
    unbans_per_day: Option<u32>,
    /// How many in 100 bans are Global.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = value_parser!(u32).range(0..=100))]
    global_percent: u32,
    /// Linked experiences, each of which applies a Global ban.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    experiences: u32,
    /// Seconds between two polls of a server, which asks for bans and for unbans.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u32).range(1..))]
    poll_seconds: u32,
    /// The servers run the module for game servers: joins are answered from memory, and one server polls for all.
    #[arg(long, conflicts_with = "poll_seconds")]
    module: bool,
    /// Servers that start in a day [default: four for each that runs].
    #[arg(long, value_name = "N", requires = "module")]
    starts_per_day: Option<u32>,
    /// How many in 1,000 joins are by users who are banned anywhere in the workspace.
    #[arg(long, value_name = "N", requires = "module", default_value_t = 2, value_parser = value_parser!(u32).range(0..=1000))]
    listed_per_1000: u32,
    /// Moderators, who each read 50 pages of the ban list and 50 histories in a day.
    #[arg(long, value_name = "N", default_value_t = 3)]
    moderators: u32,
    /// Exports of the whole ban list, in a month.
    #[arg(long, value_name = "N", default_value_t = 4)]
    exports_per_month: u32,
    /// Bans that are stored [default: those of two years].
    #[arg(long, value_name = "N")]
    stored_bans: Option<u32>,
    /// Webhook endpoints, each of which receives every event.
    #[arg(long, value_name = "N", default_value_t = 0)]
    webhooks: u32,
    /// Secrets with keys of Roblox Open Cloud, for the mirror and for ranks.
    #[arg(long, value_name = "N", default_value_t = 0)]
    open_cloud_keys: u32,
    /// Files of evidence that are added in a day, of 1 MB each.
    #[arg(long, value_name = "N", default_value_t = 0)]
    evidence_per_day: u32,
    /// GB of stored files of evidence.
    #[arg(long, value_name = "GB", default_value_t = 0)]
    evidence_gb: u32,
    /// The stack's parameter `MetricsLevel`.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t)]
    metrics_level: MetricsLevel,
}

impl CostsArgs {
    fn assumptions(&self) -> Assumptions {
        let bans = self.bans_per_day;
        let bans_per_day = bans.unwrap_or_else(|| self.joins_per_day.div_ceil(JOINS_PER_BAN));
        let unbans = self.unbans_per_day;
        let stored = self.stored_bans;
        let starts = self.starts_per_day;
        Assumptions {
            servers: self.servers,
            joins_per_day: self.joins_per_day,
            poll_seconds: self.poll_seconds,
            bans_per_day,
            unbans_per_day: unbans.unwrap_or(bans_per_day / 2),
            global_percent: self.global_percent,
            experiences: self.experiences,
            moderators: self.moderators,
            pages_per_moderator: PAGES_PER_MODERATOR,
            exports_per_month: self.exports_per_month,
            stored_bans: stored.unwrap_or_else(|| bans_per_day.saturating_mul(730)),
            webhooks: self.webhooks,
            open_cloud_keys: self.open_cloud_keys,
            evidence_per_day: self.evidence_per_day,
            evidence_gb: self.evidence_gb,
            metrics_level: self.metrics_level,
            module: self.module,
            starts_per_day: starts
                .unwrap_or_else(|| self.servers.saturating_mul(STARTS_PER_SERVER)),
            listed_per_1000: self.listed_per_1000,
        }
    }
}

/// The whole bill, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bill {
    region: &'static str,
    prices_as_of: &'static str,
    assumptions: Assumptions,
    #[serde(flatten)]
    estimate: Estimate,
}

impl Printable for Bill {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let it = &self.assumptions;
        let (servers, joins) = (grouped(it.servers.into()), grouped(it.joins_per_day.into()));
        let (servers, joins) = if it.module {
            let starts = grouped(it.starts_per_day.into());
            (
                format!("{servers}, one of each game polls; {starts} start in a day"),
                format!(
                    "{joins} a day, {} in 1,000 by listed users",
                    it.listed_per_1000
                ),
            )
        } else {
            let polls = format!("each polls both lists every {} s", it.poll_seconds);
            (
                format!("{servers}, {polls}"),
                format!("{joins} a day, each checked once"),
            )
        };
        let bans = format!(
            "{} a day, {} % of them Global, in {}; {} lifted; {} stored",
            grouped(it.bans_per_day.into()),
            it.global_percent,
            counted(it.experiences.into(), "experiences"),
            grouped(it.unbans_per_day.into()),
            grouped(it.stored_bans.into()),
        );
        let moderators = format!(
            "{}, each reads {} pages and {} histories a day; {} exports a month",
            it.moderators, it.pages_per_moderator, it.pages_per_moderator, it.exports_per_month
        );
        let others = format!(
            "{}, {}, {} of evidence a day, {} GB stored",
            counted(it.webhooks.into(), "webhook endpoints"),
            counted(it.open_cloud_keys.into(), "Open Cloud keys"),
            counted(it.evidence_per_day.into(), "files"),
            it.evidence_gb,
        );
        let prices = format!(
            "list prices of {} on {}, without any free tier",
            self.region, self.prices_as_of,
        );
        vec![
            ("servers", servers),
            ("joins", joins),
            ("bans", bans),
            ("moderators", moderators),
            ("others", others),
            ("metrics", word(it.metrics_level)),
            ("prices", prices),
            (
                "time",
                format!(
                    "{} ms for each call, and {} ms for each of its database calls",
                    prices::OWN_MS,
                    prices::DATABASE_MS
                ),
            ),
        ]
    }
}

/// A line of the table.
#[derive(Debug, Serialize)]
struct Line {
    part: &'static str,
    what: &'static str,
    quantity: String,
    price: Option<prices::Price>,
    usd: f64,
}

impl Line {
    fn of(part: &'static str, position: &BillItem) -> Self {
        Self {
            part,
            what: position.what,
            quantity: counted(position.quantity, position.unit),
            price: position.price,
            usd: position.usd,
        }
    }

    const fn total(part: &'static str, usd: f64) -> Self {
        Self {
            part,
            what: "total",
            quantity: String::new(),
            price: None,
            usd,
        }
    }
}

impl Printable for Line {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let cell = |of: fn(&prices::Price) -> f64| {
            let price = self.price.as_ref();
            price.map_or_else(String::new, |price| dollars(of(price)))
        };
        vec![
            ("part", self.part.to_owned()),
            ("what", self.what.to_owned()),
            ("quantity", self.quantity.clone()),
            ("requests", cell(|price| price.requests)),
            ("time", cell(|price| price.time)),
            ("database", cell(|price| price.reads + price.writes)),
            ("logs", cell(|price| price.logs)),
            ("data out", cell(|price| price.data_out)),
            ("usd", dollars(self.usd)),
        ]
    }
}

fn dollars(usd: f64) -> String {
    format!("{usd:.2}")
}

/// A number of things, which a plural names.
fn counted(number: f64, unit: &str) -> String {
    let text = quantity(number);
    let unit = if text == "1" {
        unit.strip_suffix('s').unwrap_or(unit)
    } else {
        unit
    };
    format!("{text} {unit}")
}

/// Three digits, and the unit of thousands.
fn quantity(number: f64) -> String {
    let (scaled, suffix) = match number {
        n if n >= 1e9 => (n / 1e9, " B"),
        n if n >= 1e6 => (n / 1e6, " M"),
        n if n >= 1e4 => (n / 1e3, " k"),
        n => (n, ""),
    };
    let places = match scaled {
        n if n.fract() == 0.0 || n >= 100.0 => 0,
        n if n >= 10.0 => 1,
        _ => 2,
    };
    format!("{scaled:.places$}{suffix}")
}

pub fn run(args: &CostsArgs, output: Output) -> Result<()> {
    let assumptions = args.assumptions();
    let bill = Bill {
        region: prices::REGION,
        prices_as_of: prices::AS_OF,
        assumptions,
        estimate: rounded(estimate(&assumptions)),
    };
    if !output.is_json() {
        let Estimate {
            fixed, variable, ..
        } = &bill.estimate;
        let mut lines: Vec<_> = fixed.iter().map(|one| Line::of("fixed", one)).collect();
        lines.push(Line::total("fixed", bill.estimate.fixed_usd));
        lines.extend(variable.iter().map(|one| Line::of("variable", one)));
        lines.push(Line::total("variable", bill.estimate.variable_usd));
        lines.push(Line::total("month", bill.estimate.total_usd));
        output.list(&lines, "")?;
        output.gap()?;
    }
    output.one(&bill)
}

/// Amounts in cents, and quantities in thousandths.
fn rounded(mut estimate: Estimate) -> Estimate {
    let cents = |usd: f64| (usd * 100.0).round() / 100.0;
    for position in estimate.fixed.iter_mut().chain(&mut estimate.variable) {
        position.usd = cents(position.usd);
        position.quantity = (position.quantity * 1000.0).round() / 1000.0;
    }
    estimate.fixed_usd = cents(estimate.fixed_usd);
    estimate.variable_usd = cents(estimate.variable_usd);
    estimate.total_usd = cents(estimate.total_usd);
    estimate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_three_digits() {
        let of = [0.0, 0.25, 25.0, 9999.0, 87_600.0, 8_760_000.0, 1.5e9];
        let printed = ["0", "0.25", "25", "9999", "87.6 k", "8.76 M", "1.50 B"];
        assert_eq!(of.map(quantity), printed);
        assert_eq!(
            [7, 1234, 1_000_000].map(grouped),
            ["7", "1,234", "1,000,000"]
        );
    }
}
