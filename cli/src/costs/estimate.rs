//! The monthly bill: a pure function of assumptions about the games.

use serde::Serialize;

use super::games::{Assumptions, Calls, FILE_BYTES, VIEWS};
use super::measured::{CallUsage, STORED_BYTES_OF_A_BAN};
use super::prices::{self, Price};
use super::stack::{DAYS, FUNCTIONS_IN_USE, HOURS, KEY_REQUESTS_OF_A_FUNCTION, SCHEDULES};

/// Bytes of a GB, as AWS bills storage and traffic.
const GB: f64 = 1e9;

/// The largest answer of an export, in bytes. A larger file comes by a link from S3.
const LARGEST_ANSWER: f64 = 5e6;

/// One line of the bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BillItem {
    pub what: &'static str,
    pub quantity: f64,
    pub unit: &'static str,
    /// By cost type, for calls and runs.
    #[serde(skip)]
    pub price: Option<Price>,
    pub usd: f64,
}

impl BillItem {
    fn new(what: &'static str, quantity: f64, unit: &'static str, usd_each: f64) -> Self {
        Self {
            what,
            quantity,
            unit,
            price: None,
            usd: quantity * usd_each,
        }
    }

    fn of_price(what: &'static str, quantity: f64, unit: &'static str, price: Price) -> Self {
        Self {
            what,
            quantity,
            unit,
            price: Some(price),
            usd: price.total(),
        }
    }
}

/// A month's bill in USD.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// What the stack costs even if nobody calls it.
    pub fixed: Vec<BillItem>,
    pub variable: Vec<BillItem>,
    pub fixed_usd: f64,
    pub variable_usd: f64,
    pub total_usd: f64,
}

/// The bill of a month with these games.
#[must_use]
pub fn estimate(games: &Assumptions) -> Estimate {
    let (fixed, variable) = (fixed(games), variable(games));
    let sum = |positions: &[BillItem]| positions.iter().map(|one| one.usd).sum::<f64>();
    let (fixed_usd, variable_usd) = (sum(&fixed), sum(&variable));
    Estimate {
        fixed,
        variable,
        fixed_usd,
        variable_usd,
        total_usd: fixed_usd + variable_usd,
    }
}

fn fixed(games: &Assumptions) -> Vec<BillItem> {
    let level = games.metrics_level.observability();
    let watched = f64::from(level.alarm_metrics + level.queried_metrics);
    let dashboards = level.dashboards.saturating_sub(prices::FREE_DASHBOARDS);
    let runs = SCHEDULES.iter().map(|(_, an_hour)| an_hour * HOURS);
    let price = SCHEDULES
        .iter()
        .map(|(run, an_hour)| priced(run, an_hour * HOURS, 1.0))
        .fold(Price::default(), Price::plus);
    let key_requests = f64::from(SCHEDULES_COUNT) * KEY_REQUESTS_OF_A_FUNCTION;
    vec![
        BillItem::new("alarms", watched, "metrics", prices::ALARM_METRIC),
        BillItem::new(
            "metrics",
            f64::from(level.idle_metrics),
            "metrics",
            prices::METRIC,
        ),
        BillItem {
            usd: f64::from(dashboards) * prices::DASHBOARD,
            ..BillItem::new("dashboards", f64::from(level.dashboards), "dashboards", 0.0)
        },
        BillItem::of_price("schedules", runs.sum(), "runs", price),
        BillItem::new(
            "encryption key",
            key_requests,
            "requests",
            prices::KEY_REQUESTS / 1e6,
        ),
        BillItem::new(
            "secrets",
            f64::from(games.open_cloud_keys),
            "secrets",
            prices::SECRET,
        ),
    ]
}

#[expect(clippy::cast_possible_truncation, reason = "a handful")]
const SCHEDULES_COUNT: u32 = SCHEDULES.len() as u32;

