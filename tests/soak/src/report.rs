//! Prints the result of a run.

use std::collections::{BTreeMap, BTreeSet};

use crate::checker::{CheckReport, is_carry_over, is_expiry};
use crate::clients::SNAPSHOT_READER;
use crate::history::{CallResult, FinalState, History, Millis, Operation, RecordedCall};
use crate::run::SoakRun;

/// How many lines of a proof to print.
const LINES: usize = 120;

/// Prints a run's figures and findings.
pub fn print(run: &SoakRun, checked: &CheckReport) {
    let history = &run.history;
    calls(history);
    println!();
    tally("failed database requests", &run.faults);
    let mut kills: BTreeMap<&str, usize> = BTreeMap::new();
    for kill in &history.kills {
        *kills.entry(kill.function).or_default() += 1;
    }
    tally("processes killed", &kills);
    tally("stream faults", &run.stream);
    tally("schedule runs", &run.schedules);
    tally("faults of endpoints and Roblox", &run.failures);
    let total = |of: fn(&FinalState) -> usize| history.final_states.iter().map(of).sum::<usize>();
    let bans = total(|final_state| final_state.bans.len());
    let events = total(|final_state| final_state.log.len());
    let received = total(|final_state| final_state.received.len());
    let restrictions = total(|final_state| final_state.restrictions.len());
    let ranks = total(|final_state| final_state.assigned.len());
    let pieces = total(|final_state| final_state.evidence.len());
    let expiries = total(|final_state| {
        final_state
            .log
            .iter()
            .filter(|event| is_expiry(event))
            .count()
    });
    println!(
        "{bans} bans on record; {events} events in the log, {expiries} of them expiries; {} calls on {} users put in order",
        checked.ordered, checked.users
    );
    println!(
        "{received} deliveries received; {restrictions} users restricted on Roblox at the end"
    );
    println!("{ranks} roles assigned; {pieces} pieces of evidence at the end");
    places(history);
    snapshots(history);
    if !checked.undecided.is_empty() {
        println!(
            "too many orders to try, not checked: {}",
            checked.undecided.join(", ")
        );
    }
    println!();
    for finding in &checked.findings {
        println!("FOUND: {}", finding.sentence);
        for line in finding.proof.iter().take(LINES) {
            println!("    {line}");
        }
        if finding.proof.len() > LINES {
            println!("    and {} more", finding.proof.len() - LINES);
        }
    }
    match checked.findings.len() {
        0 => println!("no findings"),
        1 => println!("1 finding"),
        count => println!("{count} findings"),
    }
}

fn places(history: &History) {
    let joins = &history.joins;
    let completed = joins.iter().filter(|join| join.completed.is_some());
    let left = joins.iter().filter(|join| join.left.is_some());
    let logs = history.final_states.iter();
    let events = logs.flat_map(|final_state| &final_state.log);
    let carried = events.filter(|event| is_carry_over(event)).count();
    println!(
        "{} joins of places announced, {} completed, {} left; {carried} decisions carried over",
        joins.len(),
        completed.count(),
        left.count()
    );
}

fn snapshots(history: &History) {
    let by_reader = history.calls.iter().chain(&history.asked);
    let answered = by_reader
        .filter(|call| call.client == SNAPSHOT_READER && call.status() == Some(200))
        .collect::<Vec<_>>();
    let is_snapshot = |call: &&&RecordedCall| call.operation == Operation::Snapshot;
    let snapshots: Vec<_> = answered.iter().filter(is_snapshot).collect();
    let versions = snapshots.iter().map(|call| call.result.text("version"));
    let versions: BTreeSet<_> = versions.collect();
    println!(
        "{} snapshots of {} builds read; {} changes since",
        snapshots.len(),
        versions.len(),
        answered.len() - snapshots.len()
    );
}

fn tally<K: std::fmt::Display>(what: &str, counts: &BTreeMap<K, usize>) {
    let total: usize = counts.values().sum();
    let each = counts.iter().map(|(name, count)| format!("{name} {count}"));
    println!("{what}: {total} ({})", each.collect::<Vec<_>>().join(", "));
}

fn calls(history: &History) {
    let mut routes: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    let mut times: BTreeMap<&str, Vec<Millis>> = BTreeMap::new();
    for call in &history.calls {
        let status = match &call.result {
            CallResult::Answered { .. } if call.is_gateways() => "gateway's 5xx".to_owned(),
            CallResult::Answered { status, .. } => status.to_string(),
            CallResult::Lost(_) => "gave up".to_owned(),
        };
        let route = call.function();
        *routes.entry(route).or_default().entry(status).or_default() += 1;
        if call.status().is_some() {
            let took = call.ended.saturating_sub(call.started);
            times.entry(route).or_default().push(took);
        }
    }
    println!(
        "{:<18} {:>6} {:>8} {:>8}  answers",
        "", "calls", "p50 ms", "p99 ms"
    );
    for (route, statuses) in routes {
        let mut times = times.remove(route).unwrap_or_default();
        times.sort_unstable();
        let total: usize = statuses.values().sum();
        let statuses = statuses.iter().map(|(s, count)| format!("{s}: {count}"));
        println!(
            "{route:<18} {total:>6} {:>8} {:>8}  {}",
            percentile(&times, 50),
            percentile(&times, 99),
            statuses.collect::<Vec<_>>().join(", ")
        );
    }
}

fn percentile(sorted: &[Millis], percent: usize) -> Millis {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
