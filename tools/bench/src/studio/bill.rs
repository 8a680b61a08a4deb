//! What the calls of a studio cost in a month at list prices.

use cli::costs::estimate::{BillItem, estimate};
use cli::costs::games::Assumptions;
use cli::costs::measured::STORED_BYTES_OF_A_BAN;
use cli::costs::prices::{self, Price, Usage};
use cli::costs::stack::DAYS;
use end_to_end::template;

use super::usage::{Sums, Totals};

const MILLION: f64 = 1e6;

/// The five minutes of a day: a function in use requests the key of a table in each of them.
const KEY_WINDOWS: f64 = 288.0;
const TABLES: f64 = 2.0;

/// One line: what, how many in a month, and its price.
#[derive(Clone, Debug)]
pub struct Line {
    pub what: String,
    pub count: f64,
    pub usd: f64,
    pub data_out: f64,
}

/// Fetches of the list by servers that start and find none in `MemoryStore`.
#[derive(Clone, Copy, Debug)]
pub struct Misses {
    pub a_day: f64,
    pub list_bytes: f64,
}

/// A month of days like this one.
pub fn month(day: &Totals, banned: f64, misses: Option<Misses>) -> anyhow::Result<Vec<Line>> {
    let mut lines = vec![
        line("fixed cost of the stack, metrics level `basic`", fixed()),
        line("one metric while games play", (1.0, prices::METRIC)),
        line("encryption key of the tables", key(day)),
        line("stored bans", stored(banned)),
    ];
    let mut day = day.clone();
    if let Some(misses) = misses {
        add_misses(&mut day, misses);
    }
    let mut logs = 0.0;
    for (name, sums) in &day.0 {
        if sums.runs < 0.5 {
            continue;
        }
        let price = price(name, sums)?.times(DAYS);
        logs += price.logs;
        lines.push(Line {
            what: (*name).to_owned(),
            count: sums.runs * DAYS,
            usd: price.total(),
            data_out: price.data_out,
        });
    }
    let builds = day.of("build-snapshots").builds * DAYS;
    // At most one read of the object for each answer, and one for each build.
    let reads = (day.of("snapshot").runs * DAYS) + builds;
    let usd = (builds * prices::UPLOADS + reads * prices::DOWNLOADS) / MILLION;
    lines.push(line("snapshots stored and read in S3", (builds, usd)));
    let kept = logs / prices::LOG_GB * prices::STORED_LOG_GB;
    lines.push(line("kept logs", (logs / prices::LOG_GB, kept)));
    Ok(lines)
}

/// Each fetches the list, and then the changes since.
fn add_misses(day: &mut Totals, misses: Misses) {
    for (name, bytes) in [("snapshot", misses.list_bytes), ("sync", 0.0)] {
        let sums = day.0.entry(name).or_default();
        let each = |total: f64| total / sums.runs.max(1.0) * misses.a_day;
        *sums = Sums {
            sent: sums.sent + misses.a_day,
            arrived: sums.arrived + misses.a_day,
            runs: sums.runs + misses.a_day,
            database_calls: sums.database_calls + each(sums.database_calls),
            read_units: sums.read_units + each(sums.read_units),
            log_bytes: sums.log_bytes + each(sums.log_bytes),
            answer_bytes: sums.answer_bytes + bytes * misses.a_day,
            ..*sums
        };
    }
}

fn line(what: &str, (count, usd): (f64, f64)) -> Line {
    Line {
        what: what.to_owned(),
        count,
        usd,
        data_out: 0.0,
    }
}

fn fixed() -> (f64, f64) {
    let nobody = Assumptions {
        module: true,
        ..Assumptions::QUIET
    };
    let items = estimate(&nobody).fixed;
    (1.0, items.iter().map(|item: &BillItem| item.usd).sum())
}

/// A function that is called less than once in five minutes asks once per call. The schedules' functions are
/// part of the fixed cost.
fn key(day: &Totals) -> (f64, f64) {
    let own = day.0.iter();
    let own = own.filter(|(name, _)| !["build-snapshots", "publish-events"].contains(name));
    let windows: f64 = own.map(|(_, sums)| sums.runs.min(KEY_WINDOWS)).sum();
    let requests = windows * TABLES * DAYS;
    (requests, requests * prices::KEY_REQUESTS / MILLION)
}

fn stored(banned: f64) -> (f64, f64) {
    let gigabytes = banned * STORED_BYTES_OF_A_BAN / 1e9;
    (banned, gigabytes * (prices::TABLE_GB + prices::RECOVERY_GB))
}

/// The price of a day's use of a function.
fn price(name: &str, sums: &Sums) -> anyhow::Result<Price> {
    let function = template().function(name)?;
    let memory = f64::from(u32::try_from(function.memory)?);
    let is_route = !["build-snapshots", "publish-events", "spread-decisions"].contains(&name);
    let each = |total: f64| total / sums.runs;
    let usage = Usage {
        gateway_calls: f64::from(u8::from(is_route)),
        function_calls: 1.0,
        memory,
        database_calls: each(sums.database_calls),
        read_units: each(sums.read_units),
        write_units: each(sums.write_units),
        log_bytes: each(sums.log_bytes),
        answer_bytes: each(sums.answer_bytes),
    };
    let mut price = usage.price_of_a_million().times(sums.runs / MILLION);
    if name == "build-snapshots" {
        // It computes, so that its measured time counts if it is more than the assumed one.
        let gb_seconds = sums.milliseconds / 1000.0 * memory / 1024.0;
        price.time = price.time.max(gb_seconds * prices::GB_SECOND);
    }
    Ok(price)
}

pub fn total(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.usd).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(runs: f64) -> Totals {
        let sums = Sums {
            runs,
            database_calls: runs,
            read_units: runs / 2.0,
            log_bytes: 385.0 * runs,
            answer_bytes: 200.0 * runs,
            ..Sums::default()
        };
        Totals([("sync", sums)].into())
    }

    fn usd(lines: &[Line], what: &str) -> f64 {
        let own = lines.iter().filter(|line| line.what.starts_with(what));
        own.map(|line| line.usd).sum()
    }

    #[test]
    fn calls_cost_their_list_price() {
        let lines = month(&day(10_000.0), 100_000.0, None).unwrap();
        // 1.20 for requests, 6 ms of 256 MB, half a read unit, 640 bytes of logs, 600 bytes out.
        let each = 1.20 + 0.02 + 0.0625 + 0.32 + 0.054;
        let expected = each * 10_000.0 * DAYS / 1e6;
        assert!((usd(&lines, "sync") - expected).abs() < 0.001);
        let fixed = usd(&lines, "fixed");
        assert!(fixed > 2.0 && fixed < 3.0, "{fixed}");
        assert!(total(&lines) > fixed + expected);
    }

    #[test]
    fn misses_fetch_the_list() {
        let misses = Misses {
            a_day: 100.0,
            list_bytes: 400_000.0,
        };
        let without = month(&day(10_000.0), 0.0, None).unwrap();
        let with = month(&day(10_000.0), 0.0, Some(misses)).unwrap();
        assert!(usd(&without, "snapshot").abs() < 0.001);
        // 1.2 GB out in a month.
        let out: f64 = with.iter().map(|line| line.data_out).sum();
        assert!((out - 0.04 * DAYS * 0.09 - 0.018).abs() < 0.01, "{out}");
    }
}