fn variable(games: &Assumptions) -> Vec<BillItem> {
    let calls = Calls::of(games);
    let of_gateway = |(kind, count): &(CallUsage, f64)| kind.usage.gateway_calls * count;
    let total: f64 = calls
        .iter()
        .flat_map(|row| &row.kinds)
        .map(of_gateway)
        .sum();
    let discount = gateway_discount(total);
    let mut positions: Vec<_> = calls
        .into_iter()
        .filter(|row| row.kinds.iter().any(|(_, count)| *count > 0.0))
        .map(|row| {
            let prices = row.kinds.iter();
            let prices = prices.map(|(kind, count)| priced(kind, *count, discount));
            let price = prices.fold(Price::default(), Price::plus);
            let count = row.kinds.iter().map(|(_, count)| count).sum();
            BillItem::of_price(row.what, count, row.unit, price)
        })
        .collect();
    positions.push(logs_kept(&positions));
    let files = f64::from(games.evidence_per_day) * DAYS;
    let transfer = (prices::UPLOADS + VIEWS * prices::DOWNLOADS) / 1e6;
    let data_out = VIEWS * FILE_BYTES / GB * prices::DATA_OUT_GB;
    let level = games.metrics_level.observability();
    let stored = f64::from(games.stored_bans) * STORED_BYTES_OF_A_BAN / GB;
    let is_played = games.servers > 0 || games.joins_per_day > 0;
    let metrics = level.metrics.saturating_sub(level.idle_metrics);
    let (metrics, functions) = if is_played {
        (metrics, FUNCTIONS_IN_USE)
    } else {
        (0, 0)
    };
    positions.extend([
        BillItem::new(
            "stored bans",
            stored,
            "GB",
            prices::TABLE_GB + prices::RECOVERY_GB,
        ),
        BillItem::new("files of evidence", files, "files", transfer + data_out),
        BillItem::new(
            "stored evidence",
            f64::from(games.evidence_gb),
            "GB",
            prices::OBJECT_GB,
        ),
        BillItem::new("metrics", f64::from(metrics), "metrics", prices::METRIC),
        BillItem::new(
            "encryption key",
            f64::from(functions) * KEY_REQUESTS_OF_A_FUNCTION,
            "requests",
            prices::KEY_REQUESTS / 1e6,
        ),
    ]);
    positions
}

fn priced(kind: &CallUsage, count: f64, gateway_discount: f64) -> Price {
    let mut usage = kind.usage;
    let answer = usage.answer_bytes;
    // The gateway does not carry a file that comes by a link.
    usage.answer_bytes = answer.min(LARGEST_ANSWER);
    let mut price = usage.price_of_a_million();
    if answer > LARGEST_ANSWER {
        usage.answer_bytes = 0.0;
        price.requests = usage.price_of_a_million().requests;
        price.data_out = answer / 1000.0 * prices::DATA_OUT_GB;
    }
    price.requests -= usage.gateway_calls * prices::GATEWAY * gateway_discount;
    price.times(count / 1e6)
}

/// The share of the gateway's first price that this many calls in a month save on average.
fn gateway_discount(calls: f64) -> f64 {
    let beyond = (calls - prices::GATEWAY_TIER).max(0.0);
    let saved = 1.0 - prices::GATEWAY_BEYOND / prices::GATEWAY;
    if calls > 0.0 {
        beyond / calls * saved
    } else {
        0.0
    }
}

/// Keeping a month of the log lines of these calls.
fn logs_kept(positions: &[BillItem]) -> BillItem {
    let prices = positions.iter().filter_map(|one| one.price);
    let gigabytes = prices.map(|price| price.logs).sum::<f64>() / prices::LOG_GB;
    BillItem::new("kept logs", gigabytes, "GB", prices::STORED_LOG_GB)
}

#[cfg(test)]
mod tests {
    use super::super::measured::{CHECK, POLL_BANS, POLL_UNBANS, PROPAGATION, REPORT};
    use super::*;

    const QUIET: Assumptions = Assumptions {
        pages_per_moderator: 50,
        listed_per_1000: 2,
        ..Assumptions::QUIET
    };

