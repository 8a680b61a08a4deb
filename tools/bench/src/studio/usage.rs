//! What the calls and runs of a stretch used, by function, and what follows for more servers.

use std::collections::BTreeMap;
use std::time::Duration;

use cli::costs::measured::{CallUsage, IDLE_BUILD_SNAPSHOTS, IDLE_PUBLISH_EVENTS};
use end_to_end::TestApp;
use roblox_engine::Tally;

use super::game::Game;
use crate::log_events::LogEvent;

/// The functions that answer calls of game servers and moderators.
const ROUTES: [&str; 10] = [
    "ban-async",
    "bans-bulk",
    "is-banned",
    "is-banned-batch",
    "pending-bans",
    "pending-unbans",
    "reports",
    "snapshot",
    "sync",
    "unban-async",
];

/// The functions behind the stream and the schedules, whose runs with nothing to do are part of the fixed
/// cost.
const BACKGROUND: [(&str, Option<CallUsage>); 3] = [
    ("build-snapshots", Some(IDLE_BUILD_SNAPSHOTS)),
    ("publish-events", Some(IDLE_PUBLISH_EVENTS)),
    ("spread-decisions", None),
];

/// How long the last log lines may take.
const LATE: Duration = Duration::from_millis(500);

/// What the calls of a function used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// Requests of game servers, with those that did not arrive.
    pub sent: f64,
    /// Requests of game servers that arrived.
    pub arrived: f64,
    /// The function's invocations.
    pub runs: f64,
    pub database_calls: f64,
    pub read_units: f64,
    pub write_units: f64,
    pub log_bytes: f64,
    /// The bodies of the answers to game servers.
    pub answer_bytes: f64,
    /// Measured on this machine.
    pub milliseconds: f64,
    pub builds: f64,
    pub full_builds: f64,
}

impl Sums {
    fn of_events(events: &[LogEvent]) -> Self {
        let sum = |of: fn(&LogEvent) -> f64| events.iter().map(of).sum();
        Self {
            sent: 0.0,
            arrived: 0.0,
            runs: sum(|_| 1.0),
            database_calls: sum(|event| event.database_calls),
            read_units: sum(|event| event.read_units),
            write_units: sum(|event| event.write_units),
            log_bytes: sum(|event| event.bytes),
            answer_bytes: 0.0,
            milliseconds: sum(|event| event.duration_ms),
            builds: sum(|event| event.snapshots_built),
            full_builds: sum(|event| event.snapshots_built_in_full),
        }
    }

    fn idle(run: &CallUsage, runs: f64) -> Self {
        let usage = run.usage;
        Self {
            runs,
            database_calls: usage.database_calls * runs,
            read_units: usage.read_units * runs,
            write_units: usage.write_units * runs,
            log_bytes: usage.log_bytes * runs,
            ..Self::default()
        }
    }

    /// Combines each number with that of another, to none below zero.
    fn with(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        let with = |of: fn(&Self) -> f64| combine(of(self), of(other)).max(0.0);
        Self {
            sent: with(|it| it.sent),
            arrived: with(|it| it.arrived),
            runs: with(|it| it.runs),
            database_calls: with(|it| it.database_calls),
            read_units: with(|it| it.read_units),
            write_units: with(|it| it.write_units),
            log_bytes: with(|it| it.log_bytes),
            answer_bytes: with(|it| it.answer_bytes),
            milliseconds: with(|it| it.milliseconds),
            builds: with(|it| it.builds),
            full_builds: with(|it| it.full_builds),
        }
    }
}

