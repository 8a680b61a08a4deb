//! The tables of the section.

use cli::costs::prices;
use cli::costs::stack::DAYS;
use cli::thousands::grouped;

use super::bill::Line;
use super::day::Played;
use super::usage::Totals;
use super::{BANNED, BANNED_HERE, MISSES_PERCENT, SERVERS, Side, count, timeline};
use crate::sample::Sample;
use crate::table::Table;

/// A part of what was played.
type Part = fn(&Played) -> &Totals;

/// Calls by route in a day.
pub fn calls(module: &Side, sdk: &Side) -> Table {
    let title = "A studio's calls in a day: 1,000 servers, a million joins";
    let mut table = Table::new(
        title,
        &[
            "function",
            "SDK",
            "SDK MB out",
            "module",
            "module MB out",
            "its database calls",
            "read units",
            "write units",
        ],
    );
    let names: std::collections::BTreeSet<_> =
        module.day.0.keys().chain(sdk.day.0.keys()).collect();
    for name in names {
        let (old, new) = (sdk.day.of(name), module.day.of(name));
        if old.runs.max(new.runs).max(new.sent) < 0.5 {
            continue;
        }
        table.row([
            (*name).to_owned(),
            whole(old.runs),
            megabytes(old.answer_bytes),
            whole(new.runs),
            megabytes(new.answer_bytes),
            whole(new.database_calls),
            whole(new.read_units),
            whole(new.write_units),
        ]);
    }
    table.row([
        "calls of game servers".to_owned(),
        whole(sdk.calls()),
        megabytes(sdk.day.answer_bytes()),
        whole(module.calls()),
        megabytes(module.day.answer_bytes()),
        String::new(),
        String::new(),
        String::new(),
    ]);
    let lost = |side: &Side| side.day.sent() - side.day.arrived();
    table.row([
        "requests that cannot arrive".to_owned(),
        whole(lost(sdk)),
        String::new(),
        whole(lost(module)),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
    ]);
    table.note(format!(
        "The module makes one call for {:.0} of the SDK's. Bar: 50. With the requests that it sends during an hour \
         in which the API cannot be reached, which cost nothing, it is one for {:.0}.",
        sdk.calls() / module.calls(),
        sdk.day.sent() / module.day.sent(),
    ));
    table.note(assumptions());
    table
}

fn assumptions() -> String {
    format!(
        "Each server has {} joins in a day, of which one in {} is by a user whom the list has ({} banned users; \
         Roblox itself refuses most of them), players stay for 20 minutes, and after 6 hours another server takes \
         its place: {:.0} starts a day. Each day has a ban every {} minutes, half of them lifted, one bulk call \
         that bans {} players, and an hour without the API. The SDK's loop ends with its first failed call, so \
         its day has no such hour, and no bulk call. Its pages of pending lists have 100 bans. The stack here has {} \
         of the banned users; the size of the list and the units of its daily build from all bans are those of {}.",
        grouped(timeline::JOINS.into()),
        timeline::JOINS_PER_LISTED,
        grouped(BANNED),
        SERVERS * timeline::starts_per_server(),
        timeline::BAN_EVERY.as_secs() / 60,
        timeline::WAVE,
        grouped(BANNED_HERE),
        grouped(BANNED),
    )
}

/// Both bills of a month.
pub fn bills(module: &Side, sdk: &Side) -> Table {
    let mut table = Table::new(
        "The studio's bill for a month in USD",
        &["what", "SDK", "SDK USD", "module", "module USD"],
    );
    let mut names: Vec<&str> = Vec::new();
    for line in module.month.iter().chain(&sdk.month) {
        if !names.contains(&line.what.as_str()) {
            names.push(&line.what);
        }
    }
    for name in names {
        let cells = |month: &[Line]| {
            let line = month.iter().find(|line| line.what == name);
            let number = line.map_or_else(String::new, |line| short(line.count));
            [number, line.map_or_else(String::new, |line| usd(line.usd))]
        };
        let [sdk_count, sdk_usd] = cells(&sdk.month);
        let [module_count, module_usd] = cells(&module.month);
        table.row([
            name.to_owned(),
            sdk_count,
            sdk_usd,
            module_count,
            module_usd,
        ]);
    }
    let none = String::new;
    let data_out = |month: &[Line]| usd(month.iter().map(|line| line.data_out).sum());
    table.row([
        "of this, data out".to_owned(),
        none(),
        data_out(&sdk.month),
        none(),
        data_out(&module.month),
    ]);
    table.row([
        "all".to_owned(),
        none(),
        usd(sdk.usd()),
        none(),
        usd(module.usd()),
    ]);
    let lost = module.day.0.values().map(|sums| sums.sent - sums.arrived);
    let lost = lost.sum::<f64>() * DAYS;
    let each = (prices::GATEWAY + prices::FUNCTION) / 1e6;
    table.note(format!(
        "{DAYS:.1} days like this one, each with the wave and the outage. {MISSES_PERCENT} % of the servers that \
         start find no list in MemoryStore and fetch it themselves, beyond those that did so here. If every \
         request of the outage reached a function and failed there, it would add ${:.2}. Prices as in the section \
         on cost; an answer's headers count 400 bytes. Bar for the module: $5.",
        lost * each
    ));
    table
}