    /// What a change of the assumptions adds to the bill, without what any play adds.
    fn added(change: impl FnOnce(&mut Assumptions)) -> f64 {
        let mut games = QUIET;
        change(&mut games);
        let any = if games.servers + games.joins_per_day > 0 {
            let requests = f64::from(FUNCTIONS_IN_USE) * KEY_REQUESTS_OF_A_FUNCTION;
            prices::METRIC + requests * prices::KEY_REQUESTS / 1e6
        } else {
            0.0
        };
        estimate(&games).total_usd - estimate(&QUIET).total_usd - any
    }

    fn is(usd: f64, expected: f64) {
        assert!((usd - expected).abs() < 1e-4, "{usd}, not {expected}");
    }

    fn kept(logs: f64) -> f64 {
        logs / prices::LOG_GB * prices::STORED_LOG_GB
    }

    #[test]
    fn checks_cost_their_measured_use() {
        let price = CHECK.usage.price_of_a_million();
        let a_month = price.total() + kept(price.logs);
        is(
            added(|games| games.joins_per_day = 1_000_000),
            a_month * 730.0 / 24.0,
        );
    }

    #[test]
    fn servers_poll_two_lists() {
        let prices = [POLL_BANS, POLL_UNBANS].map(|poll| poll.usage.price_of_a_million());
        let [bans, unbans] = prices.map(|price| price.total() + kept(price.logs));
        let a_month = (bans + unbans) * 730.0 * 60.0 / 1e6;
        is(added(|games| games.servers = 1), a_month);
        let slower = |games: &mut Assumptions| (games.servers, games.poll_seconds) = (3, 180);
        is(added(slower), a_month);
    }

    #[test]
    fn global_bans_cost_per_experience() {
        let of = |global_percent, experiences| {
            added(|games| {
                games.bans_per_day = 10_000;
                games.global_percent = global_percent;
                games.experiences = experiences;
            })
        };
        let report = REPORT.usage.price_of_a_million();
        let propagation = PROPAGATION.usage.price_of_a_million();
        let each = [report, propagation].map(|price| price.total() + kept(price.logs));
        is(of(0, 9), of(0, 1));
        is(of(100, 1), of(0, 1));
        let more = 4.0 * (each[0] + each[1]) * 10_000.0 * DAYS / 1e6;
        is(of(100, 5) - of(100, 1), more);
        is(of(50, 5) - of(50, 1), more / 2.0);
    }

    #[test]
    fn secrets_files_and_bans_cost_by_the_month() {
        is(added(|games| games.open_cloud_keys = 2), 0.80);
        is(added(|games| games.evidence_gb = 100), 2.30);
        let stored = added(|games| games.stored_bans = 1_000_000);
        is(stored, STORED_BYTES_OF_A_BAN / 1000.0 * 0.45);
    }

    #[test]
    fn large_exports_leave_by_a_link() {
        let of = |bans| {
            added(|games| {
                games.stored_bans = bans;
                games.exports_per_month = 1;
            }) - added(|games| games.stored_bans = bans)
        };
        // 536 MB out, 56,000 read units, 20 s of 1,769 MB.
        let million = of(1_000_000);
        is(
            million,
            0.048_270 + 0.007 + 20.001 * 1769.0 / 1024.0 * 0.000_013_333_4,
        );
    }

    #[test]
    fn calls_beyond_300_million_cost_less_at_the_gateway() {
        is(gateway_discount(0.0), 0.0);
        is(gateway_discount(300e6), 0.0);
        is(gateway_discount(600e6), 0.05);
    }

    #[test]
    fn nobody_playing_adds_nothing() {
        is(estimate(&QUIET).variable_usd, 0.0);
    }

    #[test]
    fn totals_are_sums() {
        let mut games = QUIET;
        (games.servers, games.joins_per_day) = (50, 10_000);
        let bill = estimate(&games);
        let sum = |part: &[BillItem]| part.iter().map(|one| one.usd).sum::<f64>();
        is(bill.fixed_usd, sum(&bill.fixed));
        is(bill.variable_usd, sum(&bill.variable));
        is(bill.total_usd, bill.fixed_usd + bill.variable_usd);
    }
}