/// The use of each function.
#[derive(Clone, Debug, Default)]
pub struct Totals(pub BTreeMap<&'static str, Sums>);

impl Totals {
    pub fn of(&self, function: &str) -> Sums {
        self.0.get(function).copied().unwrap_or_default()
    }

    /// All requests of game servers, with those that did not arrive.
    pub fn sent(&self) -> f64 {
        self.0.values().map(|sums| sums.sent).sum()
    }

    /// Those that arrived.
    pub fn arrived(&self) -> f64 {
        self.0.values().map(|sums| sums.arrived).sum()
    }

    /// The bodies of all answers to game servers.
    pub fn answer_bytes(&self) -> f64 {
        self.0.values().map(|sums| sums.answer_bytes).sum()
    }

    /// Multiplies everything.
    pub fn times(&self, factor: f64) -> Self {
        let scaled = self.0.iter().map(|(name, sums)| {
            let sums = sums.with(&Sums::default(), |own, _| own * factor);
            (*name, sums)
        });
        Self(scaled.collect())
    }

    /// As many runs that read this many times as many bans.
    pub fn of_more_bans(&self, factor: f64) -> Self {
        let larger = self.0.iter().map(|(name, sums)| {
            let sums = Sums {
                database_calls: sums.database_calls * factor,
                read_units: sums.read_units * factor,
                milliseconds: sums.milliseconds * factor,
                ..*sums
            };
            (*name, sums)
        });
        Self(larger.collect())
    }

    /// The sum with others.
    pub fn plus(&self, other: &Self) -> Self {
        let names = self.0.keys().chain(other.0.keys());
        let sums = names.map(|name| {
            let sums = self.of(name).with(&other.of(name), |own, more| own + more);
            (*name, sums)
        });
        Self(sums.collect())
    }

    /// The line through two numbers of servers, at a third.
    pub fn line(few: (f64, &Self), many: (f64, &Self), servers: f64) -> Self {
        let share = (servers - few.0) / (many.0 - few.0);
        let names = few.1.0.keys().chain(many.1.0.keys());
        let at = names.map(|name| {
            let (low, high) = (few.1.of(name), many.1.of(name));
            let on_line = low.with(&high, |low, high| low + (high - low) * share);
            (*name, on_line)
        });
        Self(at.collect())
    }
}

/// Counts from a moment on.
pub struct Counter {
    began: Duration,
    tallies: BTreeMap<String, Tally>,
    events: BTreeMap<&'static str, usize>,
}

impl Counter {
    pub fn begin(game: &Game<'_>) -> Self {
        let events = names().map(|name| (name, LogEvent::all(game.app, name).len()));
        Self {
            began: game.universe.elapsed(),
            tallies: game.universe.traffic().tallies(),
            events: events.collect(),
        }
    }

    /// Counts the building of the first list, of all bans.
    pub fn first_build(app: &TestApp) -> Totals {
        let events = LogEvent::all(app, "build-snapshots");
        let full = events
            .into_iter()
            .find(|event| event.snapshots_built_in_full > 0.0);
        let sums = Sums::of_events(full.as_slice());
        Totals([("build-snapshots", sums)].into())
    }

    pub async fn end(self, game: &Game<'_>) -> anyhow::Result<Totals> {
        game.app.settle().await;
        tokio::time::sleep(LATE).await;
        let time = game.universe.elapsed().saturating_sub(self.began);
        let minutes = time.as_secs_f64() / 60.0;
        let mut totals = Totals::default();
        for name in ROUTES {
            totals.0.insert(name, self.of_function(game.app, name));
        }
        for (name, idle) in BACKGROUND {
            let mut sums = self.of_function(game.app, name);
            if let Some(idle) = idle {
                sums = sums.with(&Sums::idle(&idle, minutes), |all, idle| all - idle);
            }
            totals.0.insert(name, sums);
        }
        for (route, tally) in game.universe.traffic().tallies() {
            let before = self.tallies.get(&route).copied().unwrap_or_default();
            let Some(name) = ROUTES.into_iter().find(|name| *name == function(&route)) else {
                anyhow::bail!("no function is known for {route}");
            };
            let sums = totals.0.entry(name).or_default();
            sums.sent += number(tally.sent - before.sent);
            sums.arrived += number(tally.reached - before.reached);
            sums.answer_bytes += number(tally.body_bytes_out - before.body_bytes_out);
        }
        Ok(totals)
    }

    fn of_function(&self, app: &TestApp, name: &str) -> Sums {
        let mut events = LogEvent::all(app, name);
        let before = self.events.get(name).copied().unwrap_or_default();
        Sums::of_events(&events.split_off(before.min(events.len())))
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    let background = BACKGROUND.iter().map(|(name, _)| *name);
    ROUTES.into_iter().chain(background)
}

/// The function of a route such as `POST /api/v1/is-banned/batch`.
fn function(route: &str) -> String {
    let path = route.split_once("/api/v1/").map_or(route, |(_, path)| path);
    path.replace('/', "-")
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(runs: f64) -> Totals {
        let sums = Sums {
            runs,
            ..Sums::default()
        };
        Totals([("sync", sums)].into())
    }

    #[test]
    fn more_servers_are_on_the_line_through_two_numbers() {
        let (few, many) = (totals(1020.0), totals(1060.0));
        let at = |servers| Totals::line((20.0, &few), (60.0, &many), servers);
        let runs = |servers| at(servers).of("sync").runs;
        assert!((runs(40.0) - 1040.0).abs() < 1e-9);
        assert!((runs(1000.0) - 2000.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_below_zero() {
        let (few, many) = (totals(60.0), totals(20.0));
        let at = Totals::line((20.0, &few), (60.0, &many), 1000.0);
        assert!(at.of("sync").runs.abs() < 1e-9);
    }

    #[test]
    fn routes_have_their_functions() {
        assert_eq!(function("POST /api/v1/is-banned/batch"), "is-banned-batch");
        assert_eq!(function("GET /api/v1/sync"), "sync");
    }
}