/// The seconds from a decision to the kick.
pub fn seconds_of_kicks(side: &Side) -> Sample {
    let all = side.played.iter();
    all.flat_map(|(_, played)| played.kicks.iter().copied())
        .collect()
}

pub fn kicks(sides: &[&Side]) -> Table {
    let mut table = Table::new(
        "From a decision elsewhere to the kick, in seconds",
        &[
            "script",
            "kicks",
            "median",
            "p99",
            "slowest",
            "banned users who joined",
            "their longest stay",
        ],
    );
    for side in sides {
        let kicks = seconds_of_kicks(side);
        let stays = side.played.iter();
        let stays: Sample = stays
            .flat_map(|(_, played)| played.listed_stays.iter().copied())
            .collect();
        let cell = |seconds: f64| {
            if seconds.is_nan() {
                String::new()
            } else {
                format!("{seconds:.1}")
            }
        };
        table.row([
            side.name.to_owned(),
            kicks.len().to_string(),
            cell(kicks.median()),
            cell(kicks.at(0.99)),
            cell(kicks.at(1.0)),
            stays.len().to_string(),
            cell(stays.at(1.0)),
        ]);
    }
    table.note(
        "Virtual time. A message between servers takes 0.5 to 2 s and a request 0.03 to 0.12 s in the stand-in for \
         Roblox, at random. The way of a decision through the stream into the log takes no virtual time; on AWS it \
         takes about a second. Everybody else stayed: the run fails if a player is kicked who is not banned, or if \
         a banned one is not.",
    );
    table
}

/// Whether a third number of servers is on the line through the other two.
pub fn line(side: &Side) -> anyhow::Result<Table> {
    let [few, many, third] = side.played.as_slice() else {
        anyhow::bail!("a line and a third number");
    };
    let headings = [few, many, third].map(|(servers, _)| format!("{servers} servers"));
    let expected = format!("{} on the line", third.0);
    let [first, second, last] = &headings;
    let mut table = Table::new(
        "The module's calls that arrive, by number of servers",
        &["time and function", first, second, &expected, last],
    );
    let parts: [(&str, Part); 2] = [
        ("quiet", |played| &played.quiet),
        ("wave and outage", |played| &played.special),
    ];
    for (part, of) in parts {
        let on_line = Side::line(&side.played, count(third.0), of)?;
        for name in of(&few.1).0.keys() {
            let arrived = |played: &Played| of(played).of(name).arrived;
            if arrived(&many.1) < 0.5 {
                continue;
            }
            table.row([
                format!("{part}: {name}"),
                whole(arrived(&few.1)),
                whole(arrived(&many.1)),
                whole(on_line.of(name).arrived),
                whole(arrived(&third.1)),
            ]);
        }
    }
    let starts = |(_, played): &(usize, Played)| played.starts.to_string();
    table.row([
        "servers that started meanwhile".to_owned(),
        starts(few),
        starts(many),
        String::new(),
        starts(third),
    ]);
    table.note(
        "Only one server of a game polls, so most calls do not grow with the servers. The numbers for 1,000 are on \
         the line through the first two columns. A day is the quiet time as often as it fits, and the time with the \
         wave and the outage once.",
    );
    Ok(table)
}

fn usd(amount: f64) -> String {
    format!("{amount:.2}")
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1}", bytes / 1e6)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count"
)]
fn whole(number: f64) -> String {
    grouped(number.round().max(0.0) as u64)
}

fn short(number: f64) -> String {
    if number < 10.0 {
        format!("{number:.1}")
    } else {
        whole(number)
    }
}
